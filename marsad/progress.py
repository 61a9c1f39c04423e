"""What a service tells of its work: how far it is in its input, what it waits for, and which offsets it never saw.

Filled by the service, judged by its watchdog, shown by its health endpoint. Safe to use from several threads.
"""

import threading
from collections import deque
from typing import Final

import msgspec

__all__ = ["Hole", "Position", "Progress"]

_MOST_HOLES: Final = 10_000


class Hole(msgspec.Struct, frozen=True):
    """Offsets of an input that were passed over: markers of transactions or removed records if all is well."""

    stream: str
    partition: int
    first: int
    until: int
    """The offset after the last one of the hole."""


class Position(msgspec.Struct, frozen=True):
    """How far the service is in one partition of its input; instants by the monotonic clock, in seconds."""

    offset: int
    """The next one to be taken; all before it are done."""
    end: int
    """The end of the partition as last heard."""
    moved_at: float

    @property
    def lag(self) -> int:
        """Offsets that are still to be taken, transaction markers included."""
        return max(0, self.end - self.offset)


class Progress:
    """Positions, waits and holes of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._positions: dict[tuple[str, int], Position] = {}
        self._waiting: dict[str, str] = {}
        self._holes: deque[Hole] = deque(maxlen=_MOST_HOLES)
        self.counts: dict[str, int] = {}
        """Items by outcome."""
        self.skipped: list[Hole] = []
        """Holes in which records were found that had never been taken."""

    def opened(self, stream: str, partition: int, offset: int, now: float) -> None:
        """The partition is this process's from now on; the first offset that it must take."""
        with self._lock:
            self._positions[stream, partition] = Position(offset, offset, now)

    def closed(self, stream: str, partition: int) -> None:
        """The partition is another's."""
        with self._lock:
            self._positions.pop((stream, partition), None)

    def taken(self, stream: str, partition: int, offsets: list[int], now: float) -> None:
        """These offsets, in order, are done; the ones between that are missing become holes to be looked into."""
        with self._lock:
            known = self._positions.get((stream, partition))
            place = known.offset if known else offsets[0]
            for offset in offsets:
                if offset > place:
                    self._holes.append(Hole(stream, partition, place, offset))
                place = max(place, offset + 1)
            self._positions[stream, partition] = Position(place, max(place, known.end if known else 0), now)

    def heard(self, stream: str, partition: int, end: int, *, position: int | None = None) -> None:
        """The partition's end as the broker says; ``position`` where only markers lay before it."""
        with self._lock:
            known = self._positions.get((stream, partition))
            if known is not None:
                place = known.offset if position is None else max(known.offset, position)
                if place > known.offset:
                    self._holes.append(Hole(stream, partition, known.offset, place))
                self._positions[stream, partition] = msgspec.structs.replace(known, offset=place, end=end)

    def waits(self, what: str, why: str = "") -> None:
        """It cannot go on because of something outside, such as ``elasticsearch``; no reason: it can again."""
        with self._lock:
            if why:
                self._waiting[what] = why
            else:
                self._waiting.pop(what, None)

    def count(self, outcome: str, by: int = 1) -> None:
        """Items that ended so."""
        with self._lock:
            self.counts[outcome] = self.counts.get(outcome, 0) + by

    def take_holes(self) -> list[Hole]:
        """Holes that nobody has looked into yet."""
        with self._lock:
            found = list(self._holes)
            self._holes.clear()
        return found

    def found_skipped(self, hole: Hole) -> None:
        """Committed records lie in the hole: they were passed over."""
        with self._lock:
            self.skipped.append(hole)

    def positions(self) -> dict[tuple[str, int], Position]:
        """By stream and partition."""
        with self._lock:
            return dict(self._positions)

    def waiting(self) -> dict[str, str]:
        """What it waits for, and why."""
        with self._lock:
            return dict(self._waiting)
