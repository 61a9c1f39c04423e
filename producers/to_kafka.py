"""What polling remembers, in the shards of feeds that this process owns: states and entries go into one transaction."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import structlog
from msgspec.structs import replace

from marsad.clock import Clock
from marsad.errors import FencedError, TransientError
from marsad.outcome import outcome
from marsad.ports import Journal
from marsad.records import Alert, Entry, FeedState, Quarantined
from marsad.records.codec import encode
from marsad.streams import Message
from producers.commits import STATES, Commit, Shard
from producers.sharding import Placement
from producers.sizes import entry_message, fitted_quarantined, fitted_state

__all__ = ["PollShard", "ShardLedger"]

_log = structlog.get_logger(__name__)
_SWEEP_S: Final = 5.0
# A thread waits for each shard's transaction.
_THREADS: Final = 64
_ALERTS: Final = "alerts.v1"


class ShardLedger:
    """``marsad.ports.PollLedger`` over the shards that are this process's. Safe to use from many threads.

    A state must be read through ``state`` before the poll that changes it, and a feed is polled once at a time.

    Args:
        placement: the shard of each feed.
        clock: its monotonic seconds.
        alerts: what a poll raises by the state that it leads to.
    """

    def __init__(
        self, placement: Placement, clock: Clock, alerts: Callable[[FeedState], Sequence[Alert]] = lambda _: ()
    ) -> None:
        self._placement = placement
        self._alerts = alerts
        self._clock = clock
        self._shards: dict[int, Shard] = {}
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="shard")

    def open(self, journal: Journal) -> Shard:
        """Take a shard over: read its states, and commit to it from now on.

        Raises:
            TransientError: its states cannot be read.
        """
        shard = Shard(journal, self._clock)
        self._shards[shard.number] = shard
        return shard

    def close(self, shard: Shard) -> None:
        """Let go of a shard; callers that wait for it get ``FencedError``."""
        if self._shards.get(shard.number) is shard:
            del self._shards[shard.number]
        shard.close()

    def owned(self) -> frozenset[int]:
        """The shards that are open."""
        return frozenset(self._shards)

    def is_well(self) -> bool:
        """Tell whether commits go through: where they do not, sites should not be asked."""
        return all(shard.is_well() for shard in list(self._shards.values()))

    def is_ours(self, feed_id: str) -> bool:
        """Tell whether a poll of the feed that began here may still end in a commit."""
        number = self._placement.shard_of(feed_id)
        shard = None if number is None else self._shards.get(number)
        return shard is not None and not shard.is_stale(feed_id)

    def state(self, feed_id: str) -> FeedState | None:
        """What is known of the feed; None before its first poll.

        Raises:
            FencedError: the feed is not this process's.
        """
        return self._shard(feed_id).read(feed_id)

    def states(self) -> Iterator[FeedState]:
        """All states of the open shards, by feed id."""
        found = sorted((feed_id, shard.number, shard) for shard in self._shards.values() for feed_id in shard.ids())
        for feed_id, _, shard in found:
            state = shard.known(feed_id)
            if state is not None:
                yield state

    def commit_poll(self, state: FeedState, entries: Sequence[Entry], quarantined: Sequence[Quarantined] = ()) -> None:
        """Store the new state and hand on the entries: both or neither. An entry revision that is known already changes nothing.

        Raises:
            FencedError: the feed is another process's by now, or was polled by one since the state was read.
            TransientError: it is not known whether it was written.
        """
        shard, commit = self._prepared(state, entries, quarantined)
        _raise(shard.write([commit]))

    def commit_polls(self, polls: Sequence[tuple[FeedState, Sequence[Entry]]]) -> Sequence[Exception | None]:
        """Commit the polls of several feeds, each as by ``commit_poll``; those of a shard in one transaction."""
        found: list[Exception | None] = [None] * len(polls)
        of_shards: dict[Shard, list[tuple[int, Commit]]] = {}
        for at, (state, entries) in enumerate(polls):
            prepared = outcome(self._prepared, state, entries)
            if isinstance(prepared, Exception):
                found[at] = prepared
            else:
                of_shards.setdefault(prepared[0], []).append((at, prepared[1]))

        def write(shard: Shard) -> None:
            commits = of_shards[shard]
            for (at, _), error in zip(commits, shard.write([commit for _, commit in commits]), strict=True):
                found[at] = error

        # All at once: none waits for another's broker.
        list(self._threads.map(write, of_shards))
        return found

    def put_states(self, states: Sequence[FeedState]) -> Sequence[Exception | None]:
        """Store states, each with what is remembered of its entries; those of a shard in one transaction."""
        whole = [outcome(self._with_memory, state) for state in states]
        errors = iter(self.commit_polls([(state, ()) for state in whole if not isinstance(state, Exception)]))
        return [state if isinstance(state, Exception) else next(errors) for state in whole]

    def _with_memory(self, state: FeedState) -> FeedState:
        known = self._shard(state.feed_id).known(state.feed_id)
        if known is None:
            raise FencedError(f"nothing is stored of feed {state.feed_id}")
        return replace(state, seen=known.seen)

    def _prepared(
        self, state: FeedState, entries: Sequence[Entry], quarantined: Sequence[Quarantined] = ()
    ) -> tuple[Shard, Commit]:
        shard = self._shard(state.feed_id)
        if shard.is_stale(state.feed_id):
            raise FencedError(f"shard {shard.number} was another's while {state.feed_id} was polled")
        value = fitted_state(state)
        messages = [Message(stream=STATES, key=state.feed_id, value=value, partition=shard.number)]
        messages += [entry_message(entry) for entry in _unknown(shard, state.feed_id, entries)]
        messages += [fitted_quarantined(item) for item in quarantined]
        messages += [
            Message(stream=_ALERTS, key=alert.alert_id, value=encode(alert), partition=shard.number)
            for alert in self._alerts(state)
        ]
        return shard, Commit(state.feed_id, value, messages)

    def forget_strangers(self, shard: Shard) -> int:
        """Remove the states of feeds that are gone or have moved to another shard; how many.

        Raises:
            FencedError: the shard is another's.
            TransientError: the feeds cannot be told, or it is not known whether it was written.
        """
        strangers = self._placement.strangers(shard.number, shard.ids())
        for feed_id in strangers:
            tombstone = Message(stream=STATES, key=feed_id, value=None, partition=shard.number)
            _raise(shard.write([Commit(feed_id, None, [tombstone])]))
        if strangers:
            _log.info("feed states removed", shard=shard.number, count=len(strangers))
        return len(strangers)

    def _shard(self, feed_id: str) -> Shard:
        number = self._placement.shard_of(feed_id)
        shard = None if number is None else self._shards.get(number)
        if shard is None:
            raise FencedError(f"feed {feed_id} is not polled here")
        return shard


class PollShard:
    """A shard in the loop of ``processors.transact``: there for as long as it is owned; nothing is consumed.

    Args:
        journal: of the shard.
        ledger: commits polls to it.
        placement: tells when feeds have changed.
        clock: its monotonic seconds.
    """

    def __init__(self, journal: Journal, ledger: ShardLedger, placement: Placement, clock: Clock) -> None:
        self._ledger = ledger
        self._placement = placement
        self._clock = clock
        self._shard = ledger.open(journal)
        self._swept = -1
        self._sweep_at = clock.monotonic()

    def take(self, batch: Sequence[Message]) -> None:
        """Nothing: the stream holds what the shard itself writes."""

    def tick(self) -> int:
        """End where a commit has failed, so that the shard is opened anew; remove states that are no longer wanted.

        Raises:
            FencedError: the shard is another's.
            TransientError: a commit failed.
        """
        if self._shard.fault is not None:
            raise self._shard.fault
        version = self._placement.version
        if version == self._swept or self._clock.monotonic() < self._sweep_at:
            return 0
        self._sweep_at = self._clock.monotonic() + _SWEEP_S
        try:
            removed = self._ledger.forget_strangers(self._shard)
        except TransientError:
            if self._shard.fault is not None:
                raise
            return 0
        self._swept = version
        return removed

    def close(self) -> None:
        """Let go of the shard."""
        self._ledger.close(self._shard)


def _raise(errors: Iterable[Exception | None]) -> None:
    for error in errors:
        if error is not None:
            raise error


def _unknown(shard: Shard, feed_id: str, entries: Sequence[Entry]) -> list[Entry]:
    """The entries that were not handed on before, judged by the stored state."""
    known = shard.known(feed_id) if entries else None
    if known is None:
        return list(entries)
    return [e for e in entries if e.entry_id not in known.seen or known.seen[e.entry_id].revision < e.revision]
