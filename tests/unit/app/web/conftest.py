from collections.abc import AsyncIterator, Callable
from functools import cache
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from marsad.config import WebSettings
from marsad.taxonomy import Taxonomy, load_taxonomy
from marsad.testing.desk import a_desk
from marsad.testing.fakes import InMemoryStore
from marsad_app.web.access import CSRF_COOKIE
from marsad_app.web.app import create_app
from marsad_app.web.testing import services_over

TOKEN = "0123456789abcdef"


@cache
def _taxonomy() -> Taxonomy:
    return load_taxonomy(None)


@pytest.fixture
def store() -> InMemoryStore:
    return a_desk()


@pytest.fixture
def client_for(tmp_path: Path) -> Callable[[InMemoryStore, WebSettings], httpx.AsyncClient]:
    def make(store: InMemoryStore, web: WebSettings) -> httpx.AsyncClient:
        app = create_app(services_over(store, web=web, taxonomy=_taxonomy(), data=tmp_path))
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False),
            base_url="http://127.0.0.1:8080",
            cookies={CSRF_COOKIE: "f00d"},
        )

    return make


@pytest.fixture(scope="session")
def read_only_app() -> FastAPI:
    return create_app(services_over(a_desk(), taxonomy=_taxonomy()))


@pytest.fixture
async def reader(read_only_app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A desk that several tests share: for those that only read."""
    transport = httpx.ASGITransport(read_only_app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as made:
        yield made


@pytest.fixture
async def client(
    store: InMemoryStore, client_for: Callable[[InMemoryStore, WebSettings], httpx.AsyncClient]
) -> AsyncIterator[httpx.AsyncClient]:
    async with client_for(store, WebSettings()) as made:
        yield made


@pytest.fixture
async def guarded(
    store: InMemoryStore, client_for: Callable[[InMemoryStore, WebSettings], httpx.AsyncClient]
) -> AsyncIterator[httpx.AsyncClient]:
    """The same desk, where changes need a token."""
    async with client_for(store, WebSettings(token=TOKEN)) as made:
        yield made
