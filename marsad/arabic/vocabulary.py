"""Numbers for the words of texts: what a table says of a word is looked up once, and read at the word's number after that.

A look-up in a table of many megabytes waits for memory, and tagging would look each word up in four of them. Of numbers
the words that come often stand together, and a whole text is read at once.
"""

from array import array
from collections.abc import Callable
from threading import RLock
from typing import Final, NamedTuple
from weakref import ref

__all__ = ["LONGEST", "Numbered", "TooMuchError", "Vocabulary"]

_NO_KEY: Final = ""
"""No word has an empty key."""
LONGEST: Final = 48
"""A longer surface is no word and is not kept."""


class TooMuchError(Exception):
    """A text has words that are not to be kept: too long, or too many."""


class Vocabulary(dict[str, int]):
    """The numbers of words as they are written; a new word gets the next number.

    Args:
        key_of: the key of a word as it is written; nothing where it has none or several.
        most: the words that it takes, none of them long; any, if not given.
        older: the vocabulary in whose place it comes: it begins with the half of its words that were met last.

    Attributes:
        keys_of: the key of each word, by number. Number nought is no word: it stands between the parts of a text.
        met: by number, how many words there were when an article had it last; of those that none had, when it came.
        most: the words that it takes.
        kept: the numbers that the first of its words had in the vocabulary before it.
    """

    __slots__ = ("__weakref__", "_key_of", "_lock", "_older", "kept", "keys_of", "met", "most")

    def __init__(
        self, key_of: Callable[[str], str | None], most: int | None = None, older: "Vocabulary | None" = None
    ) -> None:
        super().__init__({_NO_KEY: 0})
        self._key_of = key_of
        self._lock = RLock()
        self.most = most
        self.keys_of = [_NO_KEY]
        self.met = array("i", bytes(4 * (most or 0)))
        # What nothing reads any more need not stay for its successor's sake.
        self._older = None if older is None else ref(older)
        self.kept = [0]
        if older is not None:
            self._take_over(*older.known())

    def __missing__(self, word: str) -> int:
        if self.most is not None and len(word) > LONGEST:
            raise TooMuchError
        key = self._key_of(word) or _NO_KEY
        with self._lock:  # two threads may meet a word at once
            number = self.get(word)
            if number is None:
                number = len(self.keys_of)
                if number == self.most:
                    raise TooMuchError
                if self.most is not None:
                    self.met[number] = number
                self.keys_of.append(key)
                self[word] = number
            return number

    def follows(self, other: "Vocabulary") -> bool:
        """Whether it came in the place of that one."""
        return self._older is not None and self._older() is other

    def known(self) -> tuple[list[str], list[str], "array[int]"]:
        """Return by number the words, their keys, and when they were met."""
        with self._lock:
            words = list(self)
            return words, list(self.keys_of), self.met[: len(words)]

    def _take_over(self, words: list[str], keys: list[str], met: "array[int]") -> None:
        half = len(words) // 2
        least = sorted(met[1:])[-half] if half else 0
        later = [number for number, when in enumerate(met) if when > least and number]
        same = [number for number, when in enumerate(met) if when == least and number]
        self.kept += sorted(later + same[len(same) - (half - len(later)) :])
        self.keys_of = [keys[number] for number in self.kept]
        self.update({words[number]: at for at, number in enumerate(self.kept)})
        # So these were met before all that come now.
        self.met[: len(self.kept)] = array("i", [met[number] - len(words) for number in self.kept])


class Numbered(NamedTuple):
    """The words of a text by their numbers in a vocabulary, in the order of the text."""

    words: Vocabulary
    numbers: tuple[int, ...]
