"""The ledger of a poller that owns shards, over a journal in memory."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec.structs import replace

from marsad.clock import SystemClock
from marsad.errors import FencedError, StoreError, TransientError
from marsad.records import Alert, Entry, Feed, FeedState, Health, Quarantined, Seen
from marsad.records.codec import decode, encode
from marsad.streams import Message, partition_of
from marsad.testing.factories import NOW, a_feed, a_quarantined, an_alert, an_entry
from producers.politeness import site_of
from producers.sharding import Placement, ShardedRegistry
from producers.to_kafka import PollShard, ShardLedger

SHARDS = 2


class Feeds:
    """A table of feeds."""

    def __init__(self, *feeds: Feed) -> None:
        self.by_id = {feed.id: feed for feed in feeds}
        self.version = 1
        self.coming: Feed | None = None

    def all(self) -> Sequence[Feed]:
        return [self.by_id[key] for key in sorted(self.by_id)]

    def get(self, key: str) -> Feed | None:
        return self.by_id.get(key)

    def refresh(self, timeout: float = 10.0) -> None:
        if self.coming:
            self.put(self.coming)

    def put(self, feed: Feed) -> None:
        self.by_id[feed.id] = feed
        self.version += 1

    def remove(self, feed_id: str) -> None:
        del self.by_id[feed_id]
        self.version += 1


class Broker:
    """What is committed, and who may commit."""

    def __init__(self) -> None:
        self.log: list[Message] = []
        self.transactions: list[list[Message]] = []
        self.owner: dict[int, object] = {}
        self.lock = threading.Lock()

    def of(self, stream: str) -> list[Message]:
        return [message for message in self.log if message.stream == stream]


class MemoryJournal:
    """``marsad.ports.Journal``; opening one fences the one before."""

    def __init__(self, broker: Broker, partition: int = 0, gate: Callable[[], None] = lambda: None) -> None:
        self.broker = broker
        self.partition = partition
        self.gate = gate
        broker.owner[partition] = self

    def commit(self, messages: Sequence[Message], *, upto: int | None = None) -> Sequence[int]:
        self.gate()
        with self.broker.lock:
            if self.broker.owner[self.partition] is not self:
                raise FencedError("fenced")
            self.broker.transactions.append(list(messages))
            self.broker.log += messages
        return [0] * len(messages)

    def read(self, stream: str, partition: int | None = None, *, start: int = 0) -> Iterator[Message]:
        return iter([m for m in self.broker.of(stream) if partition is None or m.partition == partition])


def feed_in(shard: int, name: str = "f") -> Feed:
    hosts = (f"{name}{n}.example" for n in range(100))
    url = next(u for host in hosts if partition_of(site_of(u := f"https://{host}/rss"), SHARDS) == shard)
    return a_feed(id=f"{name}-{shard}", url=url)


class Room:
    """A ledger with its surroundings."""

    def __init__(self, *feeds: Feed, alerts: Callable[[FeedState], Sequence[Alert]] = lambda _: ()) -> None:
        self.feeds = Feeds(*feeds)
        self.broker = Broker()
        self.placement = Placement(self.feeds, SHARDS)
        self.clock = SystemClock()
        self.ledger = ShardLedger(self.placement, self.clock, alerts)
        self.registry = ShardedRegistry(self.feeds, self.placement, self.ledger.owned)

    def open(self, shard: int = 0, gate: Callable[[], None] = lambda: None) -> PollShard:
        return PollShard(MemoryJournal(self.broker, shard, gate), self.ledger, self.placement, self.clock)


def known(feed: Feed, *entries: Entry, **fields: object) -> FeedState:
    seen = {entry.entry_id: Seen("c", entry.article_id, entry.revision) for entry in entries}
    return FeedState(feed_id=feed.id, seen=seen, **fields)  # type: ignore[arg-type]


A, B = feed_in(0), feed_in(1)


def test_state_and_entries_go_into_one_transaction_in_the_shard_of_the_feeds_site() -> None:
    room = Room(A, B)
    room.open(1)
    entry, item = an_entry(feed_id=B.id), a_quarantined()
    assert room.ledger.state(B.id) is None

    room.ledger.commit_poll(known(B, entry), [entry], [item])

    (written,) = room.broker.transactions
    assert [(m.stream, m.key, m.partition) for m in written] == [
        ("feed-states.v1", B.id, 1),
        ("entries.v1", entry.article_id, None),
        ("quarantine.v1", item.id, None),
    ]
    assert decode(Entry, written[1].value or b"") == entry
    assert room.ledger.state(B.id) == known(B, entry)
    assert list(room.ledger.states()) == [known(B, entry)]


def test_polls_that_end_at_once_are_one_transaction_in_each_shard() -> None:
    more = a_feed(id="a2", url=f"{A.url}/2")
    room = Room(A, B, more)
    shards = [room.open(0), room.open(1)]
    states = [known(feed, etag="new") for feed in (A, B, more)]

    assert room.ledger.commit_polls([(state, []) for state in states]) == [None, None, None]

    assert sorted([m.key for m in written] for written in room.broker.transactions) == sorted([[A.id, more.id], [B.id]])
    assert list(room.ledger.states()) == sorted(states, key=lambda state: state.feed_id)
    for shard in shards:
        shard.close()


def test_a_shard_that_is_lost_fails_its_own_polls_and_no_others() -> None:
    room = Room(A, B, third := a_feed(id="c", url=f"{A.url}/c"))
    room.open(0)
    room.open(1)
    MemoryJournal(room.broker, 0)

    errors = room.ledger.commit_polls([(known(feed, etag="new"), []) for feed in (A, B, third, a_feed(id="none"))])

    assert [type(error) for error in errors] == [FencedError, type(None), FencedError, FencedError]
    assert [state.feed_id for state in room.ledger.states()] == [B.id]


def test_an_alert_about_the_feed_goes_into_the_same_transaction_and_partition() -> None:
    alert = an_alert()
    room = Room(A, B, alerts=lambda state: [alert] if state.health is Health.GONE else [])
    room.open(1)
    room.ledger.state(B.id)

    room.ledger.commit_poll(known(B), [])
    room.ledger.commit_poll(known(B, health=Health.GONE), [])

    assert len(room.broker.of("alerts.v1")) == 1
    written = room.broker.transactions[-1]
    assert [(m.stream, m.key, m.partition) for m in written[1:]] == [("alerts.v1", alert.alert_id, 1)]
    assert decode(Alert, written[1].value or b"") == alert


def test_a_shard_that_is_taken_over_begins_with_what_is_stored() -> None:
    room = Room(A)
    first = room.open()
    room.ledger.state(A.id)
    room.ledger.commit_poll(known(A, etag="1"), [])
    room.ledger.commit_poll(known(A, etag="2"), [])
    first.close()
    room.open()

    state = room.ledger.state(A.id)

    assert state is not None
    assert state.etag == "2"


def test_an_entry_that_is_known_in_that_revision_is_not_handed_on_again() -> None:
    room = Room(A)
    room.open()
    old, new = an_entry(feed_id=A.id), an_entry(feed_id=A.id, entry_id="other", article_id="other")
    room.ledger.commit_poll(known(A, old), [old])
    revised = replace(old, revision=2)

    room.ledger.commit_poll(known(A, revised, new), [old, revised, new])

    handed_on = [decode(Entry, m.value or b"") for m in room.broker.of("entries.v1")]
    assert [(e.entry_id, e.revision) for e in handed_on] == [(old.entry_id, 1), (old.entry_id, 2), ("other", 1)]


def test_polls_that_end_at_once_are_written_together() -> None:
    feeds = [a_feed(id=f"f{n}", url=f"{A.url}/{n}") for n in range(40)]
    room = Room(*feeds)
    room.open(gate=lambda: time.sleep(0.02))
    with ThreadPoolExecutor(40) as pool:
        for feed in feeds:
            pool.submit(room.ledger.commit_poll, known(feed), [an_entry(feed_id=feed.id, entry_id=feed.id)])

    assert {state.feed_id for state in room.ledger.states()} == {feed.id for feed in feeds}
    assert len(room.broker.of("entries.v1")) == 40
    assert len(room.broker.transactions) < 10


def test_a_commit_is_durable_when_it_returns() -> None:
    release = threading.Event()
    room = Room(A)
    room.open(gate=lambda: release.wait(10) and None)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(room.ledger.commit_poll, known(A), [])
        time.sleep(0.05)
        assert not waiting.done()
        assert room.ledger.state(A.id) is None
        release.set()
        waiting.result(10)

    assert room.ledger.state(A.id) == known(A)


def test_who_lost_the_shard_is_told_and_writes_nothing() -> None:
    room = Room(A, a_feed(id="a2", url=f"{A.url}/2"))
    release = threading.Event()
    shard = room.open(gate=lambda: release.wait(10) and None)
    with ThreadPoolExecutor(2) as pool:
        polls = [pool.submit(room.ledger.commit_poll, FeedState(feed_id=name), []) for name in (A.id, "a2")]
        time.sleep(0.05)
        other = MemoryJournal(room.broker)
        release.set()
        errors = [poll.exception(10) for poll in polls]

    assert [type(error) for error in errors] == [FencedError, FencedError]
    assert room.broker.owner[0] is other
    assert not room.broker.log
    assert not room.ledger.is_well()
    with pytest.raises(FencedError):
        shard.tick()
    shard.close()
    assert room.ledger.is_well()


def test_who_waits_for_a_shard_that_is_let_go_of_is_told() -> None:
    room = Room(A, a_feed(id="a2", url=f"{A.url}/2"))
    release, writing = threading.Event(), threading.Event()

    def gate() -> None:
        writing.set()
        release.wait(10)

    shard = room.open(gate=gate)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(room.ledger.commit_poll, FeedState(feed_id=A.id), [])
        writing.wait(10)
        second = pool.submit(room.ledger.commit_poll, FeedState(feed_id="a2"), [])
        time.sleep(0.05)
        shard.close()
        assert isinstance(second.exception(10), FencedError)
        release.set()
        assert first.exception(10) is None

    assert [message.key for message in room.broker.log] == [A.id]


def test_a_state_that_cannot_be_read_is_no_state() -> None:
    room = Room(A)
    journal = MemoryJournal(room.broker)
    journal.commit([Message(stream="feed-states.v1", key=A.id, value=b"{", partition=0)])
    room.open()

    assert room.ledger.state(A.id) is None
    assert not list(room.ledger.states())
    room.ledger.commit_poll(known(A), [])
    assert room.ledger.state(A.id) == known(A)


def test_a_feed_of_another_poller_is_neither_shown_nor_committed() -> None:
    room = Room(A, B)
    assert room.registry.feeds() == []
    shard = room.open(0)

    assert room.registry.feeds() == [A]
    assert room.registry.feed(A.id) == A
    assert room.registry.feed(B.id) is None
    with pytest.raises(FencedError):
        room.ledger.state(B.id)
    with pytest.raises(FencedError):
        room.ledger.commit_poll(known(B), [])
    shard.close()
    assert room.registry.feeds() == []
    with pytest.raises(StoreError):
        room.registry.put_feeds([A])
    with pytest.raises(StoreError):
        room.registry.remove_feed(A.id)


def test_a_disabled_feed_is_not_shown_and_its_state_is_kept() -> None:
    room = Room(A)
    shard = room.open()
    room.ledger.commit_poll(known(A), [])
    room.feeds.put(replace(A, enabled=False))

    shard.tick()

    assert room.registry.feeds() == []
    assert room.registry.feed(A.id) is None
    assert list(room.ledger.states()) == [known(A)]


def test_a_poll_that_began_before_the_shard_was_anothers_commits_nothing() -> None:
    room = Room(A)
    shard = room.open()
    room.ledger.state(A.id)
    shard.close()
    elsewhere = MemoryJournal(room.broker)
    elsewhere.commit([Message(stream="feed-states.v1", key=A.id, value=encode(known(A, etag="theirs")), partition=0)])
    room.open()

    assert not room.ledger.is_ours(A.id)
    with pytest.raises(FencedError):
        room.ledger.commit_poll(known(A, etag="ours"), [])
    assert room.ledger.state(A.id) == known(A, etag="theirs")
    room.ledger.commit_poll(known(A, etag="ours"), [])
    assert room.ledger.is_ours(A.id)


def test_after_an_unknown_outcome_the_shard_is_opened_anew() -> None:
    def away() -> None:
        raise TransientError("the broker is away")

    room = Room(A)
    shard = room.open(gate=away)
    with pytest.raises(TransientError):
        room.ledger.commit_poll(known(A), [])
    with pytest.raises(TransientError):
        room.ledger.commit_poll(known(A), [])
    assert not room.ledger.is_well()
    with pytest.raises(TransientError):
        shard.tick()
    shard.close()
    room.open()
    room.ledger.commit_poll(known(A), [])
    assert room.ledger.is_well()


def test_a_fault_of_ours_reaches_the_caller_as_transient_and_the_loop_as_it_is() -> None:
    def fault() -> None:
        raise ValueError("a fault")

    room = Room(A)
    shard = room.open(gate=fault)
    with pytest.raises(TransientError, match="ValueError: a fault"):
        room.ledger.commit_poll(known(A), [])
    with pytest.raises(ValueError, match="a fault"):
        shard.tick()


def test_commits_that_hang_make_the_ledger_unwell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("producers.commits._SLOW_S", 0.05)
    release = threading.Event()
    room = Room(A)
    room.open(gate=lambda: release.wait(10) and None)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(room.ledger.commit_poll, known(A), [])
        until = time.monotonic() + 5
        while room.ledger.is_well() and time.monotonic() < until:
            time.sleep(0.01)
        assert not room.ledger.is_well()
        release.set()
        waiting.result(10)
    assert room.ledger.is_well()


def test_states_of_feeds_that_are_gone_or_have_moved_are_removed_by_the_owner() -> None:
    gone, moved, stays = feed_in(0, "gone"), feed_in(0, "moved"), feed_in(0, "stays")
    room = Room(gone, moved, stays)
    shard = room.open()
    for feed in (gone, moved, stays):
        room.ledger.commit_poll(known(feed), [])
    room.feeds.remove(gone.id)
    room.feeds.put(replace(moved, url=feed_in(1, "moved").url))

    assert shard.tick() == 2

    assert [state.feed_id for state in room.ledger.states()] == [stays.id]
    tombstones = [(m.key, m.partition) for m in room.broker.of("feed-states.v1") if m.value is None]
    assert tombstones == [(gone.id, 0), (moved.id, 0)]
    assert shard.tick() == 0


def test_the_state_of_a_feed_that_is_only_not_heard_of_yet_is_kept() -> None:
    room = Room(A)
    room.open().close()
    MemoryJournal(room.broker).commit(
        [Message(stream="feed-states.v1", key="new", value=encode(FeedState(feed_id="new")), partition=0)]
    )
    room.feeds.coming = replace(A, id="new")
    shard = room.open()

    assert shard.tick() == 0

    assert [state.feed_id for state in room.ledger.states()] == ["new"]


def test_a_page_that_is_too_large_is_left_out_and_said_to_be() -> None:
    room = Room(A)
    room.open()
    entry = an_entry(feed_id=A.id, page_html="x" * 9_000_000)

    room.ledger.commit_poll(known(A, entry), [entry])

    (message,) = room.broker.of("entries.v1")
    sent = decode(Entry, message.value or b"")
    assert sent == replace(entry, page_html="", page_problem=sent.page_problem)
    assert "too large" in sent.page_problem


def test_an_entry_that_is_too_large_without_its_page_goes_to_quarantine() -> None:
    room = Room(A)
    room.open()
    entry = an_entry(feed_id=A.id, content_html="x" * 9_000_000)

    room.ledger.commit_poll(known(A, entry), [entry])

    (message,) = room.broker.of("quarantine.v1")
    item = decode(Quarantined, message.value or b"")
    assert (item.key, item.stage, item.at) == (entry.entry_id, "poll", NOW)
    assert "too large" in item.reason
    assert "bytes are kept" in item.detail
    assert encode(entry).startswith(item.payload)
    assert 6_000_000 < len(message.value or b"") < 9_437_184
    assert not room.broker.of("entries.v1")


def test_a_state_that_is_too_large_forgets_what_was_seen_longest_ago() -> None:
    room = Room(A)
    room.open()
    seen = {f"{n:032}": Seen("c" * 16, f"{n:032}", 1, n) for n in range(60_000)}

    room.ledger.commit_poll(FeedState(feed_id=A.id, seen=seen), [])

    state = room.ledger.state(A.id)
    assert state is not None
    assert len(state.seen) == 30_000
    assert min(item.at for item in state.seen.values()) == 30_000
