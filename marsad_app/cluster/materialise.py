"""Keeps the view at the end of the streams: a thread in a program that runs, a call in a command."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import structlog

from marsad.clock import Clock
from marsad.config import KafkaSettings
from marsad.errors import MarsadError, StoreError
from marsad_app.cluster.applying import VIEWED
from marsad_app.cluster.reading import StreamReader
from marsad_app.cluster.view import Place, View

__all__ = ["Materialiser"]

_log = structlog.get_logger(__name__)
_POLL_S: Final = 0.2
_CHECK_EVERY_S: Final = 5.0
_LOOK_EVERY_S: Final = 60.0
_AGAIN_S: Final = 1.0
_STALLED_S: Final = 30.0
_SEEN_WITHIN_S: Final = 10.0
_TELL_AFTER_S: Final = 1.0
_JOIN_S: Final = 5.0


def _told(_: str) -> None:
    """Nobody wants to know."""


class Materialiser:
    """Fills a view.

    Args:
        settings: the broker.
        view: the file.
        clock: the time.
        told: is given a sentence every second while a call takes longer than that.
    """

    def __init__(self, settings: KafkaSettings, view: View, clock: Clock, told: Callable[[str], None] = _told) -> None:
        self._settings = settings
        self._view = view
        self._clock = clock
        self._say = told
        self._reader: StreamReader | None = None
        self._moved = threading.Condition()
        self._reached: dict[Place, int] = {}
        self._problem = "the streams were not read yet"
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def problem(self) -> str:
        """Why the view may be behind the streams; empty where it is not."""
        return self._problem

    def sync(self) -> None:
        """Bring the view to the present end of the streams. For a program without the thread.

        Raises:
            StoreError: the broker does not answer, or a stream is missing.
        """
        reader = self._reader or self._open()
        self._catch_up(reader, reader.ends())
        self._view.completed(self._clock.now())

    def wait_for(self, place: Place, offset: int) -> None:
        """Return when the view holds what was written at the offset.

        Raises:
            StoreError: it does not within ten seconds; it is written, though.
        """
        if self._thread is None:
            self._catch_up(self._reader or self._open(), {place: offset + 1})
            return
        with self._moved:
            if not self._moved.wait_for(lambda: self._reached.get(place, 0) > offset, _SEEN_WITHIN_S):
                raise StoreError(f"what was changed is stored, but not to be seen yet: {self._problem or place[0]}")

    def start(self) -> None:
        """Fill the view from now on, in a thread that outlives outages."""
        self._thread = threading.Thread(target=self._run, name="view", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread and let go of the connection."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_JOIN_S)
        self._let_go()

    def _open(self) -> StreamReader:
        reader = StreamReader(self._settings, VIEWED)
        try:
            if reason := self._view.begin(reader.spans(), self._clock.now()):
                _log.info("the view is filled from the beginning", reason=reason)
            self._note(reader, self._view.places())
        except BaseException:
            reader.close()
            raise
        self._reader = reader
        return reader

    def _let_go(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()

    def _catch_up(self, reader: StreamReader, ends: Mapping[Place, int]) -> None:
        began = told_at = moved_at = self._clock.monotonic()
        while behind := sum(max(0, end - self._reached.get(place, 0)) for place, end in ends.items()):
            now = self._clock.monotonic()
            if self._step(reader):
                moved_at = now
            elif now - moved_at > _STALLED_S:
                raise StoreError(f"the broker at {self._settings.bootstrap} (kafka.bootstrap) gives no records")
            if now - began > _TELL_AFTER_S and now - told_at > _TELL_AFTER_S:
                self._say(f"reading the streams: {behind} records to go")
                told_at = now

    def _step(self, reader: StreamReader) -> int:
        """Take in what has come; how many partitions moved."""
        slices = reader.read(_POLL_S)
        if slices:
            self._note(reader, self._view.apply(slices))
        return len(slices)

    def _note(self, reader: StreamReader, reached: Mapping[Place, int]) -> None:
        # Another process may have been faster, or have begun the view anew: what it reached counts.
        reader.go_on_from(reached)
        with self._moved:
            self._reached = dict(reached)
            self._moved.notify_all()

    def _run(self) -> None:
        while not self._stop.is_set():
            with self._held():
                self._follow(self._open())

    @contextlib.contextmanager
    def _held(self) -> Iterator[None]:
        """Whatever happens is told, and tried again."""
        try:
            yield
        except MarsadError as error:
            if str(error) != self._problem:
                _log.warning("the view falls behind", reason=str(error))
            self._problem = str(error)
        except Exception as error:  # noqa: BLE001 - a thread that died would leave the view behind in silence
            _log.exception("the view falls behind")
            self._problem = f"{type(error).__name__}: {error}"
        finally:
            self._let_go()
            self._stop.wait(_AGAIN_S if self._problem else 0)

    def _follow(self, reader: StreamReader) -> None:
        """Read on until told to stop, or until the streams are others."""
        looked = checked = self._clock.monotonic() - _LOOK_EVERY_S
        while not self._stop.is_set():
            self._step(reader)
            now = self._clock.monotonic()
            if now - checked < (_CHECK_EVERY_S if not self._problem else _POLL_S):
                continue
            checked = now
            ends = reader.ends()
            if all(self._reached.get(place, 0) >= end for place, end in ends.items()):
                if self._problem:
                    _log.info("the view is at the end of the streams")
                self._problem = ""
            if not self._problem and now - looked >= _LOOK_EVERY_S:
                looked = now
                self._view.completed(self._clock.now())
                if reader.changed():
                    return
