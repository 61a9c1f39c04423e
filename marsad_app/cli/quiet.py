"""Quiet hours as a person writes them."""

from datetime import datetime, time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from marsad.errors import ConfigError
from marsad.records import QuietHours

__all__ = ["parse_quiet"]


def parse_quiet(hours: str, zone: str) -> QuietHours | None:
    """Read ``22:00-07:00``; None where nothing is quiet and the zone is UTC.

    A zone without hours is kept as empty hours, since digests go out by the zone's clock.

    Raises:
        ConfigError: the hours or the zone are none.
    """
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigError(f"{zone!r} is no IANA time zone; one is Africa/Cairo") from error
    if not hours:
        return QuietHours(time(0), time(0), zone) if zone != "UTC" else None
    first, _, last = hours.partition("-")
    try:
        start, end = (datetime.strptime(part.strip(), "%H:%M").time() for part in (first, last))  # noqa: DTZ007 - a time of day has no date
    except ValueError as error:
        raise ConfigError(f"{hours!r} are no quiet hours; write them as 22:00-07:00") from error
    return QuietHours(start, end, zone)
