"""A query as a function of an article in memory: what the other compilers must agree with.

A word matches by stem. A phrase matches words in key form, in order, within one stretch of text; its first word also
with proclitics. ``"…"~n`` allows at most ``n`` other words between its words altogether, in order (Lucene's ordered
span query, not its sloppy phrase, which may also swap them).
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from fnmatch import translate
from math import ceil, floor
from typing import Final

from marsad.arabic.forms import proclitic_forms
from marsad.query.ast import And, Keyword, MatchAll, Node, Not, Or, Phrase, Range, TextScope, Wildcard, Word
from marsad.query.document import MatchDoc, Segment
from marsad.query.fields import keyword_key

__all__ = [
    "Predicate",
    "compile_predicate",
    "first_forms",
    "key_pattern",
    "matches",
    "phrase_places",
    "range_bounds",
    "second_bounds",
]

Predicate = Callable[[MatchDoc], bool]


def matches(node: Node, doc: MatchDoc) -> bool:
    """Whether the article is one that the query means. For many articles, compile once."""
    return compile_predicate(node)(doc)


def compile_predicate(node: Node) -> Predicate:  # noqa: PLR0911  # one for each kind of node
    """The query as a function of an article."""
    match node:
        case And():
            return _every(tuple(_together(node)))
        case Or():
            return _some(tuple(_together(node)))
        case Not():
            inner = compile_predicate(node.part)
            return lambda doc: not inner(doc)
        case MatchAll():
            return lambda doc: True
        case Keyword():
            pair = (node.field, keyword_key(node.value))
            return lambda doc: pair in doc.keywords
        case Range():
            return _range(node)
    return _text(node)


_COSTS: Final = {MatchAll: 0, Range: 1, Keyword: 1, Word: 2, Phrase: 4, Or: 5, And: 5, Wildcard: 6}


def _cost(node: Node) -> int:
    """What it takes to evaluate: the cheap decide first."""
    return _cost(node.part) if isinstance(node, Not) else _COSTS[type(node)]


def _together(node: And | Or) -> Iterator[Predicate]:
    """Yield the parts, the cheap ones first; all keywords, and all words of one scope, are one operation on sets."""
    every = isinstance(node, And)
    pairs = frozenset((part.field, keyword_key(part.value)) for part in node.parts if isinstance(part, Keyword))
    if pairs:
        yield (lambda doc: pairs <= doc.keywords) if every else (lambda doc: not pairs.isdisjoint(doc.keywords))
    words: dict[TextScope, set[str]] = {}
    for part in node.parts:
        if isinstance(part, Word):
            words.setdefault(part.scope, set()).add(part.stem)
    yield from (_words(frozenset(stems), scope, every=every) for scope, stems in words.items())
    rest = (part for part in node.parts if not isinstance(part, Keyword | Word))
    yield from (compile_predicate(part) for part in sorted(rest, key=_cost))


def _words(stems: frozenset[str], scope: TextScope, *, every: bool) -> Predicate:
    if every:
        return lambda doc: stems <= doc.stems[scope]
    return lambda doc: not stems.isdisjoint(doc.stems[scope])


def _every(parts: tuple[Predicate, ...]) -> Predicate:
    if len(parts) == 1:
        return parts[0]

    def every(doc: MatchDoc) -> bool:
        for part in parts:  # noqa: SIM110  # a loop is a third faster than all() over a generator here
            if not part(doc):
                return False
        return True

    return every


def _some(parts: tuple[Predicate, ...]) -> Predicate:
    if len(parts) == 1:
        return parts[0]

    def some(doc: MatchDoc) -> bool:
        for part in parts:  # noqa: SIM110  # as above
            if part(doc):
                return True
        return False

    return some


def range_bounds(node: Range) -> tuple[float | None, float | None]:
    """The bounds as numbers: Unix seconds for ``published``, the score itself for ``score``."""
    low, high = (
        bound if bound is None or isinstance(bound, (int, float)) else bound.timestamp()
        for bound in (node.low, node.high)
    )
    return low, high


def second_bounds(node: Range) -> tuple[int | None, int | None]:
    """The first and the last whole second that a range of ``published`` takes in; None is open."""
    low, high = range_bounds(node)
    first = None if low is None else ceil(low) if node.include_low else floor(low) + 1
    last = None if high is None else floor(high) if node.include_high else ceil(high) - 1
    return first, last


def _range(node: Range) -> Predicate:
    low, high = range_bounds(node)
    with_low, with_high = node.include_low, node.include_high
    published = node.field == "published"

    def within(doc: MatchDoc) -> bool:
        value = doc.published if published else doc.score
        above = low is None or value > low or (with_low and value == low)
        return above and (high is None or value < high or (with_high and value == high))

    return within


def _text(node: Word | Phrase | Wildcard) -> Predicate:
    scope = node.scope
    if isinstance(node, Word):
        stem = node.stem
        return lambda doc: stem in doc.stems[scope]
    if isinstance(node, Wildcard):
        pattern = key_pattern(node.pattern)
        return lambda doc: any(any(map(pattern, segment.positions)) for segment in doc.scoped(scope))
    firsts, rest, slop = first_forms(node), node.keys[1:], node.slop

    def phrase(doc: MatchDoc) -> bool:
        for segment in doc.scoped(scope):  # noqa: SIM110  # as above
            if next(phrase_places(segment, firsts, rest, slop), None) is not None:
                return True
        return False

    return phrase


def first_forms(node: Phrase) -> frozenset[str]:
    """The keys that may stand for the first word of a phrase."""
    return proclitic_forms(node.keys[0])


def key_pattern(pattern: str) -> Callable[[str], object]:
    """A function that tells whether a key fits the pattern, in time linear in the key for each wildcard."""
    # fnmatch writes each star as an atomic group, so that nothing is tried twice; keys and patterns hold no brackets.
    return re.compile(translate(pattern)).match


def phrase_places(
    segment: Segment, firsts: frozenset[str], rest: tuple[str, ...], slop: int
) -> Iterator[tuple[int, int]]:
    """Yield first and last position of each place where a phrase stands.

    From each start the next word is taken where it comes first: any later place would only widen the gap.

    Args:
        segment: where it is looked for.
        firsts: the keys that may stand for its first word.
        rest: the keys of the others, in order.
        slop: how many other words may stand between them altogether.
    """
    positions = segment.positions
    following: list[list[int]] = []
    for key in rest:
        places = positions.get(key)
        if places is None:
            return
        following.append(places)
    # Not ``firsts.isdisjoint(positions)``: that goes through all words of the text.
    for first in positions.keys() & firsts:
        for start in positions[first]:
            last, end = start, start + len(rest) + slop
            for places in following:
                at = bisect_left(places, last + 1)
                if at == len(places) or places[at] > end:
                    break
                last = places[at]
            else:
                yield start, last
