"""What every request must pass and every answer carries: host check, origin check, size limit, security headers.

A page on the web can make the reader's browser send requests to a loopback address, by DNS rebinding or by a plain form.
The Host check stops the first, the check of ``Sec-Fetch-Site`` and ``Origin`` (RFC 6454) the second.
"""

from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from marsad_app.web.exposure import is_loopback

__all__ = ["HUB_PATH", "MAX_BODY", "MAX_PUSH", "Guard"]

MAX_BODY: Final = 256_000
"""Bytes of a request's body."""

HUB_PATH: Final = "/websub/"
"""Where hubs call: under a name of its own, with whole documents."""

MAX_PUSH: Final = 2_000_000
"""Bytes of a document that a hub pushes; a larger one is found by the next poll."""

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src {images}; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


def _hostname(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


class _TooLargeError(Exception):
    """The body went over the limit while it was read."""


class Guard:
    """The middleware around everything.

    Args:
        app: what answers.
        host: the address that the server listens on.
        base_url: the address that readers use.
        callback: the address that hubs use.
        images: pictures of other sites may be loaded.
    """

    def __init__(
        self, app: ASGIApp, host: str, base_url: str = "", callback: str = "", *, images: bool = False
    ) -> None:
        self._app = app
        policy = _CSP.format(images="'self' https: http:" if images else "'self'")
        self._headers = {"content-security-policy": policy, **_HEADERS}
        self._only_local = is_loopback(host)
        self._public = _hostname(urlsplit(base_url).netloc)
        self._for_hubs = _hostname(urlsplit(callback).netloc)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or pass it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        from_hub = bool(self._for_hubs) and str(scope["path"]).startswith(HUB_PATH)
        limit = MAX_PUSH if from_hub else MAX_BODY
        refusal = self._refusal(str(scope["method"]), Headers(scope=scope), limit, from_hub=from_hub)
        if refusal is not None:
            await refusal(scope, receive, with_headers)
            return
        try:
            await self._app(scope, _limited(receive, limit), with_headers)
        except _TooLargeError:
            await _too_large(limit)(scope, receive, with_headers)

    def _refusal(self, method: str, headers: Headers, limit: int, *, from_hub: bool) -> PlainTextResponse | None:
        host = headers.get("host", "")
        if not self._host_fits(host) and not (from_hub and _hostname(host) == self._for_hubs):
            return PlainTextResponse(
                f"This server answers for {self._public or 'localhost'} only; set web.base_url to use another name.\n"
                f"يجيب هذا الخادم عن {self._public or 'localhost'} وحده؛ حدّد web.base_url ليجيب عن اسم آخر.\n",
                421,
            )
        if method not in _SAFE and not self._same_origin(headers, host):
            return PlainTextResponse(
                "Refused: the request comes from another site.\nرُفض: يأتي الطلب من موقع آخر.\n", 403
            )
        length = headers.get("content-length", "0")
        if not length.isdigit() or len(length) > len(str(limit)) or int(length) > limit:
            return _too_large(limit)
        return None

    def _host_fits(self, host: str) -> bool:
        name = _hostname(host)
        return not self._only_local or is_loopback(name) or (bool(name) and name == self._public)

    def _same_origin(self, headers: Headers, host: str) -> bool:
        """What a browser says about where the request comes from; programs say nothing."""
        site = headers.get("sec-fetch-site")
        if site is not None and site not in {"same-origin", "none"}:
            return False
        origin = headers.get("origin")
        if origin is None:
            return True
        netloc = urlsplit(origin).netloc
        return netloc.lower() == host.lower() or (bool(self._public) and _hostname(netloc) == self._public)


def _too_large(limit: int) -> PlainTextResponse:
    return PlainTextResponse(
        f"Refused: the body is larger than {limit} bytes.\nرُفض: ما أُرسل أكبر من {limit} بايت.\n", 413
    )


def _limited(receive: Receive, limit: int) -> Receive:
    taken = 0

    async def limited() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > limit:
            raise _TooLargeError
        return message

    return limited
