"""The ledger: what was sent, when, where to, how often it was tried, what went wrong; and how each outlet does."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends
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


def router(web: Web) -> APIRouter:
    """``/deliveries`` and ``/alerts/…/again``."""
    routes = APIRouter(include_in_schema=False)
    services = web.services

    @routes.get("/deliveries")
    def ledger(request: Request, state: DeliveryState | None = None) -> Response:
        scope = web.scope(request)
        subscriptions = scope.subscriptions()
        latest = scope.deliveries(limit=_LOOKED_AT)
        rows = [each for each in latest if state in {None, each.state}][:_ROWS]
        return web.pages.respond(
            request,
            "ledger.html",
            rows=rows,
            alerts={each.alert_id: each for each in scope.alerts(limit=_LOOKED_AT)},
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
        alert = next((each for each in scope.alerts(limit=_LOOKED_AT) if each.alert_id == alert_id), None)
        one = scope.subscription(alert.subscription_id) if alert else None
        if alert is None or one is None:
            web.missing("subscriptions.gone")
        send_again(alert, one, services.alerts, services.clock.now())
        return see("/deliveries", "sent-again")

    return routes
