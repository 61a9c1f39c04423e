"""Pages out of templates: language, direction, form token and the words of the interface given to each."""

import hashlib
import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from itertools import zip_longest
from typing import Final
from urllib.parse import urlencode

import jinja2
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from marsad.arabic import isolate_latin, reads_from_the_right
from marsad.records import Alert
from marsad.records.urls import shown_url
from marsad_app.web.access import CSRF_COOKIE, SESSION_COOKIE, Access, local_path
from marsad_app.web.explaining import Part, parts_of
from marsad_app.web.marks import Piece
from marsad_app.web.reasons import date_problem_in, reason_in
from marsad_app.web.services import Services
from marsad_app.web.texts import Language, Texts, language_of, zone_named
from sinks.alerts.wording import REASONS

__all__ = ["LANGUAGE_COOKIE", "SUBSCRIBED", "Pages", "static_version"]

LANGUAGE_COOKIE: Final = "marsad_language"
ZONE_COOKIE: Final = "marsad_zone"
_RTL: Final = frozenset({"ar", "arz", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"})
_ISOLATE: Final = re.compile("[\u2066-\u2069]")
_SHORT_NAME: Final = 20
"""Code points of a name that a line is not broken in; a longer one might not fit on a phone."""
_YEAR: Final = 365 * 86_400
SUBSCRIBED: Final = "subscribed"
"""The notice after a search was made a subscription."""
_NOTICES: Final = frozenset(
    {
        SUBSCRIBED,
        "saved",
        "undone",
        "deleted",
        "sent-again",
        "replayed",
        "dropped",
        "added",
        "muted",
        "unmuted",
        "signed-in",
    }
)


@cache
def static_version() -> str:
    """Changes whenever a static file does: browsers keep files under it for good."""
    folder = files("marsad_app.web") / "static"
    content = b"".join(item.read_bytes() for item in sorted(folder.iterdir(), key=lambda item: item.name))
    return hashlib.blake2b(content, digest_size=6).hexdigest()


def _direction(language: str) -> str:
    """The direction in which a language is written; ``auto`` for none."""
    return "auto" if not language else "rtl" if language in _RTL else "ltr"


def _reading(text: str) -> str:
    """The direction of a title."""
    return "rtl" if reads_from_the_right(text) else "auto"


def _isolated(text: str) -> Markup:
    """A text, escaped, with each Latin name in it held together and apart from the direction around it."""
    if _ISOLATE.search(text):
        return escape(text)
    parts = _ISOLATE.split(isolate_latin(text))
    names = (
        Markup("<bdi{}>{}</bdi>").format(Markup(' class="name"') if len(part) <= _SHORT_NAME else "", part)
        for part in parts[1::2]
    )
    return Markup("").join(
        each for pair in zip_longest(map(escape, parts[::2]), names, fillvalue=Markup("")) for each in pair
    )


def _explained(reason: str, language: Language) -> Markup:
    """What went wrong, as HTML; each quotation held apart from the direction around it."""
    if language == "en":
        return Markup('<bdi lang="en">{}</bdi>').format(reason) if reason else Markup("")
    return Markup("").join(map(_part, parts_of(reason, language)))


def _alert_title(alert: Alert, language: Language) -> Markup:
    """The title; of a lost outlet in the language of the page, whatever that of the subscription is."""
    if not alert.lost_outlet:
        return escape(alert.title)
    told, error = REASONS[language][alert.reason], _explained(alert.error, language)
    return Markup("{}: <bdi>{}</bdi> — <bdi>{}</bdi>").format(told, alert.lost_outlet, error)


def _alert_reading(alert: Alert) -> str:
    """The direction of that title: of what is our own words that of the page."""
    return "auto" if alert.lost_outlet else _reading(alert.title)


def _part(part: Part) -> Markup:
    if not part.quoted:
        return _isolated(part.text)
    if part.text.isdecimal():
        return escape(part.text)
    if part.text.isascii():
        return Markup('<bdi lang="en" dir="ltr">{}</bdi>').format(part.text)
    return Markup("<bdi>{}</bdi>").format(part.text)


def _classes(piece: Piece) -> str:
    """The first kind gives the ground, the second the line below it."""
    return " ".join((piece.kinds[0], *(f"and-{kind}" for kind in piece.kinds[1:2])))


def _marked(pieces: Iterable[Piece]) -> Markup:
    """Pieces as HTML, each escaped."""
    return Markup("").join(
        Markup('<mark class="{}">{}</mark>').format(_classes(piece), _isolated(piece.text))
        if piece.kinds
        else _isolated(piece.text)
        for piece in pieces
    )


@cache
def _environment() -> jinja2.Environment:
    """The templates, compiled once in a process."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("marsad_app.web"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["marked"] = _marked
    environment.filters["reading"] = _reading
    environment.filters["shown"] = shown_url
    environment.globals["direction"] = _direction
    environment.globals["alert_title"] = _alert_title
    environment.globals["alert_reading"] = _alert_reading
    environment.globals["explained"] = _explained
    environment.globals["reason_in"] = reason_in
    environment.globals["date_problem_in"] = date_problem_in
    environment.globals["static_version"] = static_version()
    return environment


class Pages:
    """Renders templates for one application.

    Args:
        services: what the web is given.
        access: who may change things.
    """

    def __init__(self, services: Services, access: Access) -> None:
        self._services = services
        self._access = access

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
        page = (
            _environment()
            .get_template(template)
            .render(
                t=texts,
                path=request.url.path,
                switch=_switched(request, "en" if texts.language == "ar" else "ar"),
                form_token=token,
                viewer=(viewer := self._access.viewer(request)),
                may_write=viewer.admin,
                may_subscribe=viewer.may_subscribe,
                guarded=self._access.guarded,
                topic_name=lambda topic_id: self._services.taxonomy.name(topic_id, texts.language),
                notice=notice if notice in _NOTICES else "",
                **context,
            )
        )
        response = HTMLResponse(page, status, headers={"cache-control": "no-store", "vary": "cookie"})
        secure = request.url.scheme == "https"
        if token != request.cookies.get(CSRF_COOKIE):
            response.set_cookie(CSRF_COOKIE, token, httponly=True, samesite="strict", secure=secure)
        if request.query_params.get("lang") in {"ar", "en"}:
            response.set_cookie(LANGUAGE_COOKIE, texts.language, max_age=_YEAR, samesite="lax", secure=secure)
        return response

    def signed_in(self, request: Request, target: str, session: str) -> Response:
        """Send the reader on, with the cookie that proves the token."""
        response = RedirectResponse(local_path(target), 303)
        secure = request.url.scheme == "https"
        response.set_cookie(
            SESSION_COOKIE, session, max_age=30 * 86_400, httponly=True, samesite="strict", secure=secure
        )
        return response


def _switched(request: Request, language: Language) -> str:
    """The address of this page in the other language."""
    kept = [(name, value) for name, value in request.query_params.multi_items() if name not in {"lang", "notice"}]
    return f"?{urlencode([*kept, ('lang', language)])}"
