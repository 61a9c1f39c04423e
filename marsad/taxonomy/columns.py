"""What tables say of the words of texts, read at the numbers of the words."""

from array import array
from collections.abc import Callable, Iterable
from threading import RLock
from typing import Any, TypeAlias

import numpy as np

from marsad.arabic.vocabulary import Vocabulary

__all__ = ["Column", "Numbers"]

Numbers: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"


class _Said:
    """What is said of the words of one vocabulary that were met so far.

    Args:
        words: the vocabulary.
    """

    __slots__ = ("_store", "filled", "values", "words")

    def __init__(self, words: Vocabulary) -> None:
        self.words = words
        # A few are written faster into an array, a whole text is read faster as numpy sees it.
        self._store = array("i", bytes(4 * (words.most or len(words.keys_of))))
        self.values: Numbers = np.frombuffer(self._store, dtype=np.int32)
        self.filled = 0

    def fill(self, look_up: Callable[[list[str]], Iterable[int]]) -> None:
        """Look up what was met since."""
        news = self.words.keys_of[self.filled :]
        if news:  # another thread may have been here
            end = self.filled + len(news)
            self._store[self.filled : end] = array("i", look_up(news))
            self.filled = end

    def take_over(self, older: "_Said") -> None:
        """Take what was said of the words that the older vocabulary had."""
        self.filled = len(self.words.kept)
        self.values[: self.filled] = older.values.take(self.words.kept)


class Column:
    """What a table says of the words of texts.

    Args:
        look_up: the numbers that stand in the table for words in key form; always the same.
    """

    __slots__ = ("_known", "_lock", "_look_up")

    def __init__(self, look_up: Callable[[list[str]], Iterable[int]]) -> None:
        self._look_up = look_up
        self._lock = RLock()
        self._known: tuple[_Said, ...] = ()

    def of(self, words: Vocabulary, numbers: Numbers) -> Numbers:
        """Return what stands in the table for each of some words of a vocabulary."""
        for said in self._known:
            if said.words is words:
                break
        else:
            said = self._begun(words)
        if said.filled < len(words.keys_of):
            with self._lock:
                said.fill(self._look_up)
        found: Numbers = said.values.take(numbers)
        return found

    def _begun(self, words: Vocabulary) -> _Said:
        said = _Said(words)
        if words.most is not None:
            for known in self._known:
                if words.follows(known.words):
                    with self._lock:
                        known.fill(self._look_up)
                    said.take_over(known)
            # Two: texts that were split a moment ago have their numbers from the older vocabulary.
            self._known = (said, *self._known[:1])
        return said
