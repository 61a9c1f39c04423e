"""Alerts, deliveries and how each outlet does."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import StreamingResponse

from marsad.records import DeliveryState
from marsad_app.ledger import send_again, standings
from marsad_app.web.api.alert_schemas import AlertOut, DeliveryOut, OutletOut
from marsad_app.web.api.schemas import ErrorOut, out
from marsad_app.web.scope import Scope
from marsad_app.web.shell import Web
from sinks.alerts.seal import shown

__all__ = ["router", "sse"]

_LOOKED_AT: Final = 1_000
_EVERY_S: Final = 1.0
_BATCH: Final = 50
_SILENT_ROUNDS: Final = 20


def sse(alert: AlertOut) -> bytes:
    """An alert as a server-sent event."""
    return f"id: {alert.alert_id}\nevent: alert\ndata: {alert.model_dump_json()}\n\n".encode()


async def _stream(scope: Scope, subscription: str | None, last: str, request: Request) -> AsyncIterator[bytes]:
    """Yield alerts as they come, oldest first, from the one after ``last`` or from now on."""

    def newest() -> list[AlertOut]:
        found = scope.alerts(subscription_id=subscription, limit=_BATCH)
        return [out(AlertOut, alert) for alert in found]

    seen = last or next((alert.alert_id for alert in await asyncio.to_thread(newest)), "")
    yield b"retry: 3000\n\n"
    silent = 0
    while not await request.is_disconnected():
        latest = await asyncio.to_thread(newest)
        ids = [alert.alert_id for alert in latest]
        new = latest[: ids.index(seen)] if seen in ids else latest
        for alert in reversed(new):
            yield sse(alert)
        seen = ids[0] if ids else seen
        silent = 0 if new else silent + 1
        if silent >= _SILENT_ROUNDS:  # so that what lies between does not take the connection for dead
            silent = 0
            yield b": waiting\n\n"
        await asyncio.sleep(_EVERY_S)


def router(web: Web) -> APIRouter:
    """``/api/v1/alerts``, ``/deliveries`` and ``/outlets``."""
    routes = APIRouter(
        prefix="/api/v1",
        tags=["alerts"],
        responses={400: {"model": ErrorOut}, 401: {"model": ErrorOut}, 404: {"model": ErrorOut}},
    )
    services = web.services
    subscriber = Depends(web.subscriber)

    @routes.get("/alerts", summary="Alerts, newest first")
    def alerts(
        request: Request,
        subscription: str | None = None,
        limit: Annotated[int, Query(ge=1, le=100)] = 50,
        offset: Annotated[int, Query(ge=0, le=10_000)] = 0,
    ) -> list[AlertOut]:
        found = web.scope(request).alerts(subscription_id=subscription, limit=limit, offset=offset)
        return [out(AlertOut, alert) for alert in found]

    @routes.get(
        "/alerts/stream", summary="Alerts as they come, as server-sent events", response_class=StreamingResponse
    )
    async def stream(request: Request, subscription: str | None = None) -> StreamingResponse:
        last = request.headers.get("last-event-id", "")[:200]
        return StreamingResponse(
            _stream(web.scope(request), subscription, last, request),
            media_type="text/event-stream",
            headers={"cache-control": "no-store", "x-accel-buffering": "no"},
        )

    @routes.post("/alerts/{alert_id}/again", summary="Send an alert to its outlets again", dependencies=[subscriber])
    def again(request: Request, alert_id: str) -> AlertOut:
        scope = web.scope(request)
        alert = scope.alert(alert_id)
        one = scope.subscription(alert.subscription_id) if alert else None
        if alert is None or one is None:
            web.missing("subscriptions.gone")
        return out(AlertOut, send_again(alert, one, services.alerts, services.clock.now()))

    @routes.get("/deliveries", summary="Deliveries, newest first")
    def deliveries(
        request: Request,
        subscription: str | None = None,
        state: DeliveryState | None = None,
        limit: Annotated[int, Query(ge=1, le=100)] = 50,
        offset: Annotated[int, Query(ge=0, le=10_000)] = 0,
    ) -> list[DeliveryOut]:
        scope = web.scope(request)
        found = scope.deliveries(subscription_id=subscription, state=state, limit=limit, offset=offset)
        return [out(DeliveryOut, msgspec.structs.replace(each, outlet=shown(each.outlet))) for each in found]

    @routes.get("/outlets", summary="How the deliveries to each outlet went of late")
    def outlets(request: Request) -> list[OutletOut]:
        scope = web.scope(request)
        latest = scope.deliveries(limit=_LOOKED_AT)
        return [out(OutletOut, one) for one in standings(latest, scope.subscriptions(), services.clock.now())]

    return routes
