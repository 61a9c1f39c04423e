"""The links in messages: their signature stands for signing in. Nothing happens on GET, which mail scanners follow."""

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from marsad.errors import ConfigError
from marsad.query import format_query
from marsad.query.ast import And, Keyword, Node, Not
from marsad.records import Article, Subscription
from marsad_app.subscribing import muting
from marsad_app.web.services import Services
from marsad_app.web.shell import Web
from sinks.alerts.links import PURPOSES, Purpose, outlet_key, signed_by

__all__ = ["router"]

_ONE_CLICK: Final = "One-Click"
_MOST_TOPICS: Final = 5
_LONGEST: Final = 400


def _refusals(article: Article) -> list[Node]:
    """What "fewer like this" can mean: no more of its outlet, or of one of its topics."""
    topics = [Not(Keyword("topic", topic.id)) for topic in article.topics[:_MOST_TOPICS]]
    return [Not(Keyword("outlet", article.outlet)), *topics] if article.outlet else list(topics)


def _narrowed(services: Services, one: Subscription, refusal: Node) -> Subscription:
    node = services.parse(one.query)
    parts = node.parts if isinstance(node, And) else (node,)
    kept = parts if refusal in parts else (*parts, refusal)
    return msgspec.structs.replace(one, query=format_query(And(kept)))


def _without_outlet(services: Services, one: Subscription, key: str) -> Subscription:
    """The subscription without the outlet that a link names; the same where it has none of that name."""

    def named(stored: str) -> bool:
        try:
            return outlet_key(services.reveal(stored)) == key
        except ConfigError:
            return False

    return msgspec.structs.replace(one, outlets=tuple(each for each in one.outlets if not named(each)))


def _changed(
    services: Services, one: Subscription, purpose: Purpose, subject: str, refused: Sequence[Node]
) -> Subscription:
    """The subscription after the link was followed."""
    match purpose:
        case "mute":
            return muting(one, subject)
        case "unsubscribe":
            return _without_outlet(services, one, subject)
        case "fewer":
            return _narrowed(services, one, refused[0]) if refused else one


def router(web: Web) -> APIRouter:
    """``/m/…``."""
    routes = APIRouter(prefix="/m", include_in_schema=False)
    services = web.services

    def meant(name: str, purpose: str, subject: str, proof: str) -> tuple[Subscription, Purpose]:
        one = services.subscriptions.subscription(name[:_LONGEST])
        known = next((each for each in PURPOSES if each == purpose), None)
        if one is None or known is None or not signed_by(one, known, subject[:_LONGEST], proof[:_LONGEST]):
            web.missing("subscriptions.link-gone")
        return one, known

    def choices(purpose: Purpose, subject: str) -> list[Node]:
        article = services.search.article(subject) if purpose == "fewer" else None
        return _refusals(article) if article else []

    @routes.get("/{name}/{purpose}/{subject}/{proof}")
    def ask(request: Request, name: str, purpose: str, subject: str, proof: str) -> Response:
        one, known = meant(name, purpose, subject, proof)
        asked = [format_query(node) for node in choices(known, subject)]
        return web.pages.respond(request, "message_link.html", one=one, purpose=known, choices=asked, done=False)

    @routes.post("/{name}/{purpose}/{subject}/{proof}")
    def act(
        request: Request,
        name: str,
        purpose: str,
        subject: str,
        proof: str,
        choice: Annotated[int, Form(ge=0, le=_MOST_TOPICS)] = 0,
        click: Annotated[str, Form(alias="List-Unsubscribe", max_length=40)] = "",
    ) -> Response:
        one, known = meant(name, purpose, subject, proof)
        changed = _changed(services, one, known, subject, choices(known, subject)[choice : choice + 1])
        if changed != one:
            services.subscriptions.put_subscription(changed)
        if click == _ONE_CLICK:
            return PlainTextResponse("Unsubscribed.\n")
        return web.pages.respond(request, "message_link.html", one=changed, purpose=known, choices=[], done=True)

    return routes
