"""Queries in Elasticsearch's own language, meaning what ``marsad.query.compile_predicate`` means.

Nothing is analysed again on the way: terms are the stems and key forms that the tree holds. Words, phrases and
wildcards rank, keywords and ranges only filter. A word counts by its stem, a little more in the very form that was written, and
more where words of the query stand side by side.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from marsad.query.ast import And, Keyword, MatchAll, Node, Not, Or, Phrase, Range, TextScope, Wildcard, Word
from marsad.query.document import order_range
from marsad.query.fields import keyword_key
from marsad.query.nearby import KEY_WEIGHT, PAIR_WEIGHT, exact_key, neighbours
from marsad.query.predicate import first_forms, range_bounds, second_bounds
from sinks.index.document import tag
from sinks.index.nesting import shallow

__all__ = ["Dsl", "compile_query", "ranks"]

Dsl = dict[str, Any]

# Of the 30 levels that the server takes, a phrase needs four and the request around the query two.
_LEVELS: Final = 20
_FIELDS: Final[dict[TextScope, tuple[str, ...]]] = {
    "any": ("title", "text"),
    "title": ("title",),
    "text": ("text",),
}


def compile_query(node: Node) -> Dsl:
    """Compile a query.

    Args:
        node: as ``marsad.query.parse`` gives it, or made by hand.
    """
    compiled = _compile(shallow(node, _LEVELS))
    pairs = [_pair(first, second) for first, second in neighbours(node)]
    return {"bool": {"must": [compiled], "should": pairs}} if pairs else compiled


def ranks(node: Node) -> bool:
    """Whether the query holds anything that makes one match better than another."""
    match node:
        case And() | Or():
            return any(map(ranks, node.parts))
        case Word() | Phrase() | Wildcard():
            return True
    return False


def _compile(node: Node) -> Dsl:  # noqa: PLR0911  # one for each kind of node
    match node:
        case And():
            return _all_of(node.parts)
        case Or():
            return {"bool": {"should": [_compile(part) for part in node.parts], "minimum_should_match": 1}}
        case Not():
            return _all_of((node,))
        case Word():
            return _in_fields(node.scope, node.boost, lambda field, boost: _word(node, field, boost))
        case Phrase():
            return _in_fields(node.scope, node.boost, lambda field, boost: _phrase(node, field, boost))
        case Wildcard():
            return _in_fields(node.scope, 1.0, lambda field, boost: _wildcard(node.pattern, field, boost))
    return {"bool": {"filter": [_filter(node)]}}


def _all_of(parts: Sequence[Node]) -> Dsl:
    """What must match, and rank; what only filters; what must not match."""
    clauses: dict[str, list[Dsl]] = {"must": [], "filter": [], "must_not": []}
    for part in parts:
        match part:
            case Not():
                inner = part.part
                clauses["must_not"].append(
                    _filter(inner) if isinstance(inner, Keyword | Range | MatchAll) else _compile(inner)
                )
            case Keyword() | Range() | MatchAll():
                clauses["filter"].append(_filter(part))
            case _:
                clauses["must"].append(_compile(part))
    return {"bool": {name: found for name, found in clauses.items() if found}}


def _filter(node: Node) -> Dsl:
    match node:
        case Keyword():
            return {"term": {"search.tags": tag(node.field, keyword_key(node.value))}}
        case Range():
            return _range(node)
    return {"match_all": {}}


def _in_fields(scope: TextScope, boost: float, write: Callable[[str, float], Dsl]) -> Dsl:
    found = [write(field, boost) for field in _FIELDS[scope]]
    return found[0] if len(found) == 1 else {"bool": {"should": found, "minimum_should_match": 1}}


def _word(node: Word, field: str, boost: float) -> Dsl:
    stemmed = _term(f"{field}.stem", node.stem, boost)
    key = exact_key(node)
    return {"bool": {"must": [stemmed], "should": [_term(field, key, boost * KEY_WEIGHT)]}} if key else stemmed


def _pair(first: Word, second: Word) -> Dsl:
    # Spans take the terms as they are: a phrase query would analyse them again.
    boost = PAIR_WEIGHT * min(first.boost, second.boost)
    return _in_fields(
        first.scope,
        boost,
        lambda field, boost: {
            "span_near": {
                "clauses": [_span(f"{field}.stem", word.stem) for word in (first, second)],
                "slop": 0,
                "in_order": True,
                "boost": boost,
            }
        },
    )


def _term(field: str, value: str, boost: float) -> Dsl:
    return {"term": {field: {"value": value, "boost": boost}}}


def _phrase(node: Phrase, field: str, boost: float) -> Dsl:
    """Spans in order: from each start the next word is taken where it comes first, as the predicate does."""
    first: Dsl = {"clauses": [_span(field, key) for key in sorted(first_forms(node))]}
    if len(node.keys) == 1:
        return {"span_or": {**first, "boost": boost}}
    clauses = [{"span_or": first}, *(_span(field, key) for key in node.keys[1:])]
    return {"span_near": {"clauses": clauses, "slop": node.slop, "in_order": True, "boost": boost}}


def _span(field: str, key: str) -> Dsl:
    return {"span_term": {field: key}}


def _wildcard(pattern: str, field: str, boost: float) -> Dsl:
    """Keys hold nothing that a pattern would have to escape."""
    prefix = pattern.removesuffix("*")
    if "*" not in prefix and "?" not in prefix:
        return {"prefix": {field: {"value": prefix, "boost": boost}}}
    return {"wildcard": {field: {"value": pattern, "boost": boost}}}


def _range(node: Range) -> Dsl:
    if node.field == "published":
        return {"range": {"search.order": dict(zip(("gte", "lte"), order_range(*second_bounds(node)), strict=True))}}
    low, high = range_bounds(node)
    bounds: dict[str, float] = {}
    if low is not None:
        bounds["gte" if node.include_low else "gt"] = low
    if high is not None:
        bounds["lte" if node.include_high else "lt"] = high
    return {"range": {"search.score": bounds}}
