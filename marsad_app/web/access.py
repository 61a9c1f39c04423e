"""Who asks: by the token of the settings or of an owner, as bearer or by logging in; and forms only from our own pages."""

import hashlib
import hmac
from typing import Final
from urllib.parse import quote, unquote

from starlette.requests import Request

from marsad.config import Settings
from marsad.ports import Owners
from marsad_app.owners import named, session_of, token_owner
from marsad_app.web.scope import Viewer

__all__ = ["CSRF_COOKIE", "CSRF_FIELD", "SESSION_COOKIE", "Access", "form_is_ours", "local_path"]

SESSION_COOKIE: Final = "marsad_session"
CSRF_COOKIE: Final = "marsad_form"
CSRF_FIELD: Final = "form_token"
_OF: Final = "."
_ADMIN: Final = Viewer(admin=True)


class Access:
    """Decides who asks, and so what may be seen and changed.

    Args:
        settings: ``web.token`` guards changes; without it everybody who reaches the server may make them.
        owners: those who have tokens of their own.
    """

    def __init__(self, settings: Settings, owners: Owners) -> None:
        self._token = settings.web.token.get_secret_value()
        self._owners = owners

    @property
    def guarded(self) -> bool:
        """Whether there is a token at all."""
        return bool(self._token)

    def session(self, token: str) -> str:
        """What the session cookie holds: it proves the token and does not give it away to other ports of this host.

        Empty for a token that is nobody's.
        """
        if self._is_admins(token):
            return self._admin_session
        owner = token_owner(token, self._owners.owners())
        return f"{quote(owner.name, safe='')}{_OF}{session_of(owner)}" if owner else ""

    def viewer(self, request: Request) -> Viewer:
        """Who asks."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            given = token.strip()
            if self._is_admins(given):
                return _ADMIN
            owner = token_owner(given, self._owners.owners())
            # A token that was revoked must not open what is open without one.
            return Viewer(name=owner.name) if owner else Viewer()
        return self._by_cookie(request.cookies.get(SESSION_COOKIE, "")) or Viewer(admin=not self._token)

    def may_write(self, request: Request) -> bool:
        """Whether the request may change everything."""
        return self.viewer(request).admin

    def _by_cookie(self, cookie: str) -> Viewer | None:
        if self._token and _same(cookie, self._admin_session):
            return _ADMIN
        name, _, proof = cookie.rpartition(_OF)
        owner = named(unquote(name), self._owners.owners()) if name else None
        return Viewer(name=owner.name) if owner and _same(proof, session_of(owner)) else None

    @property
    def _admin_session(self) -> str:
        return hmac.new(self._token.encode(), b"marsad session", hashlib.sha256).hexdigest()

    def _is_admins(self, token: str) -> bool:
        return bool(self._token) and _same(token, self._token)


def _same(given: str, expected: str) -> bool:
    """Whether both are equal, told in constant time."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode("utf-8", "replace"))


def form_is_ours(request: Request, sent: str) -> bool:
    """Whether a form carries the token that its page was given in a cookie (double submit)."""
    expected = request.cookies.get(CSRF_COOKIE, "")
    return bool(expected) and hmac.compare_digest(sent.encode("utf-8", "replace"), expected.encode("utf-8", "replace"))


def local_path(target: str) -> str:
    """A path of this server from what an address asked for; the first page for anything else."""
    local = target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable()
    return target if local else "/"
