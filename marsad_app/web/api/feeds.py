"""Feeds: list, add, mute, remove."""

from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from fastapi import APIRouter, Depends, Query, Response

from marsad.errors import ConfigError
from marsad.records import Feed, FeedState, Health
from marsad.records.ids import feed_id
from marsad.records.urls import is_web_url, shown_url
from marsad_app.removed_feeds import RemovedFeeds
from marsad_app.web.api.feed_schemas import FeedIn, FeedOut, PastPollOut
from marsad_app.web.api.schemas import ErrorOut, out
from marsad_app.web.services import Services
from marsad_app.web.shell import Web
from marsad_app.web.texts import Texts
from producers.history import past_polls

__all__ = ["router"]


def _out(feed: Feed, state: FeedState | None, texts: Texts) -> FeedOut:
    known = state or FeedState(feed_id=feed.id)
    return out(
        FeedOut,
        feed,
        url=shown_url(feed.url),
        health=known.health,
        health_since=known.health_since,
        detail=known.detail,
        advice=texts(f"advice.{known.health.value}"),
        muted=known.muted or not feed.enabled,
        failures=known.failures,
        standing=known.standing,
        next_poll_at=known.next_poll_at,
        reason=known.reason,
        interval=known.interval,
        last_poll_at=known.last_poll_at,
        last_new_at=known.last_new_at,
        rate=known.rate,
        gap_count=known.gap_count,
        backfilled=known.backfilled,
        gaps=msgspec.to_builtins(known.gaps),
    )


def _feed(given: FeedIn, services: Services) -> Feed:
    """The feed that was asked for.

    Raises:
        ConfigError: the address is none of the web.
    """
    if not is_web_url(given.url):
        raise ConfigError(f'"{given.url[:200]}" is no http or https address')
    outlet = given.outlet.strip() or urlsplit(given.url).hostname or given.url
    return Feed(
        id=feed_id(given.url),
        url=given.url.strip(),
        title=given.title.strip() or outlet,
        outlet=outlet,
        country=given.country,
        language=given.language,
        section=given.section,
        added_at=services.clock.now(),
    )


class _Desk:
    """What several of the functions do."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._services = web.services

    def shown(self, feed: Feed) -> FeedOut:
        return _out(feed, self._services.ledger.state(feed.id), Texts("en", self._services.clock.now()))

    def known(self, wanted: str) -> Feed:
        return self._services.registry.feed(wanted) or self._web.missing("error.not-found")

    def enable(self, wanted: str, *, enabled: bool) -> FeedOut:
        feed = msgspec.structs.replace(self.known(wanted), enabled=enabled)
        self._services.registry.put_feeds([feed])
        return self.shown(feed)


def router(web: Web) -> APIRouter:
    """``/api/v1/feeds``."""
    routes = APIRouter(
        prefix="/api/v1/feeds",
        tags=["feeds"],
        responses={400: {"model": ErrorOut}, 401: {"model": ErrorOut}, 404: {"model": ErrorOut}},
    )
    services = web.services
    desk = _Desk(web)
    writer = Depends(web.writer)

    @routes.get("", summary="All feeds with their health")
    def feeds(
        health: Health | None = None,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000,
        offset: Annotated[int, Query(ge=0)] = 0,
    ) -> list[FeedOut]:
        states = {state.feed_id: state for state in services.ledger.states()}
        texts = Texts("en", services.clock.now())
        found = [_out(feed, states.get(feed.id), texts) for feed in services.registry.feeds()]
        return [feed for feed in found if health in {None, feed.health}][offset : offset + limit]

    @routes.post("", summary="Watch a feed", status_code=201, dependencies=[writer])
    def add(given: FeedIn) -> FeedOut:
        feed = _feed(given, services)
        services.registry.put_feeds([feed])
        return desk.shown(feed)

    @routes.get("/{wanted}", summary="One feed")
    def feed(wanted: str) -> FeedOut:
        return desk.shown(desk.known(wanted))

    @routes.get("/{wanted}/history", summary="Its last polls, oldest first")
    def history(wanted: str) -> list[PastPollOut]:
        state = services.ledger.state(desk.known(wanted).id)
        return [out(PastPollOut, poll) for poll in past_polls(state)] if state is not None else []

    @routes.put("/{wanted}/mute", summary="Stop polling a feed", dependencies=[writer])
    def mute(wanted: str) -> FeedOut:
        return desk.enable(wanted, enabled=False)

    @routes.delete("/{wanted}/mute", summary="Poll a feed again", dependencies=[writer])
    def unmute(wanted: str) -> FeedOut:
        return desk.enable(wanted, enabled=True)

    @routes.delete("/{wanted}", summary="Forget a feed and its state", status_code=204, dependencies=[writer])
    def remove(wanted: str) -> Response:
        RemovedFeeds(services.settings.data.dir).keep(services.registry.feed(wanted) or web.missing("error.not-found"))
        services.registry.remove_feed(wanted)
        return Response(status_code=204)

    return routes
