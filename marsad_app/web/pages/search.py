"""The search page."""

from collections.abc import Callable
from typing import Any, Final

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from marsad.errors import QueryError
from marsad.query import Node
from marsad.records import Facet, FacetName, SearchHit, SearchPage
from marsad_app.web.chart import Chart, day_chart
from marsad_app.web.criteria import LAST_OFFSET, PER_PAGE, Criteria, Picked, read_criteria
from marsad_app.web.explaining import explain
from marsad_app.web.marks import Piece, snippet, title_pieces
from marsad_app.web.services import Services
from marsad_app.web.shell import Web

__all__ = ["Shown", "router", "shown"]

_FACETS: Final[tuple[Picked, ...]] = ("topic", "country", "outlet")
_FACET_SIZE: Final = 12
_ALL_FACETS: Final[tuple[FacetName, ...]] = ("topic", "country", "outlet", "day")
_TOPICS_SHOWN: Final = 4


class Shown(msgspec.Struct, frozen=True):
    """A hit as the page shows it."""

    hit: SearchHit
    title: tuple[Piece, ...]
    snippet: tuple[Piece, ...]
    topics: tuple[str, ...]


def shown(hit: SearchHit) -> Shown:
    """Prepare a hit: what matched is marked, the strongest topics come first."""
    topics = sorted(hit.article.topics, key=lambda topic: -topic.score)[:_TOPICS_SHOWN]
    return Shown(
        hit,
        title_pieces(hit.article, hit.highlights),
        snippet(hit.article, hit.highlights),
        tuple(topic.id for topic in topics),
    )


class _Group(msgspec.Struct, frozen=True):
    """A facet: its values with names, and those of them that are picked although nothing matches."""

    name: Picked
    values: tuple[tuple[Facet, str], ...]


def _facets(services: Services, criteria: Criteria) -> dict[FacetName, tuple[Facet, ...]]:
    """The facets; each is counted without its own picks, so that others of it can be added."""
    narrowed: list[FacetName] = [name for name in _FACETS if criteria.picked(name)]
    if criteria.since or criteria.until:
        narrowed.append("day")
    free = [name for name in _ALL_FACETS if name not in narrowed]
    found = services.search.facets(criteria.node(services.parse), free, size=_FACET_SIZE)
    for name in narrowed:
        found |= services.search.facets(criteria.node(services.parse, without=name), [name], size=_FACET_SIZE)
    return found


def _group(name: Picked, facets: tuple[Facet, ...], criteria: Criteria, named: Callable[[str], str]) -> _Group:
    there = {facet.value for facet in facets}
    missing = tuple(Facet(value, 0) for value in criteria.picked(name) if value not in there)
    return _Group(name, tuple((facet, named(facet.value)) for facet in (*missing, *facets)))


def _page(services: Services, criteria: Criteria, node: Node) -> SearchPage:
    return services.search.search(
        node, sort=criteria.order, limit=PER_PAGE, offset=criteria.offset, collapse=criteria.collapse
    )


def _pages(total: int) -> int:
    """Pages that can be asked for."""
    return max(1, min(-(-total // PER_PAGE), LAST_OFFSET // PER_PAGE + 1))


class _View:
    """Makes the search page for one request."""

    def __init__(self, web: Web, request: Request) -> None:
        self._web = web
        self._request = request
        self._texts = web.pages.texts(request)

    def _names(self, name: Picked) -> Callable[[str], str]:
        if name == "topic":
            return lambda value: self._web.pages.topic(self._request, value)
        return self._texts.country if name == "country" else str

    def answer(self, criteria: Criteria) -> Response:
        """The page of results.

        Raises:
            QueryError: the query cannot be understood.
        """
        services = self._web.services
        page = _page(services, criteria, criteria.node(services.parse))
        facets = _facets(services, criteria)
        groups = [_group(name, facets[name], criteria, self._names(name)) for name in _FACETS]
        return self._respond(
            criteria,
            page=page,
            hits=[shown(hit) for hit in page.hits],
            pages=_pages(page.total),
            groups=groups,
            chart=day_chart(facets["day"]),
        )

    def fault(self, criteria: Criteria, fault: QueryError) -> Response:
        """The page that shows where the query went wrong."""
        at = min(fault.position, len(criteria.q))
        reason, language = explain(fault.reason, self._texts.language)
        return self._respond(
            criteria,
            status=400,
            fault=fault,
            reason=reason,
            reason_language=language,
            before=criteria.q[:at],
            after=criteria.q[at:],
        )

    def _respond(self, criteria: Criteria, *, status: int = 200, **context: Any) -> Response:
        chart: Chart | None = None
        blank: dict[str, Any] = {"page": None, "hits": [], "pages": 1, "groups": [], "chart": chart, "fault": None}
        chips = [
            (criteria.toggled(name, value).address(), self._names(name)(value), name)
            for name in _FACETS
            for value in criteria.picked(name)
        ]
        return self._web.pages.respond(
            self._request,
            "search.html",
            status=status,
            criteria=criteria,
            chips=chips,
            **{**blank, "before": "", "after": "", **context},
        )


def router(web: Web) -> APIRouter:
    """The first page."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/")
    def search(request: Request) -> Response:
        view = _View(web, request)
        criteria = Criteria()
        try:
            criteria = read_criteria(request.query_params.getlist)
            return view.answer(criteria)
        except QueryError as fault:
            shown_query = criteria.q or request.query_params.get("q", "")[:2_000]
            return view.fault(msgspec.structs.replace(criteria, q=shown_query), fault)

    return routes
