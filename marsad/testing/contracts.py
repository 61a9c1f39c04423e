"""What every adapter of a port must do, as functions that a test calls with a fresh adapter.

Each takes adapters that start empty and raises ``AssertionError`` where the contract of ``marsad.ports`` is not kept. The fakes,
SQLite and every later adapter pass the same ones.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

import msgspec

from marsad.errors import FencedError
from marsad.ports import (
    AlertLedger,
    ArticleSearch,
    ArticleWriter,
    DeliveryLedger,
    FeedRegistry,
    Owners,
    PollLedger,
    QuarantineStore,
    Stories,
    Subscriptions,
)
from marsad.query import parse
from marsad.records import DeliveryState, FeedState, Health, Owner, Seen, Sort
from marsad.testing.factories import (
    NOW,
    a_delivery,
    a_feed,
    a_quarantined,
    a_story,
    a_subscription,
    an_alert,
    an_article,
    an_entry,
)
from marsad.testing.query_contracts import (
    no_page_is_deeper_than_the_deepest,
    queries_that_attack_are_words_and_nothing_more,
)

__all__ = ["CONTRACTS", "Adapters"]


class Adapters(Protocol):
    """One adapter of each port, over one empty store."""

    @property
    def feeds(self) -> FeedRegistry:
        """The feeds."""
        ...

    @property
    def polls(self) -> PollLedger:
        """Feed states."""
        ...

    @property
    def articles(self) -> ArticleWriter:
        """The index, for writing."""
        ...

    @property
    def search(self) -> ArticleSearch:
        """The index, for reading."""
        ...

    @property
    def stories(self) -> Stories:
        """The stories."""
        ...

    @property
    def subscriptions(self) -> Subscriptions:
        """The subscriptions."""
        ...

    @property
    def owners(self) -> Owners:
        """The owners."""
        ...

    @property
    def alerts(self) -> AlertLedger:
        """The alert ledger."""
        ...

    @property
    def deliveries(self) -> DeliveryLedger:
        """The delivery ledger."""
        ...

    @property
    def quarantine(self) -> QuarantineStore:
        """The quarantine."""
        ...


def feeds_are_added_once_and_replaced_by_id(store: Adapters) -> None:
    """``put_feeds`` counts only feeds that were not there."""
    first, second = a_feed(id="a"), a_feed(id="b")
    assert store.feeds.put_feeds([second, first]) == 2
    assert store.feeds.put_feeds([msgspec.structs.replace(first, enabled=False)]) == 0
    assert [(feed.id, feed.enabled) for feed in store.feeds.feeds()] == [("a", False), ("b", True)]
    assert store.feeds.feed("missing") is None


def a_removed_feed_takes_its_state_along(store: Adapters) -> None:
    """``remove_feed`` says whether there was one."""
    store.feeds.put_feeds([a_feed(id="a")])
    store.polls.commit_poll(FeedState(feed_id="a"), [])
    assert store.feeds.remove_feed("a")
    assert not store.feeds.remove_feed("a")
    assert store.polls.state("a") is None


def a_poll_replaces_the_feed_state(store: Adapters) -> None:
    """The newest state stands; states come by feed id."""
    assert store.polls.state("a") is None
    store.polls.commit_poll(FeedState(feed_id="b"), [])
    store.polls.commit_poll(FeedState(feed_id="a", health=Health.DNS), [an_entry()])
    store.polls.commit_poll(FeedState(feed_id="a", health=Health.OK, next_poll_at=NOW), [an_entry()])
    assert [(state.feed_id, state.health) for state in store.polls.states()] == [("a", Health.OK), ("b", Health.NEW)]


def polls_of_several_feeds_are_committed_at_once(store: Adapters) -> None:
    """Each with its own state; an empty lot is none."""
    assert list(store.polls.commit_polls([])) == []
    polls = [(FeedState(feed_id="a"), [an_entry()]), (FeedState(feed_id="b", health=Health.OK), [])]
    assert list(store.polls.commit_polls(polls)) == [None, None]
    assert [(state.feed_id, state.health) for state in store.polls.states()] == [("a", Health.NEW), ("b", Health.OK)]


def states_are_put_without_what_is_remembered(store: Adapters) -> None:
    """``put_states`` leaves the memory of entries as it is, and puts none where nothing is stored."""
    known = {"e": Seen("hash", "a" * 32, 1, 5)}
    store.polls.commit_poll(FeedState(feed_id="a", seen=known), [])
    errors = store.polls.put_states([FeedState(feed_id="a", etag="2"), FeedState(feed_id="gone", etag="2")])
    assert [type(error) for error in errors] == [type(None), FencedError]
    assert list(store.polls.states()) == [FeedState(feed_id="a", etag="2", seen=known)]


def articles_are_replaced_by_id_and_never_by_an_older_revision(store: Adapters) -> None:
    """A replay of old news must not undo a correction."""
    new = an_article(article_id="a" * 32, title="عنوان مصحح", revision=2)
    store.articles.put_articles([new])
    store.articles.put_articles([msgspec.structs.replace(new, title="عنوان قديم", revision=1)])
    store.articles.put_articles([new])
    assert store.search.count() == 1
    assert store.search.article("a" * 32) == new
    assert [hit.article.title for hit in store.search.search(parse("عنوان", now=NOW)).hits] == ["عنوان مصحح"]
    assert store.search.search(parse("قديم", now=NOW)).total == 0


def search_finds_inflected_words_in_text_and_title(store: Adapters) -> None:
    """A query word stands for its inflections."""
    store.articles.put_articles(
        [an_article(article_id="b" * 32, title="زيارة", text="بحث الجانبان وبالتعاون العسكري سبل الدعم")]
    )
    assert store.search.search(parse("التعاون", now=NOW)).total == 1
    assert store.search.search(parse("title:التعاون", now=NOW)).total == 0


def search_sorts_by_date_newest_first(store: Adapters) -> None:
    """Ties are broken by article id, so that pages do not overlap."""
    ages = {"1": 3, "2": 1, "3": 2}
    store.articles.put_articles(
        [
            an_article(article_id=key * 32, title="خبر", published_at=NOW - timedelta(hours=age))
            for key, age in ages.items()
        ]
    )
    page = store.search.search(parse("خبر", now=NOW), sort="date", limit=2)
    rest = store.search.search(parse("خبر", now=NOW), sort="date", limit=2, offset=2)
    assert [hit.article.article_id[0] for hit in (*page.hits, *rest.hits)] == ["2", "3", "1"]
    assert page.total == 3


def search_collapses_stories(store: Adapters) -> None:
    """One hit for each story, and the total counts stories."""
    store.articles.put_articles(
        [
            an_article(article_id="1" * 32, title="خبر", story_id="s"),
            an_article(article_id="2" * 32, title="خبر", story_id="s"),
            an_article(article_id="3" * 32, title="خبر", story_id="t"),
        ]
    )
    page = store.search.search(parse("خبر", now=NOW), collapse=True)
    assert sorted(hit.article.story_id for hit in page.hits) == ["s", "t"]
    assert page.total == 2


def highlights_point_at_the_words_that_matched(store: Adapters) -> None:
    """Offsets are into the stored text, marks and all."""
    store.articles.put_articles([an_article(title="زيارة", text="وقّع البلدان اتفاقَ تعاونٍ دفاعي")])
    hit = store.search.search(parse("تعاون", now=NOW)).hits[0]
    marked = {hit.article.text[mark.start : mark.end] for mark in hit.highlights if mark.field == "text"}
    assert marked == {"تعاونٍ"}


def facets_count_matching_articles(store: Adapters) -> None:
    """Commonest first; days in order."""
    store.articles.put_articles(
        [
            an_article(article_id="1" * 32, title="خبر", outlet="أ"),
            an_article(article_id="2" * 32, title="خبر", outlet="أ", published_at=NOW - timedelta(days=1)),
            an_article(article_id="3" * 32, title="خبر", outlet="ب"),
            an_article(article_id="4" * 32, title="آخر", outlet="ب"),
        ]
    )
    facets = store.search.facets(parse("خبر", now=NOW), ["outlet", "day"])
    assert [(facet.value, facet.count) for facet in facets["outlet"]] == [("أ", 2), ("ب", 1)]
    assert [facet.count for facet in facets["day"]] == [1, 2]


def export_gives_every_article_once(store: Adapters) -> None:
    """All of them, or those that match."""
    store.articles.put_articles([an_article(article_id=str(n) * 32, title="خبر" if n else "آخر") for n in range(5)])
    assert len({article.article_id for article in store.search.export()}) == 5
    assert len(list(store.search.export(parse("خبر", now=NOW)))) == 4


def stories_come_latest_first(store: Adapters) -> None:
    """Replaced by id; filtered by size."""
    store.stories.put_stories(
        [a_story(story_id="old", last_seen_at=NOW - timedelta(hours=1), size=3), a_story(story_id="new")]
    )
    store.stories.put_stories([a_story(story_id="new", size=2)])
    assert [story.story_id for story in store.stories.latest_stories()] == ["new", "old"]
    assert [story.story_id for story in store.stories.latest_stories(min_size=3)] == ["old"]
    assert store.stories.story("missing") is None


def a_story_lists_its_articles_oldest_first(store: Adapters) -> None:
    """By publication."""
    store.articles.put_articles(
        [
            an_article(article_id="1" * 32, story_id="s"),
            an_article(article_id="2" * 32, story_id="s", published_at=NOW - timedelta(hours=1)),
            an_article(article_id="3" * 32, story_id="t"),
        ]
    )
    assert [article.article_id[0] for article in store.stories.story_articles("s")] == ["2", "1"]


def a_story_that_ended_in_another_is_listed_there(store: Adapters) -> None:
    """Its record stays, its articles are the other one's as well."""
    store.articles.put_articles(
        [an_article(article_id="1" * 32, story_id="gone"), an_article(article_id="2" * 32, story_id="s")]
    )
    store.stories.put_stories([a_story(story_id="gone", merged_into="s"), a_story(story_id="s", size=2)])
    assert [story.story_id for story in store.stories.latest_stories()] == ["s"]
    found = store.stories.story("gone")
    assert found is not None
    assert found.merged_into == "s"
    for name in ("s", "gone"):
        assert [article.story_id for article in store.stories.story_articles(name)] == ["s", "s"]


def search_follows_a_story_to_the_one_it_ended_in(store: Adapters) -> None:
    """One hit for both, by relevance, date and size, found by either id, and under the id that lives, also two steps on."""
    filed = {"1": "gone", "2": "between", "3": "s", "4": "t"}
    store.articles.put_articles(
        [
            an_article(article_id=key * 32, title="خبر", story_id=story, published_at=NOW - timedelta(hours=int(key)))
            for key, story in filed.items()
        ]
    )
    store.stories.put_stories(
        [
            a_story(story_id="gone", merged_into="between", size=2),
            a_story(story_id="between", merged_into="s", size=3),
            a_story(story_id="s", size=3),
            a_story(story_id="t", size=1),
        ]
    )
    orders: tuple[Sort, ...] = ("relevance", "date", "story")
    for sort in orders:
        page = store.search.search(parse("خبر", now=NOW), sort=sort, collapse=True)
        assert sorted((hit.article.story_id, hit.story_size) for hit in page.hits) == [("s", 3), ("t", 1)]
        assert page.total == 2
        second = store.search.search(parse("خبر", now=NOW), sort=sort, collapse=True, limit=1, offset=1)
        assert second.hits == page.hits[1:]
    for name in ("gone", "between", "s"):
        query = parse(f"story:{name}", now=NOW)
        page = store.search.search(query)
        assert sorted(hit.article.article_id[0] for hit in page.hits) == ["1", "2", "3"]
        assert {hit.article.story_id for hit in page.hits} == {"s"}
        assert {article.story_id for article in store.search.export(query)} == {"s"}
        assert [facet.count for facet in store.search.facets(query, ["day"])["day"]] == [3]
    assert [hit.article.article_id[0] for hit in store.search.search(parse("-story:gone", now=NOW)).hits] == ["4"]
    found = store.search.article("1" * 32)
    assert found is not None
    assert found.story_id == "s"


def subscriptions_come_oldest_first(store: Adapters) -> None:
    """Replaced by id; removed once."""
    store.subscriptions.put_subscription(a_subscription(id="b", created_at=NOW))
    store.subscriptions.put_subscription(a_subscription(id="a", created_at=NOW - timedelta(days=1)))
    assert [subscription.id for subscription in store.subscriptions.subscriptions()] == ["a", "b"]
    assert store.subscriptions.remove_subscription("a")
    assert not store.subscriptions.remove_subscription("a")
    assert store.subscriptions.subscription("a") is None


def owners_come_by_name_and_go_for_good(store: Adapters) -> None:
    """An owner that was put again has the new token; one that was removed is gone."""
    for name, token in (("مها", "1"), ("layla", "2"), ("layla", "3")):
        store.owners.put_owner(Owner(name=name, token_hash=token, created_at=NOW))
    assert [(owner.name, owner.token_hash) for owner in store.owners.owners()] == [("layla", "3"), ("مها", "1")]
    assert store.owners.remove_owner("layla")
    assert not store.owners.remove_owner("layla")
    assert [owner.name for owner in store.owners.owners()] == ["مها"]


def an_alert_enters_the_ledger_once(store: Adapters) -> None:
    """However often it is raised, with its deliveries only the first time."""
    alert = an_alert()
    delivery = a_delivery(alert_id=alert.alert_id)
    assert list(store.alerts.record_alerts([alert], [delivery])) == [alert]
    assert list(store.alerts.record_alerts([alert], [a_delivery(alert_id=alert.alert_id, delivery_id="other")])) == []
    assert list(store.alerts.alerts()) == [alert]
    assert list(store.alerts.alerts(subscription_id="nobody")) == []
    assert store.alerts.alert(alert.alert_id) == alert
    assert store.alerts.alert("nothing") is None
    assert [found.delivery_id for found in store.deliveries.deliveries()] == [delivery.delivery_id]


def ledgers_are_read_by_the_subscriptions_that_are_meant(store: Adapters) -> None:
    """However many these are, newest first, from any place on, in any state."""
    for number in range(12):
        alert = an_alert(alert_id=f"a{number}", subscription_id=f"s{number % 3}")
        state = DeliveryState.SENT if number % 2 else DeliveryState.PENDING
        delivery = a_delivery(
            delivery_id=f"d{number}", alert_id=alert.alert_id, subscription_id=alert.subscription_id, state=state
        )
        store.alerts.record_alerts([alert], [delivery])
    some = {"s0", "s2", *(f"other-{number}" for number in range(2_000))}

    assert [alert.alert_id for alert in store.alerts.alerts(among=some, limit=3, offset=1)] == ["a9", "a8", "a6"]
    assert list(store.alerts.alerts(among=some, subscription_id="s1")) == []
    assert list(store.alerts.alerts(among=())) == []
    sent = store.deliveries.deliveries(among=some, state=DeliveryState.SENT, limit=3, offset=1)
    assert [delivery.delivery_id for delivery in sent] == ["d9", "d5", "d3"]


def deliveries_are_due_until_sent_or_given_up(store: Adapters) -> None:
    """A delivery whose answer is not known is due again."""
    alert = an_alert()
    delivery = a_delivery(alert_id=alert.alert_id, next_try_at=NOW)
    store.alerts.record_alerts([alert], [delivery])
    assert list(store.deliveries.due(NOW - timedelta(seconds=1))) == []
    assert list(store.deliveries.due(NOW)) == [(delivery, alert)]
    store.deliveries.put_delivery(msgspec.structs.replace(delivery, state=DeliveryState.SENDING))
    assert len(store.deliveries.due(NOW)) == 1
    store.deliveries.put_delivery(msgspec.structs.replace(delivery, state=DeliveryState.SENT, sent_at=NOW))
    assert list(store.deliveries.due(NOW)) == []


def the_same_fault_of_the_same_item_is_quarantined_once(store: Adapters) -> None:
    """Newest first; dropped once."""
    later = NOW + timedelta(seconds=1)
    store.quarantine.quarantine([a_quarantined(id="1"), a_quarantined(id="2", stage="parse", at=later)])
    store.quarantine.quarantine([a_quarantined(id="1")])
    assert [item.id for item in store.quarantine.quarantined()] == ["2", "1"]
    assert [item.id for item in store.quarantine.quarantined(stage="parse")] == ["2"]
    assert store.quarantine.drop_quarantined("1")
    assert not store.quarantine.drop_quarantined("1")
    assert store.quarantine.quarantined_item("1") is None


CONTRACTS: tuple[Callable[[Adapters], None], ...] = (
    feeds_are_added_once_and_replaced_by_id,
    a_removed_feed_takes_its_state_along,
    a_poll_replaces_the_feed_state,
    polls_of_several_feeds_are_committed_at_once,
    states_are_put_without_what_is_remembered,
    articles_are_replaced_by_id_and_never_by_an_older_revision,
    search_finds_inflected_words_in_text_and_title,
    search_sorts_by_date_newest_first,
    search_collapses_stories,
    queries_that_attack_are_words_and_nothing_more,
    no_page_is_deeper_than_the_deepest,
    highlights_point_at_the_words_that_matched,
    facets_count_matching_articles,
    export_gives_every_article_once,
    stories_come_latest_first,
    a_story_lists_its_articles_oldest_first,
    a_story_that_ended_in_another_is_listed_there,
    search_follows_a_story_to_the_one_it_ended_in,
    subscriptions_come_oldest_first,
    owners_come_by_name_and_go_for_good,
    an_alert_enters_the_ledger_once,
    ledgers_are_read_by_the_subscriptions_that_are_meant,
    deliveries_are_due_until_sent_or_given_up,
    the_same_fault_of_the_same_item_is_quarantined_once,
)
