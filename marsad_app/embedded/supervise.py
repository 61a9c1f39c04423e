"""Keeps the parts of the one process going: a part that fails is told, waited for, and started again."""

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable

import structlog

from marsad.errors import MarsadError
from marsad.events import Event, EventSink, FeedPolled, StageFailed
from marsad_app.switching import set_loaded_aside

__all__ = ["PollingTold", "Worker", "supervise", "wait"]

_log = structlog.get_logger(__name__)
_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 30.0


async def wait(stop: asyncio.Event, seconds: float) -> None:
    """Sleep, but wake when stopped."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


def _told(name: str, error: Exception, pause: float, events: EventSink) -> None:
    kind, words = type(error).__name__, str(error)
    if isinstance(error, MarsadError):
        _log.error("stage failed", stage=name, error=words, retry_in=pause)
    else:
        words = f"{kind}: {words}" if words else ""
        _log.error("stage failed", stage=name, retry_in=pause, exc_info=error)
    events.emit(StageFailed(stage=name, error=words or kind, retry_in=pause))


def _recovered(name: str, events: EventSink) -> None:
    _log.info("stage goes on again", stage=name)
    events.emit(StageFailed(stage=name, error=""))


async def supervise(
    name: str, run: Callable[[asyncio.Event], Awaitable[None]], stop: asyncio.Event, events: EventSink
) -> None:
    """Run a part of the event loop until ``stop``; after an error start it again, waiting twice as long each time in a row.

    It has recovered when it has run for as long as the wait before it.
    """
    pause, waited = _FIRST_WAIT_S, 0.0
    while not stop.is_set():
        working = asyncio.ensure_future(run(stop))
        try:
            if waited and not (await asyncio.wait({working}, timeout=waited))[0]:
                _recovered(name, events)
                pause, waited = _FIRST_WAIT_S, 0.0
            await working
        except Exception as error:  # noqa: BLE001 - the edge of the stage: told, waited, started again
            _told(name, error, pause, events)
            await wait(stop, pause)
            pause, waited = min(pause * 2, _LONGEST_WAIT_S), pause
        finally:
            working.cancel()


class PollingTold:
    """Passes the poller's events on; logs its first failure in a row, and tells its end when a poll succeeds.

    Args:
        events: where they go.
    """

    def __init__(self, events: EventSink) -> None:
        self._events = events
        self._failing = False

    def emit(self, event: Event) -> None:
        """Take an event."""
        self._events.emit(event)
        match event:
            case StageFailed(stage=stage, error=error) if error and not self._failing:
                self._failing = True
                _log.error("stage failed", stage=stage, error=error, retry_in=event.retry_in)
            case FeedPolled() if self._failing:
                self._failing = False
                _recovered("poll", self._events)


class Worker:
    """A thread that repeats a step.

    Args:
        name: the stage, for people.
        make: makes the step, in the thread: what is slow to load then keeps nothing else from starting. The step does
            some work and says how much; after 0 it rests for ``idle`` seconds.
        events: told of errors, and of their end.
        idle: seconds.
    """

    def __init__(
        self, name: str, make: Callable[[], Callable[[], int]], events: EventSink, *, idle: float = 0.1
    ) -> None:
        self.name = name
        self._make = make
        self._events = events
        self._idle = idle
        self._stop = threading.Event()
        # A daemon: should a step hang, the process still ends in time; an unfinished transaction is undone by SQLite.
        self._thread = threading.Thread(target=self._run, name=f"marsad-{name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Ask it to end after the present step."""
        self._stop.set()

    def stopping(self, seconds: float) -> bool:
        """Wait that long, or until asked to end; whether it was."""
        return self._stop.wait(seconds)

    def join(self, timeout: float) -> bool:
        """Wait for its end; False if it did not come in time."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        pause, failing = _FIRST_WAIT_S, False
        step: Callable[[], int] | None = None
        while not self._stop.is_set():
            try:
                if step is None:
                    step = self._make()
                    set_loaded_aside()
                worked = step()
            except Exception as error:  # noqa: BLE001 - the edge of the stage: told, waited, tried again
                _told(self.name, error, pause, self._events)
                self._stop.wait(pause)
                pause, failing = min(pause * 2, _LONGEST_WAIT_S), True
                continue
            if failing:
                _recovered(self.name, self._events)
                pause, failing = _FIRST_WAIT_S, False
            if not worked:
                self._stop.wait(self._idle)
