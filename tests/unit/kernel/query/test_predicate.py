"""What a query means, article by article, and what of the article it points at."""

from datetime import timedelta

import pytest

from marsad.query import MatchDoc, matches, parse, spans
from marsad.records import Article, CountryTag, EntityTag, Evidence, Highlight, Place, TopicTag
from marsad.testing.factories import NOW, an_article

ARTICLE = an_article(
    title="مباحثات روسية جزائرية حول التعاون العسكري",
    lead="وصلت سفينة حربية روسية إلى ميناء الجزائر الأحد.",
    text="بحث القائدان سبل تعزيز الشراكة وبالتعاون العسكري مع دول المنطقة.\nوقالت الوزارة إنّ زيارةَ السفينة تستمر ثلاثة أيام، بحسب بيان.",
    outlet="قناة الشرق",
    language="ar",
    feed_ids=("feed-1", "feed-2"),
    story_id="S1",
    published_at=NOW - timedelta(hours=2, microseconds=-500),
    topics=(
        TopicTag("defense-cooperation", 1.8, (Evidence("التعاون العسكري", "title", 26, 41),)),
        TopicTag("diplomacy", 1.1),
    ),
    countries=(CountryTag("DZ", 3, "actor"), CountryTag("RU", 2)),
    places=(Place("الجزائر العاصمة", "DZ", 36.7, 3.1, 2507480),),
    entities=(EntityTag("Q170", "organisation", "البحرية الروسية", "Russian Navy"),),
)


def found(query: str, article: Article = ARTICLE) -> bool:
    return matches(parse(query, now=NOW), MatchDoc.of(article))


def shown(query: str, article: Article = ARTICLE) -> list[tuple[str, str]]:
    texts = {"title": article.title, "lead": article.lead, "text": article.text}
    return [
        (each.field, texts[each.field][each.start : each.end])
        for each in spans(parse(query, now=NOW), MatchDoc.of(article))
    ]


@pytest.mark.parametrize(
    "query",
    [
        "سفينة", "السفينة", "والسفينة", "بالتعاون", "تعاون عسكري", "*", "title:جزائرية", "text:سفينة", "نص:ميناء",
        '"التعاون العسكري"', '"تعزيز الشراكة وبالتعاون"', '"زيارة السفينة تستمر"', '"القائدان تعزيز"~1', '"القائدان الشراكة"~2',
        "جزائر*", "الجز?ئر", "title:روس*", "topic:defense-cooperation", "country:dz", "country:*", 'place:"الجزائر العاصمة"',
        "place:2507480", "entity:q170", 'entity:"russian navy"', 'كيان:"البحريّة الروسيّة"', 'outlet:"قناة  الشرق"', "feed:feed-2",
        "lang:ar", "story:s1", "published:>now-3h", "published:today", "published:[* TO now-2h]", "score:>=1.8", "score:[1 TO 2]",
        "مصر OR روسية", "-مصر", "NOT (مصر AND روسية)", "مصر OR -قطر", "روسية -(مصر OR قطر)", '"سفينة"', "وقالت",
    ],
)  # fmt: skip
def test_it_is_found(query: str) -> None:
    assert found(query)


@pytest.mark.parametrize(
    "query",
    [
        "غواصة", "title:سفينة", "text:مباحثات", '"العسكري التعاون"', '"القائدان تعزيز"', '"القائدان الشراكة"~1', '"الشراكة القائدان"~9',
        '"ميناء بحث"~50', '"ال"', "title:حرب*", "عسك*", "الجز?ر", "topic:energy", "country:EG", "lang:fr", "story:s11", "entity:Q17", "place:وهران",
        "published:<now-3h", "published:yesterday", "score:>1.8", "score:<1", "روسية مصر", "-روسية", "NOT *", "مصر OR -روسية", 'outlet:"قناة"',
        '"عسكري"',
    ],
)  # fmt: skip
def test_it_is_not_found(query: str) -> None:
    assert not found(query)


@pytest.mark.parametrize("title", ["قال عبد الله", "قال عبدالله", "حديث لعبد الله", "حديث لعبدالله"])
@pytest.mark.parametrize("query", ["عبدالله", "عبد الله", '"عبد الله"', '"عبدالله"', "title:عبدالله", "قطر OR عبدالله"])
def test_a_name_is_found_whether_it_is_written_apart_or_as_one_word(query: str, title: str) -> None:
    assert found(query, an_article(title=title, lead="", text=""))


def test_words_that_only_look_like_such_a_name_are_themselves() -> None:
    assert not found("أبواب", an_article(title="أبو اب", lead="", text=""))
    assert not found("عبد الله", an_article(title="الله ثم عبد", lead="", text=""))
    assert found('"عبد الفتاح السيسي"', an_article(title="قال عبدالفتاح السيسي", lead="", text=""))
    assert found("أبوظبي", an_article(title="في أبو ظبي", lead="", text=""))
    assert not found("-عبدالله", an_article(title="قال عبد الله", lead="", text=""))


def test_the_first_word_of_a_phrase_may_carry_proclitics_the_others_not() -> None:
    article = an_article(title="خبر", text="وبالتعاون العسكري ثم للتعاون العسكري ثم التعاون والعسكري")

    assert shown('"التعاون العسكري"', article) == [("text", "وبالتعاون العسكري"), ("text", "للتعاون العسكري")]


def test_a_lead_that_the_text_repeats_counts_once() -> None:
    article = an_article(title="خبر", lead=" وصلت السفينة ", text="وصلت السفينة إلى الميناء")

    assert [segment.field for segment in MatchDoc.of(article).segments] == ["title", "text"]
    assert shown("السفينة", article) == [("text", "السفينة")]


def test_a_lead_of_its_own_is_body_and_phrases_end_with_it() -> None:
    article = an_article(title="خبر", lead="غادرت السفينة", text="ميناء الجزائر")

    assert found("text:السفينة", article)
    assert not found('"السفينة ميناء"', article)
    assert not found('"السفينة ميناء"~9', article)


def test_an_article_without_topics_has_the_score_nought() -> None:
    assert found("score:<1", an_article())
    assert not found("topic:*", an_article())


def test_times_are_compared_by_the_whole_second() -> None:
    article = an_article(published_at=NOW + timedelta(microseconds=900_000))

    assert found("published:[now TO now]", article)


def test_what_matched_is_shown_as_it_stands() -> None:
    assert shown("سفينة") == [("lead", "سفينة"), ("text", "السفينة")]
    assert shown('"زيارة السفينة"') == [("text", "زيارةَ السفينة")]
    assert shown("title:روس*") == [("title", "روسية")]


def test_tags_show_the_words_that_spoke_for_them() -> None:
    assert shown("topic:defense-cooperation") == [("title", "التعاون العسكري")]
    assert shown("country:DZ lang:ar") == []


def test_only_what_made_the_article_match_is_shown() -> None:
    assert shown("(سفينة AND غواصة) OR ميناء") == [("lead", "ميناء")]
    assert shown("سفينة -ميناء") == []
    assert shown("سفينة -غواصة") == shown("سفينة")
    assert shown("مصر") == []


def test_overlapping_places_become_one() -> None:
    assert spans(parse('"التعاون العسكري" OR title:العسكري', now=NOW), MatchDoc.of(ARTICLE))[0] == Highlight(
        "title", 26, 41
    )


def test_repeated_words_in_a_phrase_need_places_of_their_own() -> None:
    article = an_article(title="خبر", text="يوم بعد يوم وليلة")

    assert found('"يوم يوم"~1', article)
    assert not found('"يوم يوم يوم"~9', article)
    assert shown('"يوم يوم"~1', article) == [("text", "يوم بعد يوم")]


def test_a_pattern_takes_time_linear_in_a_hostile_word() -> None:
    article = an_article(title="خبر", text="ab" + "a" * 200_000)

    assert not found("ab*a*a*a*a*a*a*b", article)
