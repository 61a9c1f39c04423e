"""Dates that name a day, month or year of a calendar: 31 يوليو/تموز الماضي, 25 شوال 1436 هـ, 2016/02/22."""

from calendar import monthrange
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Final

import msgspec

from marsad.arabic.datelex import Words, with_clitics
from marsad.arabic.hijri import FIRST_YEAR, LAST_YEAR, hijri_year, to_gregorian
from marsad.arabic.months import AMBIGUOUS, GREGORIAN, HIJRI, month_at, month_word, surely_weekday, weekday
from marsad.arabic.numerals import bare_ordinal, cardinal_at, ordinal_at
from marsad.arabic.qualifiers import CURRENT, NEXT, PAST, qualifier_at, relative_year_at

_DAYS: Final = 31
_MOST_DAYS: Final = 6
_MONTHS: Final = 12
_LOOSE: Final = frozenset({"", "،", ",", "/", "-", "–", ".", "(", ")", "[", "]"})
_PAIR_GAPS: Final = frozenset({"", "/", "-", "–", "(", "[", "،", "\\"})
_RANGE_WORDS: Final = frozenset({"و", "الي", "حتي", "او"})
_YEAR_WORDS: Final = frozenset({"عام", "سنه", "العام", "السنه", "لعام", "لسنه", "للعام", "بعام"})
_YEAR_DIGITS: Final = 4
# The first of a month, as the Maghreb (فاتح ماي), Libya (الفاتح من سبتمبر) and calendars of fasting say it.
FIRST_DAY: Final = frozenset(with_clitics(("غره", "فاتح", "الفاتح")))
# An ordinal after these numbers them and no day: الأسبوع الثاني من أبريل.
_PARTS: Final = frozenset({"الاسبوع", "النصف", "الربع", "الثلث", "العقد", "للنصف", "للربع", "الفصل", "الدور", "الجوله"})
_TIME_WORDS: Final = frozenset(
    {
        "في", "وفي", "ففي", "منذ", "ومنذ", "من", "حتي", "الي", "او", "و", "خلال", "بين", "قبل", "بعد", "مطلع", "نهايه",
        "بدايه", "اواخر", "اوائل", "منتصف", "مستهل", "اخر", "بحلول", "شهري", "اشهر", "لشهري", "هذا", "طوال", "عن",
    }
)  # fmt: skip


class Span(msgspec.Struct, frozen=True):
    """A date at a place among the words.

    Attributes:
        start: The place of its first word.
        end: The place after its last word.
        day: The day; the first of its month or year where the date is no finer than that.
        precision: "year", "month", "week" or "day".
        hijri: The date was given in the Islamic calendar.
    """

    start: int
    end: int
    day: date
    precision: str
    hijri: bool = False


class _Month(msgspec.Struct, frozen=True):
    number: int
    hijri: bool
    doubtful: bool
    end: int


def safe_date(year: int, month: int, day: int) -> date | None:
    """Return a date, or None where the calendar has no such day."""
    try:
        return date(year, month, day)
    except (ValueError, OverflowError):
        return None


def nth_weekday_at(words: Words, place: int, today: date) -> list[Span]:
    """Return the day that is told by its weekday's number in a month: أول جمعة من يوليو, ثالث أحد في هذا الشهر."""
    read = ordinal_at(words, place, tens=False)
    if read is None or read[0] > 5:  # noqa: PLR2004 - no month has six of a weekday
        return []
    at = read[1] + 1 if words.key(read[1]) == "يوم" else read[1]
    named = weekday(words.key(at))
    if named is None or words.key(at + 1) not in {"من", "في"}:
        return []
    at += 2
    month = _month(words, at)
    if month is not None and not month.hijri:
        year, qualifier, end = _year(words, month.end, today, hijri=False)
        first = _resolve(month, None, year, qualifier, None, today)
    else:
        this = words.key(at) == "هذا" and words.key(at + 1) == "الشهر"
        first, end = (today.replace(day=1), at + 2) if this else (None, at)
    if first is None:
        return []
    return [Span(place, end, _nth(first, named, read[0]), "day")]


def weekday_of_each_month_at(words: Words, place: int, today: date) -> list[Span]:
    """Return the day in the present month that is said of each: السبت الثاني من كل شهر."""
    named = weekday(words.key(place))
    read = None if named is None else ordinal_at(words, place + 1, tens=False)
    if named is None or read is None or read[0] > 5 or any(map(words.gap, range(place + 1, read[1] + 3))):  # noqa: PLR2004
        return []
    if [words.key(at) for at in range(read[1], read[1] + 3)] != ["من", "كل", "شهر"]:
        return []
    return [Span(place, read[1], _nth(today.replace(day=1), named, read[0]), "day")]


def _nth(first: date, named: int, number: int) -> date:
    return first + timedelta(days=(named - first.weekday()) % 7 + 7 * (number - 1))


def named_at(words: Words, place: int, today: date) -> list[Span]:
    """Return the dates with a month's name that begin at a word: one, or several that share the month."""
    start = place
    named = weekday(words.key(place))
    if named is not None and not surely_weekday(words.key(place)) and words.key(place - 1) != "يوم":
        named = None
    if named is not None:
        place += 1
    if words.key(place) in {"يوم", "اليوم"} and named is not None:
        place += 1
    if named is not None and words.gap(place) not in _LOOSE:
        return []
    days = [] if words.key(place - 1) in _PARTS and place == start else list(_days(words, place))
    if days:
        return _after_days(words, start, days, named, today)
    month = _month(words, place)
    if month is None:
        return []
    return _month_first(words, start, month, named, today)


def _days(words: Words, place: int) -> Iterator[tuple[int, int, int]]:
    """Yield (place, place after, number) of each day before a month: 3 و4 مايو, من 4 إلى 22 يناير."""
    # Bounded, so that a long list of numbers is not read again from each of them.
    for _ in range(_MOST_DAYS):
        read = ordinal_at(words, place) or _short_cardinal(words, place) or _first_or_bare(words, place)
        if read is None or not 1 <= read[0] <= _DAYS:
            return
        yield place, read[1], read[0]
        place = read[1]
        if words.gap(place) in {"-", "–"} and words.number(place) is not None:
            continue
        if words.key(place) in _RANGE_WORDS and words.gap(place) == "" and words.gap(place + 1) == "":
            place += 1
            continue
        return


def _first_or_bare(words: Words, place: int) -> tuple[int, int] | None:
    """Read the first of a month (فاتح ماي), or an ordinal without article before an Islamic month (عاشر محرم)."""
    if words.gap(place + 1):
        return None
    if words.key(place) in FIRST_DAY:
        return 1, place + 1
    number = bare_ordinal(words.key(place))
    month = None if number is None else month_at(words, place + 1)
    return (number, place + 1) if number is not None and month is not None and month[0] in HIJRI else None


def _short_cardinal(words: Words, place: int) -> tuple[int, int] | None:
    return cardinal_at(words, place) if words.digits(place) in {0, 1, 2} else None


def _after_days(
    words: Words, start: int, days: list[tuple[int, int, int]], named: int | None, today: date
) -> list[Span]:
    place = days[-1][1]
    if words.gap(place) not in _LOOSE:
        return []
    if words.key(place) == "من" and words.gap(place) == "":
        place += 1
    month = _month(words, place)
    if month is None:
        return _of_this_month(words, start, days, place, today)
    year, qualifier, end = _year(words, month.end, today, hijri=month.hijri)
    found: list[Span] = []
    for index, (first, after, number) in enumerate(days):
        day = _resolve(month, number, year, qualifier, named if len(days) == 1 else None, today)
        if day is not None:
            last = index == len(days) - 1
            begin = start if len(days) == 1 else first
            found.append(Span(begin, end if last else after, day, "day", hijri=month.hijri))
    return found


def _of_this_month(words: Words, start: int, days: list[tuple[int, int, int]], place: int, today: date) -> list[Span]:
    """Return days of a month that is given by its distance: 20 من الشهر المقبل, 5 من هذا الشهر."""
    before = words.key(place) == "هذا"
    at = place + 1 if before else place
    if words.key(at) == "الجاري" and not words.gap(at):  # the Maghreb leaves the month out: 12 الجاري
        at -= 1
    elif words.key(at) not in {"الشهر", "شهر"}:
        return []
    qualifier = CURRENT if before else qualifier_at(words, at + 1)
    if qualifier is None:
        return []
    first = add_months(today.replace(day=1), qualifier)
    end = at + 1 if before else at + 2
    found: list[Span] = []
    for index, (begin, after, number) in enumerate(days):
        day = safe_date(first.year, first.month, number)
        if day is not None:
            last = index == len(days) - 1
            found.append(Span(start if len(days) == 1 else begin, end if last else after, day, "day"))
    return found


def _month(words: Words, place: int) -> _Month | None:
    """Read a month, alone or with its name in another country beside it."""
    said = words.key(place) in {"شهر", "لشهر", "بشهر"}
    if said:
        place += 1
    read = month_at(words, place)
    if read is None or words.gap(place) not in _LOOSE:
        return None
    name, place = read
    if name == "صفر" and year_number(words, place, hijri=True) is None:
        return None  # a score: 3 - صفر
    number, hijri = (GREGORIAN[name], False) if name in GREGORIAN else (HIJRI[name], True)
    doubtful = name in AMBIGUOUS and not said
    other = month_at(words, place) if words.gap(place) in _PAIR_GAPS else None
    # Halves that disagree are no pair but two months (يونيو/يوليو): each is read for itself.
    if other is not None and not hijri and GREGORIAN.get(other[0]) == number:
        return _Month(number, hijri=False, doubtful=False, end=other[1])
    return _Month(number, hijri=hijri, doubtful=doubtful, end=place)


def _month_first(words: Words, start: int, month: _Month, named: int | None, today: date) -> list[Span]:
    """Return a date whose month comes first or alone: سبتمبر 10, 2016; يوليو 2018; أغسطس/آب الماضي."""
    place = month.end
    number = ordinal_at(words, place) or (cardinal_at(words, place) if words.digits(place) in {1, 2} else None)
    day_follows = number is not None and 1 <= number[0] <= _DAYS and words.gap(place) in {"", "-", "،"}
    if day_follows and number is not None and not _month(words, number[1]) and not _counts(words, number[1]):
        year, qualifier, end = _year(words, number[1], today, hijri=month.hijri)
        day = _resolve(month, number[0], year, qualifier, named, today)
        alone = words.gap(number[1]) or not words.key(number[1]) or words.gap(number[1] + 1) == ":"
        if day is not None and (year or alone or named is not None):
            return [Span(start, end, day, "day", hijri=month.hijri)]
    year, qualifier, end = _year(words, place, today, hijri=month.hijri)
    bare = year is None and qualifier is None
    if named is not None or (bare and (month.doubtful or month.hijri or not _in_time(words, start, month))):
        return []
    day = _resolve(month, None, year, qualifier, None, today)
    return [] if day is None else [Span(start, end, day, "month", hijri=month.hijri)]


def _in_time(words: Words, start: int, month: _Month) -> bool:
    """Tell a month from a name (لويجي دي مايو): a month alone has a word of time before it, or a clitic, or its pair."""
    before = words.key(start - 1)
    clitic = words.key(start) not in GREGORIAN and start + 1 == month.end
    return clitic or month.end - start > 1 or before in _TIME_WORDS or month_word(before) is not None


def _counts(words: Words, place: int) -> bool:
    """Tell whether a word makes the number before it a count or an hour: أكتوبر 14 شخصا."""
    if year_number(words, place + 1 if words.key(place) == "من" else place) is not None:
        return False
    if words.gap(place) in {".", ",", "٫"} and words.digits(place) in {1, 2, 3}:
        return True  # a decimal number
    return words.gap(place) == ":" or (
        words.gap(place) == ""
        and bool(words.key(place))
        and not words.digits(place)
        and words.key(place) not in _YEAR_WORDS
    )


def _year(words: Words, place: int, today: date, *, hijri: bool) -> tuple[int | None, int | None, int]:
    """Read the year, or the word that tells which one, after a month; return it, that word's meaning, the place after."""
    if words.gap(place) not in _LOOSE:
        return None, None, place
    at = place + 1 if words.key(place) == "من" else place
    distant = relative_year_at(words, at)
    if distant is not None:
        return today.year + distant[0], None, distant[1]
    qualifier = qualifier_at(words, place)
    if qualifier is not None and words.gap(place) in {"", ")"}:
        return None, qualifier, place + 1
    said = words.key(at) in _YEAR_WORDS
    at = at + 1 if said else at
    if words.gap(at) not in _LOOSE:
        return None, None, place
    read = year_number(words, at, hijri=hijri)
    return (None, None, place) if read is None else (read[0], None, _era(words, read[1]))


def year_number(words: Words, place: int, *, hijri: bool = False) -> tuple[int, int] | None:
    """Return the year in digits or words at a word, and the place after it."""
    if words.digits(place) not in {0, _YEAR_DIGITS} or (words.gap(place + 1) == ":" and words.digits(place + 1)):
        return None
    read = cardinal_at(words, place)
    first, last = (FIRST_YEAR, LAST_YEAR) if hijri else (1000, 2999)
    return read if read is not None and first <= read[0] <= last else None


def _era(words: Words, place: int) -> int:
    known = words.key(place) in {"م", "ميلادي", "ميلاديه", "ه", "هجري", "هجريه", "للهجره"}
    return place + 1 if known and words.gap(place) in {"", "("} else place


def _resolve(
    month: _Month, number: int | None, year: int | None, qualifier: int | None, named: int | None, today: date
) -> date | None:
    """Return the day that a date without certain year means."""
    years: Iterable[int] = (year,) if year is not None else _years(today, hijri=month.hijri)
    days = [day for day in (_day(month, number, each) for each in years) if day is not None]
    if named is not None and any(day.weekday() == named for day in days):
        days = [day for day in days if day.weekday() == named]
    if year is not None or not days:
        return days[0] if days else None
    edge = today if number is not None else today.replace(day=1)
    if qualifier == PAST:
        days = [day for day in days if day < edge] or days
        return max(days)
    if qualifier == NEXT:
        return min([day for day in days if day > edge] or days)
    if qualifier == CURRENT:
        return next((day for day in days if day.year == today.year), None)
    # News looks back more often than ahead: a day to come must be twice as near as one gone by.
    return min(days, key=lambda day: ((edge - day).days if day <= edge else 2 * (day - edge).days, day))


def _years(today: date, *, hijri: bool) -> Iterator[int]:
    middle = hijri_year(today) if hijri else today.year
    return iter((middle - 1, middle, middle + 1))


def _day(month: _Month, number: int | None, year: int) -> date | None:
    if month.hijri:
        return to_gregorian(year, month.number, number or 1)
    return safe_date(year, month.number, number or 1)


def add_months(day: date, months: int) -> date:
    """Return the same day of a later or earlier month, or that month's last day where it is shorter."""
    year, index = divmod(day.year * _MONTHS + day.month - 1 + months, _MONTHS)
    if not date.min.year <= year <= date.max.year:
        return day
    return date(year, index + 1, min(day.day, monthrange(year, index + 1)[1]))
