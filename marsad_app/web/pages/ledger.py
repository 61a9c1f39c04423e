"""The ledger: what was sent, when, where to, how often it was tried, what went wrong; and how each outlet does."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from marsad.records import DeliveryState
from marsad_app.ledger import send_again, standings
from marsad_app.web.shell import Web, see
from sinks.alerts.seal import shown

__all__ = ["router"]

_ROWS: Final = 100
_LOOKED_AT: Final = 1_000
_MOST_PAGES: Final = 100


def router(web: Web) -> APIRouter:
    """``/deliveries`` and ``/alerts/…/again``."""
    routes = APIRouter(include_in_schema=False)
    services = web.services

    @routes.get("/deliveries")
    def ledger(
        request: Request, state: DeliveryState | None = None, page: Annotated[int, Query(ge=1, le=_MOST_PAGES)] = 1
    ) -> Response:
        scope = web.scope(request)
        subscriptions = scope.subscriptions()
        latest = scope.deliveries(limit=_LOOKED_AT)
        found = scope.deliveries(state=state, limit=_ROWS + 1, offset=(page - 1) * _ROWS)
        rows = found[:_ROWS]
        alerts = {each.alert_id: scope.alert(each.alert_id) for each in rows}
        return web.pages.respond(
            request,
            "ledger.html",
            rows=rows,
            more=len(found) > _ROWS and page < _MOST_PAGES,
            page=page,
            alerts=alerts,
            names={one.id: one.name for one in subscriptions},
            standings=standings(latest, subscriptions, services.clock.now()),
            states=list(DeliveryState),
            chosen=state,
            masked=shown,
        )

    @routes.post("/alerts/{alert_id}/again")
    def again(
        request: Request, alert_id: str, sent: Annotated[FormData, Depends(web.posted_by_subscriber)]
    ) -> Response:
        scope = web.scope(request)
        alert = scope.alert(alert_id)
        one = scope.subscription(alert.subscription_id) if alert else None
        if alert is None or one is None:
            web.missing("subscriptions.gone")
        send_again(alert, one, services.alerts, services.clock.now())
        return see("/deliveries", "sent-again")

    return routes
