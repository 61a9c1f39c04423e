"""Dates of feeds and pages: RFC 822, ISO 8601, dd/mm/yyyy, epochs and Arabic words, with the zones people write."""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from marsad.arabic.clocktimes import clock_at
from marsad.arabic.datelex import read_words
from marsad.arabic.dates import FoundDate, find_dates
from marsad.arabic.hijri import FIRST_YEAR, LAST_YEAR, to_gregorian
from marsad.arabic.keyform import key_form
from marsad.arabic.language import arabic_share
from marsad.memo import remembered

_LONGEST: Final = 200

_MONTH_NAMES: Final = {
    name: number
    for number, names in enumerate(
        (
            ("jan", "janvier", "january"), ("feb", "fev", "fév", "février", "fevrier", "february"), ("mar", "mars", "march"),
            ("apr", "avr", "avril", "april"), ("may", "mai"), ("jun", "juin", "june"), ("jul", "juil", "juillet", "july"),
            ("aug", "aou", "aoû", "août", "aout", "august"), ("sep", "sept", "septembre", "september"),
            ("oct", "octobre", "october"), ("nov", "novembre", "november"), ("dec", "déc", "décembre", "decembre", "december"),
        ),
        start=1,
    )
    for name in names
}  # fmt: skip

# Offsets in minutes of the names that feeds use, obsolete and wrong ones too (RFC 822 section 5; "GST" is Dubai in Arabic
# feeds, "AST" Arabia, "CET" and "CEST" the Maghreb's and Paris').
_ZONES: Final = {
    "z": 0, "ut": 0, "utc": 0, "gmt": 0, "wet": 0, "west": 60, "bst": 60, "cet": 60, "mez": 60, "cest": 120, "mesz": 120,
    "eet": 120, "eest": 180, "sast": 120, "cat": 120, "msk": 180, "ast": 180, "eat": 180, "trt": 180, "gst": 240,
    "irst": 210, "pkt": 300, "ist": 330, "est": -300, "edt": -240, "cst": -360, "cdt": -300, "mst": -420, "mdt": -360,
    "pst": -480, "pdt": -420,
}  # fmt: skip
_GREATEST_OFFSET: Final = 14 * 60

_TIME: Final = (
    r"(?P<hour>\d{1,2})(?:[:.h](?=\d{2})|:)(?P<minute>\d{1,2})(?:[:.](?P<second>\d{1,2})(?:[.,]\d{1,9})?)?"
    r"(?: ?(?P<half>am|pm|a\.m\.|p\.m\.|ص|م|صباحا|مساء))?"
)
_ZONE: Final = (
    r"(?P<zone>[+-] ?\d{1,2}:?\d{2}|(?:gmt|utc) ?[+-]\d{1,2}(?::?\d{2})?|[+-]\d{1,2}|\d{2}:\d{2}"
    r"|[a-z]{1,12}(?:/[a-z_]{2,20}){0,2})"
)
_TAIL: Final = (
    rf"(?:(?:[t ,]| ?[-|] ?| at | à | الساعه )+{_TIME}(?: ?[(\[]?{_ZONE}[)\]]?)?(?: ?[(\[][^)\]]*[)\]])?)?\.?"
)
_WEEKDAY: Final = r"(?:[^\W\d_]{2,12}(?:[.,،]+ ?| ))?"

_SHAPES: Final = tuple(
    re.compile(shape + _TAIL)
    for shape in (
        r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})(?:[-/.](?P<day>\d{1,2}))?",
        r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})",
        r"(?P<year>\d{4})-?w(?P<week>\d{2})(?:-?(?P<day>[1-7]))?",
        r"(?P<year>\d{4})-(?P<day>\d{3})",
        rf"{_WEEKDAY}(?P<day>\d{{1,2}})(?:st|nd|rd|th|er)?[- ./]+(?P<name>[^\W\d_]{{3,9}})[., /-]*(?P<year>\d{{4}}|\d{{2}})",
        rf"{_WEEKDAY}(?P<name>[^\W\d_]{{3,9}})\.? (?P<day>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<year>\d{{4}})",
        rf"{_WEEKDAY}(?P<day>\d{{1,2}})[-/.](?P<month>\d{{1,2}})[-/.](?P<year>\d{{4}}|\d{{2}})",
    )
)
# asctime and Unix date put the year last; a time before a date is usual on Arabic pages.
_ASCTIME: Final = re.compile(
    rf"[a-z]{{3}},? (?P<name>[a-z]{{3}}) +(?P<day>\d{{1,2}}) {_TIME} (?:{_ZONE} )?(?P<year>\d{{4}})(?: \([^)]*\))?"
)
_TIME_FIRST: Final = re.compile(rf"{_TIME}(?: ?{_ZONE})?(?: ?[-|,،] ?| )(?P<rest>\S.*)")
# 20230914T081500Z and 20230914081500, taken apart before they are read.
_COMPACT: Final = re.compile(r"(\d{8})t?(\d{2})(\d{2})(\d{2})(z|[+-]\d{2}:?\d{2})?")
# Seconds or milliseconds, also as older .NET writes them: /Date(1694679300000+0300)/.
_EPOCH: Final = re.compile(r"(?:/date\()?(\d{9,10}(?:\d{3})?)(?:\.\d{1,9})?(?:(?:[+-]\d{4})?\)/)?")
_LABEL: Final = re.compile(
    r"^(?:published|updated|posted|modified|date|publié|le)(?: (?:on|at|le|date))? ?[:|]? ?(?=[\w])"
)
_REPEATED_ZONE: Final = re.compile(r"\b(gmt|utc|z)(?: \1)+$")
_DASHES: Final = str.maketrans("\u2212\u2010\u2011\u2012\u2013\u2014", "------")
_AGO: Final = re.compile(
    r"(?:il y a )?(?:about )?(?P<number>\d{1,3}|an?|une?) (?P<unit>minute|min|hour|hr|heure|day|jour|week|semaine)s?\.?(?: ago)?"
)
_AGO_UNITS: Final = {
    "minute": 1, "min": 1, "hour": 60, "hr": 60, "heure": 60, "day": 1_440, "jour": 1_440, "week": 10_080, "semaine": 10_080,
}  # fmt: skip
_DAYS_AGO: Final = {"today": 0, "aujourd'hui": 0, "yesterday": 1, "hier": 1, "just now": 0, "now": 0}
_BLANKS: Final = re.compile(r"\s+")
_CENTURY_TURN: Final = 70
_NOON: Final = 12


class ParsedDate(msgspec.Struct, frozen=True):
    """A date of a feed or page, understood.

    Attributes:
        value: The moment in UTC; the beginning of the day, month or year where it is no finer.
        precision: "year", "month", "day", "minute" or "second".
        zone: The zone as it was written, or None where none was and the default was taken.
    """

    value: datetime
    precision: Literal["year", "month", "day", "minute", "second"]
    zone: str | None


def parse_date(raw: str, now: datetime, default_zone: tzinfo) -> ParsedDate | None:
    """Understand the date of a feed entry or page.

    Args:
        raw: The date as written, in any of the formats that feeds and Arabic pages use.
        now: The present, for dates told by their distance (منذ ساعتين).
        default_zone: The zone of a date that states none (or a name that no zone has): the outlet's, never UTC in silence.

    Returns:
        The moment, how fine it is and the zone as written; None for what is no date. A date in the future or of the year
        zero is returned as it stands: whether to believe it is for the caller to decide.
    """
    text = _BLANKS.sub(" ", key_form(raw[:_LONGEST])).translate(_DASHES).strip(" \"'،,;")
    text = _REPEATED_ZONE.sub(r"\1", _LABEL.sub("", text))
    text = _COMPACT.sub(r"\1 \2:\3:\4\5", text) if _COMPACT.fullmatch(text) else text
    if not text:
        return None
    known = _epoch(text) or _shaped(text, default_zone) or _ago(text, now, default_zone)
    return known or _in_words(raw[:_LONGEST], now, default_zone)


def _ago(text: str, now: datetime, default_zone: tzinfo) -> ParsedDate | None:
    """Understand a distance in English or French, as themes that were left untranslated show it: 2 hours ago, hier."""
    if text in _DAYS_AGO:
        day = now.astimezone(default_zone).date() - timedelta(days=_DAYS_AGO[text])
        return _parsed(datetime.combine(day, time()), "day", None, default_zone)
    match = _AGO.fullmatch(text)
    if match is None or not (text.endswith("ago") or text.startswith("il y a")):
        return None
    minutes = (int(match["number"]) if match["number"].isdecimal() else 1) * _AGO_UNITS[match["unit"]]
    at = now.astimezone(UTC).replace(second=0, microsecond=0) - timedelta(minutes=minutes)
    return ParsedDate(at, "day" if minutes >= _AGO_UNITS["day"] else "minute", None)


def _epoch(text: str) -> ParsedDate | None:
    match = _EPOCH.fullmatch(text)
    if match is None:
        return None
    seconds = int(match[1]) / (1000 if len(match[1]) > 10 else 1)  # noqa: PLR2004 - seconds have ten digits until 2286
    return ParsedDate(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds), "second", "UTC")


def _shaped(text: str, default_zone: tzinfo) -> ParsedDate | None:
    for shape in (*_SHAPES, _ASCTIME):
        match = shape.fullmatch(text)
        if match is not None:
            parsed = _read(match.groupdict(), default_zone)
            if parsed is not None:
                return parsed
    first = _TIME_FIRST.fullmatch(text)
    if first is None:
        return None
    for shape in _SHAPES:
        match = shape.fullmatch(first["rest"])
        if match is not None:
            fields = match.groupdict() | {
                key: value for key, value in first.groupdict().items() if value and key != "rest"
            }
            return _read(fields, default_zone)
    return None


def _read(fields: dict[str, str | None], default_zone: tzinfo) -> ParsedDate | None:
    day = _day(fields)
    if day is None:
        return None
    hour = fields.get("hour")
    if hour is None:
        precision: Literal["month", "day"] = "day" if fields.get("day") else "month"
        return _parsed(datetime.combine(day, time()), precision, None, default_zone)
    second = fields.get("second")
    clock = _clock(int(hour), int(fields.get("minute") or 0), int(second or 0), fields.get("half"))
    if clock is None:
        return None
    extra, moment = clock
    at = datetime.combine(day, moment) + timedelta(days=extra)
    return _parsed(at, "second" if second else "minute", fields.get("zone"), default_zone)


def _day(fields: dict[str, str | None]) -> date | None:
    year, number = int(fields["year"] or 0), int(fields.get("day") or 1)
    if len(fields["year"] or "") == 2:  # noqa: PLR2004 - RFC 822 wrote two digits
        year += 1900 if year >= _CENTURY_TURN else 2000
    name, written = fields.get("name"), fields.get("month")
    if fields.get("week") or len(fields.get("day") or "") == 3:  # noqa: PLR2004 - a day of the year
        return _by_number(year, int(fields.get("week") or 0), number)
    month = int(written) if written else _MONTH_NAMES.get((name or "").strip("."), _MONTH_NAMES.get((name or "")[:3]))
    if month is None:
        return None
    if FIRST_YEAR <= year <= LAST_YEAR and written:
        return to_gregorian(year, month, number)
    for first, second in ((month, number), (number, month) if written else (month, number)):
        try:
            return date(year, first, second)
        except ValueError:
            continue
    return None


def _by_number(year: int, week: int, day: int) -> date | None:
    """Return the day of a week or of a year, as ISO 8601 numbers them."""
    try:
        return date.fromisocalendar(year, week, day) if week else date(year, 1, 1) + timedelta(days=day - 1)
    except ValueError:
        return None


def _clock(hour: int, minute: int, second: int, half: str | None) -> tuple[int, time] | None:
    """Return the days to add (24:00 is the next day's beginning) and the time."""
    if half and hour <= _NOON:
        hour = hour % _NOON + (_NOON if half[0] in "pم" else 0)
    extra, hour = (1, 0) if (hour, minute) == (24, 0) else (0, hour)
    try:
        return extra, time(hour, minute, min(second, 59))  # a leap second is the last one before it
    except ValueError:
        return None


def _parsed(
    at: datetime, precision: Literal["year", "month", "day", "minute", "second"], zone: str | None, default_zone: tzinfo
) -> ParsedDate | None:
    offset = None if zone is None else _offset(zone)
    named = _named_zone(zone) if zone and offset is None else None
    where = named or (default_zone if offset is None else timezone(timedelta(minutes=offset)))
    try:
        value = at.replace(tzinfo=where).astimezone(UTC)
    except (OverflowError, ValueError):
        return None
    return ParsedDate(value, precision, zone.upper() if zone and (named or offset is not None) else None)


def _offset(zone: str) -> int | None:
    """Return the offset of a written zone in minutes, or None for a name that is no zone."""
    if zone in _ZONES:
        return _ZONES[zone]
    match = re.fullmatch(r"(?:gmt|utc)? ?([+-]?) ?(\d{1,2}):?(\d{2})?", zone)  # without sign: a + that became a blank
    if match is None:
        return None
    minutes = int(match[2]) * 60 + int(match[3] or 0)
    if minutes > _GREATEST_OFFSET or int(match[3] or 0) > 59:  # noqa: PLR2004 - the last minute
        return None
    return -minutes if match[1] == "-" else minutes


@remembered(256)
def _named_zone(name: str) -> tzinfo | None:
    """Return the zone of a name such as Asia/Dubai, in whatever letters; None where there is none."""
    if "/" not in name:
        return None
    parts = "/".join("_".join(map(str.capitalize, part.split("_"))) for part in name.split("/"))
    try:
        return ZoneInfo(parts)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _in_words(raw: str, now: datetime, default_zone: tzinfo) -> ParsedDate | None:
    """Understand a date in Arabic words by the finder for texts."""
    here = now.astimezone(default_zone)
    if arabic_share(raw) == 0.0:
        return None
    # A time alone says nothing of the day.
    found = [each for each in find_dates(raw, here) if not _only_time(each.text)]
    if not found:
        return None
    # The finest of them: a byline may name a year or a weekday before the date.
    best = max(found, key=lambda each: len(each.iso))
    at = _moment(best)
    if at is None:
        return None
    zone = best.iso[len("2016-11-07T00:00") :].lstrip(":0123456789") or None
    precision = "day" if best.precision == "week" else best.precision
    return _parsed(at, precision, zone, default_zone)


def _only_time(text: str) -> bool:
    words = read_words(text)
    clock = clock_at(words, 0)
    return clock is not None and clock[1] == len(words)


def _moment(found: FoundDate) -> datetime | None:
    if found.precision == "week":
        return datetime.fromisoformat(found.iso)
    padded = found.iso + "-01" * {"year": 2, "month": 1}.get(found.precision, 0)
    try:
        return datetime.fromisoformat(padded).replace(tzinfo=None)
    except ValueError:
        return None
