"""Dates in digits: 2016/02/22, 21.4.2016, 14-9-23, 2015/3, and years that stand alone."""

from datetime import date
from typing import Final

from msgspec.structs import replace

from marsad.arabic.calendardates import Span, safe_date, year_number
from marsad.arabic.datelex import Words
from marsad.arabic.hijri import FIRST_YEAR, LAST_YEAR, to_gregorian
from marsad.arabic.months import surely_weekday, weekday
from marsad.arabic.planned import ends_clause, goes

_SEPARATORS: Final = frozenset("/-.–")
_YEAR: Final = 4
_MONTHS: Final = 12
_DATE_WORDS: Final = frozenset({"في", "يوم", "بتاريخ", "تاريخ", "الموافق", "اليوم", "ليوم", "ويوم", "منذ", "حتي"})
_BEFORE_YEAR: Final = frozenset(
    {
        "في", "عام", "سنه", "العام", "السنه", "لعام", "لسنه", "منذ", "ومنذ", "حتي", "وفي", "بعام", "وعام", "عامي",
        "مطلع", "نهايه", "بدايه", "اواخر", "اوائل", "منتصف", "مونديال", "لعامي", "موسم", "خريف", "صيف", "شتاء",
        "ربيع", "انتخابات", "دوره", "خلال", "ففي", "بحلول",
    }
)  # fmt: skip
_AFTER_YEAR: Final = frozenset({"في", "التي", "الذي", "حيث", "بين", "ضد", "عندما", "بعد", "و", "الي", "حتي", "علي"})
_HIJRI_ERA: Final = frozenset({"ه", "هجري", "هجريه", "للهجره"})
_FIRST_YEAR: Final = 1900
_AHEAD: Final = 30
_CENTURY: Final = 100


def numeric_at(words: Words, place: int, today: date) -> list[Span]:
    """Return the date in digits that begins at a word."""
    first, second = words.number(place), words.number(place + 1)
    separator = words.gap(place + 1)
    if first is None or second is None or separator not in _SEPARATORS:
        return []
    third = words.number(place + 2)
    if third is not None and words.gap(place + 2) == separator:
        return _three(words, place, (first, second, third), today)
    if separator == "/" and third is not None and words.gap(place + 2) == "," and ends_clause(words, place + 3):
        return _american(words, place, (first, second, third), today)
    if words.digits(place) == _YEAR and words.digits(place + 1) <= 2:  # noqa: PLR2004 - a month has two digits
        return _year_and_month(words, place, first, second)
    if words.digits(place + 1) == _YEAR and separator == "/":
        return _month_and_year(words, place, first, second)
    return _day_and_month(words, place, (first, second), today)


def weekday_before_numeric_at(words: Words, place: int, today: date) -> list[Span]:
    """Return the date in digits behind its weekday: الإثنين 12-9-2022."""
    if not surely_weekday(words.key(place)) or words.gap(place + 1) not in {"", "،", ","}:
        return []
    return [replace(span, start=place) for span in numeric_at(words, place + 1, today) if span.precision == "day"]


def _month_and_year(words: Words, place: int, month: int, year: int) -> list[Span]:
    """Return the month of 05/2023 behind a word of time: رقم 5/2023 is a law's."""
    said = words.key(place - 1) in _DATE_WORDS and not words.gap(place)
    if not said or words.digits(place) > 2 or not 1 <= month <= _MONTHS or not _plausible(year):  # noqa: PLR2004
        return []
    day = safe_date(year, month, 1)
    return [] if day is None else [Span(place, place + 2, day, "month")]


def _three(words: Words, place: int, parts: tuple[int, int, int], today: date) -> list[Span]:
    lengths = [words.digits(at) for at in range(place, place + 3)]
    if lengths[0] == _YEAR and max(lengths[1:]) < _YEAR:
        year, month, day = parts
    elif lengths[2] == _YEAR and max(lengths[:2]) < _YEAR:
        day, month, year = parts
    elif max(lengths) <= 2 and words.gap(place + 1) in "/-":  # noqa: PLR2004 - a year of two digits
        day, month, year = parts
        year = _in_full(year, today)
    else:
        return []
    hijri = FIRST_YEAR <= year <= LAST_YEAR
    read = to_gregorian if hijri else safe_date
    found = read(year, month, day) or read(year, day, month)
    end = place + 3
    if words.key(end) in {"م", "ه"} and not words.gap(end):
        end += 1
    return [] if found is None else [Span(place, end, found, "day", hijri=hijri)]


def _american(words: Words, place: int, parts: tuple[int, int, int], today: date) -> list[Span]:
    """Return the day of 08/12, 15: a comma before the year is the American order, month first."""
    month, day, year = parts
    if words.digits(place + 2) not in {2, _YEAR} or max(words.digits(place), words.digits(place + 1)) > 2:  # noqa: PLR2004
        return []
    found = safe_date(year if year >= _CENTURY else _in_full(year, today), month, day)
    return [] if found is None else [Span(place, place + 3, found, "day")]


def _in_full(year: int, today: date) -> int:
    """Return the year of two digits that is not past the next."""
    year += _CENTURY * (today.year // _CENTURY)
    return year - _CENTURY if year > today.year + 1 else year


def _year_and_month(words: Words, place: int, year: int, month: int) -> list[Span]:
    """Return the month of 2015/3; 2017-18 is a season and 2015.3 a number."""
    if words.gap(place + 1) == "." or not 1 <= month <= _MONTHS or not _plausible(year):
        return []
    if words.gap(place + 1) != "/" and words.digits(place + 1) == 2 and month == year % _CENTURY + 1:  # noqa: PLR2004
        return []
    day = safe_date(year, month, 1)
    return [] if day is None else [Span(place, place + 2, day, "month")]


def _day_and_month(words: Words, place: int, parts: tuple[int, int], today: date) -> list[Span]:
    """Return the day of 22/04, where a word or the form shows that it is no score, share or number of a house."""
    lengths = {words.digits(place), words.digits(place + 1)}
    shown = words.key(place - 1) in _DATE_WORDS or weekday(words.key(place - 1)) is not None or lengths == {2}
    if words.gap(place + 1) == "." and goes(words, place) and ends_clause(words, place + 2):
        shown = True  # سيعود 22.4: behind a verb of going no decimal number
    elif words.gap(place + 1) != "/":
        return []
    if not shown or max(lengths) > 2:  # noqa: PLR2004 - two digits at most
        return []
    day, month = parts if parts[1] <= _MONTHS else parts[::-1]
    days = [safe_date(year, month, day) for year in (today.year - 1, today.year, today.year + 1)]
    known = [each for each in days if each is not None]
    if not known:
        return []
    return [Span(place, place + 2, min(known, key=lambda each: abs((each - today).days)), "day")]


def _plausible(year: int) -> bool:
    return 1000 <= year <= 2999  # noqa: PLR2004 - four digits


def year_at(words: Words, place: int, today: date) -> list[Span]:
    """Return a year that stands alone, where the words about it say that it is one: في 2021, عام ألفين, منذ 2020."""
    read = year_number(words, place)
    if read is None:
        return []
    year, end = read
    before = words.key(place - 1) if words.gap(place) in {"", "("} else ""
    said = before in _BEFORE_YEAR or (before == "و" and words.digits(place - 2) == _YEAR and not words.gap(place - 1))
    spelled = not words.digits(place)
    if spelled and before not in {"عام", "العام", "سنه", "لعام", "وعام", "السنه"}:
        return []
    if FIRST_YEAR <= year <= LAST_YEAR and words.key(end) in _HIJRI_ERA:
        day = to_gregorian(year, 1, 1)
        return [] if day is None else [Span(place, end + 1, day, "year", hijri=True)]
    era = words.key(end) == "م" and not words.gap(end)
    if not (said or era or _alone(words, place, end)) or not _FIRST_YEAR <= year <= today.year + _AHEAD:
        return []
    day = safe_date(year, 1, 1)
    return [] if day is None else [Span(place, end + 1 if era else end, day, "year")]


def _alone(words: Words, place: int, end: int) -> bool:
    """Tell whether a number counts nothing: what follows is no noun, and no sign makes it an amount."""
    around = words.gap(place) + words.gap(end)
    if any(sign in around for sign in "%٪$€£:+*=#"):
        return False
    if "(" in words.gap(place) and ")" in words.gap(end):
        return True
    if words.gap(end) in {"-", "–", "/"} and words.digits(end) in {2, _YEAR}:
        return True
    if words.gap(place) in {"-", "–", "/"} and words.digits(place - 1) == _YEAR:
        return True
    if words.gap(place) or not words.key(place - 1):
        return False
    return bool(words.gap(end)) or words.key(end) in _AFTER_YEAR or words.key(end) == ""
