"""Terms that set a topic's articles apart from the others, for an analyst to choose from."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import msgspec

from marsad.arabic import stem
from marsad.records import Article
from marsad.taxonomy import CompiledTopics, Taxonomy, Topic, ZoneKind, analyse

__all__ = ["Suggestion", "suggestions"]

_BODY: Final = 150
"""Tokens of the body that are read: what an article is about stands in its beginning."""
_LEAST: Final = 4
"""Articles of the topic in which a term must stand."""
_SHORTEST: Final = 3
_LEAST_RATIO: Final = 3.0
"""How much commoner a term must be in the topic's articles than in the others."""
_SMOOTHING: Final = 0.5

_Term = tuple[str, ...]
"""The stems of one word or of two that follow each other."""


class Suggestion(msgspec.Struct, frozen=True):
    """A term that the topic's rules do not know yet."""

    term: str
    """As it is written most shortly."""
    inside: int
    """The topic's articles that have it."""
    outside: int
    """The other articles that have it."""
    ratio: float
    """How much commoner it is inside."""
    example: str
    """The title of an article that has it."""


def suggestions(topic: Topic, articles: Callable[[], Iterable[Article]], limit: int) -> list[Suggestion]:
    """Return the terms that speak most for a topic, by the likelihood ratio of their counts (Dunning 1993).

    Args:
        topic: whose terms are left out.
        articles: gives the articles, with their topics, each time it is called: twice.
        limit: terms.
    """
    known = CompiledTopics(Taxonomy((topic,), ""))
    inside: Counter[_Term] = Counter()
    written: dict[_Term, str] = {}
    examples: dict[_Term, str] = {}
    ours = 0
    for article in articles():
        if topic.id in {tag.id for tag in article.topics}:
            ours += 1
            for term, surface in _terms(article, known).items():
                inside[term] += 1
                examples.setdefault(term, article.title)
                if len(surface) < len(written.get(term, surface + " ")):
                    written[term] = surface
    wanted = {term for term, count in inside.items() if count >= _LEAST}
    outside: Counter[_Term] = Counter()
    others = 0
    for article in articles():
        if topic.id not in {tag.id for tag in article.topics}:
            others += 1
            outside.update(_terms(article, known).keys() & wanted)
    found = []
    for term in wanted:
        rate = (outside[term] + _SMOOTHING) / (others + 1)
        ratio = inside[term] / ours / rate
        if ratio >= _LEAST_RATIO:
            weight = _likelihood(inside[term], ours, outside[term], others)
            found.append(
                (weight, Suggestion(written[term], inside[term], outside[term], round(ratio, 1), examples[term]))
            )
    best = [suggestion for _, suggestion in sorted(found, key=lambda pair: (-pair[0], pair[1].term))]
    return best[:limit]


def _terms(article: Article, known: CompiledTopics) -> dict[_Term, str]:
    """Return the terms of an article that no rule of the topic finds, with how they are written there."""
    found: dict[_Term, str] = {}
    for zone in analyse(article.title, article.lead, article.text).zones:
        keys = zone.keys[:_BODY] if zone.kind is ZoneKind.BODY else zone.keys
        taken = {at for first, end, _ in known.term_hits(keys) for at in range(first, end)}
        for first, end in _spans(len(keys), taken):
            term = tuple(stem(key) for key in keys[first:end])
            if all(len(key) >= _SHORTEST and not key.isdigit() for key in keys[first:end]):
                start, stop = zone.span(first, end)
                surface = " ".join(zone.source[start:stop].split())
                if term not in found or len(surface) < len(found[term]):
                    found[term] = surface
    return found


def _spans(length: int, taken: set[int]) -> Iterator[tuple[int, int]]:
    for first in range(length):
        if first not in taken:
            yield first, first + 1
            if first + 1 < length and first + 1 not in taken:
                yield first, first + 2


def _likelihood(inside: int, ours: int, outside: int, others: int) -> float:
    """Return twice the logarithm of how much likelier the counts are with two rates than with one."""
    whole = (inside + outside) / (ours + others)

    def log(count: int, size: int, rate: float) -> float:
        part = count * math.log(rate) if count else 0.0
        return part + ((size - count) * math.log(1 - rate) if size > count else 0.0)

    apart = log(inside, ours, inside / ours) + (log(outside, others, outside / others) if others else 0.0)
    return 2 * (apart - log(inside, ours, whole) - log(outside, others, whole))
