"""Numbers written in words, in key form: the small ones of dates and times, and years."""

from typing import Final

from marsad.arabic.datelex import Words

_ONES: Final = {
    "واحد": 1, "واحده": 1, "احد": 1, "احدي": 1, "حادي": 1, "اثنان": 2, "اثنين": 2, "اثنا": 2, "اثني": 2,
    "اثنتان": 2, "اثنتين": 2, "اثنتا": 2, "اثنتي": 2, "ثلاث": 3, "ثلاثه": 3, "اربع": 4, "اربعه": 4, "خمس": 5,
    "خمسه": 5, "ست": 6, "سته": 6, "سبع": 7, "سبعه": 7, "ثمان": 8, "ثماني": 8, "ثمانيه": 8, "تسع": 9, "تسعه": 9,
}  # fmt: skip
_TEN: Final = {"عشر": 10, "عشره": 10}
_TENS: Final = {
    stem + ending: 10 * place
    for place, stem in enumerate(("عشر", "ثلاث", "اربع", "خمس", "ست", "سبع", "ثمان", "تسع"), start=2)
    for ending in ("ون", "ين")
}
_HUNDREDS: Final = {
    stem + hundred: 100 * value
    for value, stem in ((1, ""), (3, "ثلاث"), (4, "اربع"), (5, "خمس"), (6, "ست"), (7, "سبع"), (8, "ثمان"), (9, "تسع"))
    for hundred in ("مئه", "مائه", "ميه")
} | {"مئتين": 200, "مائتين": 200, "مئتان": 200, "مائتان": 200}
_THOUSANDS: Final = {"الف": 1000, "الفين": 2000, "الفان": 2000}
_MOST_PARTS: Final = 4
_CARDINALS: Final = _ONES | _TEN | _TENS | _HUNDREDS | _THOUSANDS

_ORDINAL_ONES: Final = {
    "اول": 1, "اولي": 1, "حادي": 1, "حاديه": 1, "ثاني": 2, "ثانيه": 2, "ثالث": 3, "ثالثه": 3, "رابع": 4,
    "رابعه": 4, "خامس": 5, "خامسه": 5, "سادس": 6, "سادسه": 6, "سابع": 7, "سابعه": 7, "ثامن": 8, "ثامنه": 8,
    "تاسع": 9, "تاسعه": 9, "عاشر": 10, "عاشره": 10, "واحده": 1, "واحد": 1,
}  # fmt: skip
_ORDINALS: Final = {"ال" + word: value for word, value in (_ORDINAL_ONES | _TENS).items()} | {"اول": 1}
_ORDINAL_FORMS: Final = {
    form: value for word, value in _ORDINALS.items() for form in (word, "و" + word, "ب" + word, "لل" + word[2:])
}


#: What a number in words can begin with.
BEGINNINGS: Final = frozenset({*_CARDINALS, *("و" + word for word in _CARDINALS), *_ORDINAL_FORMS, *_ORDINAL_ONES})


def cardinal_at(words: Words, place: int) -> tuple[int, int] | None:
    """Return the number that begins at a word, in digits or in words, and the place after it."""
    number = words.number(place)
    if number is not None:
        return number, place + 1
    key = words.key(place)
    value = _CARDINALS.get(key)
    if value is None and key.startswith("و"):
        value = _CARDINALS.get(key[1:])
    if value is None:
        return None
    total, place = _with_ten(words, place, value)
    for _ in range(_MOST_PARTS):
        joined = _joined(words, place)
        if joined is None or joined[0] >= _unit(total):
            break
        total, place = total + joined[0], joined[1]
    return total, place


def ordinal_at(words: Words, place: int, *, tens: bool = True) -> tuple[int, int] | None:
    """Return the ordinal that begins at a word (الحادي والعشرين, أول), and the place after it.

    Args:
        words: The words.
        place: Where it may begin.
        tens: Read a tens joined to it; not with hours: الثامنة وعشرين دقيقة.
    """
    value = _ORDINAL_FORMS.get(words.key(place))
    if value is None:
        return None
    total, place = _with_ten(words, place, value)
    key = words.key(place)
    if tens and total < 10 and key.startswith("و") and words.gap(place) == "":  # noqa: PLR2004 - ones join tens
        joined = _TENS.get(key[1:]) or _TENS.get(key[3:] if key.startswith("وال") else "")
        if joined:
            return total + joined, place + 1
    return total, place


def bare_ordinal(key: str) -> int | None:
    """Return what an ordinal without article means (عاشر), or None for another word."""
    return _ORDINAL_ONES.get(key)


def _with_ten(words: Words, place: int, value: int) -> tuple[int, int]:
    follows = words.gap(place + 1) == "" and words.key(place + 1) in _TEN
    return (value + 10, place + 2) if value < 10 and follows else (value, place + 1)  # noqa: PLR2004 - ones join ten


def _joined(words: Words, place: int) -> tuple[int, int] | None:
    """Return the number that a و joins to the one before: وعشرين, or و عشرين."""
    if words.gap(place):
        return None
    key = words.key(place)
    if key == "و":
        key, place = words.key(place + 1), place + 1
    elif key.startswith("و"):
        key = key[1:]
    else:
        return None
    value = _CARDINALS.get(key)
    return None if value is None else _with_ten(words, place, value)


def _unit(total: int) -> int:
    """Return what a joined number must be below; ones are said before their tens (خمسة وعشرين)."""
    if total < 10:  # noqa: PLR2004 - the ones
        return 100
    return 1000 if total >= 1000 else 100 if total >= 100 else 0  # noqa: PLR2004 - places of a number
