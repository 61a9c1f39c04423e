"""What a new subscription would have told goes out as one digest, and nothing of it twice."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from marsad.clock import FrozenClock
from marsad.config import AlertSettings
from marsad.progress import Progress
from marsad.records import Alert, Article, DeliveryState, QuietHours, Story, Subscription, Trigger, encode
from marsad.streams import Message
from marsad.testing.factories import NOW, a_story, a_subscription, an_article
from marsad.testing.journal import InMemoryStreams
from marsad_app.backfilling import backfill
from marsad_app.embedded.store import Store, open_store
from processors.match import Matcher
from sinks.alerts.deliver import Deliverer, Sender
from sinks.alerts.links import Links
from sinks.alerts.plan import MOST_IN_ONE, deliveries_for
from sinks.alerts.render import render
from sinks.alerts.shard import DeliveryShard

OUTLET = "json://a.example/"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path)
    yield opened
    opened.close()


class Taken:
    """An outlet that keeps what it is given."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, list[Alert]]] = []

    def send(self, key: str, subscription: Subscription, alerts: Sequence[Alert]) -> None:
        self.messages.append((key, list(alerts)))


def news(number: int, days_ago: float = 1.0, story: str = "") -> Article:
    at = NOW - timedelta(days=days_ago) + timedelta(minutes=number)
    return an_article(
        article_id=f"{number:032}",
        title=f"محصول القمح رقم {number}",
        story_id=story or f"story-{number}",
        published_at=at,
        first_seen_at=at,
    )


def of(article: Article) -> Story:
    return a_story(story_id=article.story_id, outlets=(article.outlet,))


def fill(store: Store, *articles: Article) -> None:
    store.articles.put_articles(articles)
    store.stories.put_stories([of(article) for article in articles])


def watched(**fields: object) -> Subscription:
    return a_subscription(**{"query": "القمح", "outlets": (OUTLET,), "created_at": NOW, **fields})


def filled(store: Store, one: Subscription, days: int = 7) -> int:
    store.subscriptions.put_subscription(one)
    return backfill(one, days, NOW, search=store.search, stories=store.stories, ledger=store.alerts, resolve=None)


def delivered(store: Store, after: timedelta = timedelta(0)) -> list[list[Alert]]:
    outlet, clock = Taken(), FrozenClock(NOW + after)
    sender = Sender(lambda stored: outlet, AlertSettings(), clock)
    deliverer = Deliverer(store.deliveries, store.alerts, store.subscriptions, sender, clock)
    while deliverer.step():
        pass
    return [alerts for _, alerts in outlet.messages]


def test_the_stories_of_the_last_days_come_in_one_message_and_older_ones_do_not(store: Store) -> None:
    fill(store, *map(news, range(5)), news(8, days_ago=9), an_article(title="كرة القدم", story_id="other"))

    assert filled(store, watched()) == 5

    (message,) = delivered(store)
    assert [alert.story_id for alert in message] == [f"story-{number}" for number in range(5)]
    assert {alert.reason for alert in message} == {Trigger.NEW_STORY}


def test_a_story_that_was_told_so_is_not_told_again_when_it_goes_on(store: Store) -> None:
    fill(store, news(1))
    one = watched()
    filled(store, one)
    delivered(store)

    later = news(2, days_ago=0, story="story-1")
    alerts = Matcher([one], now=NOW).match(later, of(later), None, NOW)
    new = store.alerts.record_alerts(alerts, [each for alert in alerts for each in deliveries_for(alert, one)])

    assert (len(alerts), new) == (1, [])
    assert delivered(store) == []


def test_on_streams_a_match_that_does_not_know_of_it_raises_it_again_and_it_is_not_sent(store: Store) -> None:
    fill(store, news(1))
    one = watched()
    filled(store, one)
    told, entered = sorted(store.alerts.alerts(), key=lambda alert: not alert.members)
    streams, outlet, clock = InMemoryStreams(1), Taken(), FrozenClock(NOW)

    class Table:
        def get(self, key: str) -> Subscription | None:
            return one

        def refresh(self, timeout: float = 10.0) -> None:
            """Nothing to wait for."""

    def write(*alerts: Alert) -> None:
        for alert in alerts:
            streams.write([Message(stream="alerts.v1", key=alert.alert_id, value=encode(alert), partition=0)])

    def run() -> None:
        sender = Sender(lambda stored: outlet, AlertSettings(), clock)
        journal = streams.open("deliver", "alerts.v1", 0)
        shard = DeliveryShard(journal, Table(), sender, clock, Progress(), start=lambda work: work())
        shard.take(streams.read("alerts.v1", 0, start=streams.place("deliver", "alerts.v1", 0)))
        while shard.tick():
            pass

    write(told, entered)
    run()
    write(msgspec.structs.replace(entered, told_in=""))
    run()

    assert [len(alerts) for _, alerts in outlet.messages] == [1]


def test_asking_again_tells_only_what_is_new(store: Store) -> None:
    fill(store, news(1), news(2))
    filled(store, watched())
    delivered(store)
    fill(store, news(3))

    assert filled(store, watched()) == 1

    assert [[alert.story_id for alert in message] for message in delivered(store)] == [["story-3"]]


def test_of_very_many_the_latest_are_told_and_all_are_in_the_ledger(store: Store) -> None:
    fill(store, *map(news, range(MOST_IN_ONE + 30)))

    assert filled(store, watched()) == MOST_IN_ONE + 30

    (message,) = delivered(store)
    assert len(message) == MOST_IN_ONE
    assert message[-1].story_id == f"story-{MOST_IN_ONE + 29}"
    assert len(store.alerts.alerts(limit=500)) == MOST_IN_ONE + 31


def test_it_waits_for_quiet_hours_and_a_muted_story_is_left_out(store: Store) -> None:
    fill(store, news(1), news(2))
    quiet = QuietHours(NOW.time(), (NOW + timedelta(hours=3)).time(), "UTC")
    one = watched(quiet=quiet)
    filled(store, one)
    store.subscriptions.put_subscription(msgspec.structs.replace(one, muted=("story-1",)))

    assert delivered(store) == []
    (message,) = delivered(store, after=timedelta(hours=3))
    assert [alert.story_id for alert in message] == ["story-2"]


def test_corrections_and_spikes_are_not_of_the_past(store: Store) -> None:
    fill(store, msgspec.structs.replace(news(1), revision=3))

    assert filled(store, watched(triggers=(Trigger.CORRECTION, Trigger.SPIKE))) == 0
    assert filled(store, watched(triggers=(Trigger.CORRECTION, Trigger.NEW_ARTICLE))) == 1


def test_without_outlets_it_is_in_the_ledger_alone(store: Store) -> None:
    fill(store, news(1))

    assert filled(store, watched(outlets=())) == 1
    assert delivered(store) == []


@pytest.mark.parametrize(("language", "said"), [("ar", "مما سبق الاشتراك"), ("en", "From before the subscription")])
def test_the_message_says_that_it_is_of_before(store: Store, language: str, said: str) -> None:
    fill(store, news(1), news(2))
    one = watched(language=language)
    filled(store, one)
    (message,) = delivered(store)

    assert said in render(one, message, Links("")).text


def test_the_ledger_says_how_each_was_told(store: Store) -> None:
    fill(store, news(1))
    filled(store, watched())
    delivered(store)

    found = {delivery.state: delivery.last_error for delivery in store.deliveries.deliveries()}
    assert found == {DeliveryState.SENT: "", DeliveryState.SKIPPED: "told in a digest"}
