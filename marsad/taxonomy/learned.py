"""The learned layer over the rules: how much each topic's score and each word speaks for each topic, as data.

A topic is given where a sum is above nought: of its ``start``, of its weights for what the rules found (squashed, so that
ten hits are not ten times as much as one) and of its weights for the article's words (title before lead before body, rare
words before common ones), and of what hidden units say that see all these together. ``learned.json`` holds nothing else
and is written by ``tests/quality/train_topics.py``.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from importlib.resources import files
from itertools import repeat
from math import tanh
from sys import maxsize
from typing import Final, NamedTuple

import msgspec
import numpy as np

from marsad.arabic import stem
from marsad.records import Evidence
from marsad.taxonomy.analysed import AnalysedText, Zone, ZoneKind
from marsad.taxonomy.columns import Column, Numbers
from marsad.taxonomy.hidden import Hidden, HiddenUnits, Lit, with_rules

__all__ = ["Adjusted", "Learned", "LearnedLayer", "LearnedTopic", "load_learned", "squashed", "word_counts"]

_ZONE_WEIGHT: Final = {ZoneKind.TITLE: 3, ZoneKind.LEAD: 2, ZoneKind.BODY: 1}
_COUNTED: Final = {ZoneKind.TITLE: maxsize, ZoneKind.LEAD: maxsize, ZoneKind.BODY: 150}
"""Tokens whose words count: what an article is about stands in the beginning of its body."""
_SQUASHED_BY: Final = 1.5
_ANSWERED: Final = 12
"""Known words that an article must have; one with fewer is left to the rules."""
_BEST_SCORE: Final = 2.5
"""The learned scores lie between 0 and this, which is no more than the rules' usual span; the threshold is at 1.0."""
_SHOWN: Final = 5
"""Words that are shown as evidence of a topic."""
_UNKNOWN: Final = -1


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
    rules: str
    """``rules_digest`` of the topics over whose scores it was fitted."""
    lone: float
    """By how much the best topic may miss where no topic is reached: nearly every article is about something."""
    rarity: dict[str, float]
    """By stem: the logarithm of how many articles there are for one that has it."""
    topics: dict[str, LearnedTopic]
    hidden: HiddenUnits | None = None
    """What words mean together; without it each word has its weight alone."""


@lru_cache(maxsize=1)
def load_learned() -> Learned:
    """Read the shipped layer, once for all who ask."""
    return msgspec.json.decode((files("marsad.taxonomy") / "learned.json").read_bytes(), type=Learned)


def squashed(score: float) -> float:
    """Return a score of the rules between 0 and 1."""
    return tanh(score / _SQUASHED_BY)


def word_counts(analysed: AnalysedText) -> Counter[str]:
    """Return how often an article says each stem, words of title and lead counted several times."""
    counted = ((zone, zone.keys[: _COUNTED[zone.kind]]) for zone in analysed.zones)
    return Counter([stem(key) for zone, keys in counted for key in keys * _ZONE_WEIGHT[zone.kind]])


class Adjusted(NamedTuple):
    """What a layer makes of one article."""

    scores: Mapping[str, float]
    """By topic id; 1.0 is the threshold."""
    evidence: Callable[[str], tuple[Evidence, ...]]
    """The words that spoke for a topic which the layer decided."""


class _Read(NamedTuple):
    """An article as the layer reads it."""

    zones: tuple[Zone, ...]
    by_zone: list[list[int]]
    """For each zone the rows of the words that count, -1 for those that are not known."""
    rows: Numbers
    """Those of the known words, each once."""
    values: Numbers
    """What each counts; these have the length one together."""

    def place(self, row: int) -> tuple[int, int]:
        """Return where a word first stands: in which zone, and there at which token."""
        return next((number, rows.index(row)) for number, rows in enumerate(self.by_zone) if row in rows)


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
        row_of = {word: row for row, word in enumerate(self._stems)}
        self._rows_of = Column(lambda words: map(row_of.get, map(stem, words), repeat(_UNKNOWN)))
        self._lone = learned.lone
        decided = [learned.topics[topic] for topic in self._ids]
        self._rarity = np.array(list(learned.rarity.values()))
        self._start = np.array([topic.start for topic in decided])
        # Half the width: a row for each word of the article is fetched from memory.
        self._words = np.zeros((len(row_of), len(decided)), dtype=np.float32)
        self._rules = np.zeros((len(self._column), len(decided)))
        for number, topic in enumerate(decided):
            for word, weight in topic.words.items():
                self._words[row_of[word], number] = weight
            for other, weight in topic.rules.items():
                self._rules[self._column[other], number] = weight
        hidden = learned.hidden
        self._hidden = None if hidden is None else Hidden(hidden, self._stems, tuple(self._column), self._ids)

    def adjust(self, scores: Mapping[str, float], analysed: AnalysedText) -> Adjusted:
        """Return the scores with those of the topics that the layer decides replaced; as they are for a few words."""
        article = self._read(analysed)
        by_rule = {self._column[topic]: squashed(score) for topic, score in scores.items() if topic in self._column}
        lit = None if self._hidden is None else self._hidden.read(article.rows, article.values, by_rule)
        evidence = partial(self._evidence, article, lit)
        if len(article.rows) < _ANSWERED:
            return Adjusted(scores, evidence)
        sums = self._start + article.values.astype(np.float32) @ self._words.take(article.rows, axis=0)
        sums = with_rules(sums, self._rules, by_rule)
        if lit is not None:
            sums += lit.sums()
        if len(sums) and -self._lone <= sums.max() < 0:
            sums[sums.argmax()] = 0.0
        kept = {topic: score for topic, score in scores.items() if topic not in self.topics}
        # A sum of weights as a score: 1.0 at nought.
        found = _BEST_SCORE / (1 + (_BEST_SCORE - 1) * np.exp(-sums.clip(-50, 50)))
        return Adjusted(kept | dict(zip(self._ids, found.tolist(), strict=True)), evidence)

    def _evidence(self, article: _Read, lit: Lit | None, topic: str) -> tuple[Evidence, ...]:
        """Return the words that spoke most for a topic, each at its first place, in the order of the text."""
        if topic not in self.topics:
            return ()
        number = self._ids.index(topic)
        speaking = article.values * self._words[article.rows, number]
        if lit is not None:
            speaking = speaking + lit.said(number)
        places = sorted((*article.place(row), round(weight, 3)) for weight, row in self._best(article.rows, speaking))
        return tuple(_evidence(article.zones[number], at, weight) for number, at, weight in places)

    def _best(self, rows: Numbers, speaking: Numbers) -> list[tuple[float, int]]:
        """Return those of an article's words that speak most for a topic, and how much; of equal ones the first by stem."""
        least = np.partition(speaking, -_SHOWN)[-_SHOWN] if len(speaking) > _SHOWN else 0.0
        likely = np.flatnonzero((speaking >= least) & (speaking > 0))
        found = zip(speaking[likely].tolist(), rows[likely].tolist(), strict=True)
        return sorted(found, key=lambda word: (-word[0], self._stems[word[1]]))[:_SHOWN]

    def _read(self, analysed: AnalysedText) -> _Read:
        known = self._rows_of.of(*analysed.numbered).tolist()
        by_zone: list[list[int]] = []
        weighed: list[int] = []
        for zone, begin in zip(analysed.zones, analysed.begins, strict=True):
            here = known[begin : begin + min(zone.end - zone.first, _COUNTED[zone.kind])]
            by_zone.append(here)
            weighed += here * _ZONE_WEIGHT[zone.kind]
        counts = Counter(weighed)
        counts.pop(_UNKNOWN, None)
        rows = np.array(list(counts), dtype=np.intp)
        values = np.log1p(np.array(list(counts.values()), dtype=np.float64)) * self._rarity.take(rows)
        length = float(np.sqrt(values @ values))
        return _Read(analysed.zones, by_zone, rows, values / length if length else values)


def _evidence(zone: Zone, at: int, weight: float) -> Evidence:
    start, end = zone.span(at, at + 1)
    return Evidence(zone.keys[at], zone.field, start, end, weight)
