"""What the publisher says about when to come back: HTTP caching headers, Retry-After, and the feed's own elements."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec

from producers.parse import ParsedFeed
from producers.parse.dates import instant

__all__ = ["Hints", "cache_seconds", "hints_of", "retry_after", "skip_until"]

_MAX_AGE: Final = re.compile(r"(?:^|[,\s])(?:s-maxage|max-age)\s*=\s*\"?(\d{1,9})", re.IGNORECASE)
_NO_CACHE: Final = re.compile(r"\bno-(?:store|cache)\b", re.IGNORECASE)
_DIGITS: Final = re.compile(r"\d{1,9}")
_DAY: Final = 86_400.0
_DAY_HOURS: Final = 24
_WEEK_HOURS: Final = 168


class Hints(msgspec.Struct, frozen=True, kw_only=True):
    """Times in seconds. 0: nothing was said."""

    cache: float = 0.0
    """The answer stays the same for so long, says HTTP."""
    feed: float = 0.0
    """The feed asks for so long a pause, says ``ttl`` or ``sy:updatePeriod``."""
    retry_after: float = 0.0
    skip_hours: tuple[int, ...] = ()
    skip_days: tuple[int, ...] = ()


def hints_of(headers: Mapping[str, str], parsed: ParsedFeed | None, now: datetime) -> Hints:
    """All that an answer and its document say about the next request."""
    feed = 0.0
    if parsed is not None:
        feed = max(float(parsed.ttl_minutes or 0) * 60.0, parsed.update_period_s or 0.0)
    return Hints(
        cache=cache_seconds(headers, now),
        feed=min(feed, _DAY),
        retry_after=retry_after(headers.get("retry-after", ""), now) or 0.0,
        skip_hours=parsed.skip_hours if parsed else (),
        skip_days=parsed.skip_days if parsed else (),
    )


def cache_seconds(headers: Mapping[str, str], now: datetime) -> float:
    """Freshness lifetime left (RFC 9111 section 4.2): max-age over Expires, less the Age; 0 with no-store or no-cache.

    ``Expires`` is read against the answer's own ``Date``, so that a server with a wrong clock does no harm.
    """
    control = headers.get("cache-control", "")
    if _NO_CACHE.search(control):
        return 0.0
    ages = [int(age) for age in _MAX_AGE.findall(control)]
    if ages:
        lifetime = float(max(ages))
    else:
        expires = instant(headers.get("expires", ""))
        lifetime = (expires - (instant(headers.get("date", "")) or now)).total_seconds() if expires else 0.0
    age = _DIGITS.fullmatch(headers.get("age", "").strip())
    return min(_DAY, max(0.0, lifetime - (float(age.group()) if age else 0.0)))


def retry_after(value: str, now: datetime) -> float | None:
    """Seconds to wait (RFC 9110 section 10.2.3): a number or an HTTP date; at most a day. None where nothing was said."""
    text = value.strip()
    if _DIGITS.fullmatch(text):
        return min(_DAY, float(text))
    moment = instant(text)
    return None if moment is None else min(_DAY, max(0.0, (moment - now).total_seconds()))


def skip_until(at: datetime, hours: tuple[int, ...], days: tuple[int, ...]) -> datetime:
    """The first instant from ``at`` on that lies in no hour (UTC) and on no weekday that the feed asks to skip.

    A feed that skips all is not obeyed.
    """
    if len(set(hours)) >= _DAY_HOURS or not (hours or days):
        return at
    moment = at
    for _ in range(_WEEK_HOURS):
        if moment.hour not in hours and moment.weekday() not in days:
            return moment
        moment = moment.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return at
