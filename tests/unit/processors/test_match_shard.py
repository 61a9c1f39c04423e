"""Match on streams: each alert once, wherever it crashes."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from marsad.errors import TransientError
from marsad.events import Event
from marsad.records import Alert, Article, Quarantined, Story, Subscription, Trigger, decode, encode
from marsad.streams import Message
from marsad.testing.factories import NOW, a_story, a_subscription, an_article
from marsad.testing.journal import InMemoryJournal, InMemoryStreams
from processors.match import Matcher
from processors.match_shard import Matching, MatchShard


class Still:
    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0


class Told:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def emit(self, event: Event) -> None:
        self.events.append(event)


class Listed:
    """Subscriptions that a test changes."""

    def __init__(self, *subscriptions: Subscription) -> None:
        self.subscriptions = list(subscriptions)
        self.version = 0

    def all(self) -> Sequence[Subscription]:
        return self.subscriptions

    def add(self, subscription: Subscription) -> None:
        self.subscriptions.append(subscription)
        self.version += 1


def everything(name: str = "all", query: str = "*:*") -> Subscription:
    return msgspec.structs.replace(
        a_subscription(), id=name, name=name, query=query, triggers=(Trigger.NEW_ARTICLE, Trigger.CORRECTION)
    )


def news(article: Article, outcome: str = "indexed", previous: Article | None = None) -> Message:
    story: Story = msgspec.structs.replace(a_story(), story_id=article.story_id)
    headers = {"outcome": outcome.encode(), "story": encode(story)}
    if previous is not None:
        headers["previous"] = encode(previous)
    return Message(stream="articles.v1", key=article.article_id, value=encode(article), partition=0, headers=headers)


def written(number: int, **changes: object) -> Article:
    return an_article(article_id=f"{number:032}", story_id=f"s{number % 3}", title=f"خبر {number}", **changes)


def shard(streams: InMemoryStreams, table: Listed, crashes: Iterator[str] | None = None) -> MatchShard:
    def make(subscriptions: Sequence[Subscription], before: Matcher | None) -> Matcher:
        return Matcher(subscriptions, now=NOW, reuse=before)

    journal = InMemoryJournal(streams, "match", 0, (lambda: next(crashes, "")) if crashes else (lambda: ""))
    return MatchShard(journal, Matching(table, make), Still(), Told())


def alerts(streams: InMemoryStreams) -> list[Alert]:
    return [decode(Alert, message.value or b"") for message in streams.all("alerts.v1")]


def fill(*messages: Message) -> InMemoryStreams:
    streams = InMemoryStreams()
    for message in messages:
        streams.append(message)
    return streams


def run(streams: InMemoryStreams, table: Listed, crashes: Iterator[str] | None = None, size: int = 2) -> None:
    handler = shard(streams, table, crashes)
    articles = streams.messages["articles.v1", 0]
    while (place := streams.places["match", 0]) < len(articles):
        try:
            handler.take(articles[place : place + size])
        except TransientError:
            handler = shard(streams, table, crashes)


def test_a_matching_article_raises_one_alert_in_the_partition_of_its_story() -> None:
    streams = fill(news(written(1)), news(written(1)))
    run(streams, Listed(everything()))
    (alert,) = alerts(streams)
    assert (alert.subscription_id, alert.article_id) == ("all", f"{1:032}")
    assert streams.all("alerts.v1")[0].partition == 0


def test_tags_that_were_decided_anew_and_further_sources_raise_nothing() -> None:
    streams = fill(news(written(1), "retagged", written(1)), news(written(2), "unchanged", written(2)))
    run(streams, Listed(everything()))
    assert alerts(streams) == []


def test_a_correction_is_told_from_its_previous_revision() -> None:
    before = written(1, text="قال الوزير إن السفن وصلت")
    after = msgspec.structs.replace(before, text="قال الوزير إن السفن لم تصل", revision=2)
    streams = fill(news(before), news(after, "revised", before))
    run(streams, Listed(everything()))
    assert [alert.reason for alert in alerts(streams)] == [Trigger.NEW_ARTICLE, Trigger.CORRECTION]


def test_a_subscription_that_is_added_while_it_runs_is_matched_from_then_on() -> None:
    streams = fill(news(written(1)), news(written(2)))
    table = Listed()
    handler = shard(streams, table)
    handler.take(streams.messages["articles.v1", 0][:1])
    table.add(everything())
    handler.take(streams.messages["articles.v1", 0][1:])
    assert [alert.article_id for alert in alerts(streams)] == [f"{2:032}"]


def test_an_article_that_cannot_be_read_goes_to_quarantine_and_a_removed_one_is_passed_over() -> None:
    bad = msgspec.structs.replace(news(written(1)), value=b"{}")
    gone = msgspec.structs.replace(news(written(3)), value=None, headers={})
    streams = fill(bad, gone, news(written(2)))
    run(streams, Listed(everything()), size=3)
    (item,) = [decode(Quarantined, message.value or b"") for message in streams.all("quarantine.v1")]
    assert item.stage == "match"
    assert len(alerts(streams)) == 1


@given(st.lists(st.sampled_from(["", "", "before", "after"]), max_size=20), st.integers(1, 4))
def test_each_alert_is_raised_once_wherever_it_crashes(crashes: list[str], size: int) -> None:
    messages = [news(written(number)) for number in (1, 2, 3, 2, 1, 4)]
    calm, stormy = fill(*messages), fill(*messages)
    run(calm, Listed(everything()), size=size)
    run(stormy, Listed(everything()), iter(crashes), size=size)
    assert alerts(stormy) == alerts(calm)
    assert len(alerts(calm)) == 4
