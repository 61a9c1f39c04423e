"""Feed health: the table, and one feed."""

from collections import Counter
from typing import Annotated, Final
from urllib.parse import urlsplit

import msgspec
from fastapi import APIRouter, Depends, Query
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from marsad.query.ast import Keyword
from marsad.records import Feed, FeedState, Health
from marsad.records.ids import feed_id
from marsad.records.urls import is_web_url
from marsad_app.removed_feeds import RemovedFeeds
from marsad_app.web.shell import Web, field, see
from producers.history import past_polls

__all__ = ["GOOD", "Row", "router", "rows"]

GOOD: Final = frozenset({Health.OK, Health.UNCHANGED, Health.NEW, Health.MOVED})
"""States that need nobody."""
_BAD: Final = frozenset(
    {
        Health.GONE,
        Health.NOT_A_FEED,
        Health.BOT_WALL,
        Health.TLS,
        Health.DNS,
        Health.HTTP_4XX,
        Health.BLOCKED,
        Health.TOO_LARGE,
    }
)
_LATEST: Final = 10
_PER_PAGE: Final = 200
_MAX_PAGE: Final = 500
_MAX_URL: Final = 2_000
_MOST_REMOVED: Final = 20
"""Removed feeds that are offered again, the latest first."""


class Row(msgspec.Struct, frozen=True):
    """A feed with what polling knows of it."""

    feed: Feed
    state: FeedState

    @property
    def tone(self) -> str:
        """``good``, ``warn`` or ``bad``."""
        return "good" if self.state.health in GOOD else "bad" if self.state.health in _BAD else "warn"

    @property
    def muted(self) -> bool:
        """Nobody asks it: by choice, or since it is gone."""
        return self.state.muted or not self.feed.enabled


_ORDER: Final = {"bad": 0, "warn": 1, "good": 2}


def rows(web: Web) -> list[Row]:
    """All feeds, those in trouble first."""
    states = {state.feed_id: state for state in web.services.ledger.states()}
    found = [Row(feed, states.get(feed.id) or FeedState(feed_id=feed.id)) for feed in web.services.registry.feeds()]
    return sorted(found, key=lambda row: (_ORDER[row.tone], row.feed.outlet, row.feed.title))


def router(web: Web) -> APIRouter:
    """``/feeds``."""
    routes = APIRouter(prefix="/feeds", include_in_schema=False)
    services = web.services
    removed = RemovedFeeds(services.settings.data.dir)

    def table(request: Request, state: str = "", page: int = 1, problem: str = "", url: str = "") -> Response:
        found = rows(web)
        counts = Counter(row.state.health.value for row in found)
        fitting = [row for row in found if state in {"", row.state.health.value}]
        return web.pages.respond(
            request,
            "feeds.html",
            status=400 if problem else 200,
            rows=fitting[(page - 1) * _PER_PAGE : page * _PER_PAGE],
            page=page,
            pages=max(1, -(-len(fitting) // _PER_PAGE)),
            counts=sorted(counts.items(), key=lambda item: -item[1]),
            total=len(found),
            state=state if state in counts else "",
            problem=problem,
            url=url,
            removed=removed.kept()[: -_MOST_REMOVED - 1 : -1],
        )

    @routes.get("")
    def feeds(request: Request, state: str = "", page: Annotated[int, Query(ge=1, le=_MAX_PAGE)] = 1) -> Response:
        return table(request, state, page)

    @routes.post("")
    def add(request: Request, sent: Annotated[FormData, Depends(web.posted)]) -> Response:
        url = field(sent, "url")[:_MAX_URL]
        if not is_web_url(url):
            return table(request, problem="feeds.bad-url", url=url)
        outlet = " ".join(field(sent, "outlet").split())[:120] or (urlsplit(url).hostname or url)
        known = services.registry.feed(feed_id(url))
        feed = known or Feed(id=feed_id(url), url=url, title=outlet, outlet=outlet, added_at=services.clock.now())
        services.registry.put_feeds([msgspec.structs.replace(feed, enabled=True)])
        return see(f"/feeds/{feed.id}", "added")

    @routes.get("/{wanted}")
    def feed(request: Request, wanted: str) -> Response:
        found = services.registry.feed(wanted) or web.missing("error.not-found")
        row = Row(found, services.ledger.state(wanted) or FeedState(feed_id=wanted))
        latest = services.search.search(Keyword("feed", wanted), sort="date", limit=_LATEST)
        return web.pages.respond(
            request,
            "feed.html",
            row=row,
            past=past_polls(row.state),
            latest=[hit.article for hit in latest.hits],
            web_url=is_web_url(found.url),
        )

    @routes.post("/{wanted}/enabled")
    def enable(request: Request, wanted: str, sent: Annotated[FormData, Depends(web.posted)]) -> Response:
        found = services.registry.feed(wanted) or web.missing("error.not-found")
        enabled = field(sent, "enabled") == "1"
        services.registry.put_feeds([msgspec.structs.replace(found, enabled=enabled)])
        return see(f"/feeds/{wanted}", "unmuted" if enabled else "muted")

    @routes.post("/{wanted}/delete")
    def remove(request: Request, wanted: str, sent: Annotated[FormData, Depends(web.posted)]) -> Response:
        removed.keep(services.registry.feed(wanted) or web.missing("error.not-found"))
        services.registry.remove_feed(wanted)
        return see("/feeds", "deleted")

    @routes.post("/{wanted}/restore")
    def restore(request: Request, wanted: str, sent: Annotated[FormData, Depends(web.posted)]) -> Response:
        found = removed.take(wanted) or web.missing("error.not-found")
        if services.registry.feed(wanted) is None:
            services.registry.put_feeds([found])
        return see(f"/feeds/{wanted}", "undone")

    return routes
