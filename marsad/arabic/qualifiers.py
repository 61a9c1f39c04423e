"""Words that say which one is meant: last, this, next."""

from typing import Final

from marsad.arabic.datelex import Words

PAST: Final = -1
CURRENT: Final = 0
NEXT: Final = 1

_STEMS: Final = {
    "الماضي": PAST, "الفائت": PAST, "المنصرم": PAST, "الفارط": PAST, "المنقضي": PAST, "المنفرط": PAST,
    "الجاري": CURRENT, "الحالي": CURRENT, "الراهن": CURRENT,
    "المقبل": NEXT, "القادم": NEXT, "الاتي": NEXT,
}  # fmt: skip
_QUALIFIERS: Final = {stem + ending: value for stem, value in _STEMS.items() for ending in ("", "ه")}
_THIS: Final = frozenset({"هذا", "هذه", "لهذا", "لهذه", "بهذا"})
_YEARS: Final = frozenset({"العام", "السنه", "عام", "سنه", "للعام", "بالعام", "والعام", "للسنه"})


def qualifier_at(words: Words, place: int) -> int | None:
    """Return -1 for last, 0 for this, 1 for next, or None where a word says none of these."""
    return _QUALIFIERS.get(words.key(place))


def distance_at(words: Words, place: int) -> tuple[int, int] | None:
    """Return how many units away one is, and the place after: الماضي -1, قبل الماضي -2, بعد المقبل 2."""
    if words.gap(place):
        return None
    far = {"قبل": PAST, "بعد": NEXT}.get(words.key(place))
    if far is not None:
        return (2 * far, place + 2) if qualifier_at(words, place + 1) == far else None
    qualifier = qualifier_at(words, place)
    return None if qualifier is None else (qualifier, place + 1)


def is_this(key: str) -> bool:
    """Tell whether a word is هذا, with or without proclitic."""
    return key in _THIS


def relative_year_at(words: Words, place: int) -> tuple[int, int] | None:
    """Return how many years away the year at a word is (العام الماضي, هذا العام), and the place after it."""
    if is_this(words.key(place)) and words.key(place + 1) in {"العام", "السنه"}:
        return CURRENT, place + 2
    return distance_at(words, place + 1) if words.key(place) in _YEARS else None
