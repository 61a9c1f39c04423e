"""The window: documents of the last days, how common words are in it, and where each rare word stands."""

import math
from array import array
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Collection
from itertools import repeat
from operator import add, mul
from typing import Final

import numpy as np

from processors.grouping.common import prior_share
from processors.grouping.features import Document, Words

__all__ = ["Window"]

_PRIOR_WEIGHT: Final = 1_000
"""Documents that the prior shares count for: a week of the news of five outlets."""
_KEPT: Final = 48
"""Words of a document that are compared and under which it is found, heaviest first."""
_SCANNED: Final = 1_200
_SCANNED_FOR_WORD: Final = 250
"""Documents looked at for one article and for one word of it, the rarest word first and of each the newest: this keeps
the cost of an article flat however dense the news is. The news of five outlets needs half of it."""
_CANDIDATES: Final = 24
_LEAST_OVERLAP: Final = 0.06
_NOWHERE: Final = repeat(())
_REMEMBERED: Final = 1 << 16


class _Priors(dict[str, float]):
    """The documents that the prior share of a word counts for."""

    def __missing__(self, word: str) -> float:
        if len(self) >= _REMEMBERED:
            self.clear()
        value = self[word] = prior_share(word) * _PRIOR_WEIGHT
        return value


_PRIORS: Final = _Priors()


class Window:
    """Documents in order of arrival; those older than ``seconds`` fall out.

    Args:
        seconds: How long a document stays.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._documents: deque[Document] = deque()
        self._by_number: dict[int, Document] = {}
        self._by_key: dict[str, Document] = {}
        self._postings: dict[str, array[int]] = {}
        self._next = 0
        self._latest = -math.inf

    def __len__(self) -> int:
        return len(self._documents)

    def get(self, key: str) -> Document | None:
        """The document of that article id, if it is in the window."""
        return self._by_key.get(key)

    def reaches(self, document: Document) -> float:
        """How many seconds before a document the window begins."""
        return document.at - self._documents[0].mark if self._documents else 0.0

    def fill(self, document: Document, words: Words) -> dict[str, float]:
        """Weigh an article's words as things stand, and give them to its document.

        Returns:
            The rarity of each word.
        """
        rarities = self.rarities(words.counts)
        weights = {word: (1.0 + math.log(count)) * rarities[word] for word, count in words.counts.items()}
        heaviest = sorted([(-weight, word) for word, weight in weights.items()])[:_KEPT]
        length = math.sqrt(math.fsum(map(mul, weights.values(), weights.values()))) or 1.0
        document.words = tuple([word for _, word in heaviest])
        document.weights = array("d", [-negative / length for negative, _ in heaviest])
        document.title = words.title
        document.title_rarities = array("d", [rarities[word] for word in words.title])
        document.title_weight = math.fsum(document.title_rarities)
        document.lead = words.lead
        document.numbers = words.numbers
        document.shingles = words.shingles
        return rarities

    def rarities(self, words: Collection[str]) -> dict[str, float]:
        """The rarity of words as things stand: the logarithm of how many documents there are for each that has one."""
        log, whole = math.log, math.log(len(self._documents) + _PRIOR_WEIGHT + 1)
        counts = map(add, map(len, map(self._postings.get, words, _NOWHERE)), map(_PRIORS.__getitem__, words))
        # Never below 0: no word is in more documents than there are, nor is any prior share nearly 1.
        return {word: whole - log(count) for word, count in zip(words, counts, strict=False)}

    def candidates(self, document: Document) -> list[Document]:
        """Return the documents that share heavy words with one, most promising first; itself too where it is in the window."""
        found_in = sorted(
            (len(postings), place, weight * weight, postings)
            for place, (word, weight) in enumerate(zip(document.words, document.weights, strict=True))
            if (postings := self._postings.get(word)) is not None
        )
        left, numbers, weights, counts = _SCANNED, bytearray(), [], []
        for length, _, weight, postings in found_in:
            newest = min(length, left, _SCANNED_FOR_WORD)
            numbers += postings[-newest:]
            weights.append(weight)
            counts.append(newest)
            left -= newest
            if not left:
                break
        # Sums in the order of the words, a thousand of them in C: a loop over them took a tenth of an article's time.
        different, places = np.unique(np.frombuffer(numbers, np.uintc), return_inverse=True)
        overlaps = np.bincount(places, np.repeat(weights, counts))
        enough = np.nonzero(overlaps >= _LEAST_OVERLAP)[0]
        found = sorted(zip(overlaps[enough].tolist(), different[enough].tolist(), strict=True), reverse=True)
        return [self._by_number[number] for _, number in found[:_CANDIDATES]]

    def new_document(self, key: str, at: float) -> Document:
        """Make a document numbered after all others; it is not yet in the window."""
        self._latest = max(self._latest, at)
        self._next += 1
        return Document(key, self._next, at, self._latest)

    def add(self, document: Document) -> None:
        """Put a document into the window."""
        self._documents.append(document)
        self._by_number[document.number] = document
        self._by_key[document.key] = document
        self._count(document)

    def replace(self, document: Document, words: Words) -> dict[str, float]:
        """Give a document in the window the words of its new revision; where it stands in time stays.

        Returns:
            The rarity of each word.
        """
        self._uncount(document)
        rarities = self.fill(document, words)
        self._count(document)
        return rarities

    def evict(self, at: float) -> list[Document]:
        """Drop what is too old when an article of that time arrives, and return it."""
        horizon = max(self._latest, at) - self._seconds
        gone: list[Document] = []
        while self._documents and self._documents[0].mark < horizon:
            document = self._documents.popleft()
            gone.append(document)
            self._forget(document)
        return gone

    def _forget(self, document: Document) -> None:
        del self._by_number[document.number]
        if self._by_key.get(document.key) is document:
            del self._by_key[document.key]
        self._uncount(document)

    def _count(self, document: Document) -> None:
        for word in document.words:
            postings = self._postings.get(word)
            if postings is None:
                self._postings[word] = array("I", (document.number,))
            elif postings[-1] < document.number:
                postings.append(document.number)
            else:
                insort(postings, document.number)

    def _uncount(self, document: Document) -> None:
        for word in document.words:
            postings = self._postings[word]
            del postings[bisect_left(postings, document.number)]
            if not postings:
                del self._postings[word]
