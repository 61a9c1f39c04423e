"""A subscription to the feeds' health: who is told of which feed, once, and with the poll that showed it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from marsad.errors import FetchError
from marsad.records import Alert, Feed, Subscription, Trigger
from marsad.testing.factories import a_feed, a_subscription
from marsad_app.embedded.store import Store, open_store
from producers.testing import START, History, entries_of
from sinks.alerts.links import Links
from sinks.alerts.render import render

FEED = a_feed(id="f", url="https://news.example/rss", outlet="وكالة المثال", title="المثال: أخبار", country="DZ")
DNS = FetchError("no such host", health="dns")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = open_store(tmp_path)
    made.feeds.put_feeds([FEED])
    yield made
    made.close()


def subscribed(store: Store, query: str = "*:*", **fields: Any) -> Subscription:
    default: dict[str, Any] = {
        "id": f"s-{query}",
        "query": query,
        "triggers": (Trigger.FEED_HEALTH,),
        "created_at": START,
        "outlets": ("json://desk.example/",),
    }
    made = a_subscription(**{**default, **fields})
    store.subscriptions.put_subscription(made)
    return made


def polled(store: Store, *answers: FetchError | None, feed: Feed = FEED) -> History:
    history = History(feed, store.polls.state(feed.id))
    for error in answers:
        result = history.poll(entries_of(1), error=error)
        store.polls.commit_poll(result.state, result.entries)
    return history


def alerts(store: Store) -> list[Alert]:
    return list(store.alerts.alerts())


def test_a_feed_that_falls_ill_and_recovers_is_two_alerts_on_their_way(store: Store) -> None:
    subscribed(store, language="ar")

    history = polled(store, None, DNS, DNS, DNS, DNS, None)

    recovered, ill = alerts(store)
    assert (ill.reason, ill.feed_id, ill.outlet) == (Trigger.FEED_HEALTH, "f", "وكالة المثال")
    assert ill.title == "المثال: أخبار: اسم لا يُعثر عليه"
    assert recovered.title == "المثال: أخبار: عادت"
    assert ill.at == START + timedelta(minutes=30)
    assert len(store.deliveries.due(history.now)) == 2


def test_a_state_that_is_written_again_raises_nothing_again(store: Store) -> None:
    subscribed(store)
    history = polled(store, None, DNS, DNS)
    assert history.state is not None

    store.polls.commit_poll(history.state, [])

    assert len(alerts(store)) == 1
    assert len(store.deliveries.due(history.now)) == 1


def test_polls_that_are_committed_together_raise_their_alerts_as_well(store: Store) -> None:
    subscribed(store)
    history = polled(store, None, DNS)
    result = history.poll(error=DNS)
    other = History(a_feed(id="g", url="https://other.example/rss")).poll(entries_of(1))

    assert store.polls.commit_polls([(result.state, ()), (other.state, other.entries)]) == [None, None]

    assert [alert.feed_id for alert in alerts(store)] == ["f"]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("*:*", True),
        ("country:DZ", True),
        ("country:EG", False),
        ("feed:f", True),
        ("feed:g", False),
        ('outlet:"وكالة المثال"', True),
        ("المثال", True),
        ("topic:energy", False),
        ("NOT country:DZ", False),
    ],
)
def test_the_query_chooses_the_feeds(store: Store, query: str, told: bool) -> None:
    subscribed(store, query)

    polled(store, None, DNS, DNS)

    assert bool(alerts(store)) == told


@pytest.mark.parametrize(
    "fields",
    [
        {"enabled": False},
        {"triggers": (Trigger.NEW_STORY,)},
        {"created_at": START + timedelta(days=1)},
        {"query": "((("},
    ],
)
def test_who_did_not_ask_for_it_is_not_told(store: Store, fields: dict[str, Any]) -> None:
    subscribed(store, **fields)

    polled(store, None, DNS, DNS)

    assert alerts(store) == []


@pytest.mark.parametrize("language", ["ar", "en"])
def test_the_message_leads_to_the_page_of_the_feed(store: Store, language: str) -> None:
    whose = subscribed(store, language=language)
    polled(store, None, DNS, DNS)

    message = render(whose, alerts(store), Links("https://marsad.example"))

    assert "https://marsad.example/feeds/f" in message.text
    assert 'href="https://marsad.example/feeds/f"' in message.html
    assert "/articles/" not in message.text + message.html
    assert ("DNS fault" in message.title) == (language == "en")
