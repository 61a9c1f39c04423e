"""The quarantine: list, one item, replay, drop."""

import contextlib
import json
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Query
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from marsad_app.web.shell import RefusedError, Web, see

__all__ = ["Payload", "readable", "router"]

_PER_PAGE: Final = 50
_MAX_PAGE: Final = 500
_SHOWN: Final = 20_000
_HEX_SHOWN: Final = 2_048
_STAGES: Final = ("poll", "clean", "tag", "group", "match", "index", "deliver")


class Payload(msgspec.Struct, frozen=True):
    """Original bytes made readable; shown as text and never as what they claim to be."""

    text: str
    size: int
    cut: bool
    binary: bool


def readable(payload: bytes) -> Payload:
    """Make bytes readable: JSON indented, other text as it is, the rest in hexadecimal; the beginning of what is long."""
    try:
        text = payload.decode()
        binary = False
    except UnicodeDecodeError:
        head = payload[:_HEX_SHOWN]
        text = "\n".join(f"{at:08x}  {head[at : at + 16].hex(' ')}" for at in range(0, len(head), 16))
        return Payload(text, len(payload), cut=len(payload) > _HEX_SHOWN, binary=True)
    if len(payload) < 10 * _SHOWN:
        with contextlib.suppress(ValueError, RecursionError):
            text = json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    # A NUL would end the text for some browsers, and other controls could hide what follows.
    safe = "".join(char if char.isprintable() or char in "\n\t" else "\ufffd" for char in text[:_SHOWN])
    return Payload(safe, len(payload), cut=len(text) > _SHOWN, binary=binary)


def router(web: Web) -> APIRouter:
    """``/quarantine``."""
    routes = APIRouter(prefix="/quarantine", include_in_schema=False)
    services = web.services

    @routes.get("")
    def quarantine(request: Request, stage: str = "", page: Annotated[int, Query(ge=1, le=_MAX_PAGE)] = 1) -> Response:
        chosen = stage if stage in _STAGES else ""
        found = services.quarantine.quarantined(
            stage=chosen or None, limit=_PER_PAGE + 1, offset=(page - 1) * _PER_PAGE
        )
        return web.pages.respond(
            request,
            "quarantine.html",
            items=found[:_PER_PAGE],
            more=len(found) > _PER_PAGE,
            page=page,
            stage=chosen,
            stages=_STAGES,
        )

    @routes.get("/{item_id}")
    def item(request: Request, item_id: str) -> Response:
        found = services.quarantine.quarantined_item(item_id) or web.missing("quarantine.gone")
        return web.pages.respond(request, "quarantined.html", item=found, payload=readable(found.payload))

    @routes.post("/{item_id}/replay")
    def replay(request: Request, item_id: str, sent: Annotated[FormData, Depends(web.posted)]) -> Response:
        if services.quarantine.quarantined_item(item_id) is None:
            web.missing("quarantine.gone")
        if not services.replay(item_id):
            raise RefusedError("quarantine.cannot-replay")
        return see("/quarantine", "replayed")

    @routes.post("/{item_id}/drop")
    def drop(request: Request, item_id: str, sent: Annotated[FormData, Depends(web.posted)]) -> Response:
        if not services.quarantine.drop_quarantined(item_id):
            web.missing("quarantine.gone")
        return see("/quarantine", "dropped")

    return routes
