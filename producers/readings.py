"""What the entries of each feed are known by, as of the last poll, up to a bound for all feeds together."""

import threading
from collections import OrderedDict
from typing import Final

import msgspec

from marsad.records import FetchResponse
from producers.identity import kept
from producers.parse import KeptEntry, ParsedFeed, Readings, parse_again

__all__ = ["KeptReadings"]

# Of thirty entries 9 kB are kept: room for the feeds of a large site, less than a page cache takes.
_MOST_BYTES: Final = 67_108_864
_LARGEST: Final = 1_048_576
_Rows = list[tuple[str, KeptEntry]]


class KeptReadings:
    """A memory that may forget: what is not in it is read anew. Safe to use from several threads.

    Args:
        most: bytes kept at most; the feeds that have been changed last stay.
    """

    def __init__(self, most: int = _MOST_BYTES) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._size = 0
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(_Rows)

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, feed_id: object) -> bool:
        return feed_id in self._kept

    def read(
        self, feed_id: str, answer: FetchResponse, max_entries: int, *, most_fresh: int | None = None
    ) -> ParsedFeed:
        """Read a document; with a feed's id, entries that were in its last one come as :class:`KeptEntry`.

        Raises:
            TooFreshError: more than ``most_fresh`` entries, where that is given, would have to be read.
        """
        parsed, readings = parse_again(
            answer.body,
            self.of(feed_id),
            content_type=answer.headers.get("content-type", ""),
            url=answer.final_url,
            max_entries=max_entries,
            most_fresh=most_fresh,
        )
        if feed_id:
            self.keep(feed_id, readings)
        return parsed

    def of(self, feed_id: str) -> Readings:
        """What is kept of a feed."""
        packed = self._kept.get(feed_id)
        return {} if packed is None else dict(self._decoder.decode(packed))

    def keep(self, feed_id: str, readings: Readings) -> None:
        """Keep what a feed reads as now instead of what it read as before."""
        rows = [(digest, kept(entry)) for digest, entry in readings.items()]
        packed = self._encoder.encode(rows) if rows else b""
        with self._lock:
            self._size -= len(self._kept.pop(feed_id, b""))
            if not packed or len(packed) > _LARGEST:
                return
            self._kept[feed_id] = packed
            self._size += len(packed)
            while self._size > self._most:
                self._size -= len(self._kept.popitem(last=False)[1])
