"""The judgement of a pair: is one a copy of the other, do they report one event.

Both are logistic models over a few measures that mean the same in any window. Weights were fitted on labelled pairs of
Arabic news (``tests/quality/eval_groups.py`` measures them on others).
"""

from collections.abc import Sequence
from functools import cached_property
from itertools import compress
from math import exp, fsum, log, log1p
from operator import mul
from typing import Final

import msgspec

from processors.grouping.features import Document, Setting

__all__ = ["Comparer", "Likeness", "copy_odds", "copy_terms", "event_odds", "event_terms", "told_before"]

_DAY: Final = 86_400.0
_LIKE: Final = 0.2
"""Cosine from which two texts may be copies, so that their shingles are compared."""


_LEAST_CONTAINED: Final = 0.3
_CERTAIN: Final = 99.0
_MOST_DAYS: Final = 3.0
"""Days after which it makes no further difference how many they are: the labelled pairs end there."""
_NO_COSINE: Final = 0.02
_MOST_COSINE: Final = 0.25
"""Cosine from which words that are more alike say nothing more: bulletins of one form are as alike as reports of one event."""
_LOG_NO_COSINE: Final = log(_NO_COSINE)
_COPY_BASE: Final = -8.7
_COPY_WEIGHTS: Final = {
    "shared-text": 6.6,
    "words": 4.8,
    "text-in-common": 5.2,
    "numbers": 1.7,
    "same-outlet": -1.9,
    "days": -0.9,
}
_EVENT_BASE: Final = -11.58
_EVENT_WEIGHTS: Final = {
    "words": 1.95,
    "titles": 2.3,
    "rare-words": 1.55,
    "numbers": 0.95,
    "acting-countries": 1.8,
    "no-country-in-common": -1.5,
    "no-town-in-common": -1.25,
    "same-outlet": -1.25,
    "days": -1.75,
    "comment": -2.0,
    "told-before": -0.16,
    "alike-in-an-affair": -0.09,
}
_ALIKE_WEIGHTS: Final = tuple(_EVENT_WEIGHTS.values())[:5]
"""Of the signs that tell what the two have in common: the first ones."""
_EVEN: Final = 14.0
"""What those weigh together where it is even whether two articles report one event."""
_USUAL_BEFORE: Final = 2.25
"""Half the mean of ``before`` over pairs that may be one event: there each sign has the weight above."""
_BEFORE: Final = 2 * _DAY
"""Seconds after which what is told anew of an event is mostly another event of its affair."""
_KNOWN: Final = 2.5 * _DAY
"""Seconds of news before an article without which it is not known whether the like was told before."""
_UNKNOWN_BEFORE: Final = 3.5
_UNKNOWN_ACTORS: Final = 0.6
_UNKNOWN_OUTLET: Final = 0.4


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
    apart: float
    """Whether both name countries and none in common, as 0 or 1."""
    actors: float
    """Share of the countries acting in either that act in both."""
    places: float
    """Whether both name towns and none in common, as 0 or 1."""
    outlet: float
    """Whether one outlet published both, as 0 or 1: it tells an event once, and what it writes next is mostly the next event."""
    comment: float
    """Whether one of them, and only one, comments on events and reports none, as 0 or 1."""
    before: float
    """How much both are like what was told two days before them, see ``told_before``; the sum."""
    affair: float
    """How much more that is than usual; 0 for one of which it is not known."""


class Comparer:
    """Compares one article with others.

    Args:
        document: The article.
        rarities: The rarity of each word of its title and lead in the present window.
    """

    def __init__(self, document: Document, rarities: dict[str, float]) -> None:
        self._document = document
        self._squares = {word: rarities[word] ** 2 for word in document.lead}
        self._weights = dict(zip(document.words, document.weights, strict=True))
        self._title = dict(zip(document.title, document.title_rarities, strict=True))
        self._lead = frozenset(document.lead)
        self._numbers = frozenset(document.numbers)
        self._cosines: dict[int, float] = {}

    def only_of_its_outlet(self, others: Sequence[Document]) -> bool:
        """Whether the outlet of the article published all of the others."""
        outlet = self._document.setting.outlet
        return bool(outlet) and all(other.setting.outlet == outlet for other in others)

    def seconds_after(self, other: Document) -> float:
        """How long after another article it was published; negative before it."""
        return self._document.at - other.at

    def may_copy(self, other: Document) -> bool:
        """Whether the words near the beginning are so alike that the texts need to be compared."""
        return self._cosine(other) >= _LIKE

    def compare(self, other: Document, *, texts: bool = True) -> Likeness:
        """Measure how alike the article and another are. All sums are exact, so their order does not matter.

        Args:
            other: another article.
            texts: whether the text in common is measured, which says nothing of an event.
        """
        cosine = self._cosine(other)
        contained = jaccard = 0.0
        if texts and cosine >= _LIKE and self._document.shingles and other.shingles:
            both = len(self._shingles.intersection(other.shingles))
            contained = both / min(len(self._shingles), len(other.shingles))
            jaccard = both / (len(self._shingles) + len(other.shingles) - both)
        actors, apart, places, outlet, comment = _compare_settings(self._document.setting, other.setting)
        before = affair = 0.0
        for each in (self._document.before, other.before):
            before += _UNKNOWN_BEFORE if each is None else each
            affair += 0.0 if each is None else each - _USUAL_BEFORE
        return Likeness(
            cosine,
            (self._held_by(other) + self._holds(other)) / 2,
            log1p(fsum(map(self._squares.__getitem__, self._lead.intersection(other.lead)))),
            abs(self._document.at - other.at) / _DAY,
            contained,
            jaccard,
            self._agreement(other),
            apart,
            actors,
            places,
            outlet,
            comment,
            before,
            affair,
        )

    @cached_property
    def _shingles(self) -> frozenset[int]:
        return frozenset(self._document.shingles)

    def _cosine(self, other: Document) -> float:
        cosine = self._cosines.get(other.number)
        if cosine is None:
            weights = self._weights
            # Few words are shared: this takes half of what the products of all of them take.
            cosine = fsum(
                [weights[word] * other.weights[place] for place, word in enumerate(other.words) if word in weights]
            )
            self._cosines[other.number] = cosine
        return cosine

    def _held_by(self, other: Document) -> float:
        """The share of the title's weight whose words are among the other's heaviest."""
        if not self._document.title_weight:
            return 0.0
        return fsum(map(self._title.__getitem__, self._title.keys() & other.words)) / self._document.title_weight

    def _holds(self, other: Document) -> float:
        """The share of the other title's weight whose words are among the heaviest here."""
        if not other.title_weight:
            return 0.0
        return fsum(compress(other.title_rarities, map(self._weights.__contains__, other.title))) / other.title_weight

    def _agreement(self, other: Document) -> float:
        fewer = min(len(self._numbers), len(other.numbers))
        return len(self._numbers.intersection(other.numbers)) / fewer if fewer else 1.0


def _compare_settings(one: Setting, other: Setting) -> tuple[float, float, float, float, float]:
    """Acting countries, countries, places, outlet and comment."""
    actors = _UNKNOWN_ACTORS
    if one.actors and other.actors:
        both = len(one.actors & other.actors)
        actors = both / (len(one.actors) + len(other.actors) - both)
    return (
        actors,
        float(_disjoint(one.countries, other.countries)),
        float(_disjoint(one.places, other.places)),
        float(one.outlet == other.outlet) if one.outlet and other.outlet else _UNKNOWN_OUTLET,
        float(one.comment != other.comment),
    )


def _disjoint(one: frozenset[str], other: frozenset[str]) -> bool:
    return bool(one) and bool(other) and one.isdisjoint(other)


def copy_odds(likeness: Likeness) -> float:
    """Log odds that one is a copy of the other: re-published, re-headlined, cut or extended.

    Shared text alone does not make a copy: a new event is often told above the old text, so the beginnings must be alike
    and the numbers the same (weather bulletins, market closings); what comes days later, or from the same outlet, is rarely a copy.
    """
    if likeness.contained < _LEAST_CONTAINED:
        return -_CERTAIN
    return _COPY_BASE + fsum(map(mul, _COPY_WEIGHTS.values(), _copy_signs(likeness)))


def event_odds(likeness: Likeness) -> float:
    """Log odds that both report one event or its direct continuation."""
    return _EVENT_BASE + fsum(map(mul, _EVENT_WEIGHTS.values(), _event_signs(likeness)))


def told_before(comparer: Comparer, candidates: Sequence[Document], known: float) -> float | None:
    """How much an article is like what was told at least two days before it: 0 for news, some 4 in an affair that runs on.

    Two articles of a running affair are alike by what belongs to the affair, so that their likeness says less of one event
    than it does where nothing of the kind was told before. None where too little is known to say.

    Args:
        comparer: of the article.
        candidates: most promising first. The first that is old enough is looked at, as if it came from elsewhere and now.
        known: seconds before the article from which on articles are known.
    """
    if known < _KNOWN:
        return None
    old = next((other for other in candidates if comparer.seconds_after(other) > _BEFORE), None)
    if old is None:
        return 0.0
    likeness = msgspec.structs.replace(comparer.compare(old, texts=False), days=0.0, outlet=0.0)
    return log1p(exp(_EVENT_BASE + fsum(map(mul, _EVENT_WEIGHTS.values(), _signs_of_two(likeness)))))


def copy_terms(likeness: Likeness) -> dict[str, float]:
    """What each sign adds to the log odds of a copy; with ``base`` they make ``copy_odds`` where text is shared at all."""
    weighed = map(mul, _COPY_WEIGHTS.values(), _copy_signs(likeness))
    return {"base": _COPY_BASE, **dict(zip(_COPY_WEIGHTS, weighed, strict=True))}


def event_terms(likeness: Likeness) -> dict[str, float]:
    """What each sign adds to the log odds of one event; with ``base`` they make ``event_odds``."""
    weighed = map(mul, _EVENT_WEIGHTS.values(), _event_signs(likeness))
    return {"base": _EVENT_BASE, **dict(zip(_EVENT_WEIGHTS, weighed, strict=True))}


def _copy_signs(likeness: Likeness) -> tuple[float, ...]:
    return (
        likeness.contained,
        likeness.cosine,
        likeness.jaccard,
        likeness.numbers,
        likeness.outlet,
        min(likeness.days, _MOST_DAYS),
    )


def _event_signs(likeness: Likeness) -> tuple[float, ...]:
    signs = _signs_of_two(likeness)
    # In an affair that runs on, two events are alike as well: what they have in common says less there, and more where
    # nothing of the kind was told.
    alike = fsum(map(mul, _ALIKE_WEIGHTS, signs))
    return (*signs, likeness.before, (alike - _EVEN) * likeness.affair)


def _signs_of_two(likeness: Likeness) -> tuple[float, ...]:
    """The signs that do not ask what was told before them."""
    return (
        log(min(likeness.cosine, _MOST_COSINE) + _NO_COSINE) - _LOG_NO_COSINE,
        likeness.title,
        likeness.rare,
        likeness.numbers,
        likeness.actors,
        likeness.apart,
        likeness.places,
        likeness.outlet,
        min(likeness.days, _MOST_DAYS),
        likeness.comment,
    )
