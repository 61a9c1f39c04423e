"""The simulation over streams: the match and deliver shards of the cluster size, on streams in memory that crash on order."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Final

from marsad.clock import FrozenClock
from marsad.config import AlertSettings
from marsad.errors import FencedError, TransientError
from marsad.events import Event, Outcome
from marsad.ports import Journal
from marsad.progress import Progress
from marsad.records import Subscription
from marsad.streams import Message
from marsad.testing.journal import Blow, CrashError, InMemoryStreams, Taker
from marsad_app.bench.alerting.receiver import Receivers
from marsad_app.bench.alerting.world import BEGIN, came_at, move
from processors.article_stream import ARTICLES, News, Shelved, article_message
from processors.hit_stream import HITS, Reached
from processors.match import Matcher
from processors.match_shard import Matching, MatchShard
from processors.spike_shard import SpikeShard
from sinks.alerts.deliver import Sender
from sinks.alerts.gate import Gate
from sinks.alerts.shard import DeliveryShard

__all__ = ["run_streams"]

_PARTITIONS: Final = 4
_CHUNK: Final = 64
_AT_END: Final = timedelta(days=12)
_LOOK: Final = timedelta(minutes=30)
_TAKEN: Final = 0.25
"""The share of times at which a partition of the articles is read out of turn; else it is every third time: they are hours apart."""
_THIRD: Final = 3
_APART_SEED: Final = 3


class _Table:
    """The subscriptions, which do not change here."""

    version = 1

    def __init__(self, wanted: Sequence[Subscription]) -> None:
        self._wanted = {one.id: one for one in wanted}

    def all(self) -> Sequence[Subscription]:
        """All of them."""
        return list(self._wanted.values())

    def get(self, key: str) -> Subscription | None:
        """One subscription."""
        return self._wanted.get(key)

    def refresh(self, timeout: float = 10.0) -> None:
        """Nothing to wait for."""


class _Reach:
    """How far matching is."""

    def __init__(self, streams: InMemoryStreams) -> None:
        self._streams = streams

    def look(self) -> Reached:
        """As it is now."""
        ends = self._streams.ends(ARTICLES)
        matched = {number: self._streams.place("match", ARTICLES, number) for number in ends}
        return Reached(ends, matched, self._streams.ends(HITS))


class _Untold:
    def emit(self, event: Event) -> None:
        """Say nothing."""


class _Owned:
    """A stage's partition with its present owner; after a crash or an error the next one reads everything anew."""

    def __init__(
        self, streams: InMemoryStreams, stage: str, source: str, partition: int, make: Callable[[Journal], Taker]
    ) -> None:
        self._streams = streams
        self._where = (stage, source, partition)
        self._make = make
        self.stage, self.partition = stage, partition
        self._handler: Taker | None = None
        self._next = 0
        """What comes next to the present owner, whether it has moved its place or not."""
        self.openings = 0

    def run(self) -> int:
        """Take what is there and do what is due, until there is neither; how much that was."""
        moved = 0
        while True:
            try:
                step = self._step()
            except (CrashError, TransientError, FencedError):
                self._handler = None
                continue
            if not step:
                return moved
            moved += step

    def _step(self) -> int:
        if self._handler is None:
            self.openings += 1
            self._handler = self._make(self._streams.open(*self._where))
            self._next = self._streams.place(*self._where)
        _, source, partition = self._where
        waiting = self._streams.read(source, partition, start=self._next)
        if waiting:
            self._handler.take(waiting)
            self._next = waiting[-1].offset + 1
        return len(waiting) + self._handler.tick()


def run_streams(
    folder: Path, news: Sequence[News], wanted: Sequence[Subscription], random: Random | None, crashes: int = 0
) -> tuple[Receivers, int]:
    """Take all articles through match and deliver, then let time pass until nothing waits; how often a partition was opened.

    Args:
        folder: of what was received.
        news: the articles.
        wanted: the subscriptions.
        random: decides how calls of outlets end, and where processes crash.
        crashes: commits at which the process dies, before or after they are written.
    """
    clock, streams, table = FrozenClock(BEGIN), InMemoryStreams(_PARTITIONS), _Table(wanted)
    receivers = Receivers(folder / "received.jsonl", clock, random)
    reach, apart = _Reach(streams), Random(_APART_SEED)  # noqa: S311 - a repeatable choice
    matching = Matching(table, lambda ones, before: Matcher(ones, now=clock.now(), reuse=before))

    def deliver(journal: Journal) -> DeliveryShard:
        sender = Sender(receivers.at, AlertSettings(), clock, Gate())
        return DeliveryShard(journal, table, sender, clock, Progress(), start=lambda work: work())

    owned = [
        _Owned(streams, stage, source, partition, make)
        for stage, source, make in (
            ("match", "articles.v1", lambda journal: MatchShard(journal, matching, clock, _Untold())),
            ("match-spikes", "hits.v1", lambda journal: SpikeShard(journal, table, clock, _Untold(), reach)),
            ("deliver", "alerts.v1", deliver),
        )
        for partition in range(_PARTITIONS)
    ]
    if random and crashes:
        most = max(crashes * 2, len(news) // 4)
        kinds = (Blow.CRASH_BEFORE, Blow.CRASH_AFTER, Blow.UNKNOWN, Blow.LOST)
        streams.blows = {number: random.choice(kinds) for number in random.sample(range(1, most), crashes)}
    for first in range(0, len(news), _CHUNK):
        batch = news[first : first + _CHUNK]
        streams.write([_message(one, first + at) for at, one in enumerate(batch)])
        move(clock, came_at(batch[-1]))
        for one in owned:
            turn = (first // _CHUNK + one.partition) % _THIRD == 0
            if one.stage != "match" or turn or apart.random() < _TAKEN:
                one.run()
    until = clock.now() + _AT_END
    while clock.now() < until:
        clock.advance(_LOOK.total_seconds())
        for one in owned:
            one.run()
    receivers.close()
    return receivers, sum(one.openings for one in owned)


def _message(news: News, placed: int) -> Message:
    outcome = Outcome.REVISED if news.previous is not None else Outcome.INDEXED
    return article_message(
        Shelved(news.article, placed), [news.story], news.previous, outcome, _PARTITIONS, turn=placed
    )
