"""The clock as an argument. Only this module reads the machine's time."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

__all__ = ["Clock", "FrozenClock", "SystemClock"]


class Clock(Protocol):
    """Tells the time: an aware UTC instant, and seconds that only ever grow."""

    def now(self) -> datetime:
        """The present instant, aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since an arbitrary start; never runs backwards."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present instant, aware, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since an arbitrary start; never runs backwards."""
        return time.monotonic()


class FrozenClock:
    """A clock that moves only when told: for tests and simulations.

    Args:
        start: the first instant, aware.
    """

    def __init__(self, start: datetime) -> None:
        self._start = start.astimezone(UTC)
        self._passed = timedelta()

    def now(self) -> datetime:
        """The start plus all that was advanced, UTC."""
        return self._start + self._passed

    def monotonic(self) -> float:
        """Seconds advanced since the start."""
        return self._passed.total_seconds()

    def advance(self, seconds: float) -> None:
        """Move on by ``seconds`` (not negative)."""
        if seconds < 0:
            raise ValueError(f"a clock cannot go back: {seconds}")
        self._passed += timedelta(seconds=seconds)
