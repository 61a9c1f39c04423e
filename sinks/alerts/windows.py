"""The instants at which a subscription may be sent to. Pure, and right over changes of the clock.

An alert belongs to the first window that closes after it: windows are half open, follow one another without a hole, and are
the same wherever and however often they are computed.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from marsad.records import QuietHours, Subscription

__all__ = ["local_day", "next_morning", "next_window"]

# Every zone of today is a multiple of this away from UTC.
_STEP: Final = timedelta(minutes=15)
_HOUR_STEPS: Final = 8
_WEEK: Final = 7


def next_window(at: datetime, subscription: Subscription) -> datetime:
    """The first instant from ``at`` at which the subscription may be sent to: the end of its digest's window, quiet hours over."""
    zone = _zone(subscription)
    match subscription.cadence:
        case "instant":
            end = at.astimezone(UTC)
        case "every":
            end = _grid(at, timedelta(minutes=subscription.every))
        case "hourly":
            end = _full_hour(at, zone)
        case "daily":
            end = _daily(at, zone, subscription.at, None)
        case "weekly":
            end = _daily(at, zone, subscription.at, subscription.weekday)
    return _after_quiet(end, subscription.quiet)


def next_morning(at: datetime, subscription: Subscription) -> datetime:
    """The time of the daily digest on the next local day, quiet hours over."""
    zone = _zone(subscription)
    return _after_quiet(
        _instant(at.astimezone(zone).date() + timedelta(days=1), subscription.at, zone), subscription.quiet
    )


def local_day(at: datetime, subscription: Subscription) -> date:
    """The day that it is for the subscription."""
    return at.astimezone(_zone(subscription)).date()


def _zone(subscription: Subscription) -> ZoneInfo:
    return ZoneInfo(subscription.zone or (subscription.quiet.zone if subscription.quiet else "UTC"))


def _grid(at: datetime, step: timedelta) -> datetime:
    """The next multiple of a step since the epoch."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return epoch + ((at - epoch) // step + 1) * step


def _full_hour(at: datetime, zone: ZoneInfo) -> datetime:
    """The next instant at which the local clock shows a full hour."""
    end = _grid(at, _STEP)
    for _ in range(_HOUR_STEPS):
        if not end.astimezone(zone).minute:
            break
        end += _STEP
    return end


def _daily(at: datetime, zone: ZoneInfo, wall: time, weekday: int | None) -> datetime:
    """The next instant at which the local clock shows a time of day, on any day or that of the week."""
    # From the day before: where the clock jumps over the time, it is taken to be later than it is.
    day = at.astimezone(zone).date() - timedelta(days=1)
    while True:
        end = _instant(day, wall, zone)
        if end > at and weekday in {None, day.weekday()}:
            return end
        day += timedelta(days=1)


def _instant(day: date, wall: time, zone: ZoneInfo, *, fold: int = 0) -> datetime:
    """When the local clock shows a time: the first time where it does so twice, as much later where it jumps over it (PEP 495)."""
    return datetime.combine(day, wall.replace(fold=fold, tzinfo=None), zone).astimezone(UTC)


def _after_quiet(at: datetime, quiet: QuietHours | None) -> datetime:
    """The instant itself, or the end of the quiet hours that it lies in."""
    if quiet is None or quiet.start == quiet.end:
        return at
    zone = ZoneInfo(quiet.zone)
    # The clock may show the quiet hours, or their end, twice in one night.
    while _is_quiet(at.astimezone(zone).time(), quiet):
        today = at.astimezone(zone).date()
        ends = (
            _instant(day, quiet.end, zone, fold=fold) for day in (today, today + timedelta(days=1)) for fold in (0, 1)
        )
        at = min(end for end in ends if end > at)
    return at


def _is_quiet(now: time, quiet: QuietHours) -> bool:
    if quiet.start > quiet.end:
        return now >= quiet.start or now < quiet.end
    return quiet.start <= now < quiet.end
