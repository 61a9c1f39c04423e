"""Keeps the lines of client libraries few: in an outage they write a hundred a second, all alike, over days.

What a library logs goes through Marsad's own log, so that every line has one shape, and no more than a few lines of a kind come
in a minute. How many were left out is told once the minute is over.
"""

import contextlib
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec
import structlog

__all__ = ["LIBRARIES", "Limiter", "few_library_lines"]

LIBRARIES: Final = ("aiokafka", "asyncio", "elastic_transport", "faust", "kafka", "mode", "urllib3")

_OF_A_KIND: Final = 2
_OF_A_LIBRARY: Final = 20
_WINDOW_S: Final = 60.0
_LONGEST: Final = 2_000
_NUMBERS: Final = re.compile(r"0x[0-9a-f]+|\d+")


class _Window(msgspec.Struct):
    """What a library has written lately."""

    began: float
    kinds: dict[str, int]
    shown: int = 0
    left_out: int = 0


class Limiter:
    """Decides which lines are shown.

    Args:
        of_a_kind: lines of one logger with one message template in a window.
        of_a_library: lines of one library in a window, whatever their kinds.
        window: seconds.
    """

    def __init__(
        self, of_a_kind: int = _OF_A_KIND, of_a_library: int = _OF_A_LIBRARY, window: float = _WINDOW_S
    ) -> None:
        self._of_a_kind = of_a_kind
        self._of_a_library = of_a_library
        self._window = window
        self._open: dict[str, _Window] = {}

    def shows(self, library: str, kind: str, now: float) -> bool:
        """Whether the line is to be shown.

        Args:
            library: whose line it is.
            kind: what lines that are alike have in common, such as the template of the message.
            now: monotonic seconds.
        """
        window = self._open.setdefault(library, _Window(now, {}))
        seen = window.kinds.get(kind, 0)
        if seen >= self._of_a_kind or window.shown >= self._of_a_library:
            window.left_out += 1
            return False
        window.kinds[kind] = seen + 1
        window.shown += 1
        return True

    def ended(self, now: float, *, all_of_them: bool = False) -> list[tuple[str, int]]:
        """Libraries whose window is over, with how many of their lines were left out in it; they begin anew."""
        over = [library for library, window in self._open.items() if all_of_them or now - window.began >= self._window]
        closed = [(library, self._open.pop(library).left_out) for library in over]
        return [(library, left_out) for library, left_out in closed if left_out]


class _ToOwnLog(logging.Handler):
    """Hands a library's lines on to Marsad's log, as far as the limiter lets them through."""

    def __init__(self, limiter: Limiter, clock: Callable[[], float]) -> None:
        super().__init__()
        self._limiter = limiter
        self._clock = clock
        self._log = structlog.get_logger(__name__)

    def emit(self, record: logging.LogRecord) -> None:
        """Take a line; called by one thread at a time."""
        now = self._clock()
        self.tell(now)
        library = record.name.partition(".")[0]
        if not self._limiter.shows(library, _kind(record), now):
            return
        try:
            said = record.getMessage()
        except (TypeError, ValueError):
            said = str(record.msg)
        # Not the traceback of a library: it is long, and the same each time.
        error = record.exc_info[1] if record.exc_info else None
        more = {"error": f"{type(error).__name__}: {error}"[:_LONGEST]} if error is not None else {}
        self._log.log(_level(record.levelno), said[:_LONGEST], library=record.name, **more)

    def tell(self, now: float, *, all_of_them: bool = False) -> None:
        """Say how many lines were left out in the windows that are over."""
        for library, count in self._limiter.ended(now, all_of_them=all_of_them):
            self._log.warning("log lines left out", library=library, lines=count)


def _kind(record: logging.LogRecord) -> str:
    """What lines that are alike have in common: the logger, and the template without numbers and addresses in it."""
    return f"{record.name} {_NUMBERS.sub('#', str(record.msg))}"


def _level(number: int) -> int:
    """The standard level at or below; libraries have levels of their own between."""
    return max((level for level in (10, 20, 30, 40, 50) if level <= number), default=10)


_nested = threading.local()


@contextlib.contextmanager
def few_library_lines(
    libraries: Sequence[str] = LIBRARIES,
    limiter: Limiter | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[None]:
    """Within the block the libraries' lines are few and in Marsad's own form; inside another such block it does nothing.

    Args:
        libraries: top names of their loggers.
        limiter: what decides.
        clock: monotonic seconds.
    """
    if getattr(_nested, "inside", False):
        yield
        return
    _nested.inside = True
    handler = _ToOwnLog(limiter or Limiter(), clock)
    loggers = [logging.getLogger(name) for name in libraries]
    before = [(logger, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.propagate = False
    try:
        yield
    finally:
        for logger, propagate in before:
            logger.removeHandler(handler)
            logger.propagate = propagate
        handler.tell(clock(), all_of_them=True)
        _nested.inside = False
