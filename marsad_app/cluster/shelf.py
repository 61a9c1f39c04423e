"""The shelf of ``group``: every article as it was last written, in a local file that mirrors the stream and can be thrown away.

The file knows how far in each partition it is, in the same transaction as what it took from there. At a start it reads on from
there; what does not fit the stream, because that was made anew, is thrown away and read from its beginning.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import structlog

from marsad.errors import CodecError
from marsad.ports import Journal
from marsad.records import Article, decode
from marsad.streams import Message
from marsad_app.embedded.database import DamagedError, Database, pack, unpack
from processors.group_shard import Shelved

__all__ = ["FileShelf", "open_shelf"]

_log = structlog.get_logger(__name__)
_STREAM: Final = "articles.v1"
_BATCH: Final = 1_000
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS shelf (
    article_id TEXT PRIMARY KEY, placed INTEGER NOT NULL, published INTEGER NOT NULL, first_seen INTEGER NOT NULL,
    partition INTEGER NOT NULL, place INTEGER NOT NULL, data BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS shelf_placed ON shelf (placed);
CREATE INDEX IF NOT EXISTS shelf_published ON shelf (published);
CREATE TABLE IF NOT EXISTS shelf_offsets (partition INTEGER PRIMARY KEY, topic TEXT NOT NULL, next INTEGER NOT NULL);
"""


class FileShelf:
    """The shelf over one file.

    Args:
        path: the file.

    Raises:
        StoreError: it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._db = Database(path)
        with self._db.write() as connection:
            for statement in _TABLES.split(";"):
                connection.execute(statement)

    def get(self, article_id: str) -> Shelved | None:
        """One article."""
        with self._db.read() as connection:
            row = connection.execute(
                "SELECT data, placed, partition, place FROM shelf WHERE article_id = ?", (article_id,)
            ).fetchone()
        return Shelved(unpack(Article, row[0]), *row[1:]) if row else None

    def put(self, written: Sequence[Shelved]) -> None:
        """Take in what was just written and committed."""
        with self._db.write():
            for each in written:
                self._put(each)
                self._reached(each.partition, each.offset + 1)

    def _put(self, each: Shelved) -> None:
        article = each.article
        with self._db.write() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO shelf VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    article.article_id,
                    each.placed,
                    int(article.published_at.timestamp()),
                    int(article.first_seen_at.timestamp()),
                    each.partition,
                    each.offset,
                    pack(article),
                ),
            )

    def _reached(self, partition: int, offset: int) -> None:
        with self._db.write() as connection:
            connection.execute("UPDATE shelf_offsets SET next = max(next, ?) WHERE partition = ?", (offset, partition))

    def next_place(self) -> int:
        """One more than the highest ``placed``."""
        with self._db.read() as connection:
            return int(connection.execute("SELECT coalesce(max(placed), 0) + 1 FROM shelf").fetchone()[0])

    def latest(self) -> datetime | None:
        """When the newest article was published; None where there is none."""
        with self._db.read() as connection:
            (newest,) = connection.execute("SELECT max(published) FROM shelf").fetchone()
        return None if newest is None else datetime.fromtimestamp(newest, UTC)

    def since(self, instant: datetime) -> Iterator[Article]:
        """Articles first seen from then on, in the order of ``placed``."""
        with self._db.read() as connection:
            rows = connection.execute(
                "SELECT data FROM shelf WHERE first_seen >= ? ORDER BY placed", (int(instant.timestamp()),)
            ).fetchall()
        return (unpack(Article, data) for (data,) in rows)

    def __len__(self) -> int:
        with self._db.read() as connection:
            return int(connection.execute("SELECT count(*) FROM shelf").fetchone()[0])

    def catch_up(self, journal: Journal, topics: Mapping[int, str]) -> int:
        """Read on to the present end of the stream; how many messages that were.

        Args:
            journal: reads the stream.
            topics: the topic's own id by partition: another one means that the stream was made anew.
        """
        known = self._offsets()
        if known and {partition: topic for partition, (topic, _) in known.items()} != dict(topics):
            _log.warning("the stream of articles was made anew; so is the shelf")
            self._clear()
            known = {}
        taken = 0
        for partition, topic in topics.items():
            start = known.get(partition, (topic, 0))[1]
            with self._db.write() as connection:
                connection.execute("INSERT OR IGNORE INTO shelf_offsets VALUES (?, ?, 0)", (partition, topic))
            taken += self._read_on(journal, partition, start)
        return taken

    def _read_on(self, journal: Journal, partition: int, start: int) -> int:
        taken, batch = 0, []
        for message in journal.read(_STREAM, partition, start=start):
            batch.append(message)
            if len(batch) == _BATCH:
                self._take(batch)
                taken, batch = taken + len(batch), []
        self._take(batch)
        return taken + len(batch)

    def _take(self, batch: Sequence[Message]) -> None:
        with self._db.write() as connection:
            for message in batch:
                partition = message.partition or 0
                if message.value is None:
                    connection.execute(
                        "DELETE FROM shelf WHERE article_id = ? AND partition = ?", (message.key, partition)
                    )
                else:
                    self._take_article(message, partition)
                self._reached(partition, message.offset + 1)

    def _take_article(self, message: Message, partition: int) -> None:
        try:
            article = decode(Article, message.value or b"")
        except CodecError as error:
            _log.error(
                "an article on the stream cannot be read", key=message.key, offset=message.offset, error=str(error)
            )
            return
        known = self.get(article.article_id)
        # An article that moved to another story lies in two partitions until the older copy is compacted away.
        if known is None or known.article.edition <= article.edition:
            placed = int(message.headers.get("placed", b"0"))
            self._put(Shelved(article, placed, partition, message.offset))

    def _offsets(self) -> dict[int, tuple[str, int]]:
        with self._db.read() as connection:
            rows = connection.execute("SELECT partition, topic, next FROM shelf_offsets").fetchall()
        return {partition: (topic, offset) for partition, topic, offset in rows}

    def _clear(self) -> None:
        with self._db.write() as connection:
            connection.execute("DELETE FROM shelf")
            connection.execute("DELETE FROM shelf_offsets")

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def open_shelf(path: Path, journal: Journal, topics: Mapping[int, str]) -> FileShelf:
    """Open the shelf and read on to the end of the stream; a damaged file is thrown away.

    Raises:
        StoreError: it cannot be opened or made.
        TransientError: the stream cannot be read.
    """
    began = time.monotonic()
    try:
        shelf = FileShelf(path)
    except DamagedError as error:
        _log.warning("the shelf is made anew", path=str(path), reason=str(error))
        for ending in ("", "-wal", "-shm"):
            path.with_name(path.name + ending).unlink(missing_ok=True)
        shelf = FileShelf(path)
    try:
        taken = shelf.catch_up(journal, topics)
    except BaseException:
        shelf.close()
        raise
    _log.info("shelf is up to date", read=taken, articles=len(shelf), seconds=round(time.monotonic() - began, 2))
    return shelf
