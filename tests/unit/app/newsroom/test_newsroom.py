import json
from datetime import UTC, datetime

import pytest

from marsad.errors import ConfigError
from marsad.query import MatchDoc, matches, parse
from marsad.records import Article, CountryTag, TopicTag
from marsad_app.newsroom import content
from marsad_app.newsroom.content import Outlet, Sample, Watch, build, load
from marsad_app.newsroom.feeds import Item, feed, opml
from producers.opml import read_opml
from producers.parse import parse as parse_feed

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
BASE = "http://127.0.0.1:1"
CONTENT = load()


def items(outlet: Outlet) -> list[Item]:
    return [Item(sample, NOW, NOW) for sample in CONTENT.visible(1.0) if sample.outlet == outlet.id]


def test_there_are_about_eighty_articles_in_nine_feeds_of_five_kinds() -> None:
    assert len(CONTENT.distinct()) >= 75
    assert len(CONTENT.outlets) == 9
    assert {outlet.format for outlet in CONTENT.outlets} == {"rss", "atom", "rdf", "json"}


@pytest.mark.parametrize("outlet", CONTENT.outlets, ids=lambda outlet: outlet.id)
def test_every_feed_gives_every_visible_article_with_its_words(outlet: Outlet) -> None:
    visible = items(outlet)[-40:]
    body, content_type = feed(outlet, items(outlet), BASE)

    parsed = parse_feed(body, content_type=content_type, url=f"{BASE}/feeds/{outlet.id}", max_entries=1_000)

    assert [entry.title.removesuffix(" &").strip() for entry in parsed.entries] == [
        item.sample.title for item in reversed(visible)
    ]
    assert [entry.guid for entry in parsed.entries] == [item.sample.guid for item in reversed(visible)]
    assert all(f"/articles/{outlet.id}/" in entry.url for entry in parsed.entries)


def test_the_list_of_feeds_reads_back() -> None:
    report = read_opml(opml(CONTENT.outlets, BASE), "sample")

    assert [feed.outlet for feed in report.feeds] == [outlet.name for outlet in CONTENT.outlets]
    assert not report.problems


def test_copies_share_three_quarters_of_their_text_under_another_headline() -> None:
    samples = {sample.id: sample for sample in CONTENT.articles if sample.version == 1}
    assert len(CONTENT.copies()) >= 5

    for copy, of in CONTENT.copies():
        words, original = " ".join(samples[copy].paragraphs).split(), set(" ".join(samples[of].paragraphs).split())
        assert samples[copy].title != samples[of].title
        assert sum(word in original for word in words) / len(words) >= 0.75
        assert samples[copy].outlet != samples[of].outlet


def test_reports_of_one_event_are_different_texts_of_different_outlets() -> None:
    stories: dict[str, list[Sample]] = {}
    for sample in CONTENT.articles:
        if sample.story and sample.version == 1 and not sample.copy_of:
            stories.setdefault(sample.story, []).append(sample)
    assert sum(len(those) > 1 for those in stories.values()) >= 6

    for those in stories.values():
        assert len({sample.outlet for sample in those}) == len(those)
        assert len({sample.countries[0] for sample in those}) == 1 or set(those[0].countries) & set(those[1].countries)


def test_corrections_keep_their_address() -> None:
    assert len(CONTENT.corrected_titles()) >= 3
    assert CONTENT.visible(1.0)[-1].version in {1, 2}


def as_article(sample: Sample) -> Article:
    return Article(
        article_id=sample.id,
        title=sample.title,
        lead=sample.lead,
        text="\n".join(sample.paragraphs),
        outlet=next(outlet.name for outlet in CONTENT.outlets if outlet.id == sample.outlet),
        topics=tuple(TopicTag(topic, 1.5) for topic in sample.topics),
        countries=tuple(CountryTag(code, 3) for code in sample.countries),
        published_at=NOW,
        first_seen_at=NOW,
    )


@pytest.mark.parametrize("watch", CONTENT.watches, ids=lambda watch: watch.query)
def test_the_expected_alerts_follow_from_what_the_articles_are_about(watch: Watch) -> None:
    query = parse(watch.query, now=NOW)
    matching = {
        CONTENT.event_of(sample.id) for sample in CONTENT.articles if matches(query, MatchDoc.of(as_article(sample)))
    }
    if "story-outlets" in watch.triggers:
        outlets: dict[str, set[str]] = {}
        for sample in CONTENT.articles:
            outlets.setdefault(CONTENT.event_of(sample.id), set()).add(sample.outlet)
        matching = {event for event in matching if len(outlets[event]) > 1}

    assert set(watch.expect) == matching


def test_a_copy_of_nothing_is_refused() -> None:
    file = content._read(
        "x.toml", '[[copy]]\nid="a"\nof="b"\noutlet="o"\nsection="s"\nat=0.1\ntitle="t"\n', content._File
    )
    with pytest.raises(ConfigError, match="copy a"):
        build([], [file], [])


def test_the_json_feed_is_json() -> None:
    outlet = next(outlet for outlet in CONTENT.outlets if outlet.format == "json")

    assert json.loads(feed(outlet, items(outlet), BASE)[0])["version"].endswith("1.1")
