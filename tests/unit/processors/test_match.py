"""Which alerts an article raises: triggers, identities, evidence, and that nothing stops the others."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from marsad.query import MatchDoc, matches, parse
from marsad.records import Alert, Article, CountryTag, Story, Subscription, TopicTag, Trigger
from marsad.records.ids import alert_id
from marsad.taxonomy.synonyms import other_names
from marsad.testing.factories import NOW, a_story, a_subscription, an_article
from marsad.testing.queries import QueryMaker, sample_articles
from processors.match import Matcher

SENTENCES = (Path(__file__).parents[2] / "recorded/query/sentences.txt").read_text(encoding="utf-8").splitlines()


def subscription(query: str, *triggers: Trigger, **fields: Any) -> Subscription:
    name = fields.pop("id", query)
    return a_subscription(id=name, name=name, query=query, triggers=triggers or (Trigger.NEW_STORY,), **fields)


def raised(
    subscriptions: Sequence[Subscription],
    article: Article,
    story: Story | None = None,
    previous: Article | None = None,
) -> tuple[Alert, ...]:
    matcher = Matcher(subscriptions, now=NOW)
    return matcher.match(article, story or a_story(story_id="story-1", outlets=("أ",)), previous, NOW)


ARTICLE = an_article(
    article_id="article-1",
    title="سفينة حربية روسية في ميناء الجزائر",
    text="وبالتعاون مع البحرية غادرت السفينة الميناء.",
    outlet="قناة الشرق",
    story_id="story-1",
    topics=(TopicTag("defense-cooperation", 1.5),),
    countries=(CountryTag("DZ", 2, "actor"), CountryTag("RU", 1)),
)


def test_a_match_raises_one_alert_that_says_why() -> None:
    (alert,) = raised([subscription("سفينة الجزائر", id="s")], ARTICLE)

    assert alert == Alert(
        alert_id=alert_id("s", "story-1", "new-story"),
        subscription_id="s",
        story_id="story-1",
        article_id="article-1",
        reason=Trigger.NEW_STORY,
        title=ARTICLE.title,
        outlet="قناة الشرق",
        url=ARTICLE.url,
        topics=("defense-cooperation",),
        countries=("DZ", "RU"),
        evidence=("سفينة", "الجزائر", "السفينة"),
        at=NOW,
        story_outlets=1,
    )


def test_who_does_not_match_hears_nothing() -> None:
    assert raised([subscription("غواصة"), subscription("title:غادرت"), subscription("-روسية")], ARTICLE) == ()


def test_a_second_article_of_the_story_has_the_same_new_story_alert() -> None:
    second = msgspec.structs.replace(ARTICLE, article_id="article-2", title="السفينة تغادر")
    subscriptions = [subscription("سفينة", Trigger.NEW_STORY, Trigger.NEW_ARTICLE)]

    first_ids = {alert.reason: alert.alert_id for alert in raised(subscriptions, ARTICLE)}
    second_ids = {alert.reason: alert.alert_id for alert in raised(subscriptions, second)}

    assert first_ids[Trigger.NEW_STORY] == second_ids[Trigger.NEW_STORY]
    assert first_ids[Trigger.NEW_ARTICLE] != second_ids[Trigger.NEW_ARTICLE]


def test_a_replayed_article_raises_the_same_alerts() -> None:
    subscriptions = [subscription("سفينة", *Trigger)]

    assert raised(subscriptions, ARTICLE) == raised(subscriptions, ARTICLE)


def test_a_story_tells_when_it_has_reached_the_wanted_outlets() -> None:
    wanted = [subscription("سفينة", Trigger.STORY_OUTLETS, story_outlets=3)]

    assert raised(wanted, ARTICLE, a_story(story_id="story-1", outlets=("أ", "ب"))) == ()
    (alert,) = raised(wanted, ARTICLE, a_story(story_id="story-1", outlets=("أ", "ب", "ج")))
    (later,) = raised(wanted, ARTICLE, a_story(story_id="story-1", outlets=("أ", "ب", "ج", "د")))
    assert alert.reason == Trigger.STORY_OUTLETS
    assert alert.alert_id == later.alert_id


def test_a_revision_is_a_correction_and_no_news() -> None:
    revised = msgspec.structs.replace(ARTICLE, title="سفينة مسح روسية في ميناء الجزائر", revision=2)
    (alert,) = raised([subscription("سفينة", *Trigger, id="s")], revised, previous=ARTICLE)

    assert alert.reason == Trigger.CORRECTION
    assert alert.alert_id == alert_id("s", "story-1", "correction:article-1:2")


def test_each_further_revision_is_a_correction_of_its_own() -> None:
    second, third = (msgspec.structs.replace(ARTICLE, revision=revision) for revision in (2, 3))
    wanted = [subscription("سفينة", Trigger.CORRECTION)]

    assert raised(wanted, second, previous=ARTICLE)[0].alert_id != raised(wanted, third, previous=second)[0].alert_id


def test_a_correction_is_told_also_where_the_new_words_no_longer_match() -> None:
    revised = msgspec.structs.replace(ARTICLE, title="زيارة", text="ألغيت الزيارة", revision=2)
    (alert,) = raised([subscription("سفينة", *Trigger)], revised, previous=ARTICLE)

    assert alert.reason == Trigger.CORRECTION
    assert alert.evidence == ("سفينة", "السفينة")


def test_a_revision_that_matches_for_the_first_time_is_news() -> None:
    revised = msgspec.structs.replace(ARTICLE, revision=2)
    before = msgspec.structs.replace(ARTICLE, title="زيارة", text="")
    (alert,) = raised([subscription("سفينة", Trigger.NEW_STORY, Trigger.CORRECTION)], revised, previous=before)

    assert alert.reason == Trigger.NEW_STORY


def test_a_query_that_no_longer_parses_is_reported_and_stops_nobody() -> None:
    matcher = Matcher([subscription("(سفينة", id="broken"), subscription("سفينة", id="sound")], now=NOW)

    assert [(problem.subscription_id, problem.position) for problem in matcher.problems] == [("broken", 0)]
    assert [alert.subscription_id for alert in matcher.match(ARTICLE, a_story(), None, NOW)] == ["sound"]


def test_a_switched_off_subscription_is_passed_over() -> None:
    assert raised([subscription("سفينة", enabled=False)], ARTICLE) == ()


def test_subscribers_of_the_same_query_each_get_their_alert() -> None:
    alerts = raised([subscription("سفينة", id="a"), subscription("سفينة", id="b")], ARTICLE)

    assert [alert.subscription_id for alert in alerts] == ["a", "b"]


def test_relative_times_move_with_the_clock() -> None:
    matcher = Matcher([subscription("published:>now-1h")], now=NOW)
    fresh = an_article(published_at=NOW + timedelta(hours=5))

    assert matcher.match(an_article(published_at=NOW), a_story(), None, NOW)
    assert not matcher.match(an_article(published_at=NOW), a_story(), None, NOW + timedelta(hours=6))
    assert matcher.match(fresh, a_story(), None, NOW + timedelta(hours=6) - timedelta(minutes=10))


def test_compiled_queries_can_be_taken_over() -> None:
    first = Matcher([subscription("سفينة"), subscription("غواصة")], now=NOW)
    second = Matcher([subscription("سفينة"), subscription("ميناء")], now=NOW, reuse=first)

    assert second.queries["سفينة"] is first.queries["سفينة"]
    assert {alert.subscription_id for alert in second.match(ARTICLE, a_story(), None, NOW)} == {"سفينة", "ميناء"}


def test_subscriptions_come_and_go_without_compiling_the_others() -> None:
    first = Matcher([subscription("سفينة", id="a"), subscription("سفينة", id="b"), subscription("(", id="c")], now=NOW)
    second = Matcher([subscription("سفينة", id="b"), subscription("ميناء -سفينة", id="d")], now=NOW, reuse=first)

    assert not second.problems
    assert [alert.subscription_id for alert in second.match(ARTICLE, a_story(), None, NOW)] == ["b"]
    third = Matcher([subscription("ميناء", id="b")], now=NOW, reuse=second)
    assert set(third.queries) == {"ميناء"}
    assert [alert.subscription_id for alert in third.match(ARTICLE, a_story(), None, NOW)] == ["b"]


def test_a_range_that_time_has_overtaken_matches_nothing() -> None:
    end = (NOW + timedelta(days=500)).date()
    matcher = Matcher([subscription(f"published:[now-1d TO {end}]")], now=NOW)

    assert matcher.match(an_article(published_at=NOW), a_story(), None, NOW)
    assert not matcher.match(an_article(published_at=NOW), a_story(), None, NOW + timedelta(days=600))


def test_evidence_is_bounded() -> None:
    words = [f"كلمة{number} " for number in range(50)]
    (alert,) = raised([subscription("كلمة*")], an_article(title="خبر", text="".join(words)))

    assert alert.evidence == tuple(word.strip() for word in words[:8])


def test_the_index_finds_exactly_what_a_loop_over_all_queries_finds() -> None:
    articles = tuple(sample_articles(SENTENCES, 65, seed=9))
    maker = QueryMaker(articles, seed=4)
    subscriptions = [subscription(maker.query(number % 4), id=str(number)) for number in range(400)]
    matcher = Matcher(subscriptions, now=NOW)
    nodes = {each.id: parse(each.query, now=NOW, names=other_names) for each in subscriptions}

    for article in articles:
        doc = MatchDoc.of(article)
        expected = {name for name, node in nodes.items() if matches(node, doc)}
        candidates = {each.id for each in matcher.candidates(doc)}

        assert {alert.subscription_id for alert in matcher.match(article, a_story(), None, NOW)} == expected
        assert expected <= candidates


@pytest.mark.parametrize("followed", ["story-1", "older", "ended"])
def test_who_follows_a_story_is_told_what_comes_under_any_id_of_the_stories_that_became_it(followed: str) -> None:
    story = a_story(story_id="story-1", merged_into="older", absorbed=("ended", "story-1"))
    assert [alert.story_id for alert in raised([subscription(f"story:{followed}")], ARTICLE, story)] == ["story-1"]
    assert raised([subscription("story:another")], ARTICLE, story) == ()


def test_a_story_that_was_muted_stays_so_in_the_one_that_it_went_on_in() -> None:
    story = a_story(story_id="story-1", absorbed=("ended",))
    assert raised([subscription("سفينة", muted=("ended",))], ARTICLE, story) == ()
    assert raised([subscription("سفينة", muted=("another",))], ARTICLE, story)
