"""The streams in memory, with owners that are fenced and commits that fail on order: what stateful stages are tested against.

As on the broker, a later owner of a partition ends the earlier one for ever, a commit is all or nothing, and each commit takes an
offset of its own in every partition that it writes to (Kafka's transaction marker), so that offsets have holes.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from enum import Enum, auto
from typing import Protocol

import msgspec

from marsad.errors import FencedError, TransientError
from marsad.ports import Journal
from marsad.streams import Message, partition_of, stream
from marsad.testing.factories import NOW

__all__ = ["Blow", "CrashError", "InMemoryJournal", "InMemoryStreams", "Taker", "drive"]

Place = tuple[str, int]
"""A partition: stream and number."""
Owner = tuple[str, str, int]
"""Stage, input stream and partition."""


class CrashError(BaseException):
    """The process is gone: nothing of it may run on."""


class Blow(Enum):
    """What becomes of a commit instead of the usual."""

    CRASH_BEFORE = auto()
    """The process dies and nothing is written."""
    CRASH_AFTER = auto()
    """All is written, and the process dies before it learns of it."""
    LOST = auto()
    """``TransientError``; nothing is written."""
    UNKNOWN = auto()
    """``TransientError``, yet all is written."""
    FENCED = auto()
    """Another process has just taken the partition over."""


class InMemoryStreams:
    """All streams of a broker.

    Args:
        partitions: of each stream that does not set its own number.

    Attributes:
        blows: what happens to commits, by their number; the first one is 1.
        commits: how many were tried.
    """

    def __init__(self, partitions: int = 2) -> None:
        self.partitions = partitions
        self.blows: Mapping[int, Blow] = {}
        self.commits = 0
        self._logs: dict[Place, list[Message]] = {}
        self._ends: Counter[Place] = Counter()
        self._owners: Counter[Owner] = Counter()
        self._places: dict[Owner, int] = {}

    def open(self, stage: str, source: str, partition: int) -> "InMemoryJournal":
        """The journal of a partition's new owner; the one before can write no more."""
        owner = (stage, source, partition)
        self._owners[owner] += 1
        return InMemoryJournal(self, owner, self._owners[owner])

    def write(self, messages: Sequence[Message]) -> list[int]:
        """Write as any program would, in one transaction; the offsets."""
        offsets = [self._append(message) for message in messages]
        for place in {(message.stream, self._partition(message)) for message in messages}:
            self._ends[place] += 1
        return offsets

    def _append(self, message: Message) -> int:
        place = (message.stream, self._partition(message))
        at = NOW + timedelta(milliseconds=sum(self._ends.values()))
        kept = msgspec.structs.replace(message, partition=place[1], offset=self._ends[place], at=at)
        self._logs.setdefault(place, []).append(kept)
        self._ends[place] += 1
        return kept.offset

    def _partition(self, message: Message) -> int:
        if message.partition is not None:
            return message.partition
        return partition_of(message.key, self._count(message.stream))

    def _count(self, name: str) -> int:
        return stream(name).partitions or self.partitions

    def read(self, name: str, partition: int | None = None, *, start: int = 0) -> list[Message]:
        """What is in a stream; one partition after the other."""
        numbers = range(self._count(name)) if partition is None else [partition]
        logs = (self._logs.get((name, number), []) for number in numbers)
        return [message for log in logs for message in log if message.offset >= start]

    def ends(self, name: str) -> dict[int, int]:
        """By partition, the offset that the next message takes."""
        return {number: self._ends[name, number] for number in range(self._count(name))}

    def place(self, stage: str, source: str, partition: int) -> int:
        """The offset that the stage takes next."""
        return self._places.get((stage, source, partition), 0)

    def compact(self, name: str) -> None:
        """Keep only the last message of each key in each partition, as Kafka does in time."""
        for place, log in self._logs.items():
            if place[0] == name:
                last = {message.key: message.offset for message in log}
                self._logs[place] = [message for message in log if last[message.key] == message.offset]

    def make_anew(self, name: str) -> None:
        """Delete a stream and make it again, empty."""
        for number in range(self._count(name)):
            self._logs.pop((name, number), None)
            self._ends.pop((name, number), None)

    def owned(self, owner: Owner, epoch: int) -> bool:
        """Whether no later owner has come."""
        return self._owners[owner] == epoch

    def commit(self, owner: Owner, messages: Sequence[Message], upto: int | None) -> list[int]:
        """Write a transaction, or suffer the blow that is due."""
        self.commits += 1
        blow = self.blows.get(self.commits)
        if blow is Blow.CRASH_BEFORE:
            raise CrashError
        if blow is Blow.LOST:
            raise TransientError("the broker went away")
        if blow is Blow.FENCED:
            self._owners[owner] += 1
            raise FencedError(f"another process owns {owner}")
        offsets = self.write(messages)
        if upto is not None:
            self._places[owner] = upto
        if blow is Blow.CRASH_AFTER:
            raise CrashError
        if blow is Blow.UNKNOWN:
            raise TransientError("the broker went away before it answered")
        return offsets


class InMemoryJournal:
    """``marsad.ports.Journal`` over streams in memory; ``InMemoryStreams.open`` makes it."""

    def __init__(self, streams: InMemoryStreams, owner: Owner, epoch: int) -> None:
        self._streams = streams
        self._owner = owner
        self._epoch = epoch

    @property
    def partition(self) -> int:
        """Which one."""
        return self._owner[2]

    def commit(self, messages: Sequence[Message], *, upto: int | None = None) -> Sequence[int]:
        """Write all messages and the place in the input, both or neither."""
        if not self._streams.owned(self._owner, self._epoch):
            raise FencedError(f"another process owns {self._owner}")
        return self._streams.commit(self._owner, messages, upto)

    def read(self, stream: str, partition: int | None = None, *, start: int = 0) -> Iterator[Message]:
        """What is committed in a stream, from an offset to its present end."""
        return iter(self._streams.read(stream, partition, start=start))


class Taker(Protocol):
    """What a stage does with one partition (``processors.transact.Handler``)."""

    def take(self, batch: Sequence[Message]) -> None:
        """Work through messages."""
        ...

    def tick(self) -> int:
        """Do what time has brought."""
        ...

    def close(self) -> None:
        """Let go."""
        ...


def drive(
    streams: InMemoryStreams,
    stage: str,
    source: str,
    partition: int,
    open_handler: Callable[[Journal], Taker],
    *,
    sizes: Sequence[int] = (500,),
    most_openings: int = 100,
) -> int:
    """Take one partition to its end as the loop of the stages does: after any error a new owner begins at the committed place.

    A crashed handler is not closed: nobody is there to do it.

    Args:
        streams: the broker.
        stage: name of the stage.
        source: its input.
        partition: of the input.
        open_handler: makes the handler of a new owner.
        sizes: messages in a batch, one after the other, again and again.
        most_openings: owners after which it is given up.

    Returns:
        How often a handler was opened.

    Raises:
        AssertionError: it does not come to an end; caused by the last error.
    """
    batches = 0
    last: Exception | None = None
    for opened in range(1, most_openings + 1):
        handler: Taker | None = None
        try:
            handler = open_handler(streams.open(stage, source, partition))
            place = streams.place(stage, source, partition)
            while waiting := streams.read(source, partition, start=place):
                batch = waiting[: sizes[batches % len(sizes)]]
                handler.take(batch)
                place = batch[-1].offset + 1
                batches += 1
            handler.tick()
        except CrashError:
            continue
        except Exception as error:  # noqa: BLE001 - as the loop does: whatever it was, the state is read anew
            last = error
            if handler is not None:
                handler.close()
            continue
        handler.close()
        return opened
    raise AssertionError(f"{stage} is not through after {most_openings} openings") from last
