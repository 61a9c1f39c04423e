"""Match on streams: each alert once, in the partition of its story, wherever it crashes."""

from collections.abc import Iterator, Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from marsad.clock import FrozenClock
from marsad.errors import FencedError, TransientError
from marsad.events import AlertRaised, Event, ItemOutcome, Outcome
from marsad.ports import Journal
from marsad.records import Alert, Article, Hit, Quarantined, Story, Subscription, Trigger, decode, encode
from marsad.streams import Message
from marsad.testing.factories import NOW, a_story, a_subscription, an_article
from marsad.testing.journal import Blow, InMemoryStreams, drive
from processors.alert_ids import AlertIds
from processors.match import Matcher
from processors.match_shard import Matching, MatchShard


@pytest.fixture(autouse=True)
def logs() -> Iterator[None]:
    """Kept, not shown: a traceback takes seconds to be drawn."""
    with capture_logs():
        yield


class Listed:
    """Subscriptions; those that are put are seen after a refresh."""

    def __init__(self, *subscriptions: Subscription) -> None:
        self._seen = list(subscriptions)
        self._put: list[Subscription] = []
        self.version = 0
        self.down = False

    def all(self) -> Sequence[Subscription]:
        return self._seen

    def put(self, subscription: Subscription) -> None:
        self._put.append(subscription)

    def refresh(self, timeout: float = 10.0) -> None:
        if self.down:
            raise TransientError("the broker went away")
        if self._put:
            new = {subscription.id for subscription in self._put}
            self._seen = [each for each in self._seen if each.id not in new] + self._put
            self._put = []
            self.version += 1


class Told:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def emit(self, event: Event) -> None:
        self.events.append(event)


def everything(name: str = "all", query: str = "*:*", *triggers: Trigger) -> Subscription:
    wanted = triggers or (Trigger.NEW_ARTICLE, Trigger.CORRECTION)
    return a_subscription(id=name, name=name, query=query, triggers=wanted)


class Match:
    """A matching stage over streams in memory, for partition 1."""

    def __init__(self, *subscriptions: Subscription) -> None:
        self.streams = InMemoryStreams(partitions=2)
        self.table = Listed(*subscriptions)
        self.events = Told()
        self.compiled: list[int] = []
        self.matching = Matching(self.table, self._make)

    def _make(self, subscriptions: Sequence[Subscription], before: Matcher | None) -> Matcher:
        self.compiled.append(len(subscriptions))
        return Matcher(subscriptions, now=NOW, reuse=before)

    def open(self, journal: Journal) -> MatchShard:
        return MatchShard(journal, self.matching, FrozenClock(NOW), self.events)

    def new_shard(self) -> MatchShard:
        return self.open(self.streams.open("match", "articles.v1", 1))

    def give(self, *messages: Message) -> None:
        for message in messages:
            self.streams.write([message])

    def run(self, *sizes: int) -> None:
        drive(self.streams, "match", "articles.v1", 1, self.open, sizes=sizes or (500,))

    def alerts(self) -> list[Alert]:
        return [decode(Alert, message.value or b"") for message in self.streams.read("alerts.v1")]

    def quarantined(self) -> list[Quarantined]:
        return [decode(Quarantined, message.value or b"") for message in self.streams.read("quarantine.v1")]


def news(
    article: Article, outcome: Outcome = Outcome.INDEXED, previous: Article | None = None, **story: object
) -> Message:
    told: Story = a_story(story_id=article.story_id, **story)
    headers = {"outcome": outcome.value.encode(), "story": encode(told), "placed": b"1"}
    if previous is not None:
        headers["previous"] = encode(previous)
    return Message(stream="articles.v1", key=article.article_id, value=encode(article), partition=1, headers=headers)


def written(number: int, **changes: object) -> Article:
    return an_article(article_id=f"{number:032}", story_id=f"s{number % 3}", title=f"خبر {number}", **changes)


def test_a_matching_article_raises_one_alert_in_the_partition_of_its_story() -> None:
    match = Match(everything())
    match.give(news(written(1)), news(written(1)))
    match.run()

    (alert,) = match.alerts()
    assert (alert.subscription_id, alert.article_id) == ("all", f"{1:032}")
    assert [message.partition for message in match.streams.read("alerts.v1")] == [1]
    assert match.streams.read("alerts.v1")[0].key == alert.alert_id
    (raised,) = match.events.events
    assert isinstance(raised, AlertRaised)
    assert (raised.alert_id, raised.subscription) == (alert.alert_id, "all")


def test_what_raises_nothing_moves_the_place_all_the_same() -> None:
    match = Match(everything(query="كلمة"))
    match.give(news(written(1)), news(written(2)))
    match.run()

    assert match.alerts() == []
    assert match.streams.place("match", "articles.v1", 1) == match.streams.read("articles.v1")[-1].offset + 1


def test_copies_raise_alerts_but_tags_decided_anew_and_further_sources_do_not() -> None:
    match = Match(everything())
    match.give(
        news(written(1), Outcome.DUPLICATE),
        news(written(2), Outcome.RETAGGED, written(2)),
        news(written(3), Outcome.UNCHANGED, written(3)),
    )
    match.run()

    assert [alert.article_id for alert in match.alerts()] == [f"{1:032}"]


def test_a_correction_is_told_from_its_previous_revision() -> None:
    before = written(1, text="قال الوزير إن السفن وصلت")
    after = msgspec.structs.replace(before, text="قال الوزير إن السفن لم تصل", revision=2)
    match = Match(everything())
    match.give(news(before), news(after, Outcome.REVISED, before))
    match.run()

    assert [alert.reason for alert in match.alerts()] == [Trigger.NEW_ARTICLE, Trigger.CORRECTION]


def test_a_story_that_has_grown_is_told_from_the_story_that_came_with_the_article() -> None:
    wanted = msgspec.structs.replace(everything("grown", "*:*", Trigger.STORY_OUTLETS), story_outlets=2)
    match = Match(wanted)
    match.give(news(written(1), outlets=("أ",)), news(written(4), outlets=("أ", "ب")))
    match.run()

    assert [(alert.reason, alert.article_id) for alert in match.alerts()] == [(Trigger.STORY_OUTLETS, f"{4:032}")]


def test_a_subscription_that_is_put_before_an_article_comes_is_matched_against_it() -> None:
    match = Match()
    match.give(news(written(1)), news(written(2)), news(written(3)))
    shard = match.new_shard()
    shard.take(match.streams.read("articles.v1")[:1])
    match.table.put(everything())
    shard.take(match.streams.read("articles.v1")[1:2])
    match.table.put(msgspec.structs.replace(everything(), enabled=False))
    shard.take(match.streams.read("articles.v1")[2:])

    assert [alert.article_id for alert in match.alerts()] == [f"{2:032}"]


def test_subscriptions_are_compiled_once_until_they_change_also_for_several_shards() -> None:
    match = Match(everything())
    match.give(*(news(written(number)) for number in range(6)))
    match.run(1)
    match.new_shard()
    assert match.compiled == [1]

    match.table.put(everything("more"))
    match.give(news(written(7)))
    match.run()
    assert match.compiled == [1, 2]


def test_where_it_cannot_be_known_who_subscribed_nothing_is_matched_and_the_articles_are_taken_again() -> None:
    match = Match(everything())
    match.give(news(written(1)))
    match.table.down = True

    with pytest.raises(TransientError):
        match.new_shard().take(match.streams.read("articles.v1"))
    assert (match.alerts(), match.quarantined()) == ([], [])

    match.table.down = False
    match.run()
    assert len(match.alerts()) == 1


def test_a_query_that_cannot_be_read_is_told_and_the_others_go_on() -> None:
    match = Match(everything("bad", "title:("), everything("good"))
    match.give(news(written(1)))
    match.run()

    assert [alert.subscription_id for alert in match.alerts()] == ["good"]


def test_an_article_that_cannot_be_read_goes_to_quarantine_and_a_removed_one_is_passed_over() -> None:
    bad = msgspec.structs.replace(news(written(1)), value=b"{}")
    lone = msgspec.structs.replace(news(written(5)), headers={"outcome": b"indexed"})
    gone = msgspec.structs.replace(news(written(3)), value=None, headers={})
    match = Match(everything())
    match.give(bad, lone, gone, news(written(2)))
    match.run()

    assert [(item.stage, item.key, item.payload) for item in match.quarantined()] == [
        ("match", f"{1:032}", b"{}"),
        ("match", f"{5:032}", lone.value),
    ]
    assert "came without its story" in match.quarantined()[1].reason
    assert [alert.article_id for alert in match.alerts()] == [f"{2:032}"]
    assert sum(isinstance(event, ItemOutcome) for event in match.events.events) == 2


def test_an_article_at_which_matching_fails_goes_to_quarantine_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = Matcher.match

    def fragile(matcher: Matcher, article: Article, *rest: object) -> Sequence[Alert]:
        if article.article_id == f"{1:032}":
            raise ZeroDivisionError("division by zero")
        return real(matcher, article, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Matcher, "match", fragile)
    match = Match(everything())
    match.give(news(written(1)), news(written(2)))
    match.run()

    assert [item.reason for item in match.quarantined()] == ["ZeroDivisionError: division by zero"]
    assert [alert.article_id for alert in match.alerts()] == [f"{2:032}"]


def test_an_owner_that_lost_its_partition_raises_nothing() -> None:
    match = Match(everything())
    match.give(news(written(1)))
    old = match.new_shard()
    match.new_shard()

    with pytest.raises(FencedError):
        old.take(match.streams.read("articles.v1"))

    assert (match.alerts(), match.events.events) == ([], [])


def test_alerts_of_another_partition_are_not_its_own() -> None:
    match = Match(everything())
    match.give(news(written(1)))
    match.run()
    alert = match.alerts()[0]
    other = Match(everything())
    other.streams.write([Message(stream="alerts.v1", key=alert.alert_id, value=encode(alert), partition=0)])
    other.give(news(written(1)))
    other.run()

    assert [message.partition for message in other.streams.read("alerts.v1")] == [0, 1]


@given(
    st.dictionaries(st.integers(1, 12), st.sampled_from(Blow), max_size=8),
    st.lists(st.integers(1, 4), min_size=1, max_size=3),
)
def test_each_alert_is_raised_once_wherever_it_crashes(blows: dict[int, Blow], sizes: list[int]) -> None:
    before = written(2)
    after = msgspec.structs.replace(before, text="نص آخر تماما", revision=2)
    messages = [*(news(written(number)) for number in (1, 2, 3, 2, 1, 4)), news(after, Outcome.REVISED, before)]
    wanted = (everything("all", "*:*", *Trigger), everything("one", "title:3"))
    calm, stormy = Match(*wanted), Match(*wanted)
    for match in (calm, stormy):
        match.give(*messages)
    stormy.streams.blows = blows
    calm.run(*sizes)
    stormy.run(*sizes)

    assert stormy.alerts() == calm.alerts()
    assert len({alert.alert_id for alert in calm.alerts()}) == len(calm.alerts()) == 9


# --- the ids -----------------------------------------------------------------


@given(st.sets(st.text(max_size=4)), st.sets(st.text(max_size=4)), st.text(max_size=4))
def test_ids_are_known_from_the_start_or_from_when_they_were_added(
    first: set[str], later: set[str], asked: str
) -> None:
    ids = AlertIds(first)
    for one in later:
        ids.add(one)

    assert (asked in ids) == (asked in first | later)
    assert all(one in ids for one in first | later)
    assert len(ids) == len(first | later)


def test_thousands_of_new_ids_are_put_to_the_settled_ones() -> None:
    ids = AlertIds(f"a{number}" for number in range(5_000))
    for number in range(9_000):
        ids.add(f"b{number}")

    assert len(ids) == 14_000
    assert all(f"a{number}" in ids and f"b{number}" in ids for number in range(0, 5_000, 97))
    assert "b9000" not in ids


def test_hits_of_a_subscription_to_spikes_are_counted_elsewhere_and_not_told() -> None:
    match = Match(everything("spikes", "*:*", Trigger.SPIKE), everything("all"))
    match.give(news(an_article()))

    match.run()

    assert [alert.subscription_id for alert in match.alerts()] == ["all"]
    (message,) = match.streams.read("hits.v1")
    hit = decode(Hit, message.value or b"")
    assert (message.key, hit.subscription_id, hit.article_id) == ("spikes", "spikes", an_article().article_id)
