"""Times of day in Arabic text: 20:30, الساعة الثامنة والنصف مساء, 10 صباحا بتوقيت غرينتش."""

from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from marsad.arabic.datelex import Words, with_clitics
from marsad.arabic.numerals import cardinal_at, ordinal_at

_HOUR_WORDS: Final = frozenset({"الساعه", "ساعه", "والساعه", "بالساعه"})
_BEFORE: Final = frozenset({"في", "عند", "حوالي", "نحو", "على", "علي", "تمام", "قرابه", "بحدود", "حتي", "يوم"})
_AT: Final = frozenset({"في", "عند", "حوالي", "نحو", "تمام"})
_MORNING: Final = frozenset({"صباحا", "صباح", "ص", "فجرا", "فجر", "الصباح", "الفجر", "ضحي"})
_EVENING: Final = frozenset({"مساء", "م", "المساء", "عصرا", "العصر", "مساءا"})
_HALVES_IN_FULL: Final = frozenset({"صباحا", "مساء"})
_YEARS: Final = range(1900, 2100)
_NOON: Final = frozenset({"ظهرا", "ظهر", "الظهر", "الظهيره"})
_NIGHT: Final = frozenset({"ليلا", "الليل", "الليله"})
# Before a date they stand in the construct state.
_PARTS_BEFORE: Final = with_clitics(("صباح", "فجر", "مساء", "ظهر")) | {
    clitic + part: meant
    for clitic in ("", "و", "ل", "ب")
    for part, meant in {"عصر": "العصر", "ليل": "الليل", "ليله": "الليل", "عشيه": "المساء"}.items()
}
_FRACTIONS: Final = {"النصف": 30, "نصف": 30, "الربع": 15, "ربع": 15, "الثلث": 20, "ثلث": 20}
_MINUTE_WORDS: Final = frozenset({"دقيقه", "دقائق", "دقايق"})
_HALF_DAY: Final = 12
_MOST_ADDITIONS: Final = 3
_NIGHT_ENDS: Final = 5
_NOON_BEGINS: Final = 3

# Zones that have kept one offset for decades, in minutes; others (Cairo, Beirut, Damascus) move with the summer.
_ZONES: Final = {
    "غرينتش": 0, "غرينيتش": 0, "جرينتش": 0, "جرينيتش": 0, "قرينتش": 0, "كرينتش": 0, "العالمي": 0,
    "مكه": 180, "السعوديه": 180, "الرياض": 180, "بغداد": 180, "الكويت": 180, "الدوحه": 180, "قطر": 180, "صنعاء": 180,
    "موسكو": 180, "الامارات": 240, "ابوظبي": 240, "دبي": 240, "مسقط": 240, "الجزائر": 60, "تونس": 60,
    "طرابلس": 120, "الخرطوم": 120, "gmt": 0, "utc": 0, "البحرين": 180, "المنامه": 180, "العراق": 180, "اليمن": 180, "عدن": 180,
    "بكين": 480, "طوكيو": 540, "الهند": 330,
    "نواكشوط": 0, "موريتانيا": 0, "مقديشو": 180, "جيبوتي": 180, "ليبيا": 120, "السودان": 120, "روسيا": 180, "دكار": 0,
}  # fmt: skip
# Those that move with the summer; their offset is that of the day.
_MOVING_ZONES: Final = {
    "القاهره": "Africa/Cairo", "مصر": "Africa/Cairo", "بيروت": "Asia/Beirut", "لبنان": "Asia/Beirut",
    "دمشق": "Asia/Damascus", "سوريا": "Asia/Damascus", "سوريه": "Asia/Damascus", "عمان": "Asia/Amman",
    "الاردن": "Asia/Amman", "القدس": "Asia/Jerusalem", "اسرائيل": "Asia/Jerusalem", "فلسطين": "Asia/Hebron",
    "غزه": "Asia/Gaza", "الرباط": "Africa/Casablanca", "المغرب": "Africa/Casablanca", "لندن": "Europe/London",
    "بريطانيا": "Europe/London", "باريس": "Europe/Paris", "فرنسا": "Europe/Paris", "برلين": "Europe/Berlin",
    "المانيا": "Europe/Berlin", "مدريد": "Europe/Madrid", "روما": "Europe/Rome", "بروكسل": "Europe/Brussels",
    "جنيف": "Europe/Zurich", "فيينا": "Europe/Vienna", "كييف": "Europe/Kyiv", "اثينا": "Europe/Athens",
    "واشنطن": "America/New_York", "طهران": "Asia/Tehran", "ايران": "Asia/Tehran",
    "اسطنبول": "Europe/Istanbul", "انقره": "Europe/Istanbul", "تركيا": "Europe/Istanbul",
    "نيويورك": "America/New_York",
}  # fmt: skip
_ZONE_WORDS: Final = frozenset({"بتوقيت", "توقيت", "بالتوقيت"})


#: What a time of day can begin with, numbers apart.
BEGINNINGS: Final = _HOUR_WORDS | _BEFORE


class Clock(msgspec.Struct, frozen=True):
    """A time of day.

    Attributes:
        hour: 0 to 23.
        minute: 0 to 59.
        second: 0 to 59, or None where none is written.
        offset: Minutes east of Greenwich, or the name of a zone that moves with the summer; None where no zone is written.
        certain: A marker (الساعة, مساء, a colon with seconds) says that these numbers are a time.
        told: Which half of the day is meant stands behind it: الثامنة مساء.
    """

    hour: int
    minute: int
    second: int | None = None
    offset: int | str | None = None
    certain: bool = True
    told: bool = False

    def on(self, day: date) -> str:
        """Return the time of a day as ISO 8601."""
        seconds = "" if self.second is None else f":{self.second:02}"
        return f"{day.isoformat()}T{self.hour:02}:{self.minute:02}{seconds}{self._offset(day)}"

    def _offset(self, day: date) -> str:
        offset = self.offset
        if offset is None:
            return ""
        if isinstance(offset, str):
            shift = datetime(day.year, day.month, day.day, self.hour, self.minute, tzinfo=ZoneInfo(offset)).utcoffset()
            offset = int((shift or timedelta()).total_seconds() // 60)
        sign = "-" if offset < 0 else "+"
        return f"{sign}{abs(offset) // 60:02}:{abs(offset) % 60:02}"


def clock_at(words: Words, place: int, *, after_date: bool = False) -> tuple[Clock, int] | None:
    """Return the time that begins at a word, and the place after it.

    Args:
        words: The words.
        place: Where it may begin.
        after_date: A date stands before it, so that an hour in words (في السابعة) needs no further mark.
    """
    if after_date and words.key(place) in _AT:
        after_date = ordinal_at(words, place + 1, tens=False) is not None and words.key(place + 1).endswith("ه")
        place += 1
    else:
        after_date = False
    if words.key(place) in _BEFORE and words.key(place + 1) in _HOUR_WORDS | _BEFORE:
        place += 1
    said = after_date
    if words.key(place) in _HOUR_WORDS:
        said, place = True, place + 1
        if words.gap(place):
            return None
    parsed = _digital(words, place, said=said) or _spoken(words, place, said=said)
    if parsed is None:
        return None
    said = said or (parsed[3] and not words.digits(place))
    hour, minute, second, sure, place = parsed
    shift, place = _half_day(words, place, hour)
    if shift is None and not (said or sure):
        return None
    hour = hour if shift is None else shift
    if hour > 23 or minute > 59:  # noqa: PLR2004 - the last hour and minute
        return None
    offset, place = _zone(words, place)
    certain = said or shift is not None or second is not None or offset is not None
    return Clock(hour, minute, second, offset, certain=certain, told=shift is not None), place


def _digital(words: Words, place: int, *, said: bool) -> tuple[int, int, int | None, bool, int] | None:
    hour, minute = words.number(place), words.number(place + 1)
    if hour is not None and words.key(place + 1) == "h" and not words.gap(place + 1) and words.digits(place + 2) == 2:  # noqa: PLR2004
        return hour, words.number(place + 2) or 0, None, True, place + 3  # 15h30, as the Maghreb's French has it
    four = words.digits(place) > 2 and words.key(place + 1) in _HALVES_IN_FULL  # noqa: PLR2004 - an hour has two
    if hour is not None and four and not words.gap(place + 1) and (said or hour not in _YEARS):
        return hour // 100, hour % 100, None, False, place + 1  # 1140 صباحا; 1140 م is a year
    between = {":", ",", "."} if said else {":"}  # agencies write الساعة 18,00
    if hour is None or minute is None or words.gap(place + 1) not in between or words.digits(place + 1) != 2:  # noqa: PLR2004
        return None
    second = words.number(place + 2)
    if second is not None and words.gap(place + 2) == ":" and second <= 59:  # noqa: PLR2004 - the last second
        return hour, minute, second, True, place + 3
    return hour, minute, None, True, place + 2


def _spoken(words: Words, place: int, *, said: bool) -> tuple[int, int, int | None, bool, int] | None:
    """Read an hour in words or a bare number: الثامنة والنصف, 8."""
    read = ordinal_at(words, place, tens=False) or (
        cardinal_at(words, place) if said or words.digits(place) in {1, 2} else None
    )
    # One o'clock is الواحدة; الساعات الأولى are the small hours.
    if read is None or read[0] > 24 or words.key(place) == "الاولي":  # noqa: PLR2004 - hours of a day
        return None
    hour, after = read
    minute, end = _minutes(words, after)
    # الثامنة والنصف needs no الساعة: nothing else has halves and is feminine.
    sure = end > after and words.key(place).startswith("ال") and words.key(after - 1).endswith("ه")
    return (hour + (minute // 60), minute % 60, None, sure, end)


def _minutes(words: Words, place: int) -> tuple[int, int]:
    """Read what is added to an hour or taken from it: والنصف, وخمس دقائق, إلا ربعا."""
    total = 0
    for _ in range(_MOST_ADDITIONS):
        if words.gap(place):
            break
        key = words.key(place)
        fraction = _FRACTIONS.get(key.removeprefix("و")) if key.startswith("و") else None
        if fraction:
            total, place = total + fraction, place + 1
            continue
        if key == "الا":
            less = _FRACTIONS.get(words.key(place + 1).removesuffix("ا"))
            if less:
                return total - less, place + 2
        counted = _counted(words, place)
        if counted is None:
            break
        total, place = total + counted[0], counted[1]
    return total, place


def _counted(words: Words, place: int) -> tuple[int, int] | None:
    key = words.key(place)
    sign = -1 if key == "الا" else 1
    if key in {"و", "الا"}:
        place += 1
    elif not key.startswith("و"):
        return None
    read = cardinal_at(words, place)
    if read is None:
        return None
    if words.key(read[1]) not in _MINUTE_WORDS:
        return (read[0], read[1]) if sign > 0 and words.key(read[1]) in _MORNING | _EVENING else None
    return sign * read[0], read[1] + 1


def _half_day(words: Words, place: int, hour: int) -> tuple[int | None, int]:
    """Return the hour as the part of the day that follows makes it, or None where none follows."""
    if words.gap(place) not in {"", "("}:
        return None, place
    key, following = words.key(place), words.key(place + 1)
    from_part = key == "من" and (following in _MORNING | _EVENING | _NIGHT or _after_noon(words, place + 1))
    if from_part or (key == "في" and following in _MORNING | _NIGHT):  # الثالثة من بعد الظهر, 8 في الليل
        place, key, following = place + 1, following, words.key(place + 2)
    if (key, following, words.key(place + 2)) == ("بعد", "منتصف", "الليل"):
        return hour % _HALF_DAY, place + 3
    if key in {"بعد", "قبل"} and following in _NOON:
        return (hour % _HALF_DAY + (_HALF_DAY if key == "بعد" else 0)), place + 2
    read = hour_of_day(key, hour)
    return read, place if read is None else place + 1


def _after_noon(words: Words, place: int) -> bool:
    return words.key(place) == "بعد" and words.key(place + 1) in _NOON and not words.gap(place + 1)


def after_part(words: Words, place: int, clock: Clock) -> Clock:
    """Return a time as the part of the day makes it that stands before it or before its date: مساء السبت الساعة 9, بعد الظهر 7:00.

    Args:
        words: The words.
        place: Where the time begins, or its date.
        clock: The time.
    """
    if clock.told or words.gap(place):
        return clock
    if words.key(place - 1) == "يوم" and not words.gap(place - 1):
        place -= 1
    part = words.key(place - 1)
    if words.key(place - 2) == "بعد" and part in _NOON and not words.gap(place - 1):
        part = "المساء"
    return in_part(part, clock)


def in_part(part: str, clock: Clock) -> Clock:
    """Return a time as a word for a part of the day makes it; the time itself where the word is none."""
    hour = hour_of_day(_PARTS_BEFORE.get(part, part), clock.hour)
    if clock.told or hour is None or hour > 23:  # noqa: PLR2004 - the last hour
        return clock
    return msgspec.structs.replace(clock, hour=hour, told=True, certain=True)


def hour_of_day(key: str, hour: int) -> int | None:
    """Return the hour, 0 to 23, that a number means with a part of the day; None where the word is none."""
    if key in _MORNING:
        return hour % _HALF_DAY if hour == _HALF_DAY else hour
    if key in _EVENING:
        return hour if hour >= _HALF_DAY else hour + _HALF_DAY
    if key in _NOON:
        return hour if hour > _NOON_BEGINS else hour + _HALF_DAY
    if key in _NIGHT:
        late = _NIGHT_ENDS <= hour < _HALF_DAY
        return hour + _HALF_DAY if late else 0 if hour == _HALF_DAY else hour
    return None


def _from_greenwich(words: Words, place: int) -> tuple[int, int]:
    """Read the hours after GMT, as in GMT+3; none are nought."""
    hours = words.number(place)
    if words.gap(place) not in {"+", "-"} or hours is None or hours > 14 or words.digits(place) > 2:  # noqa: PLR2004
        return 0, place
    return (-60 if words.gap(place) == "-" else 60) * hours, place + 1


def _zone(words: Words, place: int) -> tuple[int | str | None, int]:
    if words.gap(place) in {"", "،", ",", "("} and words.key(place) in _ZONE_WORDS:
        name = words.key(place + 1)
        if name in _MOVING_ZONES:
            return _MOVING_ZONES[name], place + 2
        if name in _ZONES:
            more = 1 if (name, words.key(place + 2)) in {("مكه", "المكرمه"), ("العالمي", "الموحد")} else 0
            return _ZONES[name], place + 2 + more
        if words.key(place) == "بالتوقيت":
            return None, place + 2
    if words.gap(place) in {"", "("} and words.key(place) in {"gmt", "utc", "z"}:
        return _from_greenwich(words, place + 1)
    if words.gap(place) in {"", "("} and words.key(place) == "ت" and words.key(place + 1) == "غ":
        return 0, place + 2 if words.gap(place + 1) in {"", "."} else place
    return None, place
