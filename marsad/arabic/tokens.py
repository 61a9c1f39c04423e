"""Tokens of a text: key, stem and place of every word.

A token is a run of letters and digits with the marks, tatweel and invisible joiners inside it; punctuation splits,
and so does "_" (hashtags). Offsets are positions of code points in the text as given, so every match can be shown there.
"""

import re
from collections.abc import Callable
from functools import cached_property
from itertools import accumulate
from typing import Final

import msgspec

from marsad.arabic.keyform import COMBINING, INVISIBLE, key_form, split_key
from marsad.arabic.stem import stem
from marsad.memo import remembered

# Nearly all words are of these alone, and a few ranges are tested faster than the class of all letters and digits.
_USUAL: Final = "\u0621-\u063a\u0641-\u064a0-9A-Za-z"
# Possessive quantifiers: nothing is tried twice, so the time is linear whatever the text.
_WORD: Final = re.compile(rf"((?:[{_USUAL}]++|[^\W_])++(?:[{COMBINING}{INVISIBLE}]++[^\W_]++)*+[{COMBINING}]*+)")

# Twice as many words are kept: of 5.5 million in 22,010 articles 7.7 in 100 are then worked out anew, and 3.5 if all were
# kept. They are in after some 5,000 articles, so that the memory of a long-lived worker stands soon (some 20 MB a cache).
_GENERATION = 1 << 15
_CACHED_LENGTH = 48
"""A longer surface is no word and is not kept."""
_UNKNOWN: Final = ""
"""No word has an empty key or stem."""


class _Cache(dict[str, str | None]):
    """A bounded memo of one function of a word. Full, it becomes the older generation: what is asked for again stays."""

    def __init__(self, function: Callable[[str], str | None]) -> None:
        super().__init__()
        self._function = function
        self._older: dict[str, str | None] = {}

    def __missing__(self, word: str) -> str | None:
        value = self._older.get(word, _UNKNOWN)
        if value == _UNKNOWN:
            value = self._function(word)
        if len(word) <= _CACHED_LENGTH:
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


_KEYS: Final = _Cache(_single_key)
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
        return tuple(map(_STEMS.__getitem__, self.keys))  # type: ignore[arg-type]  # stem never returns None


_NONE: Final = Tokens((), (), ())


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
    keys = tuple(map(_KEYS.__getitem__, surfaces))
    if not all(keys):
        return _with_ligatures(surfaces, keys, starts, ends)
    return Tokens(keys, starts, ends)  # type: ignore[arg-type]  # None was excluded above


def _with_ligatures(
    surfaces: list[str], keys: tuple[str | None, ...], starts: tuple[int, ...], ends: tuple[int, ...]
) -> Tokens:
    found: list[tuple[str, int, int]] = []
    for surface, key, start, end in zip(surfaces, keys, starts, ends, strict=True):
        words = split_key(key_form(surface)) if key is None else (key,)
        found.extend((word, start, end) for word in words)
    if not found:
        return _NONE
    all_keys, all_starts, all_ends = zip(*found, strict=True)
    return Tokens(all_keys, all_starts, all_ends)
