"""Pages out of templates: language, direction, form token and the words of the interface given to each."""

import hashlib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Final
from urllib.parse import urlencode

import jinja2
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from marsad_app.web.access import CSRF_COOKIE, SESSION_COOKIE, Access, local_path
from marsad_app.web.marks import Piece
from marsad_app.web.services import Services
from marsad_app.web.texts import Language, Texts, language_of, zone_named

__all__ = ["LANGUAGE_COOKIE", "Pages", "static_version"]

LANGUAGE_COOKIE: Final = "marsad_language"
ZONE_COOKIE: Final = "marsad_zone"
_YEAR: Final = 365 * 86_400
_NOTICES: Final = frozenset({"saved", "deleted", "replayed", "dropped", "added", "muted", "unmuted", "signed-in"})


@cache
def static_version() -> str:
    """Changes whenever a static file does: browsers keep files under it for good."""
    folder = files("marsad_app.web") / "static"
    content = b"".join(item.read_bytes() for item in sorted(folder.iterdir(), key=lambda item: item.name))
    return hashlib.blake2b(content, digest_size=6).hexdigest()


def _marked(pieces: Iterable[Piece]) -> Markup:
    """Pieces as HTML, each escaped."""
    return Markup("").join(
        Markup('<mark class="{}">{}</mark>').format(" ".join(piece.kinds), piece.text)
        if piece.kinds
        else Markup("{}").format(piece.text)
        for piece in pieces
    )


class Pages:
    """Renders templates for one application.

    Args:
        services: what the web is given.
        access: who may change things.
    """

    def __init__(self, services: Services, access: Access) -> None:
        self._services = services
        self._access = access
        self._environment = jinja2.Environment(
            loader=jinja2.PackageLoader("marsad_app.web"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters["marked"] = _marked
        self._environment.globals["static_version"] = static_version()

    def language(self, request: Request) -> Language:
        """The language that the reader chose, now or before."""
        return language_of(request.query_params.get("lang") or request.cookies.get(LANGUAGE_COOKIE))

    def texts(self, request: Request) -> Texts:
        """The interface's words for this reader."""
        zone = zone_named(request.cookies.get(ZONE_COOKIE, "").replace("%2F", "/"))
        return Texts(self.language(request), self._services.clock.now(), zone)

    def topic(self, request: Request, topic_id: str) -> str:
        """The name of a topic in the reader's language."""
        return self._services.taxonomy.name(topic_id, self.language(request))

    def respond(self, request: Request, template: str, *, status: int = 200, **context: object) -> Response:
        """Render a template as the answer."""
        texts = self.texts(request)
        token = request.cookies.get(CSRF_COOKIE) or self._services.new_token()
        notice = request.query_params.get("notice", "")
        page = self._environment.get_template(template).render(
            t=texts,
            path=request.url.path,
            switch=_switched(request, "en" if texts.language == "ar" else "ar"),
            form_token=token,
            may_write=self._access.may_write(request),
            guarded=self._access.guarded,
            topic_name=lambda topic_id: self._services.taxonomy.name(topic_id, texts.language),
            notice=notice if notice in _NOTICES else "",
            **context,
        )
        response = HTMLResponse(page, status, headers={"cache-control": "no-store", "vary": "cookie"})
        secure = request.url.scheme == "https"
        if token != request.cookies.get(CSRF_COOKIE):
            response.set_cookie(CSRF_COOKIE, token, httponly=True, samesite="strict", secure=secure)
        if request.query_params.get("lang") in {"ar", "en"}:
            response.set_cookie(LANGUAGE_COOKIE, texts.language, max_age=_YEAR, samesite="lax", secure=secure)
        return response

    def signed_in(self, request: Request, target: str) -> Response:
        """Send the reader on, with the cookie that proves the token."""
        response = RedirectResponse(local_path(target), 303)
        secure = request.url.scheme == "https"
        response.set_cookie(
            SESSION_COOKIE, self._access.session, max_age=30 * 86_400, httponly=True, samesite="strict", secure=secure
        )
        return response


def _switched(request: Request, language: Language) -> str:
    """The address of this page in the other language."""
    kept = [(name, value) for name, value in request.query_params.multi_items() if name not in {"lang", "notice"}]
    return f"?{urlencode([*kept, ('lang', language)])}"
