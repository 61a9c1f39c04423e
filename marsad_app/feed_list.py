"""What imported feed lists said beyond their feeds, kept in a file of the data folder so that an export says it again."""

from pathlib import Path
from typing import Final

from marsad.errors import CodecError, StoreError
from marsad.records import FeedFolder, FeedList, decode, encode
from marsad_app.kept_file import read_kept, write_kept

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
        data = read_kept(self._path)
        try:
            return FeedList() if data is None else decode(FeedList, data)
        except CodecError as error:
            raise StoreError(f"{self._path}: {error}; or remove it and import your feed list again") from error

    def keep(self, said: FeedList) -> None:
        """Keep what another list said.

        Raises:
            StoreError: the file cannot be read or written.
        """
        before = self.kept()
        after = together(before, said)
        if after != before:
            write_kept(self._path, encode(after))


def together(before: FeedList, after: FeedList) -> FeedList:
    """Two lists as one: the head of the later one, where it has any, and the folders of both as the later one names them."""
    folders: dict[str, FeedFolder] = {folder.path: folder for folder in (*before.folders, *after.folders)}
    return FeedList(head=after.head or before.head, folders=tuple(folders.values())[:_MOST_FOLDERS])
