"""One shard of feeds while it is this process's: the stored states, and commits that are written together.

Many polls end at once and a transaction takes some 25 ms: all that waits is written in one.
"""

import threading
import zlib
from collections import deque
from collections.abc import Sequence
from typing import Final

import structlog

from marsad.clock import Clock
from marsad.errors import CodecError, FencedError, TransientError
from marsad.ports import Journal
from marsad.records import FeedState
from marsad.records.codec import decode
from marsad.streams import Message

__all__ = ["STATES", "Commit", "Shard"]

_log = structlog.get_logger(__name__)
STATES: Final = "feed-states.v1"
# A transaction must end within a minute; broker and client take a few megabytes a second at their worst.
_MOST_BYTES: Final = 8_388_608
_MOST_MESSAGES: Final = 2_000
_SLOW_S: Final = 2.0
# Measured: of a state with 40 to 2,000 entries 55 % are left, after 0.08 to 2.9 ms; lz4 leaves 87 %.
_LEVEL: Final = 1


class Commit:
    """What one caller waits for.

    Args:
        feed_id: whose state it changes.
        state: the new state's wire form; None where it is removed.
        messages: all that is written, the state's message among them.
    """

    def __init__(self, feed_id: str, state: bytes | None, messages: list[Message]) -> None:
        self.feed_id = feed_id
        self.state = state
        self.messages = messages
        self.bytes = sum(len(message.value or b"") for message in messages)
        self.done = False
        self.error: Exception | None = None
        self.turn = threading.Event()
        """Set when it is done, and when it is its caller's turn to write."""

    def end(self, error: Exception | None) -> None:
        """It is written, or could not be."""
        self.done, self.error = True, error
        self.turn.set()


class Shard:
    """One shard from when it is opened to when it is let go.

    Args:
        journal: all its writing.
        clock: tells how long a transaction has been under way.
    """

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self.number = journal.partition
        self.fault: Exception | None = None
        self._journal = journal
        self._clock = clock
        self._states: dict[str, bytes] = {}
        self._read: dict[str, FeedState | None] = {}
        self._waiting: deque[Commit] = deque()
        self._lock = threading.Lock()
        self._writing_since: float | None = None
        for message in journal.read(STATES, self.number):
            self._keep(message.key, message.value)

    def _keep(self, feed_id: str, state: bytes | None) -> None:
        if state is None:
            self._states.pop(feed_id, None)
        else:
            self._states[feed_id] = zlib.compress(state, _LEVEL)

    def ids(self) -> list[str]:
        """The feeds of which something is known."""
        with self._lock:
            return list(self._states)

    def known(self, feed_id: str) -> FeedState | None:
        """The state that is stored."""
        read = self._read.get(feed_id)
        if read is not None:
            return read
        packed = self._states.get(feed_id)
        if packed is None:
            return None
        try:
            return decode(FeedState, zlib.decompress(packed))
        except CodecError as error:
            _log.error("feed state cannot be read; the feed is polled as a new one", feed=feed_id, error=str(error))
            return None

    def read(self, feed_id: str) -> FeedState | None:
        """The stored state, for a poll that will end in a commit; until then it is kept as it is read here."""
        state = self._read[feed_id] = self.known(feed_id)
        return state

    def is_stale(self, feed_id: str) -> bool:
        """Tell whether a poll began with a state that was read before the shard was last opened: another may have polled since."""
        return feed_id in self._states and feed_id not in self._read

    def is_well(self) -> bool:
        """Tell whether commits go through."""
        since = self._writing_since
        return self.fault is None and (since is None or self._clock.monotonic() - since < _SLOW_S)

    def write(self, commits: Sequence[Commit]) -> Sequence[Exception | None]:
        """Write them, with all else that waits, in one transaction; returns when they are durable.

        Returns:
            of each None, or why not: ``FencedError`` where the shard is another's, or was let go of, and nothing was written;
            ``TransientError`` where it is not known whether it was.
        """
        with self._lock:
            if self.fault is not None:
                return [_again(self.fault) for _ in commits]
            self._waiting.extend(commits)
            our_turn = self._writing_since is None
            if our_turn:
                self._writing_since = self._clock.monotonic()
        for commit in commits:
            if not our_turn:
                commit.turn.wait()
            if not commit.done:
                self._write_some()
            our_turn = False
        return [None if commit.error is None else _again(commit.error) for commit in commits]

    def _write_some(self) -> None:
        """Write what waits, and give the turn to the first of those who came meanwhile."""
        with self._lock:
            if not self._waiting:  # the shard was closed just now
                return
            batch = self._take()
            self._writing_since = self._clock.monotonic()
        error = self._write(batch)
        with self._lock:
            self._end(batch, error)
            if self._waiting:
                self._waiting[0].turn.set()
            else:
                self._writing_since = None

    def _take(self) -> list[Commit]:
        batch = [self._waiting.popleft()]
        size, count = batch[0].bytes, len(batch[0].messages)
        while self._waiting:
            size, count = size + self._waiting[0].bytes, count + len(self._waiting[0].messages)
            if size > _MOST_BYTES or count > _MOST_MESSAGES:
                break
            batch.append(self._waiting.popleft())
        return batch

    def _write(self, batch: Sequence[Commit]) -> Exception | None:
        try:
            self._journal.commit([message for commit in batch for message in commit.messages])
        except Exception as error:  # noqa: BLE001 - handed to every caller, and to the loop that opens the shard anew
            return error
        return None

    def _end(self, batch: Sequence[Commit], error: Exception | None) -> None:
        if error is None:
            for commit in batch:
                self._keep(commit.feed_id, commit.state)
                self._read[commit.feed_id] = None
                commit.end(None)
            return
        for commit in batch:
            commit.end(error)
        self._fail(error)

    def _fail(self, error: Exception) -> None:
        if self.fault is None:
            self.fault = error
        for commit in self._waiting:
            commit.end(error)
        self._waiting.clear()

    def close(self) -> None:
        """Whoever still waits is told that the shard is gone."""
        with self._lock:
            self._fail(FencedError(f"shard {self.number} was let go of"))


def _again(error: Exception) -> Exception:
    """The same error for one more caller: an exception that several threads raise would collect the traces of all."""
    if isinstance(error, FencedError | TransientError):
        fresh: Exception = type(error)(str(error))
    else:
        fresh = TransientError(f"commit failed: {type(error).__name__}: {error}")
    fresh.__cause__ = error
    return fresh
