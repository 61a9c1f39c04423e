"""How often somebody may do something: a bucket of tokens for each."""

from typing import Final

from marsad.clock import Clock

__all__ = ["RateLimit"]

_MOST_KEYS: Final = 10_000


class RateLimit:
    """So many at once, and so many a second from then on.

    Args:
        clock: its monotonic seconds.
        per_second: how fast a bucket fills.
        burst: how much a full one holds.
    """

    def __init__(self, clock: Clock, *, per_second: float, burst: int) -> None:
        self._clock = clock
        self._rate = per_second
        self._burst = float(burst)
        self._buckets: dict[str, tuple[float, float]] = {}

    def wait(self, key: str) -> float:
        """0 if it may be done now, which is then counted; else the seconds until it may."""
        now = self._clock.monotonic()
        level, at = self._buckets.get(key, (self._burst, now))
        level = min(self._burst, level + (now - at) * self._rate)
        if level < 1:
            return (1 - level) / self._rate
        if len(self._buckets) >= _MOST_KEYS:
            self._forget_full(now)
        self._buckets[key] = (level - 1, now)
        return 0.0

    def _forget_full(self, now: float) -> None:
        """A bucket that is full again is the same as none."""
        self._buckets = {
            key: (level, at)
            for key, (level, at) in self._buckets.items()
            if level + (now - at) * self._rate < self._burst
        }
