"""What imported feed lists said beyond their feeds, kept in a file of the data folder so that an export says it again."""

from pathlib import Path
from typing import Final

from marsad.errors import CodecError, StoreError
from marsad.records import FeedFolder, FeedList, decode, encode

__all__ = ["KeptFeedList", "together"]

_FILE: Final = "feed-list.json"
_MOST_FOLDERS: Final = 20_000


class KeptFeedList:
    """The head of the list that was imported last, and the folders of all.

    Args:
        folder: the data folder; made when the first list is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / _FILE

    def kept(self) -> FeedList:
        """What was kept; nothing where no list was imported.

        Raises:
            StoreError: the file cannot be read.
        """
        try:
            return decode(FeedList, self._path.read_bytes())
        except FileNotFoundError:
            return FeedList()
        except OSError as error:
            raise StoreError(f"{self._path}: cannot be read: {error.strerror}") from error
        except CodecError as error:
            raise StoreError(f"{self._path}: {error}; remove it, and import your feed list again") from error

    def keep(self, said: FeedList) -> None:
        """Keep what another list said.

        Raises:
            StoreError: the file cannot be read or written.
        """
        before = self.kept()
        after = together(before, said)
        if after == before:
            return
        half = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            half.write_bytes(encode(after))
            half.replace(self._path)
        except OSError as error:
            raise StoreError(f"{self._path}: cannot be written: {error.strerror}") from error


def together(before: FeedList, after: FeedList) -> FeedList:
    """Two lists as one: the head of the later one, where it has any, and the folders of both as the later one names them."""
    folders: dict[str, FeedFolder] = {folder.path: folder for folder in (*before.folders, *after.folders)}
    return FeedList(head=after.head or before.head, folders=tuple(folders.values())[:_MOST_FOLDERS])
