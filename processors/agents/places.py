"""How far a worker may say that it is: only as far as everything that the client has handed over is delivered.

Faust commits what its streams have acknowledged, and acknowledges a batch when the loop over it is left, for whatever reason;
what it drops between client and stream in a rebalance it trusts to be read again. Here both are counted by offset: as read
where the client hands records over, as done when their results are with the broker.
"""

import threading
from collections import deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple

__all__ = ["Part", "Places"]


class Part(NamedTuple):
    """A partition of a topic."""

    topic: str
    partition: int


class _Place:
    """One partition, as long as it is this worker's."""

    def __init__(self) -> None:
        self.open: deque[int] = deque()
        """Offsets that were read and are not done, in order."""
        self.next: int | None = None
        """Everything before it is done; None until something is known."""
        self.read: int = -1
        """The highest offset that was read."""
        self.position: int = 0
        """Where the client reads on, markers of transactions passed over."""


class Places:
    """What was read and what is done, by partition, since partitions were last handed out. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._generation = -1
        self._places: dict[Part, _Place] = {}

    def assigned(self, parts: Iterable[Part], generation: int) -> None:
        """These partitions are the worker's from now on, and no others; what was open before counts no more."""
        with self._lock:
            self._generation = generation
            self._places = {part: _Place() for part in parts}

    def began(self, part: Part, offset: int) -> None:
        """Where reading of the partition begins."""
        with self._lock:
            if (place := self._places.get(part)) is not None:
                place.next = offset if place.next is None else max(place.next, offset)

    def read(self, part: Part, offsets: Sequence[int], position: int) -> None:
        """The client has handed these over, in order, and reads on at ``position``. What it hands over again counts once.

        To be called where nothing can be handed over between the two.
        """
        with self._lock:
            if (place := self._places.get(part)) is None:
                return
            for offset in offsets:
                if offset > place.read and offset >= (place.next or 0):
                    place.open.append(offset)
                    place.read = offset
            place.position = position

    def current(self, part: Part, generation: int) -> bool:
        """Whether a message that was handed over in that generation still counts."""
        with self._lock:
            return generation == self._generation and part in self._places

    def done(self, part: Part, offset: int) -> list[int]:
        """The result of a message is with the broker.

        Returns:
            Offsets before it that were read and have not come: they were dropped on the way. The place stays before them.
        """
        with self._lock:
            place = self._places.get(part)
            if place is None or not place.open or offset < place.open[0]:
                return []
            if place.open[0] < offset:
                return [missing for missing in place.open if missing < offset]
            place.open.popleft()
            place.next = offset + 1
            return []

    def next(self, part: Part) -> int | None:
        """The offset to begin at after a restart: where nothing is open, the one that the client reads on at."""
        with self._lock:
            place = self._places.get(part)
            if place is None or place.next is None:
                return None
            return place.next if place.open else max(place.next, place.position)

    def idle(self, part: Part) -> bool:
        """Whether nothing is open."""
        with self._lock:
            place = self._places.get(part)
            return place is not None and not place.open

    def parts(self) -> list[Part]:
        """The partitions that are the worker's."""
        with self._lock:
            return sorted(self._places)
