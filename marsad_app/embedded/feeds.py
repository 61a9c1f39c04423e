"""Feeds and what polling remembers, in SQLite."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from marsad.errors import FencedError
from marsad.outcome import outcome
from marsad.records import Entry, Feed, FeedMemory, FeedState, Quarantined, Seen
from marsad.records.codec import encode
from marsad_app.embedded.database import Database, pack, unpack
from marsad_app.embedded.quarantine import SqliteQuarantine
from marsad_app.embedded.queue import EntryQueue

__all__ = ["SqliteFeeds", "SqlitePollLedger"]

_STATES: Final = "SELECT s.data, m.data FROM feed_states s LEFT JOIN feed_memories m USING (feed_id)"
_HAS_MEMORY: Final = "SELECT 1 FROM feed_memories WHERE feed_id = ?"
# A state of the first version has its memory inside: it is written as a whole first.
_PUT_STATE: Final = (
    "UPDATE feed_states SET next_poll_at = ?, data = ? WHERE feed_id = ?"
    " AND EXISTS (SELECT 1 FROM feed_memories m WHERE m.feed_id = feed_states.feed_id)"
)
# More polls than are ever under way at once; what was forgotten is written once more than it need be.
_MOST_READ: Final = 1_024


class _Row(NamedTuple):
    feed_id: str
    due: float | None
    state: bytes
    seen: dict[str, Seen]
    is_kept: bool
    """Whether what is stored of ``seen`` is the same."""


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
        self._read: dict[str, dict[str, Seen]] = {}

    def state(self, feed_id: str) -> FeedState | None:
        """What is known of the feed; None before its first poll."""
        with self._db.read() as connection:
            row = connection.execute(f"{_STATES} WHERE feed_id = ?", (feed_id,)).fetchone()
        if row is None:
            return None
        state = _state(*row)
        if row[1] is not None:
            if len(self._read) >= _MOST_READ:
                self._read.clear()
            self._read[feed_id] = state.seen
        return state

    def states(self) -> Iterator[FeedState]:
        """All states, by feed id."""
        with self._db.read() as connection:
            rows = connection.execute(f"{_STATES} ORDER BY feed_id").fetchall()
        return (_state(*row) for row in rows)

    def commit_poll(self, state: FeedState, entries: Sequence[Entry], quarantined: Sequence[Quarantined] = ()) -> None:
        """Store the new state and queue the entries: both or neither."""
        row = self._row(state)
        with self._db.write():
            self._put(row, entries)
            self._quarantine.quarantine(quarantined)
            self._tell(state)

    def commit_polls(self, polls: Sequence[tuple[FeedState, Sequence[Entry]]]) -> Sequence[Exception | None]:
        """Commit them in one transaction; where that fails, one by one: a commit costs a millisecond of waiting for the disk."""
        if len(polls) > 1 and outcome(self._commit_all, polls) is None:
            return [None] * len(polls)
        return [outcome(self.commit_poll, state, entries) for state, entries in polls]

    def put_states(self, states: Sequence[FeedState]) -> Sequence[Exception | None]:
        """Store states in one transaction, each without its memory; where that fails, one by one."""
        together = outcome(self._put_all, states)
        if not isinstance(together, Exception):
            return together
        return [
            found if isinstance(found := outcome(self._put_all, [state]), Exception) else found[0] for state in states
        ]

    def _put_all(self, states: Sequence[FeedState]) -> list[Exception | None]:
        # Not deflated: most polls come here, and that took 18 µs of each.
        rows = [(_due(state), encode(replace(state, seen={})), state.feed_id) for state in states]
        found: list[Exception | None] = []
        with self._db.write() as connection:
            for row, state in zip(rows, states, strict=True):
                if connection.execute(_PUT_STATE, row).rowcount:
                    self._tell(state)
                    found.append(None)
                else:
                    found.append(FencedError(f"nothing is stored of feed {state.feed_id}"))
        return found

    def _commit_all(self, polls: Sequence[tuple[FeedState, Sequence[Entry]]]) -> None:
        rows = [self._row(state) for state, _ in polls]
        with self._db.write():
            for row, (state, entries) in zip(rows, polls, strict=True):
                self._put(row, entries)
                self._tell(state)

    def _put(self, row: _Row, entries: Sequence[Entry]) -> None:
        """Inside a transaction: the state and its entries."""
        with self._db.write() as connection:
            connection.execute("INSERT OR REPLACE INTO feed_states VALUES (?, ?, ?)", (row.feed_id, row.due, row.state))
            # The feed may have been removed since it was read, and its memory with it.
            stored = row.is_kept and connection.execute(_HAS_MEMORY, (row.feed_id,)).fetchone()
            if not stored:
                memory = pack(FeedMemory(feed_id=row.feed_id, seen=row.seen))
                connection.execute("INSERT OR REPLACE INTO feed_memories VALUES (?, ?)", (row.feed_id, memory))
        feed = self._feeds.feed(row.feed_id) if entries else None
        for entry in entries:
            self._queue.put(entry, wants_page=feed is not None and self._wants_page(feed, entry))

    def _row(self, state: FeedState) -> _Row:
        """What is written of a state: not its memory, where that is what was read last."""
        is_kept = self._read.pop(state.feed_id, None) == state.seen
        return _Row(state.feed_id, _due(state), pack(replace(state, seen={})), state.seen, is_kept)


def _due(state: FeedState) -> float | None:
    return state.next_poll_at.timestamp() if state.next_poll_at else None


def _state(data: bytes, memory: bytes | None) -> FeedState:
    state = unpack(FeedState, data)
    return state if memory is None else replace(state, seen=unpack(FeedMemory, memory).seen)
