"""Dates of the Islamic calendar, by the Umm al-Qura tables."""

from datetime import date
from typing import Final

from hijridate import Gregorian, Hijri

FIRST_YEAR: Final = 1343
LAST_YEAR: Final = 1500


def to_gregorian(year: int, month: int, day: int) -> date | None:
    """Return the day of a Hijri date, or None for one that the tables (1343 to 1500) do not have.

    Countries that sight the moon may be a day off.
    """
    try:
        converted = Hijri(year, month, day).to_gregorian()
    except (ValueError, OverflowError):
        return None
    return date(converted.year, converted.month, converted.day)


def hijri_year(day: date) -> int:
    """Return the Hijri year of a day, kept within the tables."""
    try:
        return int(Gregorian(day.year, day.month, day.day).to_hijri().year)
    except (ValueError, OverflowError):
        return FIRST_YEAR if day.year < 1950 else LAST_YEAR  # noqa: PLR2004 - before or after the tables
