"""Dates in queries: a day, a month or a year is a period, a time with seconds an instant; relative ones start from now."""

import calendar
import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

import msgspec

from marsad.arabic.keyform import key_form

__all__ = ["EXPECTED", "Period", "read_time", "write_time"]

EXPECTED: Final = "a date such as 2026-01-31, 2026-01, 2026-01-31T18:00:00Z, now, now-7d, now-12h, today or yesterday"

_DATE: Final = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")
_RELATIVE: Final = re.compile(r"(?:now|الان)((?:[+-]\d{1,5}[smhdwMy])*)")
_STEP: Final = re.compile(r"([+-]\d+)([smhdwMy])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_DAYS_BACK: Final = {"today": 0, "اليوم": 0, "yesterday": 1, "امس": 1}
_MINUTES_GIVEN: Final = re.compile(r"[Tt ]\d{2}:\d{2}(?:$|[Zz+-])")


class Period(msgspec.Struct, frozen=True):
    """From ``start`` to before ``end``; one instant where both are the same. UTC."""

    start: datetime
    end: datetime

    @property
    def instant(self) -> bool:
        """It is a point in time."""
        return self.start == self.end


def read_time(value: str, *, now: datetime, zone: tzinfo = UTC) -> Period | None:
    """The period that a query's date means; None where it cannot be read.

    Args:
        value: an ISO date of any length, a relative time, or a day's name; digits of any script.
        now: the instant that relative times start from, aware.
        zone: the zone in which days begin and times without a zone are read.
    """
    # Letter by letter: the key form of the whole would make the month (M) a minute (m).
    text = "".join(char if char.isascii() else key_form(char) for char in value.strip())
    try:
        return _relative(text, now) or _day_name(text, now, zone) or _date(text, zone) or _time(text, zone)
    except (ValueError, OverflowError):
        return None


def write_time(at: datetime) -> str:
    """The instant as ``read_time`` reads it back."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="auto") + "Z"


def _relative(text: str, now: datetime) -> Period | None:
    found = _RELATIVE.fullmatch(text)
    if found is None:
        return None
    at = now.astimezone(UTC).replace(microsecond=0)
    for amount, unit in _STEP.findall(found.group(1)):
        if unit in _SECONDS:
            at += timedelta(seconds=int(amount) * _SECONDS[unit])
        else:
            at = _add_months(at, int(amount) * (12 if unit == "y" else 1))
    return Period(at, at)


def _add_months(at: datetime, months: int) -> datetime:
    years, month = divmod(at.month - 1 + months, 12)
    day = min(at.day, calendar.monthrange(at.year + years, month + 1)[1])
    return at.replace(year=at.year + years, month=month + 1, day=day)


def _day_name(text: str, now: datetime, zone: tzinfo) -> Period | None:
    back = _DAYS_BACK.get(text.casefold())
    if back is None:
        return None
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    return _local(midnight - timedelta(days=back), midnight - timedelta(days=back - 1), zone)


def _date(text: str, zone: tzinfo) -> Period | None:
    found = _DATE.fullmatch(text)
    if found is None:
        return None
    year, month, day = (int(part) if part else 0 for part in found.groups())
    start = datetime(year, month or 1, day or 1)  # noqa: DTZ001  # the zone is put on in _local
    if day:
        return _local(start, start + timedelta(days=1), zone)
    months = 1 if month else 12
    after = start.month - 1 + months
    return _local(start, start.replace(year=year + after // 12, month=after % 12 + 1), zone)


def _time(text: str, zone: tzinfo) -> Period:
    at = datetime.fromisoformat(text)
    at = at.replace(tzinfo=zone) if at.tzinfo is None else at
    start = at.astimezone(UTC)
    return Period(start, start + timedelta(minutes=1) if _MINUTES_GIVEN.search(text) else start)


def _local(start: datetime, end: datetime, zone: tzinfo) -> Period:
    return Period(start.replace(tzinfo=zone).astimezone(UTC), end.replace(tzinfo=zone).astimezone(UTC))
