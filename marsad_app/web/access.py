"""Who may change things: the token of the settings, as bearer or by logging in; and forms only from our own pages."""

import hashlib
import hmac
from typing import Final

from starlette.requests import Request

from marsad.config import Settings

__all__ = ["CSRF_COOKIE", "CSRF_FIELD", "SESSION_COOKIE", "Access", "form_is_ours", "local_path"]

SESSION_COOKIE: Final = "marsad_session"
CSRF_COOKIE: Final = "marsad_form"
CSRF_FIELD: Final = "form_token"


class Access:
    """Decides whether a request may change something.

    Args:
        settings: ``web.token`` guards changes; without it everybody who reaches the server may make them.
    """

    def __init__(self, settings: Settings) -> None:
        self._token = settings.web.token.get_secret_value()

    @property
    def guarded(self) -> bool:
        """Whether there is a token at all."""
        return bool(self._token)

    @property
    def session(self) -> str:
        """What the session cookie holds: it proves the token and does not give it away to other ports of this host."""
        return hmac.new(self._token.encode(), b"marsad session", hashlib.sha256).hexdigest()

    def knows(self, token: str) -> bool:
        """Whether this is the token, told in constant time."""
        return hmac.compare_digest(token.encode("utf-8", "replace"), self._token.encode())

    def may_write(self, request: Request) -> bool:
        """Whether the request may change something."""
        if not self._token:
            return True
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.knows(token.strip()):
            return True
        cookie = request.cookies.get(SESSION_COOKIE, "")
        return hmac.compare_digest(cookie.encode("utf-8", "replace"), self.session.encode())


def form_is_ours(request: Request, sent: str) -> bool:
    """Whether a form carries the token that its page was given in a cookie (double submit)."""
    expected = request.cookies.get(CSRF_COOKIE, "")
    return bool(expected) and hmac.compare_digest(sent.encode("utf-8", "replace"), expected.encode("utf-8", "replace"))


def local_path(target: str) -> str:
    """A path of this server from what an address asked for; the first page for anything else."""
    local = target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable()
    return target if local else "/"
