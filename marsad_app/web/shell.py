"""What every page and API function shares: services, access, templates; and what a request must have to change things."""

from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import quote

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from marsad_app.web.access import CSRF_FIELD, Access, form_is_ours
from marsad_app.web.render import Pages
from marsad_app.web.scope import Scope
from marsad_app.web.services import Services

__all__ = ["NotFoundError", "RefusedError", "SignInError", "Web", "field", "fields", "see"]

_MAX_FIELDS = 100


class NotFoundError(Exception):
    """There is no such thing; ``key`` names the text that says so."""

    def __init__(self, key: str = "error.not-found") -> None:
        self.key = key
        super().__init__(key)


class RefusedError(Exception):
    """The request may not do this; ``key`` names the text that says why."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(key)


class SignInError(Exception):
    """The request needs the token first."""


@dataclass(frozen=True, slots=True)
class Web:
    """One application's parts."""

    services: Services
    access: Access
    pages: Pages

    async def posted(self, request: Request) -> FormData:
        """The form that a page of ours sent.

        Raises:
            RefusedError: it does not come from a page of ours.
            SignInError: the sender may not change things.
        """
        form = await self._form(request)
        self.writer(request)
        return form

    async def posted_by_subscriber(self, request: Request) -> FormData:
        """The form that a page of ours sent, by someone who may have subscriptions.

        Raises:
            RefusedError: it does not come from a page of ours.
            SignInError: the sender may have none.
        """
        form = await self._form(request)
        self.subscriber(request)
        return form

    async def _form(self, request: Request) -> FormData:
        form = await request.form(max_files=0, max_fields=_MAX_FIELDS)
        if not form_is_ours(request, field(form, CSRF_FIELD)):
            raise RefusedError("error.form-expired")
        return form

    def writer(self, request: Request) -> None:
        """Let only those pass who may change things.

        Raises:
            SignInError: the sender may not.
        """
        if not self.access.may_write(request):
            raise SignInError

    def subscriber(self, request: Request) -> None:
        """Let only those pass who may have subscriptions.

        Raises:
            SignInError: the sender may not.
        """
        if not self.access.viewer(request).may_subscribe:
            raise SignInError

    def scope(self, request: Request) -> Scope:
        """Subscriptions, alerts and deliveries as the reader may see them."""
        services = self.services
        return Scope(self.access.viewer(request), services.subscriptions, services.alerts, services.deliveries)

    def missing(self, key: str) -> NoReturn:
        """Answer that there is no such thing.

        Raises:
            NotFoundError: always.
        """
        raise NotFoundError(key)


def field(form: FormData, name: str) -> str:
    """The text of a field; empty where it is missing or a file."""
    value = form.get(name)
    return value.strip() if isinstance(value, str) else ""


def fields(form: FormData, name: str) -> tuple[str, ...]:
    """All texts of a field that can be chosen several times."""
    return tuple(value for value in form.getlist(name) if isinstance(value, str))


def see(path: str, notice: str = "") -> Response:
    """Send the reader on after a change."""
    return RedirectResponse(f"{path}?notice={quote(notice)}" if notice else path, 303)
