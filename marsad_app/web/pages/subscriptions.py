"""Subscriptions: list, form, one with its alerts."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from marsad.errors import QueryError
from marsad.query.ast import And, MatchAll, Range
from marsad.records import Subscription
from marsad_app.web.drafts import Draft, draft_of, from_form, problems, to_subscription
from marsad_app.web.services import Services
from marsad_app.web.shell import Web, field, see

__all__ = ["estimate", "feed_path", "masked", "router"]

_ALERTS: Final = 20
_MAX_PAGE: Final = 500
_DAYS: Final = 7
_MAX_QUERY: Final = 2_000


def estimate(services: Services, query: str) -> int | None:
    """How many articles of the last seven days match; None for a query that cannot be understood."""
    try:
        node = services.parse(query)
    except QueryError:
        return None
    recent = Range("published", services.clock.now() - timedelta(days=_DAYS), None)
    parts = node.parts if isinstance(node, And) else () if isinstance(node, MatchAll) else (node,)
    return services.search.search(And((*parts, recent)) if parts else recent, sort="date", limit=1).total


def feed_path(subscription: Subscription) -> str:
    """The path of its Atom feed; empty where it has no secret, and so no feed."""
    return f"/feeds/subscriptions/{subscription.id}-{subscription.secret}.atom" if subscription.secret else ""


def masked(outlet: str) -> str:
    """What of a delivery address may be shown: its scheme, since the rest may hold a password."""
    scheme, separator, rest = outlet.partition(":")
    return f"{scheme}://…" if separator and rest else f"{scheme}{separator}"


class _Form:
    """Shows the form, and saves what it sends."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._services = web.services

    def known(self, subscription_id: str) -> Subscription:
        return self._services.subscriptions.subscription(subscription_id) or self._web.missing("subscriptions.gone")

    def show(self, request: Request, draft: Draft, known: Subscription | None, found: Sequence[str] = ()) -> Response:
        return self._web.pages.respond(
            request,
            "subscription_form.html",
            status=400 if found else 200,
            draft=draft,
            known=known,
            problems=found,
            estimate=estimate(self._services, draft.query) if draft.query else None,
        )

    def save(self, request: Request, sent: FormData, known: Subscription | None) -> Response:
        draft = from_form(sent)
        found = problems(draft, self._services, self._web.pages.texts(request))
        if field(sent, "check") or found:
            return self.show(request, draft, known, found)
        made = to_subscription(draft, known, self._services)
        self._services.subscriptions.put_subscription(made)
        return see(f"/subscriptions/{made.id}", "saved")


def router(web: Web) -> APIRouter:
    """``/subscriptions``."""
    routes = APIRouter(prefix="/subscriptions", include_in_schema=False)
    services = web.services
    form = _Form(web)
    writer = Depends(web.writer)

    @routes.get("")
    def subscriptions(request: Request) -> Response:
        known = services.subscriptions.subscriptions()
        latest = {one.id: next(iter(services.alerts.alerts(subscription_id=one.id, limit=1)), None) for one in known}
        return web.pages.respond(request, "subscriptions.html", subscriptions=known, latest=latest)

    @routes.get("/new", dependencies=[writer])
    def new(request: Request, q: Annotated[str, Query(max_length=_MAX_QUERY)] = "", name: str = "") -> Response:
        draft = Draft(name=(name or q)[:80], query=q, language=web.pages.language(request))
        return form.show(request, draft, None)

    # Plain functions run in a thread of their own, so that the store never holds up other requests.
    @routes.post("")
    def create(request: Request, sent: Annotated[FormData, Depends(web.posted)]) -> Response:
        return form.save(request, sent, None)

    @routes.get("/{subscription_id}")
    def subscription(
        request: Request, subscription_id: str, page: Annotated[int, Query(ge=1, le=_MAX_PAGE)] = 1
    ) -> Response:
        one = form.known(subscription_id)
        alerts = services.alerts.alerts(subscription_id=one.id, limit=_ALERTS + 1, offset=(page - 1) * _ALERTS)
        return web.pages.respond(
            request,
            "subscription.html",
            one=one,
            alerts=alerts[:_ALERTS],
            more=len(alerts) > _ALERTS and page < _MAX_PAGE,
            page=page,
            deliveries=services.deliveries.deliveries(subscription_id=one.id, limit=_ALERTS),
            feed=feed_path(one),
            masked=masked,
        )

    @routes.get("/{subscription_id}/edit", dependencies=[writer])
    def edit(request: Request, subscription_id: str) -> Response:
        one = form.known(subscription_id)
        return form.show(request, draft_of(one), one)

    @routes.post("/{subscription_id}")
    def change(request: Request, subscription_id: str, sent: Annotated[FormData, Depends(web.posted)]) -> Response:
        one = form.known(subscription_id)
        return form.save(request, sent, one)

    @routes.post("/{subscription_id}/delete")
    def delete(request: Request, subscription_id: str, sent: Annotated[FormData, Depends(web.posted)]) -> Response:
        if not services.subscriptions.remove_subscription(subscription_id):
            web.missing("subscriptions.gone")
        return see("/subscriptions", "deleted")

    return routes
