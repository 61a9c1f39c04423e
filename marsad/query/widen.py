"""Words and phrases that name something, widened to its other names: before compiling, so that all compilers mean the same."""

from collections.abc import Callable
from typing import Final

import msgspec

from marsad.arabic.stem import stem
from marsad.arabic.tokens import tokenize
from marsad.query.ast import And, Node, Not, Or, Phrase, Word
from marsad.query.joined import either_way

__all__ = ["MOST_ADDED", "Names", "widened"]

Names = Callable[[tuple[str, ...]], tuple[str, ...]]
"""The other names of what words in key form name."""
MOST_ADDED: Final = 200
"""Words and phrases that are added to a query; names beyond stay as they were written."""


class _Room(msgspec.Struct):
    left: int = MOST_ADDED


def widened(node: Node, names: Names) -> Node:
    """The query in which every word or phrase that names something also finds its other names.

    Args:
        node: as it was read.
        names: finds other names.
    """
    return _widened(node, names, _Room())


def _widened(node: Node, names: Names, room: _Room) -> Node:
    match node:
        case And() | Or():
            parts = [_widened(part, names, room) for part in node.parts]
            kind = type(node)
            flat = [inner for part in parts for inner in (part.parts if isinstance(part, kind) else (part,))]
            # What was asked comes first, so that the spellings of one name stay together and are read back as one.
            own = [part for part in node.parts if kind is Or and isinstance(part, (Word, Phrase))]
            return kind(tuple(dict.fromkeys((*own, *flat))))
        case Not():
            return Not(_widened(node.part, names, room))
        case Word() | Phrase() if not getattr(node, "slop", 0):
            return _named(node, names, room)
    return node


def _named(node: Word | Phrase, names: Names, room: _Room) -> Node:
    others = names(tokenize(node.raw).keys)
    if not others or len(others) > room.left:
        return node
    room.left -= len(others)
    leaves = (_leaf(name, node) for name in others)
    flat = [inner for leaf in leaves for inner in (leaf.parts if isinstance(leaf, Or) else (leaf,))]
    return Or(tuple(dict.fromkeys((node, *flat))))


def _leaf(name: str, node: Word | Phrase) -> Node:
    tokens = tokenize(name)
    if len(tokens) == 1:
        return either_way(Word(name[tokens.starts[0] : tokens.ends[0]], stem(tokens.keys[0]), node.scope, node.boost))
    return either_way(Phrase(name, tokens.keys, node.scope, 0, node.boost))
