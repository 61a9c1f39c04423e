from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.config import WebSettings
from marsad.errors import ConfigError
from marsad.testing.fakes import InMemoryStore
from marsad_app.web.access import local_path
from marsad_app.web.app import create_app
from marsad_app.web.guard import MAX_BODY
from marsad_app.web.testing import services_over

TOKEN = "0123456789abcdef"
FORM = {"form_token": "f00d"}
POSTS = [
    "/subscriptions",
    "/subscriptions/subscription-1",
    "/subscriptions/subscription-1/delete",
    "/feeds",
    "/feeds/feed-1/enabled",
    "/feeds/feed-1/delete",
    "/feeds/feed-1/restore",
    "/quarantine/q1/replay",
    "/quarantine/q1/drop",
]
API_CHANGES = [
    ("POST", "/api/v1/subscriptions"),
    ("PUT", "/api/v1/subscriptions/subscription-1"),
    ("DELETE", "/api/v1/subscriptions/subscription-1"),
    ("POST", "/api/v1/feeds"),
    ("PUT", "/api/v1/feeds/feed-1/mute"),
    ("DELETE", "/api/v1/feeds/feed-1/mute"),
    ("DELETE", "/api/v1/feeds/feed-1"),
    ("POST", "/api/v1/quarantine/q1/replay"),
    ("DELETE", "/api/v1/quarantine/q1"),
]
SUBSCRIPTION = {"name": "طاقة", "query": "topic:energy"}
BODY = {"/api/v1/subscriptions": SUBSCRIPTION, "/api/v1/feeds": {"url": "https://feeds.example/x.xml"}}


@pytest.mark.parametrize("path", POSTS)
async def test_a_form_without_the_token_of_its_page_changes_nothing(reader: httpx.AsyncClient, path: str) -> None:
    for data in ({}, {"form_token": "wrong"}, {"form_token": ""}):
        assert (await reader.post(path, data=data)).status_code == 403


async def test_an_empty_form_cookie_matches_no_empty_token(client: httpx.AsyncClient) -> None:
    client.cookies.clear()
    assert (await client.post("/quarantine/q1/drop", data={"form_token": ""})).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
    ],
)
async def test_a_post_from_another_site_is_refused_even_with_the_token(
    client: httpx.AsyncClient, store: InMemoryStore, headers: dict[str, str]
) -> None:
    assert (await client.post("/quarantine/q1/drop", data=FORM, headers=headers)).status_code == 403
    assert (await client.delete("/api/v1/quarantine/q1", headers=headers)).status_code == 403
    assert store.quarantine.quarantined_item("q1")


async def test_a_post_from_our_own_page_passes(client: httpx.AsyncClient, store: InMemoryStore) -> None:
    headers = {"origin": "http://127.0.0.1:8080", "sec-fetch-site": "same-origin"}

    assert (await client.post("/quarantine/q1/drop", data=FORM, headers=headers)).status_code == 303
    assert store.quarantine.quarantined_item("q1") is None


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "", "127.0.0.1.evil.example", "[::g]"])
async def test_on_loopback_other_host_names_are_refused(reader: httpx.AsyncClient, host: str) -> None:
    assert (await reader.get("/", headers={"host": host})).status_code == 421


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "LOCALHOST:1", "[::1]:8080"])
async def test_on_loopback_its_own_names_pass(reader: httpx.AsyncClient, host: str) -> None:
    assert (await reader.get("/healthz", headers={"host": host})).status_code == 200


async def test_the_name_of_the_base_url_passes_too(
    store: InMemoryStore, client_for: Callable[[InMemoryStore, WebSettings], httpx.AsyncClient]
) -> None:
    async with client_for(store, WebSettings(base_url="https://marsad.example/")) as client:
        headers = {"host": "marsad.example", "origin": "https://marsad.example"}
        assert (await client.get("/healthz", headers=headers)).status_code == 200
        assert (await client.post("/quarantine/q1/drop", data=FORM, headers=headers)).status_code == 303


def test_an_open_address_needs_a_token(store: InMemoryStore) -> None:
    with pytest.raises(ConfigError, match=r"web\.token"):
        create_app(services_over(store, web=WebSettings(host="0.0.0.0")))

    create_app(services_over(store, web=WebSettings(host="0.0.0.0", token=TOKEN)))


@pytest.mark.parametrize("path", POSTS)
async def test_with_a_token_set_forms_ask_for_it(guarded: httpx.AsyncClient, path: str) -> None:
    answer = await guarded.post(path, data=FORM)

    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=/")


@pytest.mark.parametrize(("method", "path"), API_CHANGES)
async def test_with_a_token_set_the_api_asks_for_it(guarded: httpx.AsyncClient, method: str, path: str) -> None:
    for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": f"Basic {TOKEN}"}):
        answer = await guarded.request(method, path, json=BODY.get(path, SUBSCRIPTION), headers=headers)
        assert answer.status_code == 401
        assert "error" in answer.json()


@pytest.mark.parametrize(("method", "path"), API_CHANGES)
async def test_the_bearer_token_opens_the_api(guarded: httpx.AsyncClient, method: str, path: str) -> None:
    headers = {"authorization": f"Bearer {TOKEN}"}
    answer = await guarded.request(method, path, json=BODY.get(path, SUBSCRIPTION), headers=headers)

    assert answer.is_success


async def test_signing_in_opens_the_forms_and_gives_no_token_away(guarded: httpx.AsyncClient) -> None:
    assert (await guarded.post("/login", data={**FORM, "token": "wrong"})).status_code == 403
    answer = await guarded.post("/login", data={**FORM, "token": TOKEN, "next": "/feeds"})

    assert (answer.status_code, answer.headers["location"]) == (303, "/feeds")
    cookie = answer.headers["set-cookie"]
    assert TOKEN not in cookie
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert (await guarded.post("/quarantine/q1/drop", data=FORM)).headers["location"].startswith("/quarantine")
    await guarded.post("/logout", data=FORM)
    assert (await guarded.post("/quarantine/q2/drop", data=FORM)).headers["location"].startswith("/login")


async def test_without_the_token_reading_is_open_and_secrets_are_not_shown(guarded: httpx.AsyncClient) -> None:
    page = await guarded.get("/subscriptions/subscription-1")
    assert page.status_code == 200
    assert "5ec2e7" not in page.text
    record = (await guarded.get("/api/v1/subscriptions/subscription-1")).json()
    assert (record["feed"], record["outlets"]) == ("", ["mailto://…"])
    edit = await guarded.get("/subscriptions/subscription-1/edit")
    assert edit.headers["location"] == "/login?next=/subscriptions/subscription-1/edit"


async def test_a_large_body_is_refused_before_it_is_read(reader: httpx.AsyncClient) -> None:
    assert (await reader.post("/feeds", content=b"x" * (MAX_BODY + 1))).status_code == 413


async def test_a_large_body_of_unsaid_length_is_cut_off(reader: httpx.AsyncClient) -> None:
    async def drops() -> AsyncIterator[bytes]:
        for _ in range(MAX_BODY // 1_000 + 2):
            yield b"x" * 1_000

    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert (await reader.post("/feeds", content=drops(), headers=headers)).status_code == 413


@given(st.text())
def test_after_signing_in_nobody_is_sent_to_another_site(target: str) -> None:
    path = local_path(target)

    assert path.startswith("/")
    assert not path.startswith(("//", "/\\"))


async def test_static_files_may_be_kept_and_pages_may_not(reader: httpx.AsyncClient) -> None:
    assert "immutable" in (await reader.get("/static/marsad.css")).headers["cache-control"]
    assert (await reader.get("/")).headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py"])
async def test_static_files_come_from_their_folder_only(reader: httpx.AsyncClient, path: str) -> None:
    assert (await reader.get(path)).status_code == 404
