"""Signing in and out with the token of the settings, or an owner's."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from marsad_app.web.access import CSRF_FIELD, SESSION_COOKIE, form_is_ours, local_path
from marsad_app.web.shell import RefusedError, Web, field

__all__ = ["router"]


def router(web: Web) -> APIRouter:
    """``/login`` and ``/logout``."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/login")
    def login(request: Request, next: str = "/") -> Response:  # noqa: A002  # the name in the address
        return web.pages.respond(request, "login.html", target=local_path(next), wrong=False)

    @routes.post("/login")
    async def sign_in(request: Request) -> Response:
        form = await request.form(max_files=0, max_fields=10)
        if not form_is_ours(request, field(form, CSRF_FIELD)):
            raise RefusedError("error.form-expired")
        target = local_path(field(form, "next"))
        session = web.access.session(field(form, "token"))
        if not session:
            return web.pages.respond(request, "login.html", status=403, target=target, wrong=True)
        return web.pages.signed_in(request, target, session)

    @routes.post("/logout")
    async def sign_out(request: Request) -> Response:
        await web.posted_by_subscriber(request)
        response = RedirectResponse("/", 303)
        response.delete_cookie(SESSION_COOKIE)
        return response

    return routes
