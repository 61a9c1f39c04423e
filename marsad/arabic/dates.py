"""Find the dates in Arabic text and say which days they mean.

All calendars and month families of the Arab countries, dual months in both orders, Hijri dates, times and zones, and
dates told by their distance from the day of publication.
"""

from collections.abc import Callable
from datetime import date, datetime
from typing import Final, Literal

import msgspec

from marsad.arabic import clocktimes, months, numerals, planned, relativedates
from marsad.arabic.calendardates import (
    FIRST_DAY,
    Span,
    named_at,
    nth_weekday_at,
    safe_date,
    weekday_of_each_month_at,
)
from marsad.arabic.clocktimes import Clock, after_part, clock_at, in_part
from marsad.arabic.datelex import Words, after_clitic, read_words
from marsad.arabic.months import month_word, weekday
from marsad.arabic.numericdates import numeric_at, weekday_before_numeric_at, year_at
from marsad.arabic.planned import hour_at, planned_at
from marsad.arabic.relativedates import (
    Moment,
    day_number_at,
    day_ordinal_at,
    day_word_at,
    offset_at,
    period_at,
    weekday_at,
)

Precision = Literal["year", "month", "week", "day", "minute"]

_RULES: Final[tuple[Callable[[Words, int, date], list[Span]], ...]] = (
    numeric_at,
    weekday_before_numeric_at,
    nth_weekday_at,
    weekday_of_each_month_at,
    named_at,
    period_at,
    day_word_at,
    weekday_at,
    day_number_at,
    day_ordinal_at,
    planned_at,
    year_at,
)
_MATCHING: Final = frozenset({"الموافق", "الموافقه", "موافق", "المصادف", "يوافق", "وفق"})
_END: Final = frozenset({"نهايه", "بنهايه", "لنهايه"})
_LAST_MINUTE: Final = Clock(23, 59)
_BEGINNINGS: Final = (
    months.BEGINNINGS
    | numerals.BEGINNINGS
    | clocktimes.BEGINNINGS
    | relativedates.BEGINNINGS
    | planned.BEGINNINGS
    | FIRST_DAY
    | _END
    | {"شهر", "لشهر", "بشهر"}
)
_BETWEEN: Final = frozenset({"في", "عند", "من", "يوم", "حوالي"})
_FROM: Final = frozenset({"ابتداء", "انطلاقا", "اعتبارا", "بدءا"})
_NEAR: Final = frozenset({"", "،", ",", "-", "–", "(", "|"})


class FoundDate(msgspec.Struct, frozen=True):
    """A date in a text.

    Attributes:
        text: The words, as they stand in the text.
        start: Where they begin in it.
        end: Where they end.
        iso: What they mean, as ISO 8601: "2022", "2022-10", "2022-W41", "2022-10-05", "2022-10-05T20:30", with seconds and
            zone where these are written. A time without zone is in the zone of ``now``.
        precision: How fine it is: "year", "month", "week", "day" or "minute".
    """

    text: str
    start: int
    end: int
    iso: str
    precision: Precision


def find_dates(text: str, now: datetime) -> list[FoundDate]:
    """Return the dates in a text, in order, none inside another.

    Args:
        text: Any text.
        now: When it was published; what "yesterday", "last July" and a day without year are counted from. A day or month
            without year is the nearest one; a weekday the last one up to that day.

    Returns:
        What was found. Words that may be a month or something else (مارس, آب) count only beside a number or year.
    """
    words = read_words(text)
    found: list[FoundDate] = []
    place = 0
    while place < len(words):
        if words.keys[place] not in _BEGINNINGS and not words.digits(place):
            place += 1
            continue
        dates, place = _at(words, place, now)
        found.extend(dates)
    return found


def _at(words: Words, place: int, now: datetime) -> tuple[list[FoundDate], int]:
    """Return the dates that begin at a word, and the place where to go on."""
    moment = offset_at(words, place, now)
    if isinstance(moment, Moment):
        return [_found(words, moment.start, moment.end, moment.at.strftime("%Y-%m-%dT%H:%M"), "minute")], moment.end
    if moment is not None:
        return [_dated(words, moment)], moment.end
    minute = _end_of_day(words, place, now.date()) or _hour_today(words, place, now.date())
    if minute is not None:
        return [minute[0]], minute[1]
    spans = _spans(words, place, now.date())
    if spans:
        last = _with_other_calendar(words, spans[-1], now.date())
        timed, end = _with_time(words, last)
        return [*(_dated(words, span) for span in spans[:-1]), timed], end
    clock = clock_at(words, place)
    if clock is None:
        return [], place + 1
    return _time_first(words, place, clock, now.date())


def _spans(words: Words, place: int, today: date) -> list[Span]:
    for rule in _RULES:
        try:
            spans = rule(words, place, today)
        except OverflowError:  # a day before the first or after the last that Python can name
            continue
        if spans:
            return spans
    return []


def _with_other_calendar(words: Words, span: Span, today: date) -> Span:
    """Take in the same day in the other calendar; the Gregorian one is what is meant: 25 شوال 1436 هـ الموافق 10 أغسطس."""
    if span.precision != "day":
        return span
    place = span.end
    said = words.key(place) in _MATCHING
    if said:
        place += 1
        place += words.key(place) == "ل"
    elif not span.hijri or words.gap(place) not in {"/", "-", "–", "(", "،"}:
        return span
    other = next((each for each in _spans(words, place, today)[:1] if each.precision == "day"), None)
    if other is None or other.hijri == span.hijri:
        return span
    return Span(span.start, other.end, other.day if span.hijri else span.day, "day")


def _with_time(words: Words, span: Span) -> tuple[FoundDate, int]:
    """Add the time of day that follows a date."""
    if span.precision == "day" and words.gap(span.end) in _NEAR:
        place = span.end + (words.key(span.end) == "t" and words.digits(span.end + 1) == 2)  # noqa: PLR2004 - ISO 8601
        clock = clock_at(words, place) or clock_at(words, place, after_date=True)
        if clock is None and words.key(place) in _BETWEEN:
            clock = clock_at(words, place + 1)
        if clock is None and words.key(place) in _FROM and words.key(place + 1) == "من":
            clock = clock_at(words, place + 2)
        if clock is not None:
            # الليلة is day and part of the day in one.
            time = in_part(words.key(span.start), after_part(words, span.start, clock[0]))
            return _found(words, span.start, clock[1], time.on(span.day), "minute"), clock[1]
    return _dated(words, span), span.end


def _time_first(words: Words, start: int, clock: tuple[Clock, int], today: date) -> tuple[list[FoundDate], int]:
    """Return a time with the date that follows it, or of the day of publication where none does."""
    time, end = after_part(words, start, clock[0]), clock[1]
    spans: list[Span] = []
    at = end
    while not spans and at < end + 3 and words.gap(at) in _NEAR:
        spans = _spans(words, at, today)
        if words.key(at) not in _BETWEEN:
            break
        at += 1
    if spans and spans[0].precision == "day":
        return [_found(words, start, spans[0].end, time.on(spans[0].day), "minute")], spans[0].end
    if not time.certain:  # 10:30 alone may be a score or a verse
        return [], start + 1
    day = _in_number(words, end, today)
    if day is not None:
        return [_found(words, start, end + 2, time.on(day), "minute")], end + 2
    return [_found(words, start, end, time.on(today), "minute")], end


def _hour_today(words: Words, place: int, today: date) -> tuple[FoundDate, int] | None:
    read = hour_at(words, place)
    return None if read is None else (_found(words, place, read[1], read[0].on(today), "minute"), read[1])


def _end_of_day(words: Words, start: int, today: date) -> tuple[FoundDate, int] | None:
    """Return the last minute of a day that is told by its distance or weekday: نهاية الغد, نهاية يوم الأحد."""
    if words.key(start) not in _END:
        return None
    place = start + 2 if words.key(start + 1) == "يوم" and not words.gap(start + 2) else start + 1
    spans = [] if words.gap(start + 1) else day_word_at(words, place, today) or weekday_at(words, place, today)
    if not spans or _with_time(words, spans[0])[0].precision == "minute":
        return None
    end = spans[0].end
    if words.digits(end) or month_word(words.key(end)) is not None:
        return None  # نهاية يوم الأحد 5 مايو: the date itself is what is told
    return _found(words, start, end, _LAST_MINUTE.on(spans[0].day), "minute"), end


def _in_number(words: Words, place: int, today: date) -> date | None:
    """Return the day that a number alone means after a time: الساعة 8 مساء في 15."""
    number = words.number(place + 1)
    ends = words.gap(place + 2) not in {"", ":", "/", "-", "%", "٪"}
    if words.key(place) != "في" or words.gap(place) or number is None or words.gap(place + 1) or not ends:
        return None
    return safe_date(today.year, today.month, number)


def _dated(words: Words, span: Span) -> FoundDate:
    day = span.day
    week = day.isocalendar()
    iso: dict[str, tuple[str, Precision]] = {
        "year": (f"{day.year:04}", "year"),
        "month": (f"{day.year:04}-{day.month:02}", "month"),
        "week": (f"{week.year:04}-W{week.week:02}", "week"),
        "day": (day.isoformat(), "day"),
    }
    value, precision = iso[span.precision]
    return _found(words, span.start, span.end, value, precision)


def _found(words: Words, start: int, end: int, iso: str, precision: Precision) -> FoundDate:
    begin, finish = words.starts[start], words.ends[end - 1]
    begin += _clitic(words, start)
    return FoundDate(words.text[begin:finish], begin, finish, iso, precision)


def _clitic(words: Words, place: int) -> int:
    """Return how many characters of a date's first word are a proclitic and no part of the date."""
    key = words.key(place)
    word = month_word(key)
    if word is None and weekday(key) is not None:
        word = key[key.index("ال") :] if "ال" in key else key
    if word is None and key.startswith(("وال", "فال", "بال")):
        word = key[1:]
    return 0 if word is None else after_clitic(words.text[words.starts[place] : words.ends[place]], key, word)
