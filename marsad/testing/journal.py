"""A journal over streams in memory: owners that fence one another, and crashes where a test wants them."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

import msgspec

from marsad.errors import FencedError, TransientError
from marsad.streams import Message, partition_of

__all__ = ["InMemoryJournal", "InMemoryStreams"]

_AT = datetime(2026, 1, 1, tzinfo=UTC)


class InMemoryStreams:
    """Committed messages by stream and partition; places of the stages in their inputs.

    Args:
        partitions: of each stream.
    """

    def __init__(self, partitions: int = 2) -> None:
        self.partitions = partitions
        self.messages: dict[tuple[str, int], list[Message]] = defaultdict(list)
        self.places: dict[tuple[str, int], int] = defaultdict(int)
        self.owners: dict[tuple[str, int], object] = {}

    def append(self, message: Message) -> int:
        """Write one message; its offset."""
        partition = partition_of(message.key, self.partitions) if message.partition is None else message.partition
        written = self.messages[message.stream, partition]
        written.append(msgspec.structs.replace(message, partition=partition, offset=len(written), at=_AT))
        return len(written) - 1

    def all(self, stream: str) -> list[Message]:
        """All messages of a stream, one partition after the other."""
        return [message for (name, _), found in sorted(self.messages.items()) if name == stream for message in found]


class InMemoryJournal:
    """The fake of ``marsad.ports.Journal``. The latest one that was made for a stage and partition is the owner.

    Args:
        streams: where everything is.
        stage: whose journal it is.
        partition: of its input.
        crash: asked at each commit: ``before`` and ``after`` raise there, the latter with everything written.
    """

    def __init__(
        self, streams: InMemoryStreams, stage: str, partition: int, crash: Callable[[], str] = lambda: ""
    ) -> None:
        self._streams = streams
        self._place = (stage, partition)
        self._partition = partition
        self._crash = crash
        streams.owners[self._place] = self

    @property
    def partition(self) -> int:
        """Which one."""
        return self._partition

    def commit(self, messages: Sequence[Message], *, upto: int | None = None) -> Sequence[int]:
        """Write all messages and the place, both or neither.

        Raises:
            FencedError: another journal was made for the same stage and partition.
            TransientError: a crash that the test wanted.
        """
        if self._streams.owners[self._place] is not self:
            raise FencedError(f"another process owns partition {self._partition}")
        crash = self._crash()
        if crash == "before":
            raise TransientError("the broker went away before the commit")
        offsets = [self._streams.append(message) for message in messages]
        if upto is not None:
            self._streams.places[self._place] = upto
        if crash == "after":
            raise TransientError("the broker went away after the commit")
        return offsets

    def read(self, stream: str, partition: int | None = None, *, start: int = 0) -> Iterator[Message]:
        """What is committed."""
        numbers = range(self._streams.partitions) if partition is None else (partition,)
        return iter([message for number in numbers for message in self._streams.messages[stream, number][start:]])
