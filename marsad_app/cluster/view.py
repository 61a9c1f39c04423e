"""The view: what the web page and commands read of the compacted streams, in a file that can be thrown away at any time.

It is the embedded store's file, filled from the streams. With what a batch brought, the place that was reached in each partition is
stored in the same transaction, so several processes may fill one file: each batch is applied by whoever comes first.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
import structlog

from marsad.errors import CodecError
from marsad.records import Alert
from marsad.streams import Message
from marsad_app.cluster.applying import APPLY
from marsad_app.embedded.database import DamagedError, unpack
from marsad_app.embedded.store import Store

__all__ = ["KEPT", "Place", "Slice", "Span", "View", "fits", "open_view"]

_log = structlog.get_logger(__name__)

KEPT: Final = timedelta(days=3)
"""A view that was not read to the end for so long is made anew: the streams keep tombstones for a week."""

_TABLES: Final = ("feeds", "feed_states", "subscriptions", "owners", "alerts", "deliveries", "quarantine")
_PLACE, _TOPIC, _COMPLETE = "place:", "topic:", "complete"

Place = tuple[str, int]
"""A partition: stream and number."""


class Span(msgspec.Struct, frozen=True):
    """What a partition holds: the topic's own id, the first offset that is there, and the one after the last."""

    topic_id: str
    first: int
    end: int


class Slice(msgspec.Struct, frozen=True):
    """What was read of a partition: all that is committed from ``start`` up to ``until``, which is not included."""

    place: Place
    start: int
    until: int
    messages: tuple[Message, ...] = ()


def fits(reached: int, span: Span) -> bool:
    """Whether reading can go on from ``reached``: it lies in what the partition still holds."""
    return span.first <= reached <= span.end


class View:
    """The file and how far it is.

    Args:
        path: the file; made if missing.

    Raises:
        StoreError: it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.store = Store(path)

    def places(self) -> dict[Place, int]:
        """The offset to be read next, by partition."""
        with self.store.database.read() as connection:
            rows = connection.execute("SELECT name, value FROM meta WHERE name LIKE ?", (_PLACE + "%",)).fetchall()
        found = {}
        for name, value in rows:
            stream, _, partition = name.removeprefix(_PLACE).rpartition(":")
            found[stream, int(partition)] = int(value)
        return found

    def alert(self, alert_id: str) -> Alert | None:
        """One alert."""
        with self.store.database.read() as connection:
            row = connection.execute("SELECT data FROM alerts WHERE alert_id = ?", (alert_id,)).fetchone()
        return unpack(Alert, row[0]) if row else None

    def begin(self, spans: Mapping[Place, Span], now: datetime) -> str:
        """Prepare for reading these partitions: go on where the view is, or begin anew where it does not fit them.

        Returns:
            Why it was begun anew; empty where it goes on.
        """
        with self.store.database.write() as connection:
            known = self.places()
            reason = self._unfit(known, spans, now)
            if reason:
                for table in _TABLES:
                    connection.execute(f"DELETE FROM {table}")  # noqa: S608 - a literal of this module
                connection.execute("DELETE FROM meta WHERE name <> 'analyser'")
                known = {}
            for place, span in spans.items():
                self._note(_TOPIC + place[0], span.topic_id)
                if place not in known:
                    self._move(place, span.first)
            if reason:
                self._note(_COMPLETE, now.isoformat())
        return reason

    def _unfit(self, known: Mapping[Place, int], spans: Mapping[Place, Span], now: datetime) -> str:
        if not known:
            return "nothing was read yet"
        if any(self._noted(_TOPIC + place[0]) not in {"", span.topic_id} for place, span in spans.items()):
            return "the streams were made anew"
        if set(known) - set(spans) or any(not fits(at, spans[place]) for place, at in known.items()):
            return "what the streams hold has moved on"
        complete = self._noted(_COMPLETE)
        if not complete or now - datetime.fromisoformat(complete) > KEPT:
            return "it was not read to the end for too long"
        return ""

    def completed(self, now: datetime) -> None:
        """Note that everything committed before ``now`` is in."""
        with self.store.database.write():
            self._note(_COMPLETE, now.isoformat())

    def apply(self, slices: Iterable[Slice]) -> dict[Place, int]:
        """Take in what was read, in one transaction; what another process took in already is passed over.

        Returns:
            The places reached. Where one is not its slice's end, reading goes on from it.
        """
        with self.store.database.write():
            reached = self.places()
            for part in slices:
                at = reached.get(part.place)
                if at is None or not part.start <= at < part.until:
                    continue
                for message in part.messages:
                    if message.offset >= at:
                        self._take(message)
                self._move(part.place, part.until)
                reached[part.place] = part.until
        return reached

    def _take(self, message: Message) -> None:
        try:
            APPLY[message.stream](self.store, message)
        except CodecError as error:
            place = f"{message.stream} {message.partition} {message.offset}"
            _log.warning("a record cannot be shown", place=place, key=message.key, error=str(error))

    def _move(self, place: Place, offset: int) -> None:
        self._note(f"{_PLACE}{place[0]}:{place[1]}", str(offset))

    def _note(self, name: str, value: str) -> None:
        with self.store.database.write() as connection:
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def _noted(self, name: str) -> str:
        with self.store.database.read() as connection:
            row = connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else ""

    def close(self) -> None:
        """Close the file."""
        self.store.close()


def open_view(folder: Path, prefix: str) -> View:
    """Open (or make) the view of the streams with that prefix; a damaged file is thrown away.

    Raises:
        StoreError: it cannot be opened or made.
    """
    path = folder / f"view-{prefix}.db"
    try:
        return View(path)
    except DamagedError as error:
        _log.warning("the view is made anew", path=str(path), reason=str(error))
        for ending in ("", "-wal", "-shm"):
            path.with_name(path.name + ending).unlink(missing_ok=True)
        return View(path)
