"""Dates told by their distance from the day of publication: منذ ساعتين, أمس الأول, العام الماضي, الخميس المقبل."""

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import Final

import msgspec

from marsad.arabic.calendardates import Span, add_months, safe_date
from marsad.arabic.clocktimes import clock_at
from marsad.arabic.datelex import Words, with_clitics
from marsad.arabic.months import month_word, surely_weekday, weekday
from marsad.arabic.numerals import cardinal_at, ordinal_at
from marsad.arabic.planned import is_past, is_planned
from marsad.arabic.qualifiers import CURRENT, NEXT, PAST, distance_at, is_this

_DAY: Final = frozenset({"يوم", "ليوم", "ويوم", "يومي"})
_WEEK: Final = 7
_LAST_HOUR: Final = 12
_TENTH: Final = 10
# What a large ordinal numbers where it numbers no day.
_COUNTED: Final = frozenset({"القرن", "القرنين", "المركز", "المرتبه", "الدور", "الفصل", "العدد", "الصف"})
_A_FEW: Final = 3
_MOMENTS: Final = frozenset({"لحظات", "ثوان", "ثواني", "قليل"})
_FEW: Final = frozenset({"بضع", "بضعه", "عده", "لبضع", "لعده"})

_ONE: Final = {
    "minute": ("دقيقه",), "hour": ("ساعه",), "day": ("يوم", "يوما"), "week": ("اسبوع", "اسبوعا"),
    "month": ("شهر", "شهرا"), "year": ("سنه", "عام", "عاما"), "second": ("ثانيه",), "century": ("قرن", "قرنا"),
}  # fmt: skip
_MANY: Final = {
    "minute": ("دقائق",), "hour": ("ساعات",), "day": ("ايام",), "week": ("اسابيع",), "month": ("اشهر", "شهور"),
    "year": ("سنوات", "اعوام", "سنين"), "second": ("ثوان", "ثواني"), "decade": ("عقود",), "century": ("قرون",),
}  # fmt: skip
_DUALS: Final = {
    "minute": ("دقيقتين", "دقيقتان"), "hour": ("ساعتين", "ساعتان"), "day": ("يومين", "يومان"),
    "week": ("اسبوعين", "اسبوعان"), "month": ("شهرين", "شهران"),
    "year": ("سنتين", "سنتان", "عامين", "عامان"), "decade": ("عقدين", "عقدان"), "century": ("قرنين", "قرنان"),
}  # fmt: skip
_SINGLE_UNITS: Final = {word: unit for unit, words in _ONE.items() for word in words}
_UNITS: Final = _SINGLE_UNITS | {word: unit for unit, words in _MANY.items() for word in words}
_DUAL_UNITS: Final = {word: unit for unit, words in _DUALS.items() for word in words}
_PERIODS: Final = {
    spelling: {"العام": "year", "السنه": "year", "الشهر": "month", "الاسبوع": "week"}[word]
    for spelling, word in with_clitics(("العام", "السنه", "الشهر", "الاسبوع")).items()
}
_SINCE: Final = {"منذ": -1, "قبل": -1, "ومنذ": -1, "وقبل": -1, "بعد": 1, "وبعد": 1}

_ABOUT: Final = frozenset({"نحو", "حوالي", "قرابه", "زهاء", "قريب", "تقريبا", "حوالى", "مده", "فتره"})
_ABOUT_TWO: Final = frozenset(
    {("اكثر", "من"), ("اقل", "من"), ("ازيد", "من"), ("ما", "يقارب"), ("ما", "يناهز"), ("اكثر", "عن")}
)
_ABOUT_THREE: Final = frozenset(
    {("ما", "يزيد", "علي"), ("ما", "يزيد", "عن"), ("ما", "يقرب", "من"), ("ما", "يربو", "علي"), ("ما", "يقارب", "من")}
)
_PARTS_OF_HOUR: Final = {"نصف": 30, "ربع": 15, "ثلث": 20}
_HALVES: Final = {
    "hour": (30, "minute"),
    "day": (12, "hour"),
    "month": (15, "day"),
    "year": (6, "month"),
    "decade": (5, "year"),
    "century": (50, "year"),
}

_DAY_WORDS: Final = {
    "اليوم": 0, "امس": -1, "الامس": -1, "البارحه": -1, "غدا": 1, "الغد": 1, "غد": 1, "الليله": 0,
}  # fmt: skip
_DAY_FORMS: Final = with_clitics(_DAY_WORDS)
# These are parts of other words and names unless a word beside them shows the day: الغد (a newspaper), غد.
_NEEDS_DAY_WORD: Final = frozenset({"الغد", "غد"})
# "That day", "all day", and two names: the paper المصري اليوم, the channel روسيا اليوم.
_NOT_TODAY: Final = frozenset({"ذلك", "نفس", "طوال", "طيله", "المصري", "روسيا"})
_PARTS_OF_DAY: Final = frozenset(
    with_clitics(("صباح", "مساء", "ليل", "فجر", "ظهر", "عصر", "ليله", "ظهيره", "عشيه", "زوال"))
)
_BEFORE_DAY_WORD: Final = _PARTS_OF_DAY | {"يوم", "نهايه", "بعد"}

_THIS_FORMS: Final = with_clitics(("هذا", "هذه"))
_TWO_WORDS: Final = (
    {("قبل", "امس"): -2}
    | {("بعد", tomorrow): 2 for tomorrow in ("غد", "الغد")}
    | {("اول", yesterday): -2 for yesterday in ("امس", "الامس", "البارحه")}
    | {(yesterday, first): -2 for yesterday in with_clitics(("امس",)) for first in ("الاول", "الاولي")}
    | {(this, part): 0 for this in with_clitics(("هذا",)) for part in ("الصباح", "المساء")}
    | {(tonight, last): -1 for tonight in ("الليله", "والليله") for last in ("الماضيه", "الفائته")}
)

#: What a date of this module can begin with.
BEGINNINGS: Final = frozenset(
    {*_SINCE, *_DAY_FORMS, *_PERIODS, *_THIS_FORMS, *_DAY, "اول", "الاول", "بتاريخ", "في", "الي", "حتي"}
    | {first for first, _ in _TWO_WORDS}
    | _DUAL_UNITS.keys()
)


class Moment(msgspec.Struct, frozen=True):
    """A time to the minute at a place among the words, in the zone of the time it is counted from."""

    start: int
    end: int
    at: datetime


def day_word_at(words: Words, place: int, today: date) -> list[Span]:
    """Return the day that a word such as أمس, غدا, اليوم means, with the weekday said after it."""
    if [words.key(at) for at in range(place, place + 3)] in (["اول", "من", "امس"], ["الاول", "من", "امس"]):
        return _on(place, place + 3, today, -2)
    two = _TWO_WORDS.get((words.key(place), words.key(place + 1))) if not words.gap(place + 1) else None
    if two is not None:
        return _on(place, place + 2, today, two)
    word = _DAY_FORMS.get(words.key(place))
    if word is None:
        return []
    shift = _DAY_WORDS[word]
    named = weekday(words.key(place + 1)) if words.gap(place + 1) in {"", "("} else None
    if named is not None and (today + timedelta(days=shift)).weekday() == named:
        return _on(place, place + 2, today, shift)
    loose = word in _NEEDS_DAY_WORD and words.key(place - 1) not in _BEFORE_DAY_WORD
    if loose or (word == "اليوم" and not _is_today(words, place)):
        return []
    return _on(place, place + 1, today, shift)


def _is_today(words: Words, place: int) -> bool:
    """Tell اليوم (today) from the day of something: اليوم الأول, اليوم العالمي."""
    following = words.key(place + 1)
    if words.gap(place + 1) or not following.startswith("ال") or following in {"الي", "الا", "الان"}:
        return not (words.key(place - 1) in _NOT_TODAY and not words.gap(place))
    if weekday(following) is not None or is_this(words.key(place - 1)):
        return True
    numbered = ordinal_at(words, place + 1) is not None or following.endswith("ي") or following == "السابق"
    return words.key(place - 1) in _PARTS_OF_DAY and not numbered  # فجر اليوم الرئيس, but فجر اليوم التالي


def _on(start: int, end: int, today: date, shift: int) -> list[Span]:
    return [Span(start, end, today + timedelta(days=shift), "day")]


def weekday_at(words: Words, place: int, today: date) -> list[Span]:
    """Return the day that a weekday's name means: the last one up to today, unless the next is said to be meant."""
    start = place
    named = weekday(words.key(place))
    if named is None or not (surely_weekday(words.key(place)) or words.key(place - 1) in _DAY):
        return []
    numbered = _numbered_weekday(words, place + 1, named, today)
    if numbered is not None:
        return [Span(start, numbered[1], numbered[0], "day")]
    distance = distance_at(words, place + 1)
    back = (today.weekday() - named) % _WEEK
    if distance is None or distance[0] == CURRENT:
        end = place + 1 if distance is None else distance[1]
        return _on(start, end, today, -back)
    shift, end = distance
    if shift < 0:
        return _on(start, end, today, -(back or _WEEK) + (shift + 1) * _WEEK)
    return _on(start, end, today, (_WEEK - back) + (shift - 1) * _WEEK)


def _numbered_weekday(words: Words, place: int, named: int, today: date) -> tuple[date, int] | None:
    """Read the number of the day after its weekday, without month: الخميس 21, الثلاثاء الحادي والثلاثين."""
    if words.gap(place):
        return None
    at = place + 1 if words.key(place) == "في" else place
    read = ordinal_at(words, at) or (cardinal_at(words, at) if words.digits(at) <= 2 else None)  # noqa: PLR2004
    if read is not None and read[0] <= _LAST_HOUR and words.key(at).startswith("ال") and words.key(at).endswith("ه"):
        return None  # an hour, which is feminine, as days of the month are not: السبت في التاسعة
    if read is None or words.gap(read[1]) in {":", "/"} or read[1] == place:
        return None
    if words.gap(read[1]) in {"-", "–"} and words.digits(read[1]):
        return None  # hours from and to: الاثنين 8-9 صباحا
    day = _of_month(read[0], named, today)
    return None if day is None else (day, read[1])


def day_number_at(words: Words, place: int, today: date) -> list[Span]:
    """Return the day of the present month that is told by its number only: يوم 27."""
    number = words.number(place + 1)
    said = words.key(place) in _DAY | {"بتاريخ"} or (words.key(place) == "في" and words.key(place + 2) == "الساعه")
    if not said or number is None or words.gap(place + 1):
        return []
    if words.gap(place + 2) in {":", "/", "-", "%", "٪"} or words.digits(place + 1) > 2:  # noqa: PLR2004
        return []
    if month_word(words.key(place + 2)) or words.key(place + 2) in {"من", "شهر", "و"}:
        return []
    day = safe_date(today.year, today.month, number)
    return [] if day is None else [Span(place, place + 2, day, "day")]


def day_ordinal_at(words: Words, place: int, today: date) -> list[Span]:
    """Return the day of the present month that is told by its ordinal only: في الخامس في 4 صباحا, إلى الحادي والعشرين."""
    read = ordinal_at(words, place + 1) if words.key(place) in {"في", "الي", "حتي"} else None
    if read is None or words.key(place + 1).endswith("ه") or words.gap(place + 1):
        return []
    number, end = read
    timed = clock_at(words, end) or (clock_at(words, end + 1) if words.key(end) == "في" else None)
    if timed is None or not timed[0].certain:
        counted = any(words.key(at) in _COUNTED for at in range(place - 4, place))
        if number <= _TENTH or counted or not words.gap(end):
            return []
    day = safe_date(today.year, today.month, number)
    return [] if day is None else [Span(place + 1, end, day, "day")]


def _of_month(number: int, named: int, today: date) -> date | None:
    """Return the day of this, the last or the next month that has both number and weekday: الخميس 21."""
    days = (_numbered(add_months(today.replace(day=1), shift), number) for shift in (CURRENT, PAST, NEXT))
    return next((day for day in days if day is not None and day.weekday() == named), None)


def _numbered(first: date, number: int) -> date | None:
    return safe_date(first.year, first.month, number)


def period_at(words: Words, place: int, today: date) -> list[Span]:
    """Return the year, month or week that is told by its distance: العام الماضي, هذا الشهر, الأسبوع المقبل يوم الجمعة."""
    start = place
    this = is_this(words.key(place))
    if this:
        place += 1
    unit = _PERIODS.get(words.key(place))
    if unit is None:
        return []
    distance = (CURRENT, place + 1) if this else distance_at(words, place + 1)
    if distance is None:
        return []
    shift, end = distance
    if unit == "year":
        day = safe_date(today.year + shift, 1, 1)
        return [] if day is None else [Span(start, end, day, "year")]
    if unit == "month":
        return [Span(start, end, add_months(today.replace(day=1), shift), "month")]
    monday = today + timedelta(days=_WEEK * shift - today.weekday())
    at = end + 1 if words.key(end) == "يوم" else end
    named = weekday(words.key(at)) if not words.gap(end) else None
    if named is not None:
        return [Span(start, at + 1, monday + timedelta(days=named), "day")]
    return [Span(start, end, monday, "week")]


def offset_at(words: Words, place: int, now: datetime) -> Span | Moment | None:
    """Return the time that is a number of units before or after now: منذ ساعتين, قبل 3 أيام, بعد أسبوعين من الآن."""
    # اجتماع في عشرة أيام sets a day; elsewhere that is how long something took.
    planned = words.key(place) == "في" and is_planned(words, place)
    sign = 1 if planned else _SINCE.get(words.key(place))
    if sign is None:
        return _from_now(words, place, now)
    if words.gap(place + 1) not in {"", '"'}:
        return None
    counts: list[tuple[int, str]] = []
    at = _after_about(words, place + 1)
    if sign > 0 and at > place + 2 and words.key(place + 1) != "اقل":
        return None  # بعد أكثر من عامين tells how long something took
    part = _part_at(words, at, past=sign < 0)
    if part is not None:
        counts, at = [(part[0], "minute")], part[1]
    if part is None:
        counts, at = _counts(words, at)
    from_now = words.key(at) == "من" and words.key(at + 1) == "الان"
    if words.gap(at) == "" and words.key(at) in {"من", "علي", "عن"} and not from_now:
        return None  # counted from another event: بعد يومين من الهجوم
    if not counts or (sign > 0 and not from_now and _in_a_story(words, at, counts)):
        return None
    return _shifted(place, at + 2 if from_now else at, now, [(sign * number, unit) for number, unit in counts])


def _counts(words: Words, at: int) -> tuple[list[tuple[int, str]], int]:
    """Read counts of units that follow one another, and return the place after them."""
    counts: list[tuple[int, str]] = []
    # Bounded by the units there are, so that a chain of them is not read again from each.
    while len(counts) < len(_STEPS) and (counted := _count(words, at, first=not counts)) is not None:
        number, unit, at = counted
        counts.append((number, unit))
        half = _half_after(words, at, unit)
        if half is not None:
            counts.append(half[0])
            at = half[1]
    return counts, at


def _from_now(words: Words, place: int, now: datetime) -> Span | Moment | None:
    """Return the time that counts without preposition mean before من الآن: ahead, or back behind a verb in the past."""
    counts_units = words.key(place + 1) in _UNITS if words.digits(place) else words.key(place) in _DUAL_UNITS
    if not counts_units:
        return None
    counts, at = _counts(words, place)
    if not counts or words.gap(at) or (words.key(at), words.key(at + 1)) != ("من", "الان"):
        return None
    sign = -1 if is_past(words, place) else 1
    return _shifted(place, at + 2, now, [(sign * number, unit) for number, unit in counts])


def _after_about(words: Words, place: int) -> int:
    """Return the place after the words that make a count a rough one: نحو, أكثر من, ما يقارب."""
    if words.key(place) in _ABOUT:
        return place + 1
    two = (words.key(place), words.key(place + 1))
    return place + 2 if two in _ABOUT_TWO else place + 3 if (*two, words.key(place + 2)) in _ABOUT_THREE else place


def _part_at(words: Words, place: int, *, past: bool) -> tuple[int, int] | None:
    """Read the part of an hour or moments: نصف ساعة, ربع ساعة, لحظات; return the minutes and the place after it."""
    if (
        past
        and words.key(place) in _MOMENTS
        and (words.key(place) != "قليل" or words.gap(place + 1) or not words.key(place + 1))
    ):
        return 0, place + 1
    minutes = _PARTS_OF_HOUR.get(words.key(place))
    return (minutes, place + 2) if minutes and words.key(place + 1) == "ساعه" and not words.gap(place + 1) else None


def _half_after(words: Words, place: int, unit: str) -> tuple[tuple[int, str], int] | None:
    """Read the half that is added to a count: ساعة ونصف, عام ونصف العام; return it as a count and the place after it."""
    if words.gap(place) or words.key(place) != "ونصف" or unit not in _HALVES:
        return None
    whole = words.key(place + 1).removeprefix("ال")
    return _HALVES[unit], place + 2 if not words.gap(place + 1) and _UNITS.get(whole) == unit else place + 1


def _in_a_story(words: Words, at: int, counts: list[tuple[int, str]]) -> bool:
    """Tell whether minutes or hours "after" go on: then they are counted from what was just told (a goal, a blow)."""
    if any(unit in {"decade", "century"} for _, unit in counts):
        return True  # بعد أربعة عقود looks back on them
    return any(unit in {"second", "minute", "hour"} for _, unit in counts) and "." not in words.gap(at)


def _count(words: Words, place: int, *, first: bool) -> tuple[int, str, int] | None:
    """Read one count of units: ساعتين, 3 أيام, بضعة أشهر, يوم واحد; after the first only behind a و or a comma."""
    key = words.key(place)
    if not first:
        if words.gap(place) in {"،", ","}:
            pass
        elif key == "و" and not words.gap(place + 1):
            place, key = place + 1, words.key(place + 1)
        elif key.startswith("و") and not words.gap(place):
            key = key[1:]
        else:
            return None
    if key in _DUAL_UNITS:
        return 2, _DUAL_UNITS[key], place + 1
    if key in _SINGLE_UNITS:
        # منذ عام 2007, منذ يوم الجمعة, قبل يوم 5 مايو: the unit names a year or day and counts nothing.
        if words.digits(place + 1) or surely_weekday(words.key(place + 1)):
            return None
        one = words.key(place + 1) in {"واحد", "واحده"}
        return 1, _SINGLE_UNITS[key], place + 2 if one else place + 1
    read = (_A_FEW, place + 1) if key in _FEW else cardinal_at(words, place)
    unit = None if read is None or words.gap(read[1]) else _UNITS.get(words.key(read[1]))
    return None if read is None or unit is None else (read[0], unit, read[1] + 1)


def _shifted(start: int, end: int, now: datetime, counts: Iterable[tuple[int, str]]) -> Span | Moment | None:
    at = now
    fine = False
    for number, unit in counts:
        fine = fine or unit in {"second", "minute", "hour"}
        try:
            at = _STEPS[unit](at, number)
        except (OverflowError, ValueError):
            return None
    return Moment(start, end, at) if fine else Span(start, end, at.date(), "day")


def _by_months(at: datetime, number: int) -> datetime:
    day = add_months(at.date(), number)
    if number and day == at.date():
        raise OverflowError  # before the first year, or after the last
    return at.replace(year=day.year, month=day.month, day=day.day)


_STEPS: Final[dict[str, Callable[[datetime, int], datetime]]] = {
    "second": lambda at, number: at + timedelta(seconds=number),
    "minute": lambda at, number: at + timedelta(minutes=number),
    "hour": lambda at, number: at + timedelta(hours=number),
    "day": lambda at, number: at + timedelta(days=number),
    "week": lambda at, number: at + timedelta(weeks=number),
    "month": _by_months,
    "year": lambda at, number: _by_months(at, 12 * number),
    "decade": lambda at, number: _by_months(at, 120 * number),
    "century": lambda at, number: _by_months(at, 1_200 * number),
}
