"""Subscriptions, alerts and deliveries."""

from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from fastapi import APIRouter, Depends, Query, Response
from starlette.requests import Request

from marsad.errors import ConfigError
from marsad.records import QuietHours, Subscription
from marsad.records.ids import subscription_id
from marsad_app.web.api.schemas import AlertOut, DeliveryOut, ErrorOut, SubscriptionIn, SubscriptionOut, out
from marsad_app.web.pages.subscriptions import feed_path, masked
from marsad_app.web.services import Services
from marsad_app.web.shell import Web

__all__ = ["router"]


def _made(given: SubscriptionIn, services: Services, known: Subscription | None) -> Subscription:
    """The subscription that was asked for.

    Raises:
        QueryError: the query cannot be understood.
        ConfigError: an outlet or the time zone is none.
    """
    services.parse(given.query)
    for outlet in given.outlets:
        services.check_outlet(outlet)
    quiet = None
    if given.quiet is not None:
        try:
            quiet = QuietHours(given.quiet.start, given.quiet.end, ZoneInfo(given.quiet.zone).key)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ConfigError(f'there is no time zone "{given.quiet.zone[:60]}"') from None
    key = known.id if known else subscription_id("", given.name, given.query)
    before = known or services.subscriptions.subscription(key)
    return Subscription(
        id=key,
        name=given.name,
        query=given.query,
        owner=before.owner if before else "",
        triggers=tuple(dict.fromkeys(given.triggers)),
        story_outlets=given.story_outlets,
        cadence=given.cadence,
        quiet=quiet,
        outlets=tuple(dict.fromkeys(given.outlets)),
        language=given.language,
        enabled=given.enabled,
        created_at=before.created_at if before else services.clock.now(),
        secret=(before.secret if before else "") or services.new_token(),
    )


class _Desk:
    """What several of the functions do."""

    def __init__(self, web: Web) -> None:
        self._web = web

    def seen(self, request: Request, one: Subscription) -> SubscriptionOut:
        trusted = self._web.access.may_write(request)
        outlets = list(one.outlets) if trusted else [masked(outlet) for outlet in one.outlets]
        return SubscriptionOut.of(one, feed=feed_path(one) if trusted else "", outlets=outlets)

    def known(self, wanted: str) -> Subscription:
        return self._web.services.subscriptions.subscription(wanted) or self._web.missing("subscriptions.gone")


def router(web: Web) -> APIRouter:
    """``/api/v1/subscriptions``, ``/alerts`` and ``/deliveries``."""
    routes = APIRouter(
        prefix="/api/v1",
        tags=["alerts"],
        responses={400: {"model": ErrorOut}, 401: {"model": ErrorOut}, 404: {"model": ErrorOut}},
    )
    services = web.services
    desk = _Desk(web)
    writer = Depends(web.writer)

    @routes.get("/subscriptions", summary="All subscriptions, oldest first")
    def subscriptions(request: Request) -> list[SubscriptionOut]:
        return [desk.seen(request, one) for one in services.subscriptions.subscriptions()]

    @routes.post("/subscriptions", summary="Save a subscription", status_code=201, dependencies=[writer])
    def add(request: Request, given: SubscriptionIn) -> SubscriptionOut:
        made = _made(given, services, None)
        services.subscriptions.put_subscription(made)
        return desk.seen(request, made)

    @routes.get("/subscriptions/{wanted}", summary="One subscription")
    def subscription(request: Request, wanted: str) -> SubscriptionOut:
        return desk.seen(request, desk.known(wanted))

    @routes.put("/subscriptions/{wanted}", summary="Replace a subscription", dependencies=[writer])
    def replace(request: Request, wanted: str, given: SubscriptionIn) -> SubscriptionOut:
        made = _made(given, services, desk.known(wanted))
        services.subscriptions.put_subscription(made)
        return desk.seen(request, made)

    @routes.delete("/subscriptions/{wanted}", summary="Forget a subscription", status_code=204, dependencies=[writer])
    def remove(wanted: str) -> Response:
        if not services.subscriptions.remove_subscription(wanted):
            web.missing("subscriptions.gone")
        return Response(status_code=204)

    @routes.get("/alerts", summary="Alerts, newest first")
    def alerts(
        subscription: str | None = None,
        limit: Annotated[int, Query(ge=1, le=100)] = 50,
        offset: Annotated[int, Query(ge=0, le=10_000)] = 0,
    ) -> list[AlertOut]:
        found = services.alerts.alerts(subscription_id=subscription, limit=limit, offset=offset)
        return [out(AlertOut, alert) for alert in found]

    @routes.get("/deliveries", summary="Deliveries, newest first")
    def deliveries(
        subscription: str | None = None, limit: Annotated[int, Query(ge=1, le=100)] = 50
    ) -> list[DeliveryOut]:
        found = services.deliveries.deliveries(subscription_id=subscription, limit=limit)
        return [out(DeliveryOut, msgspec.structs.replace(each, outlet=masked(each.outlet))) for each in found]

    return routes
