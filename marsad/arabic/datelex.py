"""The words of a text as the date grammar reads them: keys, places, and what stands between them."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import msgspec

from marsad.arabic.forms import proclitic_forms
from marsad.arabic.keyform import COMBINING, INVISIBLE, key_form, strip_marks

# Digits and letters are words of their own here: "سبتمبر10", "و2020", "10م".
_WORD: Final = re.compile(rf"(\d++|[^\W\d_]++(?:[{COMBINING}{INVISIBLE}]++[^\W\d_]++)*+[{COMBINING}]*+)")
# The blank before an hour is often lost: أكتوبرالساعة. Twice the time of the other pattern, so only where it is needed.
_GLUED: Final = re.compile(r"[^\W\d_]{4}الساع[ةه]\b")
_WORD_OR_GLUED: Final = re.compile(_WORD.pattern.replace("(", r"([^\W\d_]{4,12}?(?=الساع[ةه]\b)|", 1))
_BLANKS: Final = re.compile(rf"[\s{INVISIBLE}]+")
_LONGEST_NUMBER: Final = 4


class Words(msgspec.Struct, frozen=True):
    """The words of one text, as parallel tuples.

    Attributes:
        text: The text itself.
        keys: The key form of each word.
        starts: Where each begins.
        ends: Where each ends.
        gaps: What stands before each, without blanks and controls; and what stands after the last.
    """

    text: str
    keys: tuple[str, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    gaps: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.keys)

    def key(self, place: int) -> str:
        """Return the key of a word, or "" past either end."""
        return self.keys[place] if 0 <= place < len(self.keys) else ""

    def gap(self, place: int) -> str:
        """Return what stands before a word; past the last, what follows it and a full stop that nothing crosses."""
        if 0 <= place < len(self.keys):
            return self.gaps[place]
        return self.gaps[-1] + "." if place == len(self.keys) else "."

    def number(self, place: int) -> int | None:
        """Return the value of a word of digits of at most four places, or None."""
        key = self.key(place)
        return int(key) if key.isdecimal() and len(key) <= _LONGEST_NUMBER else None

    def digits(self, place: int) -> int:
        """Return how many digits a word has; 0 for a word of letters."""
        key = self.key(place)
        return len(key) if key.isdecimal() else 0


def read_words(text: str) -> Words:
    """Split a text for the date grammar."""
    parts = (_WORD if _GLUED.search(text) is None else _WORD_OR_GLUED).split(text)
    surfaces = parts[1::2]
    keys = tuple(_remembered(surface) if len(surface) <= _REMEMBERED_LENGTH else _key(surface) for surface in surfaces)
    starts: list[int] = []
    place = 0
    for gap, surface in zip(parts[:-1:2], surfaces, strict=True):
        place += len(gap)
        starts.append(place)
        place += len(surface)
    ends = tuple(start + len(surface) for start, surface in zip(starts, surfaces, strict=True))
    gaps = tuple(_BLANKS.sub("", gap) for gap in parts[::2])
    return Words(text, keys, tuple(starts), ends, gaps)


def _key(surface: str) -> str:
    return _ascii(key_form(surface))


# News repeats its words: without this the keys take a third of the time. A longer surface is no word.
_REMEMBERED_LENGTH: Final = 32
_remembered = lru_cache(maxsize=1 << 15)(_key)


def _ascii(key: str) -> str:
    # Digits of other scripts than Arabic and Persian are numbers for Python, but not for the key form.
    return key if key.isascii() or not key.isdecimal() else str(int(key))


def with_clitics(words: Iterable[str], *, only_and: bool = False) -> dict[str, str]:
    """Return the spellings of date words with proclitics, each pointing to its word.

    Args:
        words: Words in key form.
        only_and: Only و and ف: for words that another clitic would turn into a common one (باب, لماي).
    """
    table: dict[str, str] = {}
    for word in words:
        spellings = ("و" + word, "ف" + word) if only_and else proclitic_forms(word)
        for spelling in spellings:
            table.setdefault(spelling, word)
    return table


def after_clitic(surface: str, key: str, word: str) -> int:
    """Return how many characters of a surface its clitic takes, marks included: 1 for "وأغسطس"."""
    letters = len(key) - len(word)
    if letters <= 0 or not key.endswith(word):
        return 0
    for place in range(len(surface)):
        if len(strip_marks(surface[:place])) >= letters and strip_marks(surface[place]):
            return place
    return 0
