"""The status page and the page about the API."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from marsad_app.web.shell import Web

__all__ = ["router"]


def _endpoints(document: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Method, path and summary of each function of the API."""
    return [
        (method.upper(), path, str(operation.get("summary", "")))
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]


def router(web: Web) -> APIRouter:
    """``/status`` and ``/api``."""
    routes = APIRouter(include_in_schema=False)
    services = web.services

    @routes.get("/status")
    def status(request: Request) -> Response:
        figures = dict(services.status())
        failures = figures.pop("failures", {})
        health = Counter(state.health.value for state in services.ledger.states())
        return web.pages.respond(
            request,
            "status.html",
            numbers={name: value for name, value in figures.items() if isinstance(value, (int, float))},
            tables={name: value for name, value in figures.items() if isinstance(value, Mapping)},
            failures=failures if isinstance(failures, Mapping) else {},
            health=health.most_common(),
            articles=services.search.count(),
            feeds=len(services.registry.feeds()),
            subscriptions=len(services.subscriptions.subscriptions()),
        )

    @routes.get("/api")
    def api(request: Request) -> Response:
        return web.pages.respond(request, "api.html", endpoints=_endpoints(request.app.openapi()))

    return routes
