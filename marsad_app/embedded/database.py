"""One SQLite file: a single writer, readers beside it, each step one transaction."""

import contextlib
import sqlite3
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from marsad.errors import StoreError
from marsad.records.codec import Record, decode, encode
from marsad_app.embedded.schema import MIGRATIONS, VERSION

__all__ = ["DamagedError", "Database", "pack", "unpack"]

# Level 1 deflate takes 0.06 ms for a 6 kB article and leaves 2.1 kB; level 6 takes three times as long for 5 % less.
_LEVEL = 1
_STEPS: Final = 5_000
"""Instructions of SQLite between two looks at the clock: a tenth of a millisecond."""
_BUSY_MS = 30_000
_PLAIN: Final = b"{"


class DamagedError(StoreError):
    """The file is no sound store that this program can read."""


def pack(record: msgspec.Struct) -> bytes:
    """The record as it lies in a table: its wire form, deflated."""
    return zlib.compress(encode(record), _LEVEL)


def unpack(kind: type[Record], data: bytes) -> Record:
    """The record again, whether it lies there deflated or as it is.

    Raises:
        StoreError: the row is damaged.
    """
    if data.startswith(_PLAIN):
        return decode(kind, data)
    try:
        return decode(kind, zlib.decompress(data))
    except zlib.error as error:
        raise StoreError(f"a stored {kind.__name__} is damaged ({error}); `marsad doctor` checks the store") from error


class Database:
    """The connections to one file.

    Args:
        path: the file; made with its folder if missing.

    Raises:
        StoreError: the folder cannot be made or written, the file is no database, is damaged, or was written by a newer Marsad.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._write_lock = threading.RLock()
        self._depth = 0
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        self._readers_lock = threading.Lock()
        self._closed = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            advice = "set data.dir to a folder that can be written"
            raise StoreError(f"{path}: cannot be opened: {error.strerror}; {advice}") from error
        self._writer = self._connect()
        try:
            with self._explained():
                self._migrate()
        except StoreError:
            self._writer.close()
            raise

    def _connect(self) -> sqlite3.Connection:
        with self._explained():
            connection = sqlite3.connect(
                self.path, timeout=_BUSY_MS / 1000, isolation_level=None, check_same_thread=False
            )
            connection.execute("PRAGMA journal_mode=WAL")
            # FULL: a commit survives a power cut. Measured 0.7 ms for a commit against 0.05 ms with NORMAL; steps are batches.
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA temp_store=MEMORY")
            connection.execute("PRAGMA cache_size=-16000")
            return connection

    def _migrate(self) -> None:
        version = int(self._writer.execute("PRAGMA user_version").fetchone()[0])
        if version > VERSION:
            raise DamagedError(
                f"{self.path}: written by a newer Marsad (store version {version}, this one knows {VERSION}); update Marsad"
            )
        for step in range(version, VERSION):
            self._writer.executescript(f"BEGIN IMMEDIATE; {MIGRATIONS[step]}; PRAGMA user_version={step + 1}; COMMIT;")

    @contextlib.contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction: everything inside is stored, or nothing. Nested uses join the outer transaction.

        Raises:
            StoreError: the disk is full, the file is damaged or locked by another program.
        """
        with self._write_lock, self._explained():
            if self._depth:
                yield self._writer
                return
            self._writer.execute("BEGIN IMMEDIATE")
            self._depth = 1
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._writer.execute("ROLLBACK")
                raise
            finally:
                self._depth = 0

    def is_writing(self) -> bool:
        """Tell whether this thread is inside a transaction of its own."""
        if not self._depth or not self._write_lock.acquire(blocking=False):
            return False
        try:
            return self._depth > 0
        finally:
            self._write_lock.release()

    @contextlib.contextmanager
    def read(self, *, within_s: float | None = None) -> Iterator[sqlite3.Connection]:
        """This thread's reader; inside this thread's own transaction it is the writer, which sees what was just written.

        Args:
            within_s: seconds after which a statement is broken off.

        Raises:
            StoreError: the file cannot be read, or it took too long.
        """
        with self._explained():
            connection = self._writer if self.is_writing() else self._reader()
            if within_s is None:
                yield connection
                return
            until = time.monotonic() + within_s
            connection.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
            try:
                yield connection
            finally:
                connection.set_progress_handler(None, 0)

    def _reader(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            with self._readers_lock:
                if self._closed:
                    raise StoreError(f"{self.path}: closed, since the program is ending")
                connection = self._connect()
                self._readers.append(connection)
            connection.execute("PRAGMA query_only=ON")
            self._local.connection = connection
        return connection

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn the library's errors into one sentence that says what to do."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            kind = DamagedError if _is_damage(error) else StoreError
            raise kind(f"{self.path}: {_advice(error)}") from error

    def check(self) -> str:
        """``ok``, or what SQLite's quick check finds."""
        with self.read() as connection:
            return str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])

    def close(self) -> None:
        """Close all connections. Threads that still read get an error."""
        with self._write_lock, self._readers_lock:
            self._closed = True
            for connection in (*self._readers, self._writer):
                with contextlib.suppress(sqlite3.Error):
                    connection.close()
            self._readers.clear()


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    return "not a database" in str(error) or "malformed" in str(error)


def _advice(error: sqlite3.DatabaseError) -> str:
    text = str(error)
    if "disk is full" in text or "disk I/O" in text:
        return f"the disk is full or cannot be written ({text}); free some space: nothing stored is lost, and what runs then goes on by itself"
    if _is_damage(error):
        return f"no sound Marsad store ({text}); move it away and start again, or restore a copy"
    if "locked" in text:
        return f"locked by another program ({text}); is another Marsad running on the same data.dir?"
    if "interrupted" in text:
        return "the search took too long and was given up; write longer beginnings before *, or add a topic, an outlet or days"
    if "readonly" in text or "unable to open" in text:
        return f"cannot be written ({text}); check the permissions of the folder"
    return text
