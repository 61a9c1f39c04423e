"""What of an article speaks for the match of a query: the words that were asked for, as they stand there.

Words, phrases and wildcards give their places; topics, countries and entities the words that spoke for them. What is
forbidden, and what belongs to a part that does not match as a whole, gives none.
"""

from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Final, Literal
from weakref import WeakValueDictionary

from marsad.query.ast import And, Keyword, Node, Or, Phrase, TextScope, Wildcard, Word
from marsad.query.document import MatchDoc, Segment
from marsad.query.fields import keyword_key
from marsad.query.predicate import Predicate, compile_predicate, first_forms, key_pattern, phrase_places
from marsad.records import Highlight, TextField

__all__ = ["LONGEST", "MOST", "Evidence", "Leaf", "Leaves", "Speaking", "spans", "speaking"]

MOST: Final = 8
"""Words or phrases that are given as evidence at most."""
LONGEST: Final = 120
"""Characters of one at most."""

_FIELDS: Final[tuple[TextField, ...]] = ("title", "lead", "text")

_LeafNode = Word | Phrase | Wildcard | Keyword

_Place = tuple[int, int]
"""Where something begins and ends in title, lead and text, written one after the other."""


class Leaf:
    """A part of a query that asks for words, or for a keyword that words speak for. Compared by identity: see ``Leaves``."""

    __slots__ = ("__weakref__", "node", "single")

    def __init__(self, node: _LeafNode) -> None:
        self.node = node
        self.single = isinstance(node, Word | Wildcard) or (isinstance(node, Phrase) and len(node.keys) == 1)
        """It stands for single words, which overlap with each other only where they are the same."""


class Leaves:
    """The leaves of many queries: those that stand in the same places are one, as long as a query holds it."""

    def __init__(self) -> None:
        self._known: WeakValueDictionary[Hashable, Leaf] = WeakValueDictionary()

    def of(self, node: _LeafNode) -> Leaf:
        """The leaf of a node."""
        key: Hashable = node
        if isinstance(node, Word):
            key = node.scope, node.stem
        elif isinstance(node, Phrase):
            key = node.scope, node.keys, node.slop
        leaf = self._known.get(key)
        if leaf is None:
            leaf = self._known[key] = Leaf(node)
        return leaf


Speaking = tuple[Leaf, ...] | Callable[[MatchDoc], tuple[Leaf, ...]]
"""The leaves that speak for a match; where a conjunction within a disjunction decides which, a function of the article."""


def speaking(node: Node, leaves: Leaves) -> Speaking:
    """The leaves of a query that speak for an article that matches it."""
    match node:
        case Word() | Phrase() | Wildcard() | Keyword():
            return (leaves.of(node),)
        case And() | Or():
            parts = [_part(part, leaves, within=node) for part in node.parts]
        case _:
            return ()
    if all(isinstance(part, tuple) for part in parts):
        return tuple(dict.fromkeys(chain.from_iterable(part for part in parts if isinstance(part, tuple))))
    return lambda doc: tuple(chain.from_iterable(part if isinstance(part, tuple) else part(doc) for part in parts))


def _part(part: Node, leaves: Leaves, *, within: And | Or) -> Speaking:
    """The leaves of a part; that of a conjunction within a disjunction speaks only where it matches as a whole."""
    spoken = speaking(part, leaves)
    return _if_it_holds(compile_predicate(part), spoken) if isinstance(within, Or) and isinstance(part, And) else spoken


def _if_it_holds(holds: Predicate, spoken: Speaking) -> Speaking:
    return lambda doc: (spoken if isinstance(spoken, tuple) else spoken(doc)) if holds(doc) else ()


class Evidence(dict[Leaf, dict[str, int]]):
    """What leaves stand for in one article: by leaf, its words in reading order, each with where it first stands.

    Worked out once for each leaf, for many of the queries that match one article have words in common.

    Args:
        doc: the article.
    """

    def __init__(self, doc: MatchDoc) -> None:
        super().__init__()
        self._doc = doc
        article = doc.article
        self._whole = f"{article.title}\n{article.lead}\n{article.text}"
        lead = len(article.title) + 1
        self._begins = (0, lead, lead + len(article.lead) + 1)
        self._tables: dict[tuple[str, TextScope], dict[str, dict[str, int]]] = {}
        self._places: dict[Leaf, Sequence[_Place]] = {}
        self._covered: dict[Leaf, int] = {}
        """The characters in which a leaf stands, one bit each."""

    def surfaces(self, spoken: Speaking) -> tuple[str, ...]:
        """The words that speak for a match, in reading order, each once, overlaps merged; ``MOST`` of them at most.

        Args:
            spoken: of a query that the article matches.
        """
        leaves = spoken if isinstance(spoken, tuple) else spoken(self._doc)
        standing = [leaf for leaf in leaves if self[leaf]]
        if len(standing) == 1:
            return tuple(self[standing[0]])[:MOST]
        for leaf in standing:
            if not leaf.single:
                if self._overlap(standing):
                    return tuple(self._cut(self._merged(standing), MOST))
                break
        firsts = sorted([(at, word) for leaf in standing for word, at in self[leaf].items()])
        return tuple(dict.fromkeys([word for _, word in firsts]))[:MOST]

    def highlights(self, spoken: Speaking) -> tuple[Highlight, ...]:
        """All places of what speaks for a match, in reading order, overlaps merged."""
        found = list(self._merged(spoken if isinstance(spoken, tuple) else spoken(self._doc)))
        fields = [bisect_right(self._begins, start) - 1 for start, _ in found]
        return tuple(
            Highlight(_FIELDS[field], start - self._begins[field], end - self._begins[field])
            for field, (start, end) in zip(fields, found, strict=True)
        )

    def _overlap(self, leaves: Iterable[Leaf]) -> bool:
        """Whether two of them have a character in common. Most have not, and then their places need no merging."""
        covered = 0
        for leaf in leaves:
            of_it = self._covered.get(leaf)
            if of_it is None:
                of_it = 0
                for start, end in self._places_of(leaf):
                    of_it |= ((1 << (end - start)) - 1) << start
                self._covered[leaf] = of_it
            if covered & of_it:
                return True
            covered |= of_it
        return False

    def _merged(self, leaves: Iterable[Leaf]) -> Iterator[_Place]:
        """Yield the places of leaves in reading order, overlaps merged."""
        begin, last = 0, -1
        for start, end in sorted(chain.from_iterable(map(self._places_of, leaves))):
            if start >= last:
                if last >= 0:
                    yield begin, last
                begin, last = start, end
            elif end > last:
                last = end
        if last >= 0:
            yield begin, last

    def __missing__(self, leaf: Leaf) -> dict[str, int]:
        node = leaf.node
        if isinstance(node, Word):
            found = self._table("stem", node.scope).get(node.stem, {})
        elif isinstance(node, Phrase) and leaf.single:
            table = self._table("key", node.scope)
            forms = first_forms(node) & table.keys()
            found = {word: at for at, word in sorted((at, word) for form in forms for word, at in table[form].items())}
        else:
            found = self._cut(self._merged([leaf]), None)
        self[leaf] = found
        return found

    def _cut(self, places: Iterable[_Place], most: int | None) -> dict[str, int]:
        """The words that stand in places, each with the first."""
        found: dict[str, int] = {}
        for start, end in places:
            found.setdefault(self._whole[start : min(end, start + LONGEST)], start)
            if len(found) == most:
                break
        return found

    def _table(self, kind: Literal["stem", "key"], scope: TextScope) -> dict[str, dict[str, int]]:
        """All words of a scope by stem or key; one pass takes less than looking for those that are asked for."""
        table = self._tables.get((kind, scope))
        if table is None:
            table = self._tables[kind, scope] = {}
            for segment, begin in self._segments(scope):
                tokens, whole = segment.tokens, self._whole
                words = tokens.stems if kind == "stem" else tokens.keys
                for word, start, end in zip(words, tokens.starts, tokens.ends, strict=True):
                    surface = whole[begin + start : begin + min(end, start + LONGEST)]
                    here = table.get(word)
                    if here is None:
                        table[word] = {surface: begin + start}
                    elif surface not in here:
                        here[surface] = begin + start
        return table

    def _segments(self, scope: TextScope) -> Iterator[tuple[Segment, int]]:
        for segment in self._doc.scoped(scope):
            yield segment, self._begins[_FIELDS.index(segment.field)]

    def _places_of(self, leaf: Leaf) -> Sequence[_Place]:
        places = self._places.get(leaf)
        if places is None:
            node = leaf.node
            found = self._said(node) if isinstance(node, Keyword) else self._text_places(node)
            places = self._places[leaf] = sorted(found)
        return places

    def _said(self, node: Keyword) -> Iterator[_Place]:
        for each in self._doc.evidence.get((node.field, keyword_key(node.value)), ()):
            begin = self._begins[_FIELDS.index(each.field)]
            yield begin + each.start, begin + each.end

    def _text_places(self, node: Word | Phrase | Wildcard) -> Iterator[_Place]:
        for segment, begin in self._segments(node.scope):
            starts, ends = segment.tokens.starts, segment.tokens.ends
            for first, last in _token_places(node, segment):
                yield begin + starts[first], begin + ends[last]


def _token_places(node: Word | Phrase | Wildcard, segment: Segment) -> Iterator[tuple[int, int]]:
    """Yield first and last token of each place where the node matches."""
    match node:
        case Word():
            yield from ((at, at) for at in segment.stem_positions.get(node.stem, ()))
        case Wildcard():
            fits = key_pattern(node.pattern)
            for key, places in segment.positions.items():
                if fits(key):
                    yield from ((at, at) for at in places)
        case Phrase():
            yield from phrase_places(segment, first_forms(node), node.keys[1:], node.slop)


def spans(node: Node, doc: MatchDoc) -> tuple[Highlight, ...]:
    """What of the article's text matched, in reading order, overlaps merged; empty where the article does not match.

    Args:
        node: the query.
        doc: the article.
    """
    return Evidence(doc).highlights(speaking(node, Leaves())) if compile_predicate(node)(doc) else ()
