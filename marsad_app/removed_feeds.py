"""Feeds that were removed, kept in a file of the data folder so that a removal can be taken back."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from marsad.errors import CodecError
from marsad.records import Feed, decode, encode
from marsad_app.kept_file import read_kept, write_kept

__all__ = ["RemovedFeeds"]

_FILE: Final = "removed-feeds.jsonl"
_MOST: Final = 1_000


class RemovedFeeds:
    """The last thousand feeds that were removed with one data folder.

    Args:
        folder: the data folder; made when the first feed is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / _FILE

    def kept(self) -> list[Feed]:
        """The removed feeds, the latest last; a line that cannot be read is passed over.

        Raises:
            StoreError: the file cannot be read.
        """
        lines = (read_kept(self._path) or b"").splitlines()
        return [feed for line in lines if (feed := _read(line)) is not None]

    def keep(self, feed: Feed) -> None:
        """Keep a feed that is about to be removed.

        Raises:
            StoreError: the file cannot be written; the feed should then stay.
        """
        self._write([*(one for one in self.kept() if one.id != feed.id), feed])

    def take(self, feed_id: str) -> Feed | None:
        """Give a kept feed back and keep it no more; None where it is not there.

        Raises:
            StoreError: the file cannot be written.
        """
        kept = self.kept()
        found = next((one for one in kept if one.id == feed_id), None)
        if found is not None:
            self._write([one for one in kept if one.id != feed_id])
        return found

    def _write(self, feeds: Sequence[Feed]) -> None:
        data = b"".join(encode(feed) + b"\n" for feed in feeds[-_MOST:])
        write_kept(self._path, data, ", so nothing was removed or restored")


def _read(line: bytes) -> Feed | None:
    try:
        return decode(Feed, line)
    except CodecError:
        return None
