"""Queries made shallower: Elasticsearch takes 30 levels (``indices.query.bool.max_nested_depth``), a query may have more."""

from typing import Final

from marsad.query.ast import And, MatchAll, Node, Not, Or

__all__ = ["depth", "shallow"]

_NONE: Final = Not(MatchAll())


def depth(node: Node) -> int:
    """Levels of groups; 0 for a leaf."""
    match node:
        case And() | Or():
            return 1 + max(map(depth, node.parts))
        case Not():
            return 1 + depth(node.part)
    return 0


def shallow(node: Node, levels: int) -> Node:
    """The same query in at most so many levels, as far as repeated halving goes.

    Args:
        node: any query.
        levels: at least 4.

    Without negations of groups a query only grows with each of its parts. So with a part ``p`` in it the whole is
    ``whole(nothing) OR (p AND whole(everything))``: half as deep, at the price of saying what stands around ``p`` twice
    (P. Spira, "On time-hardware complexity tradeoffs for Boolean functions", 1971).
    """
    return node if depth(node) <= levels else _halved(_inward(node, negated=False), levels)


def _inward(node: Node, *, negated: bool) -> Node:
    """Negations brought down to the leaves."""
    match node:
        case Not():
            return _inward(node.part, negated=not negated)
        case And() | Or():
            conjunction = isinstance(node, And) is not negated
            return _joined([_inward(part, negated=negated) for part in node.parts], conjunction=conjunction)
    return Not(node) if negated else node


def _joined(parts: list[Node], *, conjunction: bool) -> Node:
    """The parts as one node, without those that change nothing; groups of the same kind are one."""
    kind = And if conjunction else Or
    nothing_new, decides = (MatchAll(), _NONE) if conjunction else (_NONE, MatchAll())
    flat: list[Node] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, kind) else (part,))
    if decides in flat:
        return decides
    kept = tuple(part for part in flat if part != nothing_new)
    if len(kept) < 2:  # noqa: PLR2004  # one part is itself
        return kept[0] if kept else nothing_new
    return kind(kept)


def _halved(node: Node, levels: int) -> Node:
    deep = depth(node)
    if deep <= levels:
        return node
    path = _deepest(node, deep // 2)
    inner = _at(node, path)
    without, around = (_replaced(node, path, constant) for constant in (_NONE, MatchAll()))
    # Two levels join the halves.
    halves = [_halved(half, levels - 2) if levels > 4 else half for half in (without, inner, around)]  # noqa: PLR2004
    return _joined(
        [halves[0], _joined(halves[1:], conjunction=True)],
        conjunction=False,
    )


def _deepest(node: Node, steps: int) -> tuple[int, ...]:
    """The way down the deepest branch, as places among the parts."""
    path = []
    for _ in range(steps):
        assert isinstance(node, And | Or)
        depths = [depth(part) for part in node.parts]
        path.append(depths.index(max(depths)))
        node = node.parts[path[-1]]
    return tuple(path)


def _at(node: Node, path: tuple[int, ...]) -> Node:
    for place in path:
        assert isinstance(node, And | Or)
        node = node.parts[place]
    return node


def _replaced(node: Node, path: tuple[int, ...], constant: Node) -> Node:
    if not path:
        return constant
    assert isinstance(node, And | Or)
    parts = list(node.parts)
    parts[path[0]] = _replaced(parts[path[0]], path[1:], constant)
    return _joined(parts, conjunction=isinstance(node, And))
