"""The judgement of a pair: is one a copy of the other, do they report one event.

Both are logistic models over a few measures that mean the same in any window. Weights were fitted on labelled pairs of
Arabic news (``tests/quality/eval_groups.py`` measures them on others).
"""

import math
from collections.abc import Callable
from typing import Final

import msgspec

from processors.grouping.features import Document

__all__ = ["Likeness", "compare", "copy_odds", "event_odds"]

_DAY: Final = 86_400.0


class Likeness(msgspec.Struct, frozen=True):
    """How alike two documents are."""

    cosine: float
    """Of the weighted words near the beginning."""
    title: float
    """Share of the weight of each title that stands in the other's beginning, both ways, mean."""
    rare: float
    """Logarithm of the squared weights of the words that title and lead share."""
    days: float
    """Between the two."""
    contained: float
    """Share of the shorter text's shingles that the longer one has."""
    jaccard: float
    """Share of all their shingles that both have."""
    numbers: float
    """Share of the numbers of the one with fewer that the other has; 1 where there are none."""


def compare(one: Document, other: Document, rarity: Callable[[str], float]) -> Likeness:
    """Measure how alike two documents are.

    Args:
        one: A document.
        other: Another one.
        rarity: The weight of a word in the present window.
    """
    vector, theirs = one.vector, other.vector
    if len(vector) > len(theirs):
        vector, theirs = theirs, vector
    cosine = sum(weight * theirs[word] for word, weight in vector.items() if word in theirs)
    shared = set(one.lead).intersection(other.lead)
    rare = sum(rarity(word) ** 2 for word in one.lead if word in shared)
    mine = set(one.shingles)
    both = len(mine.intersection(other.shingles))
    least = min(len(mine), len(other.shingles))
    total = len(mine) + len(other.shingles) - both
    return Likeness(
        cosine=cosine,
        title=(_held(one.title, other.vector, rarity) + _held(other.title, one.vector, rarity)) / 2,
        rare=math.log1p(rare),
        days=abs(one.at - other.at) / _DAY,
        contained=both / least if least else 0.0,
        jaccard=both / total if total else 0.0,
        numbers=_agreement(one.numbers, other.numbers),
    )


def _held(title: tuple[str, ...], vector: dict[str, float], rarity: Callable[[str], float]) -> float:
    held = whole = 0.0
    for word in title:
        weight = rarity(word)
        whole += weight
        if word in vector:
            held += weight
    return held / whole if whole else 0.0


def _agreement(one: frozenset[str], other: frozenset[str]) -> float:
    fewer = min(len(one), len(other))
    return len(one & other) / fewer if fewer else 1.0


def copy_odds(likeness: Likeness) -> float:
    """Log odds that one is a copy of the other."""
    return -10.4 + 8.0 * likeness.contained + 8.0 * likeness.cosine + 2.0 * likeness.jaccard


def event_odds(likeness: Likeness) -> float:
    """Log odds that both report one event."""
    days = min(likeness.days, 3.0)
    return -6.6 + 0.5 * likeness.cosine + 4.5 * likeness.title + 1.4 * likeness.rare - 1.9 * days
