"""What an article must have for a query to match: the terms of an index from articles to queries.

A percolator's idea: of each query a set of terms is kept of which at least one occurs in every article that matches.
A disjunction needs the terms of all its branches; of a conjunction one part is enough, so the rarest is taken; a
negation or a range needs nothing.
"""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from itertools import combinations
from typing import Final, Literal

import msgspec

from marsad.arabic.keyform import key_words
from marsad.arabic.stem import stem
from marsad.query.ast import And, Keyword, Node, Or, Phrase, TextScope, Wildcard, Word
from marsad.query.document import MatchDoc
from marsad.query.fields import keyword_key
from marsad.query.predicate import first_forms

__all__ = ["RequiredTerms", "TermIndex", "required_terms"]

Kind = Literal["keyword", "keywords", "stem", "key", "prefix", "title-stem", "title-key", "title-prefix"]
Value = str | tuple[str, str] | tuple[tuple[str, str], tuple[str, str]]
"""A word or part of it; for a keyword its field and value; for two keywords both, in order."""
RequiredTerms = frozenset[tuple[Kind, Value]]

_IN_TITLE: Final[dict[str, Kind]] = {"stem": "title-stem", "key": "title-key", "prefix": "title-prefix"}

#: Letters of a wildcard's prefix that are looked up; the least that a query must have.
_PREFIX: Final = 2

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
#: A keyword that is rarer needs no second one.
_RARE: Final = 0.01
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


class _Need(msgspec.Struct, frozen=True):
    """A set of terms with the share of articles that have one of them."""

    terms: RequiredTerms
    share: float


def required_terms(node: Node) -> RequiredTerms | None:
    """Terms of which every matching article has at least one; None where an article may match without any."""
    need = _need(node)
    return need.terms if need else None


def _need(node: Node) -> _Need | None:  # noqa: PLR0911  # one for each kind of node
    match node:
        case And():
            needs = [*filter(None, map(_need, node.parts)), *_pair_need(node)]
            return min(needs, key=lambda need: need.share, default=None)
        case Or():
            branches = [_need(part) for part in node.parts]
            known = [need for need in branches if need is not None]
            return _union(known) if len(known) == len(branches) else None
        case Keyword():
            share = _SHARE_OF_ANY if node.value == "*" else _FIELD_SHARE[node.field]
            return _Need(frozenset({("keyword", (node.field, keyword_key(node.value)))}), share)
        case Word():
            return _word_need("stem", node.stem, node)
        case Wildcard():
            return _word_need("prefix", node.pattern[:_PREFIX], node)
        case Phrase():
            first = _union([_word_need("key", form, node) for form in first_forms(node)])
            # Its proclitics make the first word no more frequent than another: its share is that of the bare word.
            options = [
                _Need(first.terms, _share("key", node.keys[0])),
                *(_word_need("key", k, node) for k in node.keys[1:]),
            ]
            return min(options, key=lambda need: need.share)
    return None


def _pair_need(node: And) -> list[_Need]:
    """Two keywords at once, the rarest: a topic and a country are a hundredth of the news, where each alone is a tenth."""
    pairs = {
        (part.field, keyword_key(part.value)) for part in node.parts if isinstance(part, Keyword) and part.value != "*"
    }
    rarest = sorted(pairs, key=lambda pair: (_FIELD_SHARE[pair[0]], pair))[:2]
    if len(rarest) < 2 or _FIELD_SHARE[rarest[0][0]] < _RARE:  # noqa: PLR2004
        return []
    first, second = sorted(rarest)
    share = _FIELD_SHARE[first[0]] * _FIELD_SHARE[second[0]]
    return [_Need(frozenset({("keywords", (first, second))}), share)]


def _union(needs: list[_Need]) -> _Need:
    return _Need(frozenset().union(*(need.terms for need in needs)), sum(need.share for need in needs))


def _word_need(kind: Literal["stem", "key", "prefix"], value: str, node: Word | Phrase | Wildcard) -> _Need:
    if node.scope != "title":
        return _Need(frozenset({(kind, value)}), _share(kind, value))
    return _Need(frozenset({(_IN_TITLE[kind], value)}), _share(kind, value) * _TITLE_SHARE)


def _share(kind: str, value: str) -> float:
    if kind == "prefix":
        return _SHARE_OF_PREFIX
    if value in _COMMON:
        return _SHARE_OF_COMMON
    return _SHARE_BY_LENGTH.get(len(value), _SHARE_OF_LONGER)


class TermIndex:
    """From terms to whatever requires them."""

    def __init__(self) -> None:
        self._entries: dict[Kind, dict[Value, list[str]]] = {}

    def add(self, terms: RequiredTerms, name: str) -> None:
        """File a name under each of its terms."""
        for kind, value in terms:
            self._entries.setdefault(kind, {}).setdefault(value, []).append(name)

    def lookup(self, doc: MatchDoc) -> Iterator[str]:
        """Yield the names that are filed under a term of the article; one may come several times."""
        for kind, entries in self._entries.items():
            for value in entries.keys() & _values(doc, kind):
                yield from entries[value]


def _values(doc: MatchDoc, kind: Kind) -> AbstractSet[Value]:
    """The article's terms of one kind."""
    if kind == "keyword":
        return doc.keywords
    if kind == "keywords":
        return frozenset(combinations(sorted(pair for pair in doc.keywords if pair[1] != "*"), 2))
    scope: TextScope = "title" if kind.startswith("title-") else "any"
    if kind.endswith("stem"):
        return doc.stems[scope]
    keys = {key for segment in doc.scoped(scope) for key in segment.positions}
    return {key[:_PREFIX] for key in keys} if kind.endswith("prefix") else keys
