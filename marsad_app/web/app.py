"""The web application: pages, API, Atom feeds and what watches over them, put together."""

from importlib.metadata import version
from typing import Final

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.datastructures import MutableHeaders
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from marsad_app.web import api, faults, metrics, pages, websub
from marsad_app.web.access import Access
from marsad_app.web.exposure import check_exposure
from marsad_app.web.guard import Guard
from marsad_app.web.render import Pages
from marsad_app.web.services import Services
from marsad_app.web.shell import Web

__all__ = ["Services", "create_app"]

_DESCRIPTION: Final = (
    "Search, stories, subscriptions, alerts, feeds and quarantine of Marsad. Errors answer with `error`, a sentence, and for "
    "queries `position`, the 0-based offset of the fault. Where `web.token` is set, changes need it as bearer token."
)


def create_app(services: Services) -> FastAPI:
    """Make the application.

    Args:
        services: what it shows and changes.

    Raises:
        ConfigError: it would be open to the network without a token.
    """
    settings = services.settings.web
    access = Access(services.settings, services.owners)
    check_exposure(settings)
    web = Web(services, access, Pages(services, access))
    # The interactive documentation that FastAPI brings loads its scripts from a third party; /api is ours.
    app = FastAPI(
        title="Marsad",
        version=version("marsad"),
        description=_DESCRIPTION,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    faults.handle(app, web)
    registry = CollectorRegistry()
    for router in (*pages.routers(web), *api.routers(web), metrics.router(web, registry)):
        app.include_router(router)
    callback = services.settings.websub.callback
    if callback and services.inbox is not None:
        app.include_router(websub.router(services, services.inbox))
    app.mount("/static", _Kept(StaticFiles(packages=[("marsad_app.web", "static")])))
    app.add_middleware(metrics.Counted, counts=metrics.counter(registry))
    app.add_middleware(Guard, host=settings.host, base_url=settings.base_url, callback=callback, images=settings.images)
    return app


class _Kept:
    """Static files, whose address changes with their content: browsers may keep them for a year."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def kept(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["cache-control"] = "public, max-age=31536000, immutable"
            await send(message)

        await self._app(scope, receive, kept)
