"""The newest revision of each entry in a stream."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from marsad.streams import Message

__all__ = ["Newest", "Where"]


class _Known(msgspec.Struct):
    """What must be known of an entry to choose among its revisions."""

    entry_id: str
    revision: int = 1


class Where(msgspec.Struct, frozen=True):
    """Where the newest revision of an entry is."""

    revision: int
    at: datetime
    partition: int
    offset: int


class Newest:
    """The newest revision of each entry."""

    def __init__(self) -> None:
        self._decoder = msgspec.json.Decoder(_Known)
        self.found: dict[str, Where] = {}
        """By entry id."""
        self.ends: dict[int, int] = {}
        """By partition: the offset after the last one that was seen."""

    def see(self, messages: Iterable[Message]) -> set[str]:
        """Take messages in; the ids of entries of which a newer revision was among them."""
        newer = set()
        for message in messages:
            partition = message.partition or 0
            self.ends[partition] = message.offset + 1
            try:
                known = self._decoder.decode(message.value or b"")
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue  # it is in quarantine since it first came
            assert message.at is not None
            here = Where(known.revision, message.at, partition, message.offset)
            before = self.found.get(known.entry_id)
            if before is None or (here.revision, here.at, here.offset) > (before.revision, before.at, before.offset):
                self.found[known.entry_id] = here
                newer.add(known.entry_id)
        return newer

    def ids(self, until: datetime | None) -> set[str]:
        """Ids of entries whose newest revision was written before ``until``; None for all."""
        return {entry_id for entry_id, here in self.found.items() if until is None or here.at < until}

    def places(self, until: datetime | None, only: set[str] | None = None) -> dict[int, list[int]]:
        """Offsets by partition, in order, of the newest revisions that were written before ``until``.

        Args:
            until: None for all.
            only: entry ids; None for all.
        """
        chosen: dict[int, list[int]] = {}
        wanted = self.ids(until) if only is None else self.ids(until) & only
        for entry_id, here in self.found.items():
            if entry_id in wanted:
                chosen.setdefault(here.partition, []).append(here.offset)
        return {partition: sorted(offsets) for partition, offsets in sorted(chosen.items())}
