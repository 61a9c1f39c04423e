"""The pages that people read."""

from fastapi import APIRouter

from marsad_app.web.pages import (
    articles,
    atom,
    feeds,
    ledger,
    message_links,
    operations,
    quarantine,
    search,
    sessions,
    stories,
    subscriptions,
    topics,
)
from marsad_app.web.shell import Web

__all__ = ["routers"]


def routers(web: Web) -> tuple[APIRouter, ...]:
    """One router for each part of the site; none of them is in the OpenAPI document."""
    return (
        search.router(web),
        articles.router(web),
        stories.router(web),
        subscriptions.router(web),
        ledger.router(web),
        message_links.router(web),
        atom.router(web),
        topics.router(web),
        feeds.router(web),
        quarantine.router(web),
        operations.router(web),
        sessions.router(web),
    )
