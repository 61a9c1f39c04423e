"""Feeds and what polling remembers, in SQLite."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from marsad.outcome import outcome
from marsad.records import Entry, Feed, FeedState, Quarantined
from marsad_app.embedded.database import Database, pack, unpack
from marsad_app.embedded.quarantine import SqliteQuarantine
from marsad_app.embedded.queue import EntryQueue

__all__ = ["SqliteFeeds", "SqlitePollLedger"]

_Row = tuple[str, float | None, bytes]


class SqliteFeeds:
    """``marsad.ports.FeedRegistry``."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def feeds(self) -> Sequence[Feed]:
        """All feeds, by id."""
        with self._db.read() as connection:
            return [unpack(Feed, data) for (data,) in connection.execute("SELECT data FROM feeds ORDER BY feed_id")]

    def feed(self, feed_id: str) -> Feed | None:
        """One feed."""
        with self._db.read() as connection:
            row = connection.execute("SELECT data FROM feeds WHERE feed_id = ?", (feed_id,)).fetchone()
        return unpack(Feed, row[0]) if row else None

    def put_feeds(self, feeds: Iterable[Feed]) -> int:
        """Add or replace; the number of feeds that were not there before."""
        with self._db.write() as connection:
            before = connection.execute("SELECT count(*) FROM feeds").fetchone()[0]
            connection.executemany(
                "INSERT OR REPLACE INTO feeds VALUES (?, ?)", ((feed.id, pack(feed)) for feed in feeds)
            )
            return int(connection.execute("SELECT count(*) FROM feeds").fetchone()[0] - before)

    def remove_feed(self, feed_id: str) -> bool:
        """Forget the feed and its state; its articles stay."""
        with self._db.write() as connection:
            connection.execute("DELETE FROM feed_states WHERE feed_id = ?", (feed_id,))
            return connection.execute("DELETE FROM feeds WHERE feed_id = ?", (feed_id,)).rowcount > 0


class SqlitePollLedger:
    """``marsad.ports.PollLedger``.

    Args:
        database: the store.
        queue: takes the new entries, in the same transaction.
        quarantine: takes what could not be read, in the same transaction.
        wants_page: whether the article page of an entry of a feed is to be read first.
        tell: raises the alerts of a poll by the state that it leads to, in the same transaction.
    """

    def __init__(
        self,
        database: Database,
        queue: EntryQueue,
        quarantine: SqliteQuarantine,
        wants_page: Callable[[Feed, Entry], bool],
        tell: Callable[[FeedState], None] = lambda _: None,
    ) -> None:
        self._db = database
        self._queue = queue
        self._quarantine = quarantine
        self._wants_page = wants_page
        self._tell = tell
        self._feeds = SqliteFeeds(database)

    def state(self, feed_id: str) -> FeedState | None:
        """What is known of the feed; None before its first poll."""
        with self._db.read() as connection:
            row = connection.execute("SELECT data FROM feed_states WHERE feed_id = ?", (feed_id,)).fetchone()
        return unpack(FeedState, row[0]) if row else None

    def states(self) -> Iterator[FeedState]:
        """All states, by feed id."""
        with self._db.read() as connection:
            rows = connection.execute("SELECT data FROM feed_states ORDER BY feed_id").fetchall()
        return (unpack(FeedState, data) for (data,) in rows)

    def commit_poll(self, state: FeedState, entries: Sequence[Entry], quarantined: Sequence[Quarantined] = ()) -> None:
        """Store the new state and queue the entries: both or neither."""
        row = _row(state)
        with self._db.write():
            self._put(row, entries)
            self._quarantine.quarantine(quarantined)
            self._tell(state)

    def commit_polls(self, polls: Sequence[tuple[FeedState, Sequence[Entry]]]) -> Sequence[Exception | None]:
        """Commit them in one transaction; where that fails, one by one: a commit costs a millisecond of waiting for the disk."""
        if len(polls) > 1 and outcome(self._commit_all, polls) is None:
            return [None] * len(polls)
        return [outcome(self.commit_poll, state, entries) for state, entries in polls]

    def _commit_all(self, polls: Sequence[tuple[FeedState, Sequence[Entry]]]) -> None:
        rows = [_row(state) for state, _ in polls]
        with self._db.write():
            for row, (state, entries) in zip(rows, polls, strict=True):
                self._put(row, entries)
                self._tell(state)

    def _put(self, row: _Row, entries: Sequence[Entry]) -> None:
        """Inside a transaction: the state and its entries."""
        with self._db.write() as connection:
            connection.execute("INSERT OR REPLACE INTO feed_states VALUES (?, ?, ?)", row)
        feed = self._feeds.feed(row[0]) if entries else None
        for entry in entries:
            self._queue.put(entry, wants_page=feed is not None and self._wants_page(feed, entry))


def _row(state: FeedState) -> _Row:
    due = state.next_poll_at.timestamp() if state.next_poll_at else None
    return state.feed_id, due, pack(state)
