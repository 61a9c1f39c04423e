"""Feeds and what polling remembers, in SQLite."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from marsad.records import Entry, Feed, FeedState, Quarantined
from marsad_app.embedded.database import Database, pack, unpack
from marsad_app.embedded.quarantine import SqliteQuarantine
from marsad_app.embedded.queue import EntryQueue
from marsad_app.embedded.together import Together

__all__ = ["SqliteFeeds", "SqlitePollLedger"]


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
    """

    def __init__(
        self,
        database: Database,
        queue: EntryQueue,
        quarantine: SqliteQuarantine,
        wants_page: Callable[[Feed, Entry], bool],
    ) -> None:
        self._db = database
        self._queue = queue
        self._quarantine = quarantine
        self._wants_page = wants_page
        self._feeds = SqliteFeeds(database)
        self._together = Together(database)

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
        """Store the new state and queue the entries: both or neither. Polls that end at once share a transaction."""
        due = state.next_poll_at.timestamp() if state.next_poll_at else None
        packed = pack(state)

        def store() -> None:
            with self._db.write() as connection:
                connection.execute("INSERT OR REPLACE INTO feed_states VALUES (?, ?, ?)", (state.feed_id, due, packed))
                feed = self._feeds.feed(state.feed_id) if entries else None
                for entry in entries:
                    self._queue.put(entry, wants_page=feed is not None and self._wants_page(feed, entry))
                self._quarantine.quarantine(quarantined)

        self._together.write(store)
