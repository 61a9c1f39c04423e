"""Bare numbers and turns of phrase that mean a day or an hour only behind a verb of coming, going or meeting.

"27" alone counts something (ارتفع العدد إلى 27); behind such a verb and at the end of its clause it is when: سيعود في 27.
"""

from datetime import date, timedelta
from typing import Final

from marsad.arabic.calendardates import Span, safe_date
from marsad.arabic.clocktimes import Clock, hour_of_day
from marsad.arabic.datelex import Words
from marsad.arabic.numerals import ordinal_at

_PRESENT: Final = ("عود", "رجع", "غادر", "سافر", "رحل", "حضر", "خرج", "لتقي", "جتمع")
_PAST: Final = ("عاد", "رجع", "غادر", "سافر", "رحل", "حضر", "خرج", "التقي", "اجتمع")
_SPOKEN_PAST: Final = ("عد", "رجع", "غادر", "سافر", "رحل", "حضر", "خرج", "التقي", "اجتمع")
_WENT: Final = frozenset({*_PAST, *(stem + ending for stem in _SPOKEN_PAST for ending in ("ت", "نا"))})
_WILL_GO: Final = frozenset(future + person + stem for stem in _PRESENT for person in "ايتن" for future in ("", "س"))
_AND: Final = frozenset("و" + verb for verb in _WENT | _WILL_GO if not verb.startswith("عد"))  # وعدت: she promised
_GOING: Final = _WENT | _WILL_GO | _AND
_MEETINGS: Final = frozenset(
    clitic + meeting
    for meeting in ("اجتماع", "اجتماعا", "موعد", "موعدا", "لقاء", "مقابله")
    for clitic in ("", "ل", "و")
) | {"للاجتماع", "الاجتماع", "الموعد", "اللقاء", "للقاء"}
_PREPOSITIONS: Final = frozenset({"في", "الي", "حتي"})
_ENDS: Final = frozenset(".،,؛!؟?)")
_LATEST: Final = 24
_THIS_PART: Final = frozenset({"الصباح", "المساء"})
_BACK: Final = 3
_LONGEST: Final = 2

#: What a date of this module can begin with, numbers apart.
BEGINNINGS: Final = _PREPOSITIONS | {"اخر", "يومي"}


def goes(words: Words, place: int) -> bool:
    """Tell whether the word before a place is a verb of coming, going or meeting, in the same clause."""
    return words.key(place - 1) in _GOING and not words.gap(place)


def is_planned(words: Words, place: int) -> bool:
    """Tell whether the word before a place sets a day for something: سيعود, اجتماع, موعد."""
    return words.key(place - 1) in _WILL_GO | _MEETINGS and not words.gap(place)


def is_past(words: Words, place: int) -> bool:
    """Tell whether one of the three words before a place, in the same clause, is such a verb in the past."""
    for at in range(place, place - _BACK, -1):
        if words.gap(at):
            return False
        if words.key(at - 1) in _WENT:
            return True
    return False


def ends_clause(words: Words, place: int) -> bool:
    """Tell whether a clause or the text ends before a word."""
    return words.gap(place)[:1] in _ENDS


def planned_at(words: Words, place: int, today: date) -> list[Span]:
    """Return the day of a bare number, ordinal or turn of phrase at a word: سيعود في 27, عدت للثاني, سأعود آخر يوم."""
    if not goes(words, place):
        return []
    if words.key(place) == "يومي" and ends_clause(words, place + 1):
        return [Span(place, place + 1, today, "day")]
    if (words.key(place), words.key(place + 1)) == ("اخر", "يوم") and ends_clause(words, place + 2):
        return [Span(place, place + 2, today - timedelta(days=1), "day")]
    at = place + 1 if words.key(place) in _PREPOSITIONS and not words.gap(place + 1) else place
    if words.digits(at) in {1, _LONGEST}:
        number, end = words.number(at), at + 1
    elif words.key(at).startswith("لل"):
        number, end = ordinal_at(words, at) or (None, at)
    else:
        return []
    if number is None or not ends_clause(words, end) or _is_part(words, end):
        return []
    day = safe_date(today.year, today.month, number)
    return [] if day is None else [Span(place, end, day, "day")]


def _is_part(words: Words, place: int) -> bool:
    """Tell the decimal point and the comma before an hour's part of the day from the end of a clause."""
    return bool(words.digits(place)) or words.key(place) in {"الليله", "هذا"}


def hour_at(words: Words, place: int) -> tuple[Clock, int] | None:
    """Return the hour of a bare number before this part of the day (سأعود 8 هذا الصباح), and the place after both."""
    if not goes(words, place) or words.gap(place + 1) not in {"", "،"}:
        return None
    hour = words.number(place)
    if hour is None or not 1 <= hour <= _LATEST:
        return None
    tonight = words.key(place + 1) == "الليله"
    this = words.key(place + 1) == "هذا" and words.key(place + 2) in _THIS_PART and not words.gap(place + 2)
    read = hour_of_day(words.key(place + 1 if tonight else place + 2), hour) if tonight or this else None
    return None if read is None else (Clock(read % _LATEST, 0), place + 2 if tonight else place + 3)
