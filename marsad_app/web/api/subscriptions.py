"""Subscriptions."""

from fastapi import APIRouter, Depends, Response
from starlette.requests import Request

from marsad.records import QuietHours, Subscription
from marsad.records.ids import subscription_id
from marsad_app.estimates import estimate_of
from marsad_app.subscribing import settled
from marsad_app.web.api.alert_schemas import EstimateIn, EstimateOut, SubscriptionIn, SubscriptionOut, TriedOut
from marsad_app.web.api.schemas import ErrorOut
from marsad_app.web.pages.subscriptions import feed_path, tried_outlets
from marsad_app.web.services import Services
from marsad_app.web.shell import Web
from sinks.alerts.seal import shown

__all__ = ["router"]


def _made(given: SubscriptionIn, services: Services, known: Subscription | None, owner: str = "") -> Subscription:
    """The subscription that was asked for, by an owner.

    Raises:
        QueryError: the query cannot be understood.
        ConfigError: an outlet, a number or a time zone is none.
    """
    services.parse(given.query)
    quiet = QuietHours(given.quiet.start, given.quiet.end, given.quiet.zone) if given.quiet else None
    key = known.id if known else subscription_id(owner, given.name, given.query)
    before = known or services.subscriptions.subscription(key)
    wanted = Subscription(
        id=key,
        owner=before.owner if before else owner,
        quiet=quiet,
        triggers=tuple(given.triggers),
        outlets=tuple(given.outlets),
        created_at=services.clock.now(),
        **given.model_dump(exclude={"quiet", "triggers", "outlets", "backfill_days"}),
    )
    return settled(wanted, before, services.accept, services.new_token)


class _Desk:
    """What several of the functions do."""

    def __init__(self, web: Web) -> None:
        self._web = web

    def seen(self, request: Request, one: Subscription) -> SubscriptionOut:
        trusted = self._web.access.viewer(request).may_subscribe
        outlets = list(one.outlets) if trusted else [shown(outlet) for outlet in one.outlets]
        return SubscriptionOut.of(one, feed=feed_path(one) if trusted else "", outlets=outlets)

    def known(self, request: Request, wanted: str) -> Subscription:
        return self._web.scope(request).subscription(wanted) or self._web.missing("subscriptions.gone")


def router(web: Web) -> APIRouter:
    """``/api/v1/subscriptions``."""
    routes = APIRouter(
        prefix="/api/v1",
        tags=["alerts"],
        responses={400: {"model": ErrorOut}, 401: {"model": ErrorOut}, 404: {"model": ErrorOut}},
    )
    services = web.services
    desk = _Desk(web)
    subscriber = Depends(web.subscriber)

    @routes.get("/subscriptions", summary="All subscriptions that you may see, oldest first")
    def subscriptions(request: Request) -> list[SubscriptionOut]:
        return [desk.seen(request, one) for one in web.scope(request).subscriptions()]

    @routes.post("/subscriptions", summary="Save a subscription", status_code=201, dependencies=[subscriber])
    def add(request: Request, given: SubscriptionIn) -> SubscriptionOut:
        made = _made(given, services, None, web.access.viewer(request).name)
        services.subscriptions.put_subscription(made)
        services.backfill(made, given.backfill_days)
        return desk.seen(request, made)

    @routes.get("/subscriptions/{wanted}", summary="One subscription")
    def subscription(request: Request, wanted: str) -> SubscriptionOut:
        return desk.seen(request, desk.known(request, wanted))

    @routes.put("/subscriptions/{wanted}", summary="Replace a subscription", dependencies=[subscriber])
    def replace(request: Request, wanted: str, given: SubscriptionIn) -> SubscriptionOut:
        made = _made(given, services, desk.known(request, wanted))
        services.subscriptions.put_subscription(made)
        services.backfill(made, given.backfill_days)
        return desk.seen(request, made)

    @routes.delete(
        "/subscriptions/{wanted}", summary="Forget a subscription", status_code=204, dependencies=[subscriber]
    )
    def remove(request: Request, wanted: str) -> Response:
        if not services.subscriptions.remove_subscription(desk.known(request, wanted).id):
            web.missing("subscriptions.gone")
        return Response(status_code=204)

    @routes.post(
        "/subscriptions/{wanted}/test", summary="Send a test message to each outlet", dependencies=[subscriber]
    )
    def test(request: Request, wanted: str) -> list[TriedOut]:
        return [
            TriedOut(outlet=outlet, problem=problem)
            for outlet, problem in tried_outlets(services, desk.known(request, wanted))
        ]

    @routes.post("/subscriptions/estimate", summary="What a query would have matched in the last 30 days")
    def estimated(given: EstimateIn) -> EstimateOut:
        found = estimate_of(services.parse(given.query), services.search, services.clock.now(), cap=given.cap)
        return EstimateOut.of(found)

    return routes
