"""Tokens of a text: key, stem and place of every word.

A token is a run of letters and digits with the marks, tatweel and invisible joiners inside it; punctuation splits,
and so does "_" (hashtags). Offsets are positions of code points in the text as given, so every match can be shown there.
"""

import re
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import accumulate
from operator import itemgetter
from typing import Any, Final

import msgspec

from marsad.arabic.keyform import COMBINING, INVISIBLE, key_form, split_key
from marsad.arabic.stem import stem
from marsad.arabic.vocabulary import LONGEST, Numbered, TooMuchError, Vocabulary
from marsad.memo import remembered

# Nearly all words are of these alone, and a few ranges are tested faster than the class of all letters and digits. That
# the pattern begins with a class lets ``re`` pass over what stands between words without trying the whole of it.
_USUAL: Final = "\u0621-\u063a\u0641-\u064a0-9A-Za-z"
# Possessive quantifiers: nothing is tried twice, so the time is linear whatever the text.
_WORD: Final = re.compile(rf"([^\W_][{_USUAL}]*+[^\W_]*+(?:[{COMBINING}{INVISIBLE}]++[^\W_]++)*+[{COMBINING}]*+)")

_NUMBERED = 1 << 16
"""Words that are numbered. When they are in, half of them get new numbers: 30 ms in some 1,800 articles. Of 6.2 million words in
22,010 articles 7 in 100 are worked out anew, and 3.5 if all were kept."""
_GENERATION = 1 << 15
"""Twice as many stems are kept."""
_UNKNOWN: Final = ""
"""No word has an empty stem."""


class _Cache(dict[str, str]):
    """A bounded memo of one function of a word. Full, it becomes the older generation: what is asked for again stays."""

    def __init__(self, function: Callable[[str], str]) -> None:
        super().__init__()
        self._function = function
        self._older: dict[str, str] = {}

    def __missing__(self, word: str) -> str:
        value = self._older.get(word, _UNKNOWN)
        if value == _UNKNOWN:
            value = self._function(word)
        if len(word) <= LONGEST:
            if len(self) >= _GENERATION:
                self._older = dict(self)
                self.clear()
            self[word] = value
        return value


def _single_key(surface: str) -> str | None:
    """Return the key of a surface, or None where it has none or several."""
    key = key_form(surface)
    if key.isalnum():
        return key
    words = split_key(key)
    return words[0] if len(words) == 1 else None


_STEMS: Final = _Cache(stem)


class Tokens(msgspec.Struct, frozen=True, dict=True):
    """The tokens of one text, as parallel tuples.

    Attributes:
        keys: The key form of each token.
        starts: Where each begins in the text.
        ends: Where each ends; ``text[start:end]`` is the surface.
    """

    keys: tuple[str, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.keys)

    @cached_property
    def stems(self) -> tuple[str, ...]:
        """The light stem of each token, for the search sub-field."""
        return tuple(map(_STEMS.__getitem__, self.keys))

    @cached_property
    def numbered(self) -> Numbered:
        """The numbers of the tokens' words."""
        return numbered(self.keys)


_NONE: Final = Tokens((), (), ())


def _vocabulary(older: Vocabulary | None = None) -> Vocabulary:
    # A text that begins before it is full may end after that.
    return Vocabulary(_single_key, _NUMBERED * 5 // 4, older)


_words = _vocabulary()


def numbered(surfaces: Sequence[str]) -> Numbered:
    """Number words: in the vocabulary of all, or where that is not to keep them, in one of their own."""
    global _words  # noqa: PLW0603  # a memo
    words = _words
    if len(words) >= _NUMBERED:
        words = _words = _vocabulary(words)
    try:
        return Numbered(words, _at(words, surfaces))
    except TooMuchError:
        words = Vocabulary(_single_key)
        return Numbered(words, _at(words, surfaces))


def _at(table: list[str] | Vocabulary, places: Sequence[Any]) -> tuple[Any, ...]:
    """Return what stands at some places, in half the time of a ``map``."""
    if len(places) > 1:
        found: tuple[Any, ...] = itemgetter(*places)(table)
        return found
    return tuple(table[place] for place in places)


# Tagging, locating, matching and indexing ask for the tokens of the same title, lead and text one after the other, a
# batch of 32 articles at a time: remembering them saves 1 ms of 8 for each article, for about 5 MB.
@remembered(256, longest=20_000)
def tokenize(text: str) -> Tokens:
    """Split a text into tokens.

    Args:
        text: Any text; lone surrogates and control characters separate words.

    Returns:
        Its tokens in order. A surface whose key has several words (the ligature U+FDFA) gives one token for each, with
        the same offsets; one whose key is empty (tatweel only) gives none.
    """
    # Splitting on a captured word gives separator, word, separator, …; their running lengths are the offsets. All of
    # it runs in C: half as long again as a loop over matches takes.
    parts = _WORD.split(text)
    surfaces = parts[1::2]
    if not surfaces:
        return _NONE
    places = tuple(accumulate(map(len, parts)))
    starts, ends = places[:-1:2], places[1::2]
    words, numbers = known = numbered(surfaces)
    keys = _at(words.keys_of, numbers)
    if not all(keys):
        return _with_ligatures(surfaces, keys, starts, ends)
    tokens = Tokens(keys, starts, ends)
    tokens.__dict__["numbered"] = known
    return tokens


def _with_ligatures(
    surfaces: list[str], keys: tuple[str, ...], starts: tuple[int, ...], ends: tuple[int, ...]
) -> Tokens:
    found: list[tuple[str, int, int]] = []
    for surface, key, start, end in zip(surfaces, keys, starts, ends, strict=True):
        words = (key,) if key else split_key(key_form(surface))
        found.extend((word, start, end) for word in words)
    if not found:
        return _NONE
    all_keys, all_starts, all_ends = zip(*found, strict=True)
    return Tokens(all_keys, all_starts, all_ends)
