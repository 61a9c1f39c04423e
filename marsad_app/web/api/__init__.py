"""The JSON API, ``/api/v1``."""

from fastapi import APIRouter

from marsad_app.web.api import articles, export, feeds, ledger, quarantine, subscriptions
from marsad_app.web.shell import Web

__all__ = ["routers"]


def routers(web: Web) -> tuple[APIRouter, ...]:
    """One router for each kind of thing."""
    return (
        articles.router(web),
        export.router(web),
        subscriptions.router(web),
        ledger.router(web),
        feeds.router(web),
        quarantine.router(web),
    )
