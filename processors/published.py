"""When an article was published, bounded by what is possible.

A date without zone is in the outlet's zone, never in UTC by silence. A date in the future, one before there were web
feeds, or none at all gives way to the page's date, then to the instant of first sight; the article says why.
"""

from datetime import datetime, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from marsad.arabic import parse_date
from marsad.records import Feed, Precision

__all__ = ["COUNTRY_ZONES", "Published", "published", "zone_of"]

COUNTRY_ZONES: Final = {
    "AE": "Asia/Dubai", "AF": "Asia/Kabul", "AT": "Europe/Vienna", "AU": "Australia/Sydney", "BE": "Europe/Brussels",
    "BH": "Asia/Bahrain", "CA": "America/Toronto", "CH": "Europe/Zurich", "CN": "Asia/Shanghai", "CY": "Asia/Nicosia",
    "DE": "Europe/Berlin", "DJ": "Africa/Djibouti", "DK": "Europe/Copenhagen", "DZ": "Africa/Algiers",
    "EG": "Africa/Cairo", "EH": "Africa/El_Aaiun", "ER": "Africa/Asmara", "ES": "Europe/Madrid",
    "ET": "Africa/Addis_Ababa", "FR": "Europe/Paris", "GB": "Europe/London", "GR": "Europe/Athens",
    "IL": "Asia/Jerusalem", "IN": "Asia/Kolkata", "IQ": "Asia/Baghdad", "IR": "Asia/Tehran", "IT": "Europe/Rome",
    "JO": "Asia/Amman", "JP": "Asia/Tokyo", "KM": "Indian/Comoro", "KR": "Asia/Seoul", "KW": "Asia/Kuwait",
    "LB": "Asia/Beirut", "LY": "Africa/Tripoli", "MA": "Africa/Casablanca", "MR": "Africa/Nouakchott",
    "NG": "Africa/Lagos", "NL": "Europe/Amsterdam", "NO": "Europe/Oslo", "OM": "Asia/Muscat", "PK": "Asia/Karachi",
    "PL": "Europe/Warsaw", "PS": "Asia/Hebron", "QA": "Asia/Qatar", "RU": "Europe/Moscow", "SA": "Asia/Riyadh",
    "SD": "Africa/Khartoum", "SE": "Europe/Stockholm", "SO": "Africa/Mogadishu", "SS": "Africa/Juba",
    "SY": "Asia/Damascus", "TD": "Africa/Ndjamena", "TN": "Africa/Tunis", "TR": "Europe/Istanbul",
    "US": "America/New_York", "VA": "Europe/Vatican", "YE": "Asia/Aden",
}  # fmt: skip
"""Main zone of the countries whose outlets publish in Arabic (IANA names): the capital's, or the largest city's."""

_AHEAD: Final = timedelta(minutes=15)
"""Clocks of outlets differ; what is further ahead is wrong."""
_FIRST_YEAR: Final = 1995
"""No outlet had a feed or a web page in Arabic before; earlier dates are zeros of some calendar."""


_ZERO_YEAR: Final = 1980
"""The epochs that zeros stand for: year 1, 1601, 1899, 1970 and 1980."""


class Published(msgspec.Struct, frozen=True):
    """The instant, how exact it is, the zone as written (an IANA name: assumed), and what was wrong with the feed's date."""

    at: datetime
    precision: Precision
    zone: str
    raw: str
    problem: str


_ARAB_ZONE: Final = "Asia/Riyadh"
"""UTC+3 the whole year: the clock of more Arabic outlets than any other, taken where a feed's country is unknown."""


def zone_of(feed: Feed) -> ZoneInfo:
    """Zone of dates that a feed writes without one: the feed's own, else its country's main one, else Arabia's."""
    return _zone(feed.zone) or _zone(COUNTRY_ZONES.get(feed.country.upper(), "")) or ZoneInfo(_ARAB_ZONE)


@cache
def _zone(name: str) -> ZoneInfo | None:
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder's name raises the last
        return None


def published(
    raw: str, page_raw: str, feed: Feed, *, first_seen: datetime, now: datetime, doubt: str = ""
) -> Published:
    """Decide when an article was published.

    Args:
        raw: The feed's date as written; may be empty.
        page_raw: The page's, asked only where the feed's cannot be used.
        feed: For the zone.
        first_seen: What stands in where no date can be used.
        now: What "an hour ago" counts from and what bounds the future.
        doubt: Why none of the feed's dates is believed; empty if they are.
    """
    problem = doubt
    for source in ("" if doubt else raw, page_raw):
        if not source.strip():
            problem = problem or "missing"
            continue
        found = _read(source, feed, now)
        if isinstance(found, Published):
            written = f" ({raw.strip()[:40]})" if problem and raw.strip() else ""
            return msgspec.structs.replace(found, problem=problem and f"{problem}{written}: the page's date is used")
        problem = found if source is raw else problem
    return Published(first_seen, "seen", "", raw[:200], problem or "missing")


def _read(raw: str, feed: Feed, now: datetime) -> Published | str:
    """Read one date; a sentence part says why it cannot be used."""
    zone = zone_of(feed)
    parsed = parse_date(raw[:200], now.astimezone(zone), zone)
    if parsed is None:
        return "unreadable"
    if parsed.value.year < _FIRST_YEAR:
        return "zero date" if parsed.value.year <= _ZERO_YEAR else "before there were feeds"
    if parsed.value > now + _AHEAD:
        return "future"
    return Published(parsed.value, parsed.precision, parsed.zone or zone.key, raw[:200], "")
