"""Judges from its progress whether a service works; ends the process when only a new start can help.

A loop that catches its own errors looks alive while nothing comes out of it. So the verdict rests on what moved: work that lies
waiting while the place in the input stays where it is, a step that does not return, or items that all end in quarantine.
"""

import os
import threading
from collections.abc import Callable, Mapping
from typing import Final, Literal

import msgspec
import structlog

from marsad.clock import Clock
from marsad.config import HealthSettings
from marsad.progress import Position, Progress

__all__ = ["Beat", "Verdict", "Watchdog", "judge"]

_log = structlog.get_logger(__name__)

State = Literal["ok", "waiting", "stalled", "dead", "poisoned", "skipped"]
Place = tuple[str, int]

_WINDOW: Final = 50
_POISONED: Final = 0.9
# A step may read a partition's state back, which takes minutes where there is much of it.
_STEP_PATIENCE: Final = 3.0
_NO_ITEMS: Final = frozenset({"alert", "polled", "failed", "retried"})
# After a pause of the whole machine the others need a moment too.
_PAUSED_S: Final = 15.0


class Beat:
    """Since when the present step has been under way. Written by the loop, read by the watchdog."""

    def __init__(self) -> None:
        self.since: float | None = None
        """By the monotonic clock, seconds; None between two steps."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What is thought of the service, and what the next judgement needs to remember.

    Attributes:
        state: ``ok``; ``waiting`` for something outside; ``stalled``: work waits and nothing moves; ``dead``: so long that it
            must be started anew; ``poisoned``: nearly all items end in quarantine; ``skipped``: records were passed over.
        why: for a person; empty if all is well.
        healthy: whether nobody need look.
        at: when it was judged, monotonic seconds.
        moved: offset of each partition, and since when work has waited there without its moving.
        waiting_since: since when it has waited for something outside; None if it does not.
        waited_at: when it was last seen waiting; a service that tries again is for a moment not.
        items: number of items, and of those in quarantine, at the begin of the present window.
        poisoned: why, where the last full window was.
    """

    state: State = "ok"
    why: str = ""
    healthy: bool = True
    at: float | None = None
    moved: dict[Place, tuple[int, float]] = {}
    waiting_since: float | None = None
    waited_at: float | None = None
    items: tuple[int, int] = (0, 0)
    poisoned: str = ""


def judge(
    previous: Verdict,
    positions: Mapping[Place, Position],
    waiting: Mapping[str, str],
    now: float,
    settings: HealthSettings,
    *,
    counts: Mapping[str, int] | None = None,
    skipped: int = 0,
    step_since: float | None = None,
) -> Verdict:
    """The verdict on a service.

    It is unhealthy once work has waited for ``stall_after`` without anything being done, whatever the reason; and dead after
    ``exit_after``, but not while it says that it waits for something outside, which a new start would not bring back, nor until
    ``exit_after`` has passed since it last said so.

    Args:
        previous: the verdict before; ``Verdict()`` at first.
        positions: how far it is, by stream and partition.
        waiting: what it waits for, and why.
        now: monotonic seconds.
        settings: ``stall_after`` and ``exit_after``.
        counts: items by outcome since the start.
        skipped: holes in which records were found.
        step_since: since when the present step has been under way; None if none is.
    """
    if previous.at is not None and now - previous.at > _PAUSED_S:
        previous = msgspec.structs.replace(previous, moved={}, waiting_since=None)
        step_since = None
    moved = {place: _moved(previous.moved.get(place), position, now) for place, position in positions.items()}
    waiting_since = (previous.waiting_since if previous.waiting_since is not None else now) if waiting else None
    waited_at = now if waiting else previous.waited_at
    items, poisoned = _poisoned(previous, counts or {})
    state, why, healthy = _state(moved, positions, waiting, waiting_since, now, settings, step_since)
    if state == "dead" and waited_at is not None and now - waited_at < settings.exit_after:
        state = "stalled"
    if state == "ok" and poisoned:
        state, why, healthy = "poisoned", poisoned, False
    if state == "ok" and skipped:
        state, healthy = "skipped", False
        why = f"records were passed over in {skipped} places; the log names them"
    return Verdict(
        state=state,
        why=why,
        healthy=healthy,
        at=now,
        moved=moved,
        waiting_since=waiting_since,
        waited_at=waited_at,
        items=items,
        poisoned=poisoned,
    )


def _moved(before: tuple[int, float] | None, position: Position, now: float) -> tuple[int, float]:
    """The offset, and since when work has waited there: from now on where it moved or nothing waits."""
    if before is None or before[0] != position.offset or position.lag == 0:
        return position.offset, now
    return before


def _poisoned(previous: Verdict, counts: Mapping[str, int]) -> tuple[tuple[int, int], str]:
    """The window's begin, and what the last full window said."""
    items = sum(count for outcome, count in counts.items() if outcome not in _NO_ITEMS)
    bad = counts.get("quarantined", 0)
    seen, seen_bad = items - previous.items[0], bad - previous.items[1]
    if seen < _WINDOW:
        return previous.items, previous.poisoned
    why = f"{seen_bad} of the last {seen} items ended in quarantine" if seen_bad > _POISONED * seen else ""
    return (items, bad), why


def _state(
    moved: Mapping[Place, tuple[int, float]],
    positions: Mapping[Place, Position],
    waiting: Mapping[str, str],
    waiting_since: float | None,
    now: float,
    settings: HealthSettings,
    step_since: float | None,
) -> tuple[State, str, bool]:
    still, why = _longest_still(moved, positions, now)
    if waiting:
        shown = "; ".join(f"{what}: {reason}" for what, reason in sorted(waiting.items()))
        waited = max(still, now - (now if waiting_since is None else waiting_since))
        return "waiting", shown, waited < settings.stall_after
    step = 0.0 if step_since is None else (now - step_since) / _STEP_PATIENCE
    if step > still:
        still, why = step, f"one step has taken {now - (step_since or now):.0f} s so far"
    if still >= settings.exit_after:
        return "dead", why, False
    if still >= settings.stall_after:
        return "stalled", why, False
    return "ok", "", True


def _longest_still(
    moved: Mapping[Place, tuple[int, float]], positions: Mapping[Place, Position], now: float
) -> tuple[float, str]:
    place = min(moved, key=lambda known: moved[known][1], default=None)
    if place is None:
        return 0.0, ""
    still = now - moved[place][1]
    why = f"{place[0]} partition {place[1]} has {positions[place].lag} messages waiting and has not moved for {still:.0f} s"
    return still, why


class Watchdog:
    """Judges every second in a thread of its own; logs each change; ends the process when it is dead.

    Args:
        progress: of the service.
        beat: of its loop.
        settings: when it is stalled, and when dead.
        clock: the time.
        leave: ends the process at once with a status; called in the watchdog's thread.
    """

    def __init__(
        self,
        progress: Progress,
        beat: Beat,
        settings: HealthSettings,
        clock: Clock,
        *,
        leave: Callable[[int], object] = os._exit,
    ) -> None:
        self._progress = progress
        self._beat = beat
        self._settings = settings
        self._clock = clock
        self._leave = leave
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="marsad-watchdog", daemon=True)
        self.verdict = Verdict()
        """The last one."""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End."""
        self._done.set()
        self._thread.join()

    def look(self) -> Verdict:
        """Judge now; the verdict."""
        before = self.verdict
        self.verdict = judge(
            before,
            self._progress.positions(),
            self._progress.waiting(),
            self._clock.monotonic(),
            self._settings,
            counts=dict(self._progress.counts),
            skipped=len(self._progress.skipped),
            step_since=self._beat.since,
        )
        if before.healthy != self.verdict.healthy:
            tell = _log.info if self.verdict.healthy else _log.error
            tell("health", state=self.verdict.state, why=self.verdict.why, before=before.state)
        return self.verdict

    def _run(self) -> None:
        every = max(0.05, min(1.0, self._settings.stall_after / 10))
        while not self._done.wait(every):
            if self.look().state == "dead":
                _log.critical("the service ends, to be started anew", why=self.verdict.why, exit_status=70)
                self._leave(70)
                return
