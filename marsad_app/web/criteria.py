"""What a search page shows, read from its address and written as one. Pure."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal, cast, get_args
from urllib.parse import urlencode

import msgspec

from marsad.errors import QueryError
from marsad.query import Node, format_query
from marsad.query.ast import And, Keyword, MatchAll, Or, Range
from marsad.records import FacetName, Sort

__all__ = ["LAST_OFFSET", "PER_PAGE", "Criteria", "Params", "Picked", "read_criteria"]

PER_PAGE: Final = 20
_MAX_PAGE: Final = 500
LAST_OFFSET: Final = (_MAX_PAGE - 1) * PER_PAGE
"""Hits before the last page that may be asked for."""
_MAX_PICKED: Final = 20
_MAX_VALUE: Final = 200
_MAX_QUERY: Final = 2_000

Picked = Literal["topic", "country", "outlet"]
_PICKED: Final[tuple[Picked, ...]] = get_args(Picked)
Params = Callable[[str], list[str]]
"""The values of a parameter of the address."""


class Criteria(msgspec.Struct, frozen=True, kw_only=True):
    """A query, what was picked from the facets, and how the answer is shown."""

    q: str = ""
    topic: tuple[str, ...] = ()
    country: tuple[str, ...] = ()
    outlet: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None
    sort: Sort | None = None
    collapse: bool = False
    page: int = 1

    @property
    def order(self) -> Sort:
        """The order that holds: newest first where nothing was asked."""
        return self.sort or ("relevance" if self.q.strip() else "date")

    @property
    def offset(self) -> int:
        """Hits on the pages before."""
        return (self.page - 1) * PER_PAGE

    @property
    def empty(self) -> bool:
        """Nothing was asked and nothing picked."""
        return not (self.q.strip() or self.topic or self.country or self.outlet or self.since or self.until)

    def picked(self, name: Picked) -> tuple[str, ...]:
        """The values picked of a facet."""
        return cast("tuple[str, ...]", getattr(self, name))

    def toggled(self, name: Picked, value: str) -> "Criteria":
        """With the value picked, or no longer; on the first page."""
        now = self.picked(name)
        values = tuple(each for each in now if each != value) if value in now else (*now, value)
        changed: dict[str, object] = {name: values, "page": 1}
        return msgspec.structs.replace(self, **changed)

    def but(self, **changes: object) -> "Criteria":
        """With other values; on the first page where the page is not among them."""
        return msgspec.structs.replace(self, **{"page": 1, **changes})

    def node(self, parse: Callable[[str], Node], *, without: FacetName | None = None) -> Node:
        """The query with everything picked.

        Args:
            parse: reads the query.
            without: a facet whose own picks are passed over, for its counts.

        Raises:
            QueryError: the query cannot be understood.
        """
        parts = [parse(self.q), *(self._filter(name) for name in _PICKED if name != without)]
        if without != "day":
            parts.append(self._days())
        return _conjunction([part for part in parts if part is not None])

    def standing(self) -> str:
        """The query with what was picked, but for the days, as text: what a subscription made of it asks for."""
        filters = [part for part in map(self._filter, _PICKED) if part is not None]
        if not filters:
            return self.q.strip()
        written = " AND ".join(
            f"({format_query(part)})" if isinstance(part, Or) else format_query(part) for part in filters
        )
        query = self.q.strip()
        if not query:
            return written
        return f"{query if len(query.split()) == 1 else f'({query})'} AND {written}"

    def address(self, path: str = "/", **changes: object) -> str:
        """The address of this search with some things changed; defaults are left out."""
        shown = self.but(**changes) if changes else self
        pairs: list[tuple[str, str]] = [("q", shown.q)] if shown.q else []
        pairs += [(name, value) for name in _PICKED for value in shown.picked(name)]
        pairs += [(name, day.isoformat()) for name in ("since", "until") if (day := getattr(shown, name))]
        pairs += [("sort", shown.sort)] if shown.sort else []
        pairs += [("collapse", "1")] if shown.collapse else []
        pairs += [("page", str(shown.page))] if shown.page > 1 else []
        return f"{path}?{urlencode(pairs)}" if pairs else path

    def _filter(self, name: Picked) -> Node | None:
        values = tuple(Keyword(name, value) for value in self.picked(name))
        return None if not values else values[0] if len(values) == 1 else Or(values)

    def _days(self) -> Node | None:
        if self.since is None and self.until is None:
            return None
        low = datetime.combine(self.since, time(), UTC) if self.since else None
        high = datetime.combine(self.until + timedelta(days=1), time(), UTC) if self.until else None
        return Range("published", low, high, include_low=True, include_high=False)


def _conjunction(parts: list[Node]) -> Node:
    flat: list[Node] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, And) else () if isinstance(part, MatchAll) else (part,))
    if not flat:
        return MatchAll()
    return flat[0] if len(flat) == 1 else And(tuple(flat))


def read_criteria(params: Params) -> Criteria:
    """Read the address of a search page.

    Raises:
        QueryError: the query is too long, or a day is none.
    """
    query = next(iter(params("q")), "")
    if len(query) > _MAX_QUERY:
        raise QueryError(f"the query is longer than {_MAX_QUERY} characters", _MAX_QUERY)
    sort = next(iter(params("sort")), "")
    page = next(iter(params("page")), "1")
    return Criteria(
        q=query,
        topic=_values(params("topic")),
        country=_values(params("country")),
        outlet=_values(params("outlet")),
        since=_day(params("since")),
        until=_day(params("until")),
        sort=cast("Sort", sort) if sort in get_args(Sort) else None,
        collapse=params("collapse") == ["1"],
        page=max(1, min(int(page), _MAX_PAGE)) if page.isascii() and page.isdigit() and len(page) < _MAX_VALUE else 1,
    )


def _values(given: list[str]) -> tuple[str, ...]:
    kept = (value.strip()[:_MAX_VALUE] for value in given[:_MAX_PICKED])
    return tuple(dict.fromkeys(value for value in kept if value))


def _day(given: list[str]) -> date | None:
    text = next(iter(given), "")
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise QueryError(f'expected a day such as 2026-07-14 but found "{text[:20]}"', 0) from None
    if not date(1970, 1, 1) <= day <= date(9000, 1, 1):
        raise QueryError(f"expected a day since 1970 but found {text[:20]}", 0)
    return day
