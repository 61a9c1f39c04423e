"""What lies in the index reads back as the record."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.query.document import best_score, segments
from marsad.records import Article, CountryTag, EntityTag, Evidence, Place, Story, TopicTag, decode
from marsad.testing.factories import NOW, a_story, an_article
from sinks.index.document import document_of, index_of, story_document_of, story_number, version_of

TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
ARTICLES = st.builds(
    an_article,
    title=TEXT,
    lead=TEXT,
    text=TEXT,
    outlet=TEXT,
    published_at=st.datetimes(timezones=st.just(UTC)),
    first_seen_at=st.datetimes(timezones=st.just(UTC)),
    topics=st.lists(st.builds(TopicTag, TEXT, st.floats(0, 1e9)), max_size=2).map(tuple),
    places=st.lists(st.builds(Place, TEXT, TEXT, st.floats(-90, 90), st.floats(-180, 180)), max_size=2).map(tuple),
)


def search_of(article: Article) -> dict[str, object]:
    """What is put beside the record."""
    found = msgspec.json.decode(document_of(article))["search"]
    assert isinstance(found, dict)
    return found


@given(ARTICLES)
def test_a_document_is_one_line_and_decodes_to_the_same_article(article: Article) -> None:
    document = document_of(article)

    assert b"\n" not in document
    assert decode(Article, document) == article
    assert decode(Article, msgspec.json.encode(msgspec.json.decode(document))) == article


def test_a_story_decodes_to_the_same_story() -> None:
    story = a_story(size=3, topics=("energy",), last_seen_at=NOW + timedelta(microseconds=1))

    assert decode(Story, story_document_of(story)) == story


def test_no_field_of_a_record_has_the_name_of_what_is_put_beside_it() -> None:
    names = {field.name for kind in (Article, Story) for field in msgspec.structs.fields(kind)}

    assert "search" not in names


def test_a_lead_that_the_text_begins_with_is_not_indexed_twice() -> None:
    assert "lead" not in search_of(an_article(lead="وقّع", text="وقّع الوزيران"))
    assert "lead" not in search_of(an_article(lead="", text="وقّع الوزيران"))
    assert search_of(an_article(lead="خبر آخر", text="وقّع الوزيران"))["lead"] == "خبر آخر"


LEADS = st.one_of(
    TEXT, st.lists(st.sampled_from(["وقّع", "الوزيران", "ﷺ", "ـ", "a\u200d", "b", ".", "\n", "x" * 30])).map(" ".join)
)


@given(LEADS, LEADS, st.booleans())
def test_the_lead_is_indexed_where_it_is_a_stretch_of_its_own(lead: str, more: str, repeated: bool) -> None:
    article = an_article(lead=lead, text=lead.replace(".", ",") + more if repeated else more)

    assert ("lead" in search_of(article)) == (len(segments(article)) == 3)


def test_keywords_lie_in_the_form_under_which_they_are_compared() -> None:
    article = an_article(
        outlet="وكالة  المثال",
        topics=(TopicTag("energy", 1.5, (Evidence("نفط", "text", 0, 3),)), TopicTag("sanctions", 2.0)),
        countries=(CountryTag("DZ", 1),),
        entities=(EntityTag("Q1", "organisation", "أوبك", "OPEC"),),
    )
    search = search_of(article)

    tags = search["tags"]
    assert isinstance(tags, list)
    assert {"topic=energy", "topic=*", "country=dz", "outlet=وكاله المثال", "entity=opec", "entity=اوبك"} <= set(tags)
    assert not [tag for tag in tags if tag.startswith("story")]
    assert search["score"] == best_score(article) == 2.0


def test_articles_without_a_story_are_grouped_by_themselves() -> None:
    assert search_of(an_article(article_id="a" * 32))["story"] == story_number("a" * 32)
    assert search_of(an_article(article_id="a" * 32, story_id="s"))["story"] == story_number("s")


def test_a_story_is_found_by_the_number_that_its_articles_bear_and_tells_that_of_the_one_it_went_on_in() -> None:
    search = msgspec.json.decode(story_document_of(a_story(story_id="s", merged_into="t")))["search"]

    assert (search["number"], search["into"]) == (story_number("s"), story_number("t"))
    assert story_number("") == 0 < story_number("s") < 1 << 60
    assert story_number("s") != story_number("s-split")


def test_the_index_is_the_month_of_first_sight_in_utc() -> None:
    article = an_article(first_seen_at=datetime.fromisoformat("2026-08-01T01:30:00+03:00"))

    assert index_of(article, "marsad") == "marsad-articles-2026-07"


@pytest.mark.parametrize(
    ("older", "newer"), [((1, 1), (1, 2)), ((1, 900_000), (2, 1)), ((2, 900_000), (3, 900_001)), ((1, 1), (2, 2))]
)
def test_versions_grow_with_the_revision_and_then_with_the_edition(
    older: tuple[int, int], newer: tuple[int, int]
) -> None:
    versions = [version_of(an_article(revision=revision, edition=edition)) for revision, edition in (older, newer)]

    assert versions == sorted(set(versions))


def test_instants_lie_as_numbers_of_order_by_whole_seconds_and_as_microseconds_of_first_sight() -> None:
    before = datetime(1969, 12, 31, 23, 59, 59, 500_000, tzinfo=UTC)
    search = search_of(an_article(published_at=before, first_seen_at=NOW.replace(microsecond=7)))

    assert search["order"] >> 20 == -1
    assert search["seen"] == int(NOW.timestamp()) * 1_000_000 + 7
