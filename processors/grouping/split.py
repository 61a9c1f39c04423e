"""Whether a story has drifted into two events, and which of its articles tell the second. Pure.

A story is joined by what an article has in common with its members on the whole, so that it can drift: each report joins
for the sake of the last ones, until the first and the last tell different events. It is divided only where nothing holds the two
together: no article of one part and of the other that would be judged one event, and on average clearly none.
"""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Final

from processors.grouping.features import Document

__all__ = ["CHECKED_AT", "second_event"]

CHECKED_AT: Final = frozenset({6, 9, 12, 15, 18})
"""Articles of a story at which it is looked at: at most five times, and 153 pairs in the largest."""
_LEAST: Final = 3
"""Articles that each part must have."""
_HELD: Final = 0.0
"""Log odds of one event from which two articles hold a story together."""
_APART: Final = -2.5
"""Mean log odds over all pairs across the parts at which they are two events: twelve to one against."""


def second_event(members: Sequence[Document], odds: Callable[[Document, Document], float]) -> list[Document]:
    """The articles that tell a second event, in order; none where the story is one.

    Args:
        members: of the story, in the order in which they came. The part with the first of them keeps the story.
        odds: log odds that two articles report one event, the same whichever way round.
    """
    known = {
        (one.number, other.number): odds(one, other) for place, other in enumerate(members) for one in members[:place]
    }
    parts = _held_together(members, known)
    if len(parts) < 2:  # noqa: PLR2004  # one part is one event
        return []
    second = max(parts[1:], key=lambda part: (len(part), -part[0].number))
    chosen = {each.number for each in second}
    first = [each for each in members if each.number not in chosen]
    if min(len(first), len(second)) < _LEAST:
        return []
    across = [known[min(a, b), max(a, b)] for a, b in product((each.number for each in first), chosen)]
    return second if sum(across) / len(across) < _APART else []


def _held_together(members: Sequence[Document], known: dict[tuple[int, int], float]) -> list[list[Document]]:
    """The members in parts, each held together by pairs that are judged one event; the part of the first member first."""
    parts: list[list[Document]] = []
    for member in members:
        met = [part for part in parts if any(_holds(each, member, known) for each in part)]
        parts = [part for part in parts if part not in met]
        parts.append(sorted([*(each for part in met for each in part), member], key=lambda each: each.number))
    return sorted(parts, key=lambda part: part[0].number)


def _holds(one: Document, other: Document, known: dict[tuple[int, int], float]) -> bool:
    return one.root == other.root or known[one.number, other.number] > _HELD
