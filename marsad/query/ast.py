"""The query as a tree. Three compilers read it: the in-memory predicate, SQLite FTS5 and Elasticsearch."""

from datetime import datetime
from typing import Literal

import msgspec

__all__ = [
    "And",
    "FieldName",
    "Keyword",
    "KeywordField",
    "MatchAll",
    "Node",
    "Not",
    "Or",
    "Phrase",
    "Range",
    "TextScope",
    "Wildcard",
    "Word",
    "has_range",
]

FieldName = Literal[
    "title", "text", "topic", "country", "place", "entity", "outlet", "feed", "lang", "story", "published", "score"
]
TextScope = Literal["any", "title", "text"]
"""``any``: title or body; ``text``: the body, lead included."""
KeywordField = Literal["topic", "country", "place", "entity", "outlet", "feed", "lang", "story"]


class MatchAll(msgspec.Struct, frozen=True, tag=True):
    """Every article."""


class Word(msgspec.Struct, frozen=True, tag=True):
    """A word by its stem: recall over inflection. ``stem`` is what is matched, ``raw`` what was written."""

    raw: str
    stem: str
    scope: TextScope = "any"
    boost: float = 1.0


class Phrase(msgspec.Struct, frozen=True, tag=True):
    """Key-form words in order; the first also matches with stacked proclitics. ``slop`` other words may stand between them."""

    raw: str
    keys: tuple[str, ...]
    scope: TextScope = "any"
    slop: int = 0
    boost: float = 1.0


class Wildcard(msgspec.Struct, frozen=True, tag=True):
    """A key-form pattern with ``*`` and ``?``; at least two letters come before the first of them."""

    raw: str
    pattern: str
    scope: TextScope = "any"


class Keyword(msgspec.Struct, frozen=True, tag=True):
    """An exact value of a keyword field; ``*`` alone asks that the field has any value."""

    field: KeywordField
    value: str


class Range(msgspec.Struct, frozen=True, tag=True):
    """Bounds on ``published`` (instants, UTC) or ``score`` (the best topic's score); None is open."""

    field: Literal["published", "score"]
    low: datetime | float | None
    high: datetime | float | None
    include_low: bool = True
    include_high: bool = True


class And(msgspec.Struct, frozen=True, tag=True):
    """All of them."""

    parts: tuple["Node", ...]


class Or(msgspec.Struct, frozen=True, tag=True):
    """At least one of them."""

    parts: tuple["Node", ...]


class Not(msgspec.Struct, frozen=True, tag=True):
    """None of it."""

    part: "Node"


Node = MatchAll | Word | Phrase | Wildcard | Keyword | Range | And | Or | Not


def has_range(node: Node) -> bool:
    """Whether a range stands anywhere in the query."""
    match node:
        case And() | Or():
            return any(has_range(part) for part in node.parts)
        case Not():
            return has_range(node.part)
    return isinstance(node, Range)
