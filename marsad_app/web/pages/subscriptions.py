"""Subscriptions: list, form, one with its alerts."""

from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from marsad.errors import ConfigError, QueryError
from marsad.records import Subscription
from marsad_app.estimates import Estimate, estimate_of
from marsad_app.subscribing import try_outlets
from marsad_app.web.drafts import Draft, draft_of, from_form, problems, to_subscription
from marsad_app.web.render import SUBSCRIBED
from marsad_app.web.services import Services
from marsad_app.web.shell import Web, field, see
from sinks.alerts.seal import shown
from sinks.alerts.webhook import SCHEME, secret_for
from sinks.alerts.wording import spike_figures

__all__ = ["estimate", "feed_path", "router", "tried_outlets"]

_ALERTS: Final = 20
_MAX_PAGE: Final = 500
_MAX_QUERY: Final = 2_000
_BACKFILL_DAYS: Final = 7
_LONGEST_NAME: Final = 80


def estimate(services: Services, query: str, cap: str) -> Estimate | None:
    """What of the last thirty days matches; None for a query that cannot be understood."""
    try:
        node = services.parse(query)
    except QueryError:
        return None
    limit = int(cap) if cap.isascii() and cap.isdigit() and len(cap) < 6 else 0  # noqa: PLR2004
    return estimate_of(node, services.search, services.clock.now(), cap=limit)


def _hooks(services: Services, one: Subscription) -> list[tuple[str, str]]:
    """The webhooks of a subscription, masked, with the keys that their messages are signed with."""
    found = []
    for stored in one.outlets:
        try:
            address = services.reveal(stored)
        except ConfigError:
            continue
        if address.startswith(SCHEME):
            found.append((shown(stored), secret_for(one, address)))
    return found


def feed_path(subscription: Subscription) -> str:
    """The path of its Atom feed; empty where it has no secret, and so no feed. With ``.json`` at its end it is a JSON Feed."""
    return f"/feeds/subscriptions/{subscription.id}-{subscription.secret}.atom" if subscription.secret else ""


class _Form:
    """Shows the form, and saves what it sends."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._services = web.services

    def known(self, request: Request, subscription_id: str) -> Subscription:
        return self._web.scope(request).subscription(subscription_id) or self._web.missing("subscriptions.gone")

    def show(
        self,
        request: Request,
        draft: Draft,
        known: Subscription | None,
        found: Sequence[str] = (),
        *,
        checked: bool = False,
    ) -> Response:
        return self._web.pages.respond(
            request,
            "subscription_form.html",
            status=400 if found else 200,
            draft=draft,
            known=known,
            problems=found,
            estimate=estimate(self._services, draft.query, draft.cap) if draft.query else None,
            checked=checked,
        )

    def save(self, request: Request, sent: FormData, known: Subscription | None) -> Response:
        draft = from_form(sent)
        found = problems(draft, self._services, self._web.pages.texts(request))
        if field(sent, "check") or found:
            return self.show(request, draft, known, found, checked=True)
        made = to_subscription(draft, known, self._services, self._web.access.viewer(request).name)
        self._services.subscriptions.put_subscription(made)
        self._services.backfill(made, _BACKFILL_DAYS if draft.backfill else 0)
        return see(f"/subscriptions/{made.id}", "saved")

    def blank(self, request: Request, query: str, name: str) -> Draft:
        """The form for a search; named as it is, or as asked."""
        return Draft(name=(name or query)[:_LONGEST_NAME], query=query, language=self._web.pages.language(request))

    def save_at_once(self, request: Request, draft: Draft) -> Response:
        """Save a search with what the form begins with; one that is there already is left as it is."""
        found = problems(draft, self._services, self._web.pages.texts(request))
        if found:
            return self.show(request, draft, None, found)
        made = to_subscription(draft, None, self._services, self._web.access.viewer(request).name)
        if self._services.subscriptions.subscription(made.id) is None:
            self._services.subscriptions.put_subscription(made)
        return see(f"/subscriptions/{made.id}", SUBSCRIBED)

    def detail(
        self, request: Request, one: Subscription, page: int, tried: list[tuple[str, str]] | None = None
    ) -> Response:
        alerts = self._services.alerts.alerts(subscription_id=one.id, limit=_ALERTS + 1, offset=(page - 1) * _ALERTS)
        return self._web.pages.respond(
            request,
            "subscription.html",
            one=one,
            alerts=alerts[:_ALERTS],
            more=len(alerts) > _ALERTS and page < _MAX_PAGE,
            page=page,
            deliveries=self._services.deliveries.deliveries(subscription_id=one.id, limit=_ALERTS),
            feed=feed_path(one),
            json_feed=feed_path(one).removesuffix(".atom") + ".json" if feed_path(one) else "",
            masked=shown,
            hooks=_hooks(self._services, one),
            tried=tried,
            spike_figures=spike_figures,
            estimate=estimate(self._services, one.query, str(one.cap))
            if request.query_params.get("notice") == SUBSCRIBED
            else None,
        )


def tried_outlets(services: Services, one: Subscription) -> list[tuple[str, str]]:
    """Send a test message to each outlet: its kind, and why it failed."""
    page = services.search.search(services.parse(one.query), sort="date", limit=1)
    return try_outlets(one, [hit.article for hit in page.hits], services.outlet_at, services.clock.now())


def _making(routes: APIRouter, web: Web, form: _Form) -> None:
    """The ways to a new subscription: the form, and one click on a search."""

    @routes.get("/new", dependencies=[Depends(web.subscriber)])
    def new(request: Request, q: Annotated[str, Query(max_length=_MAX_QUERY)] = "", name: str = "") -> Response:
        return form.show(request, form.blank(request, q, name), None)

    # Plain functions run in a thread of their own, so that the store never holds up other requests.
    @routes.post("")
    def create(request: Request, sent: Annotated[FormData, Depends(web.posted_by_subscriber)]) -> Response:
        return form.save(request, sent, None)

    @routes.post("/at-once")
    def at_once(request: Request, sent: Annotated[FormData, Depends(web.posted_by_subscriber)]) -> Response:
        return form.save_at_once(request, form.blank(request, field(sent, "query"), field(sent, "name")))


def router(web: Web) -> APIRouter:
    """``/subscriptions``."""
    routes = APIRouter(prefix="/subscriptions", include_in_schema=False)
    services = web.services
    form = _Form(web)
    subscriber = Depends(web.subscriber)

    @routes.get("")
    def subscriptions(request: Request) -> Response:
        known = web.scope(request).subscriptions()
        latest = {one.id: next(iter(services.alerts.alerts(subscription_id=one.id, limit=1)), None) for one in known}
        return web.pages.respond(request, "subscriptions.html", subscriptions=known, latest=latest)

    _making(routes, web, form)

    @routes.get("/{subscription_id}")
    def subscription(
        request: Request, subscription_id: str, page: Annotated[int, Query(ge=1, le=_MAX_PAGE)] = 1
    ) -> Response:
        return form.detail(request, form.known(request, subscription_id), page)

    @routes.post("/{subscription_id}/test")
    def test(
        request: Request, subscription_id: str, sent: Annotated[FormData, Depends(web.posted_by_subscriber)]
    ) -> Response:
        one = form.known(request, subscription_id)
        return form.detail(request, one, 1, tried=tried_outlets(services, one))

    @routes.get("/{subscription_id}/edit", dependencies=[subscriber])
    def edit(request: Request, subscription_id: str) -> Response:
        one = form.known(request, subscription_id)
        return form.show(request, draft_of(one), one)

    @routes.post("/{subscription_id}")
    def change(
        request: Request, subscription_id: str, sent: Annotated[FormData, Depends(web.posted_by_subscriber)]
    ) -> Response:
        one = form.known(request, subscription_id)
        return form.save(request, sent, one)

    @routes.post("/{subscription_id}/delete")
    def delete(
        request: Request, subscription_id: str, sent: Annotated[FormData, Depends(web.posted_by_subscriber)]
    ) -> Response:
        if not services.subscriptions.remove_subscription(form.known(request, subscription_id).id):
            web.missing("subscriptions.gone")
        return see("/subscriptions", "deleted")

    return routes
