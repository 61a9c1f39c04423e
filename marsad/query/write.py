"""Writes a query's tree as text again: ``parse(format_query(node)) == node``."""

import re
from datetime import datetime
from typing import Final

from marsad.query.ast import And, Keyword, MatchAll, Node, Not, Or, Phrase, Range, Wildcard, Word
from marsad.query.times import write_time

__all__ = ["format_query"]

_RESERVED: Final = frozenset({"AND", "OR", "NOT", "TO"})
_PLAIN_VALUE: Final = re.compile(r"[^\W_]+(?:-[^\W_]+)*")


def format_query(node: Node) -> str:
    """The query that ``marsad.query.parse`` reads as this tree.

    Args:
        node: a tree as ``parse`` gives it (no ``And`` directly in an ``And``, and so on).
    """
    return _write(node, grouped=True)


def _write(node: Node, *, grouped: bool = False) -> str:
    match node:
        case And() | Or():
            word = " AND " if isinstance(node, And) else " OR "
            inner = word.join(_write(part) for part in node.parts)
            return inner if grouped else f"({inner})"
        case Not():
            return f"NOT {_write(node.part)}"
        case MatchAll():
            return "*"
        case Keyword():
            return f"{node.field}:{node.value if _is_plain(node.value) else _quote(node.value)}"
        case Range():
            return _range(node)
    return _text(node)


def _text(node: Word | Phrase | Wildcard) -> str:
    scope = "" if node.scope == "any" else f"{node.scope}:"
    match node:
        case Word():
            raw = f"\\{node.raw}" if node.raw in _RESERVED else node.raw
            return f"{scope}{raw}{_boost(node.boost)}"
        case Phrase():
            slop = f"~{node.slop}" if node.slop else ""
            return f"{scope}{_quote(node.raw)}{slop}{_boost(node.boost)}"
    return f"{scope}{node.raw}"


def _boost(boost: float) -> str:
    return "" if boost == 1 else f"^{boost:.6f}".rstrip("0").rstrip(".")


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _is_plain(value: str) -> bool:
    return value == "*" or (_PLAIN_VALUE.fullmatch(value) is not None and value not in _RESERVED)


def _range(node: Range) -> str:
    opening, closing = "[" if node.include_low else "{", "]" if node.include_high else "}"
    return f"{node.field}:{opening}{_bound(node.low)} TO {_bound(node.high)}{closing}"


def _bound(value: datetime | float | None) -> str:
    if value is None:
        return "*"
    return write_time(value) if isinstance(value, datetime) else f"{value:.9f}".rstrip("0").rstrip(".")
