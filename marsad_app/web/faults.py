"""Every fault as one clear answer: a page for readers, ``{"error", "position"}`` for programs, never a stack trace."""

from collections.abc import Mapping
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from marsad.errors import MarsadError, QueryError, StoreError
from marsad_app.web.explaining import explain
from marsad_app.web.guard import HUB_PATH
from marsad_app.web.shell import NotFoundError, RefusedError, SignInError, Web
from marsad_app.web.texts import Texts

__all__ = ["handle"]

_log = structlog.get_logger(__name__)


def _for_programs(request: Request) -> bool:
    path = request.url.path
    return path.startswith("/api/") or path in {"/healthz", "/readyz", "/metrics"}


class _Faults:
    """Answers by the kind of fault."""

    def __init__(self, web: Web) -> None:
        self._web = web

    def not_found(self, request: Request, error: Exception) -> Response:
        key = error.key if isinstance(error, NotFoundError) else "error.not-found"
        return self._answer(request, 404, key, "error.not-found-advice")

    def refused(self, request: Request, error: Exception) -> Response:
        key = error.key if isinstance(error, RefusedError) else ""
        return self._answer(request, 403, "error.refused", key)

    def sign_in(self, request: Request, error: Exception) -> Response:
        if _for_programs(request):
            return JSONResponse(
                {"error": "this changes things and needs the token of web.token"},
                401,
                headers={"www-authenticate": "Bearer"},
            )
        target = request.url.path if request.method == "GET" else "/"
        return RedirectResponse(f"/login?next={target}", 303)

    def store(self, request: Request, error: Exception) -> Response:
        _log.error("the store does not answer", path=_path(request), error=str(error))
        return self._answer(request, 503, "error.store", "error.store-advice", detail=str(error))

    def marsad(self, request: Request, error: Exception) -> Response:
        position = error.position if isinstance(error, QueryError) else None
        return self._answer(request, 400, "error.bad-request", "", detail=str(error), position=position)

    def http(self, request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        headers: Mapping[str, str] | None = error.headers if isinstance(error, HTTPException) else None
        if status == 404:  # noqa: PLR2004  # not found
            return self.not_found(request, error)
        detail = str(error.detail) if isinstance(error, HTTPException) else ""
        response = self._answer(request, status, "error.refused", "", detail=detail)
        response.headers.update(headers or {})
        return response

    def validation(self, request: Request, error: Exception) -> Response:
        faults: list[Any] = list(error.errors()) if isinstance(error, RequestValidationError) else []
        detail = "; ".join(f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in faults)
        if not _for_programs(request):
            names = {str(fault["loc"][-1]) for fault in faults}
            texts = self._web.pages.texts(request)
            detail = texts("error.bad-value", names=texts.join(sorted(names)), n=len(names))
        return self._answer(request, 422, "error.bad-request", "", detail=detail)

    def unexpected(self, request: Request, error: Exception) -> Response:
        _log.error("a page failed", path=_path(request), exc_info=error)
        return self._answer(request, 500, "error.broken", "error.broken-advice")

    def _answer(
        self, request: Request, status: int, key: str, advice: str, *, detail: str = "", position: int | None = None
    ) -> Response:
        if _for_programs(request):
            texts = Texts("en", self._web.services.clock.now())
            body: dict[str, object] = {"error": detail or texts(advice if key == "error.refused" and advice else key)}
            return JSONResponse(body if position is None else {**body, "position": position}, status)
        told, language = explain(detail, self._web.pages.language(request))
        return self._web.pages.respond(
            request,
            "fault.html",
            status=status,
            title_key=key,
            advice_key=advice,
            detail=told,
            detail_language=language,
        )


def _path(request: Request) -> str:
    """The path for the log: a callback's last part is known to its hub alone."""
    path = request.url.path
    return f"{HUB_PATH}…" if path.startswith(HUB_PATH) else path


def handle(app: FastAPI, web: Web) -> None:
    """Register the answer to every kind of fault."""
    faults = _Faults(web)
    app.add_exception_handler(NotFoundError, faults.not_found)
    app.add_exception_handler(RefusedError, faults.refused)
    app.add_exception_handler(SignInError, faults.sign_in)
    app.add_exception_handler(StoreError, faults.store)
    app.add_exception_handler(MarsadError, faults.marsad)
    app.add_exception_handler(HTTPException, faults.http)
    app.add_exception_handler(RequestValidationError, faults.validation)
    app.add_exception_handler(Exception, faults.unexpected)
