"""What an article must have for a query to match: the terms of an index from articles to queries.

A query is read as alternatives, each a set of terms that must all occur and what must hold besides (a negation, a range,
the order of a phrase). The index is a tree over these sets, rarest term first, so that an article meets those queries
only of which it has every term; most of them need no further look.
"""

from collections.abc import Iterable, Iterator
from typing import Final, Generic, Literal, TypeVar

import msgspec

from marsad.arabic.keyform import key_words
from marsad.arabic.stem import stem
from marsad.query.ast import And, Keyword, MatchAll, Node, Or, Phrase, TextScope, Wildcard, Word
from marsad.query.document import MatchDoc
from marsad.query.fields import keyword_key
from marsad.query.predicate import first_forms

__all__ = ["Alternative", "Term", "TermIndex", "alternatives"]

Kind = Literal["keyword", "stem", "key", "prefix"]
Term = tuple[Kind, TextScope, str]
"""A word, or the beginning of one, with where it stands; a keyword with its field, after a colon, before its value."""

_Item = TypeVar("_Item")

#: Letters of a wildcard's beginning that are looked up at most; two are the least that a query must have.
_PREFIX: Final = 4
#: Alternatives into which a conjunction of disjunctions is multiplied out; past it a disjunction is looked at in full.
_MOST_ALTERNATIVES: Final = 16
#: Items of one branch that are gone through; with 4 finding takes as long as with 1, with 8 a fifth longer, and less memory.
_MOST_WAITING: Final = 4

# How often news articles have a value of the field, to tell rare from common; orders of magnitude are enough.
_FIELD_SHARE: Final = {
    "topic": 0.1,
    "country": 0.1,
    "place": 0.02,
    "entity": 0.02,
    "outlet": 0.05,
    "feed": 0.02,
    "lang": 0.9,
    "story": 0.0001,
}
_SHARE_OF_ANY: Final = 0.95
_SHARE_BY_LENGTH: Final = {1: 0.9, 2: 0.3, 3: 0.08, 4: 0.03}
_SHARE_OF_LONGER: Final = 0.015
_SHARE_OF_PREFIX: Final = 0.6
_TITLE_SHARE: Final = 0.1

# Words that a large part of all Arabic news has.
_COMMON_KEYS: Final = key_words(
    "في من على إلى عن أن إن أنه أنها التي الذي هذا هذه ذلك تلك كان كانت قال قالت كما لم لن لا ما مع بعد قبل بين حتى خلال"
    " حول عند منذ أو ثم قد لقد وقد فقد وفي ومن وأن وقال كل بعض غير أكثر عام العام يوم أمس اليوم عبر ضد نحو دون هو هي هم به"
    " له لها فيها الرئيس رئيس الدولة وزير الحكومة"
)
_COMMON: Final = frozenset(_COMMON_KEYS) | frozenset(map(stem, _COMMON_KEYS))
_SHARE_OF_COMMON: Final = 0.5


class Alternative(msgspec.Struct, frozen=True):
    """One way to match: every term occurs, and the rest holds."""

    terms: frozenset[Term]
    rest: tuple[Node, ...] = ()

    def share(self) -> float:
        """The share of articles, roughly, that have its rarest term."""
        return min(map(_share, self.terms), default=1.0)


def alternatives(node: Node) -> tuple[Alternative, ...]:  # noqa: PLR0911  # one for each kind of node
    """What a query asks for, as alternatives: an article matches if and only if one of them does."""
    match node:
        case And():
            return _all_of(node.parts)
        case Or():
            return tuple(dict.fromkeys(each for part in node.parts for each in alternatives(part)))
        case Keyword():
            return (Alternative(frozenset({("keyword", "any", f"{node.field}:{keyword_key(node.value)}")})),)
        case Word():
            return (Alternative(frozenset({("stem", node.scope, node.stem)})),)
        case Wildcard():
            beginning = min(node.pattern.find(wild) for wild in "*?" if wild in node.pattern)
            term: Term = ("prefix", node.scope, node.pattern[: min(beginning, _PREFIX)])
            return (Alternative(frozenset({term}), (node,)),)
        case Phrase(keys=(_,)):
            return tuple(Alternative(frozenset({("key", node.scope, form)})) for form in sorted(first_forms(node)))
        case Phrase():
            return (Alternative(frozenset(("key", node.scope, key) for key in node.keys[1:]), (node,)),)
        case MatchAll():
            return (Alternative(frozenset()),)
    return (Alternative(frozenset(), (node,)),)


def _all_of(parts: Iterable[Node]) -> tuple[Alternative, ...]:
    """Multiply out, the rarest part first, while few alternatives come of it; other disjunctions are looked at in full."""
    options = [(part, alternatives(part)) for part in parts]
    options.sort(key=lambda option: (len(option[1]) > 1, sum(each.share() for each in option[1])))
    found: tuple[Alternative, ...] = (Alternative(frozenset()),)
    for part, choices in options:
        bare = not all(each.terms for each in found)
        if bare or len(choices) == 1 or len(found) * len(choices) <= _MOST_ALTERNATIVES:
            found = tuple(Alternative(a.terms | b.terms, a.rest + b.rest) for a in found for b in choices)
        else:
            found = tuple(Alternative(each.terms, (*each.rest, part)) for each in found)
    return tuple(dict.fromkeys(found))


def _share(term: Term) -> float:
    kind, scope, value = term
    if kind == "keyword":
        field, _, value = value.partition(":")
        return _SHARE_OF_ANY if value == "*" else _FIELD_SHARE[field]
    if kind == "prefix":
        share = _SHARE_OF_PREFIX if len(value) == 2 else _SHARE_BY_LENGTH[2]  # noqa: PLR2004
    elif value in _COMMON:
        share = _SHARE_OF_COMMON
    else:
        share = _SHARE_BY_LENGTH.get(len(value), _SHARE_OF_LONGER)
    return share * _TITLE_SHARE if scope == "title" else share


class _Branch(Generic[_Item]):
    """Where the index stands after some terms: what asks for no more, what asks for a few, and where further terms lead."""

    __slots__ = ("further", "here", "waiting")

    def __init__(self) -> None:
        self.here: list[_Item] | None = None
        self.waiting: list[tuple[tuple[int, ...], _Item]] | None = None
        """Items with the terms that they still ask for, while they are too few to be worth branches."""
        self.further: dict[int, _Branch[_Item]] | None = None


class TermIndex(Generic[_Item]):
    """From the terms of an article to whatever needs no others."""

    def __init__(self) -> None:
        self._root: _Branch[_Item] = _Branch()
        self._root.further = {}
        self._numbers: dict[tuple[Kind, TextScope], dict[str, int]] = {}
        self._next = 0

    def add(self, terms: frozenset[Term], item: _Item) -> None:
        """File an item under all of its terms together."""
        self._file(self._root, self._path(terms), item)

    def remove(self, terms: frozenset[Term], item: _Item) -> None:
        """Take an item out that was filed under just these terms.

        Raises:
            ValueError: it was not.
        """
        branch, numbers = self._root, self._path(terms)
        above = []
        while numbers and branch.further is not None and numbers[0] in branch.further:
            above.append((branch.further, numbers[0]))
            branch, numbers = branch.further[numbers[0]], numbers[1:]
        if numbers:
            waiting = branch.waiting or []
            waiting.remove((numbers, item))
            branch.waiting = waiting or None
        else:
            here = branch.here or []
            here.remove(item)
            branch.here = here or None
        for further, number in reversed(above):
            left = further[number]
            if left.here or left.waiting or left.further:
                break
            del further[number]

    def lookup(self, doc: MatchDoc) -> Iterator[_Item]:
        """Yield the items of which the article has every term; one that is filed several times may come as often."""
        present = self._present(doc)
        branches = [self._root]
        for branch in branches:
            if branch.here is not None:
                yield from branch.here
            if branch.waiting is not None:
                for numbers, item in branch.waiting:
                    if present.issuperset(numbers):
                        yield item
            further = branch.further
            if further is not None:
                branches.extend(map(further.__getitem__, further.keys() & present))

    def _file(self, branch: _Branch[_Item], numbers: tuple[int, ...], item: _Item) -> None:
        while numbers:
            further = branch.further
            if further is None:
                waiting = branch.waiting = branch.waiting or []
                waiting.append((numbers, item))
                if len(waiting) > _MOST_WAITING:
                    branch.waiting, branch.further = None, {}
                    for each in waiting:
                        self._file(branch, *each)
                return
            branch = further.setdefault(numbers[0], _Branch())
            numbers = numbers[1:]
        if branch.here is None:
            branch.here = []
        branch.here.append(item)

    def _path(self, terms: frozenset[Term]) -> tuple[int, ...]:
        return tuple(map(self._number, _rarest_first(terms)))

    def _number(self, term: Term) -> int:
        kind, scope, value = term
        numbers = self._numbers.setdefault((kind, scope), {})
        if value not in numbers:
            numbers[value] = self._next
            self._next += 1
        return numbers[value]

    def _present(self, doc: MatchDoc) -> set[int | None]:
        """The article's terms, as far as anything asks for them; None for the others."""
        found: set[int | None] = set()
        for (kind, scope), numbers in self._numbers.items():
            found.update(map(numbers.get, _values(doc, kind, scope)))
        return found


def _rarest_first(terms: Iterable[Term]) -> list[Term]:
    return sorted(terms, key=lambda term: (_share(term), term))


def _values(doc: MatchDoc, kind: Kind, scope: TextScope) -> Iterable[str]:
    """The article's terms of one kind."""
    if kind == "keyword":
        return (f"{field}:{value}" for field, value in doc.keywords)
    if kind == "stem":
        return doc.stems[scope]
    keys = {key for segment in doc.scoped(scope) for key in segment.positions}
    return keys if kind == "key" else {key[:length] for key in keys for length in range(2, _PREFIX + 1)}
