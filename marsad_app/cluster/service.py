"""What every service of the cluster size is made of: a name, signals, health, and a loop that outlives its errors.

Exit status: 0 asked to end; 70 it cannot go on by itself and wants to be started anew; 75 another process has its place.
"""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Final

import structlog
from kafka import errors as kafka_errors

from marsad.clock import Clock, SystemClock
from marsad.config import Settings
from marsad.errors import ConfigError, FencedError, MarsadError, TransientError
from marsad.events import AlertRaised, Event, EventSink, FeedPolled, GapTried, ItemOutcome, StageFailed
from marsad.progress import Progress
from marsad_app.cluster.gaps import Audit, CommittedReader
from marsad_app.cluster.health import HealthServer, Identity, Report, make_report
from marsad_app.cluster.logs import few_library_lines
from marsad_app.cluster.metrics import service_registry
from marsad_app.cluster.slots import Slot, held_slot
from marsad_app.cluster.watchdog import Beat, Watchdog

__all__ = ["EXIT_BROKEN", "EXIT_FENCED", "Build", "Context", "Counter", "Step", "open_context", "run_stage"]

EXIT_BROKEN: Final = 70
EXIT_FENCED: Final = 75

_log = structlog.get_logger(__name__)
_END_WITHIN_S: Final = 4.5
_IDLE_S: Final = 0.01
_FIRST_WAIT_S: Final = 0.5
_LONGEST_WAIT_S: Final = 15.0
_MOST_FAILURES: Final = 6
_RECOVERED_S: Final = 60.0

# A client that cannot be made because no broker answers says so in an error of its own.
_NO_ANSWER: Final = (kafka_errors.RetriableError,)

Step = Callable[[], int]
"""Does some work and says how much; after 0 it rests for a moment."""


@dataclass(frozen=True)
class Context:
    """What a service is given.

    Attributes:
        settings: everything that can be set.
        clock: the time.
        progress: to be told of every move; what the health endpoint and the watchdog go by.
        events: what happened; an ``ItemOutcome``, ``AlertRaised`` or ``FeedPolled`` is counted in ``progress`` by it.
        instance: name of this process, the same after a restart.
        stop: set when the process shall end; it then has four seconds.
        beat: told when a step begins and ends; ``run_stage`` does that.
    """

    settings: Settings
    clock: Clock
    progress: Progress
    events: EventSink
    instance: str
    stop: threading.Event
    beat: Beat = field(default_factory=Beat)


Build = Callable[[Context], AbstractContextManager[Step]]


class Counter:
    """Counts events in the progress and logs those that a person should see.

    Args:
        progress: where the counts are.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def emit(self, event: Event) -> None:
        """Take an event."""
        match event:
            case ItemOutcome():
                self._progress.count(str(event.outcome))
            case AlertRaised():
                self._progress.count("alert")
            case FeedPolled():
                self._progress.count("polled")
                _log.debug("polled", feed=event.feed_id, health=event.health, new=event.new, next_in=event.next_in)
            case GapTried():
                _log.info("gap", feed=event.feed_id, fill=event.fill, found=event.found, pages=event.pages)
            case StageFailed() if event.error:
                _log.error("stage failed", stage=event.stage, error=event.error, retry_in=event.retry_in)


@contextlib.contextmanager
def open_context(settings: Settings, stage: str, clock: Clock | None = None) -> Iterator[Context]:
    """A service's surroundings: name, signals, health endpoint, watchdog and gap audit. To be entered in the main thread.

    Args:
        settings: everything that can be set.
        stage: ``poll``, ``process``, ``group``, ``match``, ``index`` or ``deliver``.
        clock: by default the machine's.

    Raises:
        ConfigError: ``data.dir`` cannot be written, or the health endpoint's port is taken.
    """
    clock = clock or SystemClock()
    with contextlib.ExitStack() as opened:
        opened.enter_context(few_library_lines())
        slot = opened.enter_context(held_slot(settings, stage))
        stop = opened.enter_context(_signals())
        progress = Progress()
        context = Context(settings, clock, progress, Counter(progress), slot.instance, stop)
        url = opened.enter_context(_watched(context, stage, slot))
        _log.info("service started", stage=stage, instance=slot.instance, starts=slot.starts, health=url)
        yield context
        _log.info("service ended", stage=stage, instance=slot.instance)


@contextlib.contextmanager
def _watched(context: Context, stage: str, slot: Slot) -> Iterator[str]:
    """Watchdog, audit of offsets and health endpoint of a service; the endpoint's address."""
    settings, clock, progress = context.settings, context.clock, context.progress
    watchdog = Watchdog(progress, context.beat, settings.health, clock)
    audit = Audit(progress, lambda: CommittedReader(settings.kafka, clock), clock)
    who = Identity(stage=stage, instance=slot.instance, starts=slot.starts, started=clock.monotonic())

    def report() -> Report:
        holes = audit.looked_into, audit.left_out
        return make_report(who, progress, watchdog.verdict, clock.monotonic(), holes)

    server = HealthServer(settings.health, report, service_registry(report))
    slot.note(server.url)
    parts = (server, watchdog, audit)
    for part in parts:
        part.start()
    try:
        yield server.url
    finally:
        for part in parts:
            part.close()


@contextlib.contextmanager
def _signals() -> Iterator[threading.Event]:
    """An event that SIGTERM and SIGINT set; a process that has not ended within 4.5 s of it is ended.

    The handler only writes to a pipe: setting an event inside a handler can wait for a lock that the interrupted code holds.
    """
    stop, done = threading.Event(), threading.Event()
    read, write = os.pipe()

    def listen() -> None:
        if os.read(read, 1) == b"s":
            stop.set()
            if not done.wait(_END_WITHIN_S):
                _log.warning("the service did not end in time; what was under way is undone and done again")
                os._exit(0)

    listener = threading.Thread(target=listen, name="marsad-signals", daemon=True)
    listener.start()
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            before[number] = signal.signal(number, lambda *_: os.write(write, b"s") and None)
    try:
        yield stop
    finally:
        done.set()
        for number, handler in before.items():
            signal.signal(number, handler)
        os.write(write, b"e")
        listener.join()
        os.close(read)
        os.close(write)


def run_stage(settings: Settings, stage: str, build: Build) -> int:
    """Run a service until it is asked to end; the exit status.

    A ``TransientError`` is told and waited for, and the step tried again; after any other error everything is built anew, and
    after several in a row the process ends with 70.

    Args:
        settings: everything that can be set.
        stage: the service's name.
        build: makes the step and, on leaving, lets go of what it holds.

    Raises:
        ConfigError: it cannot start, or a build found a setting wrong: the sentence says why.
    """
    with open_context(settings, stage) as context:
        return _Loop(context, stage, build).run()


class _Loop:
    """Repeats the step of a service until it is asked to end."""

    def __init__(self, context: Context, stage: str, build: Build) -> None:
        self._context = context
        self._stage = stage
        self._build = build
        self._pause = _FIRST_WAIT_S
        self._failures = 0
        self._failed_at = 0.0
        self._waiting = False

    def run(self) -> int:
        """Until it is asked to end; the exit status."""
        while not self._context.stop.is_set():
            try:
                with self._build(self._context) as step:
                    self._repeat(step)
            except FencedError as error:
                _log.error("another process has this one's place", stage=self._stage, error=str(error))
                return EXIT_FENCED
            except kafka_errors.RetriableError as error:
                # A client that cannot be made because no broker answers says so in an error of its own.
                self._wait(TransientError(f"no answer from the broker: {error}"))
            except TransientError as error:
                self._wait(error)
            except ConfigError:
                raise
            except Exception as error:  # noqa: BLE001 - the edge of the service: told, waited, built anew
                if not self._go_on(error):
                    return EXIT_BROKEN
        return 0

    def _repeat(self, step: Step) -> None:
        while not self._context.stop.is_set():
            self._context.beat.since = self._context.clock.monotonic()
            try:
                worked = step()
            except TransientError as error:
                self._wait(error)
                continue
            finally:
                self._context.beat.since = None
            self._recovered()
            if not worked:
                self._context.stop.wait(_IDLE_S)

    def _wait(self, error: TransientError) -> None:
        pause = max(self._pause, error.retry_after or 0.0)
        _log.warning("service waits", stage=self._stage, error=str(error), retry_in=pause)
        self._context.progress.waits(self._stage, str(error))
        self._waiting = True
        self._rest(pause)

    def _go_on(self, error: Exception) -> bool:
        """Whether it is worth trying again here, after a pause."""
        now = self._context.clock.monotonic()
        self._failures = 1 if now - self._failed_at > _RECOVERED_S else self._failures + 1
        self._failed_at = now
        told = {"error": str(error)} if isinstance(error, MarsadError) else {"exc_info": error}
        _log.error("service failed", stage=self._stage, retry_in=self._pause, failures=self._failures, **told)
        self._context.progress.count("failed")
        if self._failures >= _MOST_FAILURES:
            _log.error("service gives up; it should be started anew", stage=self._stage, exit_status=EXIT_BROKEN)
            return False
        self._rest(self._pause)
        return True

    def _rest(self, seconds: float) -> None:
        self._context.stop.wait(seconds)
        self._pause = min(self._pause * 2, _LONGEST_WAIT_S)

    def _recovered(self) -> None:
        if self._waiting:
            _log.info("service goes on again", stage=self._stage)
            self._context.progress.waits(self._stage)
            self._waiting = False
        self._pause = _FIRST_WAIT_S
