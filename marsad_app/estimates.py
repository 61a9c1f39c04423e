"""What a subscription would have brought: told before it is saved."""

from datetime import datetime, timedelta
from typing import Final

import msgspec

from marsad.ports import ArticleSearch
from marsad.query import Node
from marsad.query.ast import And, MatchAll, Not, Range
from marsad.query.write import format_query
from marsad.records import Article

__all__ = ["Estimate", "NearMiss", "Warned", "estimate_of"]

_DAYS: Final = 30
_EXAMPLES: Final = 10
_MOST_PARTS: Final = 6
_ALMOST_ALL: Final = 0.5
_LEAST_TO_JUDGE: Final = 50

Warned = str
"""``everything``, ``nothing`` or ``over-cap``."""


class NearMiss(msgspec.Struct, frozen=True):
    """An article that all parts of the query match but one."""

    article: Article
    part: str
    """The part that it lacks, as a query."""
    more: int
    """How many articles of the month would come with it left out."""


class Estimate(msgspec.Struct, frozen=True):
    """The last 30 days, as the query saw them.

    Attributes:
        total: articles.
        stories: how many stories they are.
        days: articles on each UTC day that had any, oldest first.
        examples: the latest, one of each story.
        near: what nearly matched.
        warnings: what is likely to be wrong.
    """

    total: int
    stories: int
    days: tuple[tuple[str, int], ...]
    examples: tuple[Article, ...]
    near: tuple[NearMiss, ...]
    warnings: tuple[Warned, ...]

    @property
    def a_day(self) -> float:
        """Stories a day."""
        return self.stories / _DAYS


def estimate_of(node: Node, search: ArticleSearch, now: datetime, *, cap: int = 0) -> Estimate:
    """Ask the index what the query would have matched.

    Args:
        node: the query.
        search: the index.
        now: the present instant.
        cap: messages a day that the subscription allows itself; 0 for no limit.
    """
    recent = Range("published", now - timedelta(days=_DAYS), None)
    wanted = _within(node, recent)
    page = search.search(wanted, sort="date", limit=1)
    collapsed = search.search(wanted, sort="date", limit=_EXAMPLES, collapse=True)
    days = search.facets(wanted, ["day"])["day"]
    everything = search.search(recent, sort="date", limit=1).total
    return Estimate(
        total=page.total,
        stories=collapsed.total,
        days=tuple((facet.value, facet.count) for facet in days),
        examples=tuple(hit.article for hit in collapsed.hits),
        near=_near(node, recent, search),
        warnings=_warnings(page.total, everything, collapsed.total / _DAYS, cap),
    )


def _within(node: Node, recent: Range) -> Node:
    parts = node.parts if isinstance(node, And) else () if isinstance(node, MatchAll) else (node,)
    return And((*parts, recent)) if parts else recent


def _near(node: Node, recent: Range, search: ArticleSearch) -> tuple[NearMiss, ...]:
    """For each part of a conjunction the latest article that lacks nothing else."""
    if not isinstance(node, And) or len(node.parts) > _MOST_PARTS:
        return ()
    found = []
    for left_out in node.parts:
        if isinstance(left_out, (Not, Range)):
            continue
        rest = tuple(part for part in node.parts if part is not left_out)
        page = search.search(And((*rest, Not(left_out), recent)), sort="date", limit=1)
        found += [NearMiss(hit.article, format_query(left_out), page.total) for hit in page.hits]
    return tuple(found)


def _warnings(total: int, everything: int, a_day: float, cap: int) -> tuple[Warned, ...]:
    warnings = []
    if not total:
        warnings.append("nothing")
    if everything >= _LEAST_TO_JUDGE and total > _ALMOST_ALL * everything:
        warnings.append("everything")
    if cap and a_day > cap:
        warnings.append("over-cap")
    return tuple(warnings)
