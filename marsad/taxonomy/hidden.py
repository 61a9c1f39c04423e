"""Units between an article's words and its topics: what words mean together, where a sum over them cannot say it.

Each unit is a sum over the article's words and over what the rules found, and counts where it is above nought. So what a
word says for a topic depends on the words beside it, and for a given article every topic is again a sum over its words:
these are shown as evidence.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np

from marsad.taxonomy.columns import Numbers

__all__ = ["Hidden", "HiddenUnits", "packed", "with_rules"]

_WEIGHTS: Final = "<f2"
"""Weights that are few: half precision, little-endian."""
_STEPS: Final = "i1"
"""Weights of words: whole steps from -127 to 127. Units have no size of their own, so that every unit's step can be one."""


class HiddenUnits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The units as they are stored."""

    start: bytes
    """What each unit begins with, two bytes each."""
    rules: dict[str, bytes]
    """By topic id: what its squashed score by the rules adds to each unit, two bytes each."""
    words: dict[str, bytes]
    """By stem: what the word adds to each unit, one byte each."""
    topics: dict[str, bytes]
    """By topic id: the weight of each unit, two bytes each."""


def packed(weights: Numbers, *, words: bool = False) -> bytes:
    """Return weights as they are stored; those of words are whole numbers already."""
    return weights.astype(_STEPS if words else _WEIGHTS).tobytes()


class Hidden:
    """The units, ready to score.

    Args:
        stored: the weights.
        stems: the known words, in the order of their rows.
        topics: whose scores by the rules are known, in the order of their columns.
        decided: the topics that are scored.
    """

    def __init__(
        self, stored: HiddenUnits, stems: Sequence[str], topics: Sequence[str], decided: Sequence[str]
    ) -> None:
        self._start = _read(stored.start)
        size = len(self._start)
        nothing = bytes(size)
        rows = b"".join(stored.words.get(stem, nothing) for stem in stems)
        # A byte each until an article has the word: a quarter of the memory, and of what is fetched from it.
        self._words = np.frombuffer(rows, dtype=_STEPS).reshape(len(stems), size)
        self._rules = np.array([_read(stored.rules[topic]) for topic in topics]).reshape(len(topics), size)
        weights = [_read(stored.topics[topic]) for topic in decided]
        self._topics = np.array(weights, dtype=np.float32).reshape(len(decided), size).T

    def read(self, rows: Numbers, values: Numbers, scores: Mapping[int, float]) -> "Lit":
        """Return what the units make of an article.

        Args:
            rows: of the article's known words.
            values: what each word counts.
            scores: by column, the squashed scores by the rules.
        """
        words = self._words.take(rows, axis=0).astype(np.float32)
        units = with_rules(self._start + values.astype(np.float32) @ words, self._rules, scores)
        return Lit(units, words, values, self._topics)


class Lit:
    """The units for one article.

    Args:
        units: the sum of each.
        words: what each word of the article adds to it.
        values: what each word counts.
        topics: the weights of the units for the decided topics.
    """

    def __init__(self, units: Numbers, words: Numbers, values: Numbers, topics: Numbers) -> None:
        self._units = units
        self._words = words
        self._values = values
        self._topics = topics

    def sums(self) -> Numbers:
        """Return what the units add to the sum of each decided topic."""
        found: Numbers = np.maximum(self._units, 0) @ self._topics
        return found

    def said(self, topic: int) -> Numbers:
        """Return what each word adds to the sum of one decided topic, the units above nought being what they are."""
        found: Numbers = self._values * (self._words @ np.where(self._units > 0, self._topics[:, topic], 0))
        return found


def with_rules(sums: Numbers, weights: Numbers, scores: Mapping[int, float]) -> Numbers:
    """Return sums to which each row of weights is added, times its score, one after the other: so they are rounded."""
    if not scores:
        return sums
    rows = np.empty((len(scores) + 1, len(sums)), dtype=sums.dtype)
    rows[0] = sums
    factors = np.array(list(scores.values()), dtype=sums.dtype)
    np.multiply(weights.take(list(scores), axis=0), factors[:, None], out=rows[1:])
    found: Numbers = np.add.reduce(rows, axis=0)
    return found


def _read(stored: bytes) -> Numbers:
    return np.frombuffer(stored, dtype=_WEIGHTS).astype(np.float32)
