"""The learned layer over the rules: how much each topic's score and each word speaks for each topic, as data.

It is linear. A topic is given where the sum of its ``start``, of its weights for what the rules found (squashed, so that
ten hits are not ten times as much as one) and of its weights for the article's words (title before lead before body, rare
words before common ones) is above nought. ``learned.json`` holds nothing else and is written by
``tests/quality/train_topics.py``.
"""

from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from math import tanh
from typing import Any, Final

import msgspec
import numpy as np

from marsad.records import Evidence
from marsad.taxonomy.analysed import AnalysedText, ZoneKind

__all__ = ["Learned", "LearnedLayer", "LearnedTopic", "load_learned", "squashed", "word_counts"]

_ZONE_WEIGHT: Final = {ZoneKind.TITLE: 3, ZoneKind.LEAD: 2, ZoneKind.BODY: 1}
_BODY: Final = 150
"""Tokens of the body whose words count: what an article is about stands in its beginning."""
_SQUASHED_BY: Final = 1.5
_ANSWERED: Final = 12
"""Known words that an article must have; one with fewer is left to the rules."""
_BEST_SCORE: Final = 2.5
"""The learned scores lie between 0 and this, which is no more than the rules' usual span; the threshold is at 1.0."""
_SHOWN: Final = 5
"""Words that are shown as evidence of a topic."""


class LearnedTopic(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was learned of one topic. All weights are natural logarithms of odds."""

    start: float
    rules: dict[str, float]
    """By topic id: the weight of that topic's squashed score by the rules."""
    words: dict[str, float]
    """By stem."""


class Learned(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The learned layer as it is stored."""

    made: str
    """From what, in one sentence."""
    lone: float
    """By how much the best topic may miss where no topic is reached: nearly every article is about something."""
    rarity: dict[str, float]
    """By stem: the logarithm of how many articles there are for one that has it."""
    topics: dict[str, LearnedTopic]


@lru_cache(maxsize=1)
def load_learned() -> Learned:
    """Read the shipped layer, once for all who ask."""
    return msgspec.json.decode((files("marsad.taxonomy") / "learned.json").read_bytes(), type=Learned)


def squashed(score: float) -> float:
    """Return a score of the rules between 0 and 1."""
    return tanh(score / _SQUASHED_BY)


def word_counts(analysed: AnalysedText) -> Counter[str]:
    """Return how often an article says each stem, words of title and lead counted several times."""
    stems: list[str] = []
    for zone in analysed.zones:
        end = min(zone.end, zone.first + _BODY) if zone.kind is ZoneKind.BODY else zone.end
        stems += zone.tokens.stems[zone.first : end] * _ZONE_WEIGHT[zone.kind]
    return Counter(stems)


class LearnedLayer:
    """The learned layer, ready to score.

    Args:
        learned: the weights.
        topics: those that it may decide: the shipped ones whose rules are in force as they were when it was trained.

    Attributes:
        topics: the topics that it decides.
    """

    def __init__(self, learned: Learned, topics: frozenset[str]) -> None:
        self.topics = topics & learned.topics.keys()
        self._ids = sorted(self.topics)
        self._column = {topic: number for number, topic in enumerate(sorted(learned.topics))}
        self._stems = tuple(learned.rarity)
        self._row = {stem: number for number, stem in enumerate(self._stems)}
        self._lone = learned.lone
        decided = [learned.topics[topic] for topic in self._ids]
        self._rarity = np.array(list(learned.rarity.values()))
        self._start = np.array([topic.start for topic in decided])
        # Half the width: a row for each word of the article is fetched from memory.
        self._words = np.zeros((len(self._row), len(decided)), dtype=np.float32)
        self._rules = np.zeros((len(self._column), len(decided)))
        for number, topic in enumerate(decided):
            for stem, weight in topic.words.items():
                self._words[self._row[stem], number] = weight
            for other, weight in topic.rules.items():
                self._rules[self._column[other], number] = weight

    def adjust(self, scores: Mapping[str, float], analysed: AnalysedText) -> dict[str, float]:
        """Return the scores with those of the topics that the layer decides replaced; as they are for a few words."""
        rows, values = self._vector(analysed)
        if len(rows) < _ANSWERED:
            return dict(scores)
        sums = self._start + values.astype(np.float32) @ self._words[rows]
        for topic, score in scores.items():
            column = self._column.get(topic)
            if column is not None:
                sums += squashed(score) * self._rules[column]
        if len(sums) and -self._lone <= sums.max() < 0:
            sums[sums.argmax()] = 0.0
        kept = {topic: score for topic, score in scores.items() if topic not in self.topics}
        # A sum of weights as a score: 1.0 at nought.
        found = _BEST_SCORE / (1 + (_BEST_SCORE - 1) * np.exp(-np.clip(sums, -50, 50)))
        return kept | dict(zip(self._ids, found.tolist(), strict=True))

    def evidence(self, topic: str, analysed: AnalysedText) -> tuple[Evidence, ...]:
        """Return the words that spoke most for a topic, each at its first place, in the order of the text."""
        if topic not in self.topics:
            return ()
        rows, values = self._vector(analysed)
        speaking = values * self._words[rows, self._ids.index(topic)]
        best = sorted(zip((-speaking).tolist(), (self._stems[row] for row in rows), strict=True))[:_SHOWN]
        weights = {stem: round(-minus, 3) for minus, stem in best if minus < 0}
        found: dict[str, Evidence] = {}
        for zone in analysed.zones:
            stems_here = zone.tokens.stems
            for at in range(zone.first, zone.end):
                stem = stems_here[at]
                if stem in weights and stem not in found:
                    span = zone.tokens.starts[at], zone.tokens.ends[at]
                    found[stem] = Evidence(zone.tokens.keys[at], zone.field, *span, weights[stem])
        return tuple(found.values())

    def _vector(self, analysed: AnalysedText) -> tuple[list[int], "np.ndarray[Any, np.dtype[np.float64]]"]:
        """Return the rows of the known words and their values; these have the length one together."""
        known = self._row
        counts = {known[stem]: count for stem, count in word_counts(analysed).items() if stem in known}
        rows = list(counts)
        values = np.log1p(np.array(list(counts.values()), dtype=np.float64)) * self._rarity[rows]
        length = float(np.sqrt(values @ values))
        return rows, values / length if length else values
