"""A query as a function of an article in memory: what the other compilers must agree with.

A word matches by stem. A phrase matches words in key form, in order, within one stretch of text; its first word also
with proclitics. ``"…"~n`` allows at most ``n`` other words between its words altogether, in order (Lucene's ordered
span query, not its sloppy phrase, which may also swap them).
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterator, Sequence
from fnmatch import translate
from itertools import chain
from math import ceil, floor
from typing import Final

from marsad.arabic.forms import proclitic_forms
from marsad.query.ast import And, Keyword, MatchAll, Node, Not, Or, Phrase, Range, TextScope, Wildcard, Word
from marsad.query.document import MatchDoc, Place, Segment
from marsad.query.fields import keyword_key
from marsad.records import Highlight, TextField

__all__ = [
    "Predicate",
    "compile_predicate",
    "compile_surfaces",
    "first_forms",
    "key_pattern",
    "matches",
    "range_bounds",
    "second_bounds",
    "spans",
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
        for segment in doc.scoped(scope):
            if firsts.isdisjoint(segment.positions):
                continue
            if next(_phrases(segment, firsts, rest, slop), None) is not None:
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


def _phrases(segment: Segment, firsts: frozenset[str], rest: tuple[str, ...], slop: int) -> Iterator[tuple[int, int]]:
    """Yield first and last position of each place where the phrase stands.

    From each start the next word is taken where it comes first: any later place would only widen the gap.
    """
    positions = segment.positions
    following = [positions.get(key, []) for key in rest]
    if not all(following):
        return
    for first in firsts:
        for start in positions.get(first, ()):
            last, end = start, start + len(rest) + slop
            for places in following:
                at = bisect_left(places, last + 1)
                if at == len(places) or places[at] > end:
                    break
                last = places[at]
            else:
                yield start, last


def spans(node: Node, doc: MatchDoc, *, matched: bool = False) -> tuple[Highlight, ...]:
    """What of the article's text matched, in reading order, overlaps merged; empty where the article does not match.

    Words, phrases and wildcards give their places, topics, countries and entities the words that spoke for them. What
    is forbidden, and what belongs to a part that does not match as a whole, gives none.

    Args:
        node: the query.
        doc: the article.
        matched: it is known already that the article matches.
    """
    parts = [_places_of(leaf, doc) for leaf in _matched(node, doc, matched=matched)]
    return tuple(Highlight(_FIELDS[field], start, end) for field, start, end in _merged(parts))


def compile_surfaces(node: Node, *, most: int, longest: int) -> Callable[[MatchDoc], tuple[str, ...]]:
    """A function that gives the words of an article that matched, as they stand there in reading order, each once.

    Args:
        node: a query; the function is for articles that match it.
        most: how many words or phrases at most.
        longest: characters of one at most.
    """
    always = _leaves(node)

    def surfaces(doc: MatchDoc) -> tuple[str, ...]:
        texts = (doc.article.title, doc.article.lead, doc.article.text)
        leaves = always if always is not None else [(_key(leaf), leaf) for leaf in _matched(node, doc, matched=True)]
        known = doc.places
        found: dict[str, None] = {}
        for field, start, end in _merged(
            [known[key] if key in known else _places_of(leaf, doc) for key, leaf in leaves]
        ):
            found[texts[field][start : min(end, start + longest)]] = None
            if len(found) == most:
                break
        return tuple(found)

    return surfaces


_FIELDS: Final[tuple[TextField, ...]] = ("title", "lead", "text")
_ORDER: Final = {name: place for place, name in enumerate(_FIELDS)}
_Leaf = Word | Phrase | Wildcard | Keyword


def _merged(parts: Sequence[Sequence[Place]]) -> list[Place]:
    """All places in order, overlaps merged; each part is in order."""
    found = parts[0] if len(parts) == 1 else sorted(chain.from_iterable(parts))
    merged: list[Place] = []
    last_field, last_end = -1, 0
    for each in found:
        field, start, end = each
        if field == last_field and start < last_end:
            if end > last_end:
                merged[-1] = (field, merged[-1][1], end)
                last_end = end
        else:
            merged.append(each)
            last_field, last_end = field, end
    return merged


def _leaves(node: Node) -> tuple[tuple[Hashable, _Leaf], ...] | None:
    """The leaves that speak for a match whichever way it came; None where a conjunction within a disjunction decides."""
    match node:
        case And():
            parts = [_leaves(part) for part in node.parts]
        case Or() if not any(isinstance(part, And) for part in node.parts):
            parts = [_leaves(part) for part in node.parts]
        case Or():
            return None
        case Word() | Phrase() | Wildcard() | Keyword():
            return ((_key(node), node),)
        case _:
            return ()
    found = [part for part in parts if part is not None]
    return tuple(chain.from_iterable(found)) if len(found) == len(parts) else None


def _matched(node: Node, doc: MatchDoc, *, matched: bool) -> Iterator[_Leaf]:
    """Yield the leaves that speak for the match of this article."""
    match node:
        case And() if matched or matches(node, doc):
            for part in node.parts:
                yield from _matched(part, doc, matched=True)
        case Or():
            for part in node.parts:
                yield from _matched(part, doc, matched=False)
        case Word() | Phrase() | Wildcard() | Keyword():
            yield node


def _key(leaf: _Leaf) -> Hashable:
    """What two leaves that stand in the same places have in common."""
    match leaf:
        case Word():
            return leaf.scope, leaf.stem
        case Phrase():
            return leaf.scope, leaf.keys, leaf.slop
    return leaf


def _places_of(leaf: _Leaf, doc: MatchDoc) -> tuple[Place, ...]:
    """Where the leaf stands; worked out once, for many subscriptions to one article have words in common."""
    key = _key(leaf)
    if key not in doc.places:
        if isinstance(leaf, Keyword):
            said = doc.evidence.get((leaf.field, keyword_key(leaf.value)), ())
            found = [(_ORDER[each.field], each.start, each.end) for each in said]
        else:
            found = list(_text_places(leaf, doc))
        doc.places[key] = tuple(sorted(found))
    return doc.places[key]


def _text_places(node: Word | Phrase | Wildcard, doc: MatchDoc) -> Iterator[Place]:
    for segment in doc.scoped(node.scope):
        starts, ends, field = segment.tokens.starts, segment.tokens.ends, _ORDER[segment.field]
        for first, last in _places(node, segment):
            yield field, starts[first], ends[last]


def _places(node: Word | Phrase | Wildcard, segment: Segment) -> Iterator[tuple[int, int]]:
    """Yield first and last position of each place where the node matches."""
    match node:
        case Word():
            yield from ((at, at) for at in segment.stem_positions.get(node.stem, ()))
        case Wildcard():
            fits = key_pattern(node.pattern)
            for key, places in segment.positions.items():
                if fits(key):
                    yield from ((at, at) for at in places)
        case Phrase():
            yield from _phrases(segment, first_forms(node), node.keys[1:], node.slop)
