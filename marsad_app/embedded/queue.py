"""The entries on their way: waiting for their page, ready for the pipeline, or done with an outcome."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime

import msgspec

from marsad.events import Outcome
from marsad.records import Entry
from marsad_app.embedded.database import Database, pack, unpack

__all__ = ["EntryQueue", "Queued"]


class Queued(msgspec.Struct, frozen=True):
    """An entry with its place in the queue."""

    seq: int
    entry: Entry
    attempts: int = 0


class EntryQueue:
    """What in the cluster size is the stream of entries. An entry leaves it only with an outcome."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def put(self, entry: Entry, *, wants_page: bool) -> None:
        """Queue the entry; a revision that is there already changes nothing."""
        with self._db.write() as connection:
            entry = entry if wants_page else _identified(connection, entry)
            connection.execute(
                "INSERT OR IGNORE INTO entries (entry_id, revision, feed_id, stage, due, first_seen, data) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    entry.entry_id,
                    entry.revision,
                    entry.feed_id,
                    "page" if wants_page else "ready",
                    entry.fetched_at.timestamp(),
                    int(entry.first_seen_at.timestamp()),
                    pack(entry),
                ),
            )

    def ready(self, limit: int) -> Sequence[Queued]:
        """Entries for the pipeline, in the order they came."""
        return self._take("ready", None, limit)

    def wanting_page(self, now: datetime, limit: int, *, skip: frozenset[int] = frozenset()) -> Sequence[Queued]:
        """Entries whose page is due, without those already being read."""
        found = self._take("page", now.timestamp(), limit + len(skip))
        return [item for item in found if item.seq not in skip][:limit]

    def _take(self, stage: str, due: float | None, limit: int) -> Sequence[Queued]:
        where, order = ("AND due <= ?", "due, seq") if due is not None else ("", "seq")
        parameters = (stage, *((due,) if due is not None else ()), limit)
        with self._db.read() as connection:
            rows = connection.execute(
                f"SELECT seq, data, attempts FROM entries WHERE stage = ? {where} ORDER BY {order} LIMIT ?",  # noqa: S608 - both parts are literals above
                parameters,
            ).fetchall()
        return [Queued(seq, unpack(Entry, data), attempts) for seq, data, attempts in rows]

    def page_read(self, seq: int, entry: Entry) -> None:
        """The page is there, or given up for good: on to the pipeline."""
        with self._db.write() as connection:
            connection.execute(
                "UPDATE entries SET stage = 'ready', data = ? WHERE seq = ? AND stage = 'page'",
                (pack(_identified(connection, entry)), seq),
            )

    def page_later(self, seq: int, due: datetime) -> None:
        """The page could not be had: count the attempt, try again when due."""
        with self._db.write() as connection:
            connection.execute(
                "UPDATE entries SET attempts = attempts + 1, due = ? WHERE seq = ? AND stage = 'page'",
                (due.timestamp(), seq),
            )

    def done(self, seq: int, outcome: Outcome, reason: str = "") -> None:
        """The entry ended."""
        with self._db.write() as connection:
            connection.execute(
                "UPDATE entries SET stage = 'done', outcome = ?, reason = ? WHERE seq = ?", (outcome.value, reason, seq)
            )

    def redo(self, entry_id: str, entry: Entry | None = None) -> bool:
        """Send the newest revision of an entry through the pipeline again; False if it is not kept any more."""
        with self._db.write() as connection:
            row = connection.execute(
                "SELECT seq FROM entries WHERE entry_id = ? ORDER BY revision DESC LIMIT 1", (entry_id,)
            ).fetchone()
            if row is not None:
                connection.execute("UPDATE entries SET stage = 'ready', outcome = '' WHERE seq = ?", row)
            elif entry is not None:
                self.put(entry, wants_page=False)
            return row is not None or entry is not None

    def waiting(self) -> dict[str, int]:
        """How many entries wait, by stage."""
        with self._db.read() as connection:
            rows = connection.execute(
                "SELECT stage, count(*) FROM entries WHERE stage <> 'done' GROUP BY stage"
            ).fetchall()
        return {"page": 0, "ready": 0, **dict(rows)}

    def outcomes(self) -> dict[str, int]:
        """How many entries ended, by outcome."""
        with self._db.read() as connection:
            return dict(
                connection.execute(
                    "SELECT outcome, count(*) FROM entries WHERE stage = 'done' GROUP BY outcome"
                ).fetchall()
            )

    def prune(self, before: datetime) -> int:
        """Forget raw entries that ended and were first seen before then."""
        with self._db.write() as connection:
            return connection.execute(
                "DELETE FROM entries WHERE stage = 'done' AND first_seen < ?", (int(before.timestamp()),)
            ).rowcount


def _identified(connection: sqlite3.Connection, entry: Entry) -> Entry:
    """A later revision leads to the article of the one before, whose page may have named another address."""
    if entry.revision == 1:
        return entry
    row = connection.execute(
        "SELECT data FROM entries WHERE entry_id = ? AND revision < ? ORDER BY revision DESC LIMIT 1",
        (entry.entry_id, entry.revision),
    ).fetchone()
    before = unpack(Entry, row[0]) if row else entry
    return msgspec.structs.replace(entry, article_id=before.article_id, canonical=before.canonical)
