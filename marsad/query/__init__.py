"""One query language for search, API, CLI and subscriptions."""

from marsad.query.ast import Node
from marsad.query.document import MatchDoc
from marsad.query.evidence import spans
from marsad.query.parse import parse
from marsad.query.predicate import compile_predicate, matches
from marsad.query.write import format_query

__all__ = ["MatchDoc", "Node", "compile_predicate", "format_query", "matches", "parse", "spans"]
