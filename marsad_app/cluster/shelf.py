"""The shelf of ``group``: every article as it was last written, in a local file that mirrors the stream and can be thrown away.

The file knows how far in each partition it is, in the same transaction as what it took from there. It is only ever fed with what
is committed: at a start it reads on from there, after a commit it takes what was written. A file that does not fit the stream,
because that was made anew, is emptied and filled from the stream's beginning; a damaged one is deleted.
"""

import contextlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog

from marsad.errors import CodecError, StoreError, TransientError
from marsad.ports import Journal
from marsad.records import Article, Story
from marsad.records.codec import Record
from marsad.streams import Message
from marsad_app.cluster.view import Span
from marsad_app.embedded.database import DamagedError, Database, pack, unpack
from processors.article_stream import ARTICLES, Shelved, Taken, shelved_of, stories_beside, story_in

__all__ = ["FileShelf", "open_shelf"]

_log = structlog.get_logger(__name__)
_CHUNK: Final = 500
_TABLES: Final = (
    """CREATE TABLE IF NOT EXISTS shelved (
        article_id TEXT PRIMARY KEY, placed INTEGER NOT NULL, published INTEGER NOT NULL, story_id TEXT NOT NULL,
        partition INTEGER NOT NULL, place INTEGER NOT NULL, taken BLOB NOT NULL, data BLOB NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS shelved_placed ON shelved (placed)",
    "CREATE INDEX IF NOT EXISTS shelved_published ON shelved (published, placed)",
    "CREATE INDEX IF NOT EXISTS shelved_story ON shelved (story_id, placed)",
    "CREATE TABLE IF NOT EXISTS shelved_stories (story_id TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID",
    """CREATE TABLE IF NOT EXISTS shelved_until (
        partition INTEGER PRIMARY KEY, topic_id TEXT NOT NULL, next INTEGER NOT NULL)""",
)
_taken = msgspec.json.Decoder(dict[str, Taken])


class FileShelf:
    """``processors.group_shard.Shelf`` over one file. To be caught up before it is asked.

    Args:
        path: the file; made if missing.

    Raises:
        StoreError: it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._until: dict[int, int] = {}
        self._db = Database(path)
        with self._sound(), self._db.write() as connection:
            for statement in _TABLES:
                connection.execute(statement)

    def __len__(self) -> int:
        with self._sound(), self._db.read() as connection:
            return int(connection.execute("SELECT count(*) FROM shelved").fetchone()[0])

    def get(self, article_id: str) -> Shelved | None:
        """One article."""
        with self._sound(), self._db.read() as connection:
            row = connection.execute(
                "SELECT data, placed, taken FROM shelved WHERE article_id = ?", (article_id,)
            ).fetchone()
            return _shelved(row) if row else None

    def members(self, story_id: str, *, before: int | None = None) -> Iterator[Article]:
        """The articles of a story in the order of ``placed``, or those of them that were placed before that one."""
        with self._sound(), self._db.read() as connection:
            rows = connection.execute(
                "SELECT data FROM shelved WHERE story_id = ?1 AND (?2 IS NULL OR placed < ?2) ORDER BY placed",
                (story_id, before),
            ).fetchall()
            return iter([_unpacked(Article, data) for (data,) in rows])

    def story(self, story_id: str) -> Story | None:
        """A story as it was last written."""
        with self._sound(), self._db.read() as connection:
            row = connection.execute("SELECT data FROM shelved_stories WHERE story_id = ?", (story_id,)).fetchone()
            return _unpacked(Story, row[0]) if row else None

    def recent(self, span: timedelta) -> Iterator[Shelved]:
        """In the order of ``placed``, all from the first one on that was published at most ``span`` before the newest."""
        with self._sound(), self._db.read() as connection:
            (first,) = connection.execute(
                "SELECT min(placed) FROM shelved WHERE published >= (SELECT max(published) FROM shelved) - ?",
                (int(span.total_seconds()),),
            ).fetchone()
        # In chunks, so that the memory that it takes does not grow with the window.
        while first is not None:
            rows = self._chunk(first)
            yield from map(_shelved, rows)
            first = rows[-1][1] + 1 if rows else None

    def _chunk(self, first: int) -> list[tuple[bytes, int, bytes]]:
        with self._sound(), self._db.read() as connection:
            return list(
                connection.execute(
                    "SELECT data, placed, taken FROM shelved WHERE placed >= ? ORDER BY placed LIMIT ?", (first, _CHUNK)
                )
            )

    def next_place(self) -> int:
        """One more than the highest ``placed``."""
        with self._sound(), self._db.read() as connection:
            return int(connection.execute("SELECT coalesce(max(placed), 0) + 1 FROM shelved").fetchone()[0])

    def put(self, written: Sequence[Message]) -> None:
        """Take in what was just committed, with its partitions and offsets.

        Raises:
            StoreError: the file cannot be written.
            TransientError: another process has filled the file meanwhile, or it is damaged: it is to be opened anew.
        """
        if written:
            self._take(written, {})

    def catch_up(self, journal: Journal, spans: Mapping[int, Span]) -> int:
        """Read on to the end of the stream; how many messages that were.

        Args:
            journal: reads the stream; nothing else may write to it meanwhile.
            spans: what the partitions hold now, by number.

        Raises:
            StoreError: the file cannot be written.
            TransientError: the stream cannot be read, or as for ``put``.
        """
        self._begin(spans)
        taken = 0
        for partition, span in sorted(spans.items()):
            chunk: list[Message] = []
            for message in journal.read(ARTICLES, partition, start=self._until[partition]):
                chunk.append(message)
                if len(chunk) == _CHUNK:
                    self._take(chunk, {})
                    taken, chunk = taken + len(chunk), []
            # The end lies behind the last message: markers of transactions are offsets too.
            self._take(chunk, {partition: span.end})
            taken += len(chunk)
        return taken

    def _begin(self, spans: Mapping[int, Span]) -> None:
        with self._sound(), self._db.write() as connection:
            rows = connection.execute("SELECT partition, topic_id, next FROM shelved_until").fetchall()
            if rows and not all(
                partition in spans and spans[partition].topic_id == topic_id and until <= spans[partition].end
                for partition, topic_id, until in rows
            ):
                _log.warning("the stream of articles was made anew; so is the shelf", path=str(self._path))
                connection.execute("DELETE FROM shelved")
                connection.execute("DELETE FROM shelved_stories")
                connection.execute("DELETE FROM shelved_until")
                rows = []
            self._until = {partition: until for partition, _, until in rows}
            for partition, span in spans.items():
                if partition not in self._until:
                    connection.execute("INSERT INTO shelved_until VALUES (?, ?, 0)", (partition, span.topic_id))
                    self._until[partition] = 0

    def _take(self, messages: Iterable[Message], reached: Mapping[int, int]) -> None:
        until = dict(self._until)
        with self._sound(), self._db.write() as connection:
            rows = connection.execute("SELECT partition, next FROM shelved_until").fetchall()
            if dict(rows) != self._until:
                # A process that was stopped for a while, and goes on while the next owner has the file.
                raise TransientError(f"{self._path}: filled by another process meanwhile; it is opened anew")
            for message in messages:
                partition = message.partition or 0
                _put(connection, message, partition)
                until[partition] = max(until[partition], message.offset + 1)
            for partition, end in reached.items():
                until[partition] = max(until[partition], end)
            for partition, end in until.items():
                connection.execute("UPDATE shelved_until SET next = ? WHERE partition = ?", (end, partition))
        self._until = until

    @contextlib.contextmanager
    def _sound(self) -> Iterator[None]:
        """Throw a damaged file away: the next one is filled from the stream.

        Raises:
            TransientError: it was damaged.
        """
        try:
            yield
        except DamagedError as error:
            self.close()
            _delete(self._path)
            raise TransientError(f"the shelf was damaged and is made anew: {error}") from error

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def _put(connection: Any, message: Message, partition: int) -> None:
    if message.value is None:
        connection.execute("DELETE FROM shelved WHERE article_id = ? AND partition = ?", (message.key, partition))
        return
    try:
        shelved, stories = shelved_of(message), [story_in(message), *stories_beside(message)]
    except CodecError as error:
        _log.error("an article is passed over", partition=partition, offset=message.offset, error=str(error))
        return
    article = shelved.article
    row = connection.execute(
        "SELECT data FROM shelved WHERE article_id = ? AND partition <> ?", (article.article_id, partition)
    ).fetchone()
    # In two partitions where their number was changed: the newer one counts, whichever partition is read first.
    if row is not None and _unpacked(Article, row[0]).edition > article.edition:
        return
    connection.execute(
        "INSERT OR REPLACE INTO shelved VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            article.article_id,
            shelved.placed,
            int(article.published_at.timestamp()),
            article.story_id,
            partition,
            message.offset,
            msgspec.json.encode(shelved.taken),
            pack(article),
        ),
    )
    for story in stories:
        _put_story(connection, story)


def _put_story(connection: Any, story: Story) -> None:
    # What a story ended in is told in the other one's partition, which may be read before its own.
    row = connection.execute("SELECT data FROM shelved_stories WHERE story_id = ?", (story.story_id,)).fetchone()
    if row is None or _unpacked(Story, row[0]).edition <= story.edition:
        connection.execute("INSERT OR REPLACE INTO shelved_stories VALUES (?, ?)", (story.story_id, pack(story)))


def _shelved(row: tuple[bytes, int, bytes]) -> Shelved:
    data, placed, taken = row
    try:
        return Shelved(_unpacked(Article, data), placed, _taken.decode(taken))
    except msgspec.DecodeError as error:
        raise DamagedError(f"a row of the shelf is damaged: {error}") from error


def _unpacked(kind: type[Record], data: bytes) -> Record:
    try:
        return unpack(kind, data)
    except (StoreError, CodecError) as error:
        raise DamagedError(f"a row of the shelf is damaged: {error}") from error


def _delete(path: Path) -> None:
    for ending in ("", "-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)


def open_shelf(path: Path, journal: Journal, spans: Mapping[int, Span]) -> FileShelf:
    """Open the shelf and read on to the end of the stream; a damaged file is thrown away.

    Args:
        path: the file; made if missing.
        journal: reads the stream; nothing else may write to it meanwhile.
        spans: what the partitions of the stream hold now, by number.

    Raises:
        StoreError: it cannot be opened or made.
        TransientError: the stream cannot be read.
    """
    began = time.monotonic()
    try:
        shelf = FileShelf(path)
    except DamagedError as error:
        _log.warning("the shelf is made anew", path=str(path), reason=str(error))
        _delete(path)
        shelf = FileShelf(path)
    try:
        read = shelf.catch_up(journal, spans)
        articles = len(shelf)
    except BaseException:
        shelf.close()
        raise
    _log.info("the shelf is up to date", read=read, articles=articles, seconds=round(time.monotonic() - began, 2))
    return shelf
