"""Where hubs call (WebSub sections 5.3 and 7): they ask whether a subscription was meant, and push documents.

Anyone on the Internet may call here. Who does not know the last part of a callback's address learns nothing and costs a look
at one feed; what bears no right signature is thanked for and dropped, so that nobody can try signatures out.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Callable
from typing import Any, Final

import structlog
from fastapi import APIRouter
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from marsad.config import WebSubSettings
from marsad.ports import HubInbox
from marsad.records import HubLink, HubNews
from marsad_app.web.guard import HUB_PATH
from marsad_app.web.rate import RateLimit
from marsad_app.web.services import Services

__all__ = ["router", "signed"]

_log = structlog.get_logger(__name__)
_METHODS: Final[dict[str, Callable[..., Any]]] = {
    "sha1": hashlib.sha1, "sha256": hashlib.sha256, "sha384": hashlib.sha384, "sha512": hashlib.sha512,
}  # fmt: skip
# A hub may ask back before the state that says so has come to the page from the producers.
_LOOKS: Final = 20
_LOOK_S: Final = 0.25
_LONGEST_CHALLENGE: Final = 2_000
_LONGEST_REASON: Final = 300
_LONGEST_LEASE: Final = 31_536_000
_BURST: Final = 6
# All hubs together; a feed of each of a thousand sites may push at once and is heard within a minute.
_ALL_PER_S: Final = 20.0
_ALL_BURST: Final = 200
_STRANGERS_PER_S: Final = 2.0
_STRANGERS_BURST: Final = 60


def signed(header: str, secret: str, body: bytes) -> bool:
    """Tell, in constant time, whether ``X-Hub-Signature`` is the body's (WebSub section 7.1)."""
    method, _, given = header.strip().partition("=")
    digest = _METHODS.get(method.lower())
    if digest is None:
        return False
    right = hmac.new(secret.encode(), body, digest).hexdigest()
    return hmac.compare_digest(right.encode(), given.strip().lower().encode("utf-8", "replace"))


def router(services: Services, inbox: HubInbox) -> APIRouter:
    """``/websub/{feed}/{token}``."""
    callback = _Callback(services, inbox, services.settings.websub)
    routes = APIRouter(include_in_schema=False)
    routes.add_api_route(HUB_PATH + "{feed_id}/{token}", callback.verify, methods=["GET"], response_model=None)
    routes.add_api_route(HUB_PATH + "{feed_id}/{token}", callback.push, methods=["POST"], response_model=None)
    return routes


class _Callback:
    def __init__(self, services: Services, inbox: HubInbox, settings: WebSubSettings) -> None:
        self._services = services
        self._inbox = inbox
        clock = services.clock
        self._strangers = RateLimit(clock, per_second=_STRANGERS_PER_S, burst=_STRANGERS_BURST)
        self._all = RateLimit(clock, per_second=_ALL_PER_S, burst=_ALL_BURST)
        self._feeds = RateLimit(clock, per_second=1 / settings.spacing, burst=_BURST)

    async def verify(self, request: Request, feed_id: str, token: str) -> Response:
        """Answer a hub that asks whether we meant it, or that tells why there will be no subscription."""
        asked = request.query_params
        mode, topic = asked.get("hub.mode", ""), asked.get("hub.topic", "")
        if mode not in {"subscribe", "unsubscribe", "denied"}:
            return _no("hub.mode is missing", 400)
        if wait := self._strangers.wait(""):
            return _later(wait)
        link = await self._link(feed_id, token, patient=mode == "subscribe")
        if mode == "unsubscribe":
            # What is not wanted any more is confirmed; nobody can take away what is.
            return _no("this subscription is wanted") if link is not None else _echo(asked)
        if link is None or topic != link.topic:
            return _no("no such subscription was asked for")
        return await self._answered(link, feed_id, mode, asked)

    async def _answered(self, link: HubLink, feed_id: str, mode: str, asked: QueryParams) -> Response:
        if mode == "denied":
            reason = " ".join(asked.get("hub.reason", "").split())[:_LONGEST_REASON]
            await self._tell(feed_id, link, kind="denied", reason=reason)
            return PlainTextResponse("")
        lease = asked.get("hub.lease_seconds", "")
        if not (lease.isascii() and lease.isdigit()) or not 0 < int(lease[:9]) <= _LONGEST_LEASE:
            return _no("hub.lease_seconds is missing", 400)
        answer = _echo(asked)
        if answer.status_code == 200:  # noqa: PLR2004  # the subscription is confirmed by what is answered now
            await self._tell(feed_id, link, kind="confirmed", lease_seconds=int(lease))
        return answer

    async def push(self, request: Request, feed_id: str, token: str) -> Response:
        """Take what a hub pushes, if it signed it."""
        link = await self._link(feed_id, token)
        if link is None:
            return _later(wait) if (wait := self._strangers.wait("")) else _no("no such subscription", 410)
        if wait := self._feeds.wait(link.token) or self._all.wait(""):
            return _later(wait)
        body = await request.body()
        if signed(request.headers.get("x-hub-signature", ""), link.secret, body):
            kind = request.headers.get("content-type", "")
            await self._tell(feed_id, link, kind="pushed", body=body, content_type=kind)
        else:
            _log.warning("push without a right signature dropped", feed=feed_id, hub=link.hub, size=len(body))
        return Response(status_code=202)

    async def _link(self, feed_id: str, token: str, *, patient: bool = False) -> HubLink | None:
        """The subscription whose callback this is."""
        for look in range(_LOOKS if patient else 1):
            await asyncio.sleep(_LOOK_S if look else 0)
            link = await asyncio.to_thread(self._wanted, feed_id)
            if link is not None and hmac.compare_digest(token.encode("utf-8", "replace"), link.token.encode()):
                return link
        return None

    def _wanted(self, feed_id: str) -> HubLink | None:
        feed = self._services.registry.feed(feed_id)
        state = self._services.ledger.state(feed_id) if feed is not None and feed.enabled else None
        return None if state is None else state.hub

    async def _tell(self, feed_id: str, link: HubLink, **fields: Any) -> None:
        news = HubNews(feed_id=feed_id, token=link.token, at=self._services.clock.now(), **fields)
        await asyncio.to_thread(self._inbox.tell, news)


def _echo(asked: QueryParams) -> Response:
    challenge = asked.get("hub.challenge", "")
    if not challenge or len(challenge) > _LONGEST_CHALLENGE:
        return _no("hub.challenge is missing", 400)
    return PlainTextResponse(challenge)


def _no(why: str, status: int = 404) -> Response:
    return PlainTextResponse(f"{why}\n", status)


def _later(seconds: float) -> Response:
    return PlainTextResponse("too many requests\n", 429, headers={"retry-after": str(int(seconds) + 1)})
