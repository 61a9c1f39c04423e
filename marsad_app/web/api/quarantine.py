"""The quarantine, and the live counters."""

import base64
from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from marsad.errors import ConfigError
from marsad.records import Quarantined
from marsad_app.web.api.schemas import ErrorOut, QuarantinedOut
from marsad_app.web.shell import Web

__all__ = ["router"]


def _out(item: Quarantined, *, whole: bool = False) -> QuarantinedOut:
    return QuarantinedOut(
        id=item.id,
        stage=item.stage,
        key=item.key,
        reason=item.reason,
        detail=item.detail,
        at=item.at,
        size=len(item.payload),
        payload_base64=base64.b64encode(item.payload).decode() if whole else None,
    )


def router(web: Web) -> APIRouter:
    """``/api/v1/quarantine`` and ``/api/v1/status``."""
    routes = APIRouter(
        prefix="/api/v1", tags=["operations"], responses={401: {"model": ErrorOut}, 404: {"model": ErrorOut}}
    )
    services = web.services
    writer = Depends(web.writer)

    def known(wanted: str) -> Quarantined:
        return services.quarantine.quarantined_item(wanted) or web.missing("quarantine.gone")

    @routes.get("/quarantine", summary="What could not be processed, newest first")
    def quarantine(
        stage: str | None = None,
        limit: Annotated[int, Query(ge=1, le=100)] = 100,
        offset: Annotated[int, Query(ge=0, le=10_000)] = 0,
    ) -> list[QuarantinedOut]:
        return [_out(item) for item in services.quarantine.quarantined(stage=stage, limit=limit, offset=offset)]

    @routes.get("/quarantine/{wanted}", summary="One item with its original bytes")
    def item(wanted: str) -> QuarantinedOut:
        return _out(known(wanted), whole=True)

    @routes.post("/quarantine/{wanted}/replay", summary="Process an item again", dependencies=[writer])
    def replay(wanted: str) -> dict[str, str]:
        known(wanted)
        if not services.replay(wanted):
            raise ConfigError("this cannot be replayed: what was kept of it is no whole entry")
        return {"status": "replayed"}

    @routes.delete("/quarantine/{wanted}", summary="Drop an item", status_code=204, dependencies=[writer])
    def drop(wanted: str) -> Response:
        if not services.quarantine.drop_quarantined(wanted):
            web.missing("quarantine.gone")
        return Response(status_code=204)

    @routes.get("/status", summary="Live counters of every stage")
    def status() -> Mapping[str, object]:
        return dict(services.status())

    return routes
