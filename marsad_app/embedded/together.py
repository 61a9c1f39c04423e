"""Small writes of many threads in one transaction: a commit costs a millisecond of waiting for the disk, however much is in it."""

import threading
from collections import deque
from collections.abc import Callable, Sequence

from marsad_app.embedded.database import Database

__all__ = ["Together"]

# A transaction keeps the other writers waiting: a poll with entries takes about a millisecond.
_MOST = 64


class _Work:
    """What one caller waits for."""

    __slots__ = ("done", "error", "step", "turn")

    def __init__(self, step: Callable[[], None]) -> None:
        self.step = step
        self.done = False
        self.error: Exception | None = None
        self.turn = threading.Event()
        """Set when it is done, and when it is its caller's turn to write for all who wait."""


class Together:
    """Writes what several threads want written, in the order in which they came.

    Args:
        database: the store.
    """

    def __init__(self, database: Database) -> None:
        self._db = database
        self._lock = threading.Lock()
        self._waiting: deque[_Work] = deque()
        self._writing = False

    def write(self, step: Callable[[], None]) -> None:
        """Run the step in a transaction, alone or with those of other threads; returns when it is durable.

        Inside a transaction of its own thread it joins that one. A step that raises undoes itself alone: the others of its
        transaction are then written one by one. It may run twice and must only write.
        """
        if self._db.is_writing():
            step()
            return
        work = _Work(step)
        with self._lock:
            self._waiting.append(work)
            first = not self._writing
            self._writing = True
        if not first:
            work.turn.wait()
        if not work.done:
            self._write_some()
        if work.error is not None:
            raise work.error

    def _write_some(self) -> None:
        """Write what waits, and give the turn to the first of those who came meanwhile."""
        with self._lock:
            batch = [self._waiting.popleft() for _ in range(min(_MOST, len(self._waiting)))]
        if not self._try(batch) and len(batch) > 1:
            for work in batch:
                work.error = None
                self._try([work])
        with self._lock:
            for work in batch:
                work.done = True
                work.turn.set()
            if self._waiting:
                self._waiting[0].turn.set()
            else:
                self._writing = False

    def _try(self, batch: Sequence[_Work]) -> bool:
        try:
            with self._db.write():
                for work in batch:
                    work.step()
        except Exception as error:  # noqa: BLE001 - raised again for the caller whose step it is
            for work in batch:
                work.error = error
            return False
        return True
