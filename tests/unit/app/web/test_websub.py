"""What hubs, and those who pretend to be one, are answered."""

import hashlib
import hmac
from collections.abc import AsyncIterator

import httpx
import pytest
from msgspec.structs import replace

from marsad.clock import FrozenClock
from marsad.config import WebSubSettings
from marsad.errors import StoreError
from marsad.records import FeedState, HubLink, HubNews
from marsad.testing.desk import a_desk
from marsad.testing.factories import NOW
from marsad.testing.fakes import InMemoryStore
from marsad_app.web import websub
from marsad_app.web.app import create_app
from marsad_app.web.guard import MAX_PUSH
from marsad_app.web.testing import services_over
from producers.hubs import NewsBox

TOPIC = "https://feeds.example/1.xml"
LINK = HubLink(hub="https://hub.example/", topic=TOPIC, callback="c", token="t0ken", secret="s3cret")
HERE = "/websub/feed-1/t0ken"
ASKED = {"hub.mode": "subscribe", "hub.topic": TOPIC, "hub.challenge": "a b+ç", "hub.lease_seconds": "900"}
CALLBACK = WebSubSettings(callback="https://news.example.org")


class Room:
    """A desk that hubs can call."""

    def __init__(self) -> None:
        self.store: InMemoryStore = a_desk()
        self.box = NewsBox()
        self.clock = FrozenClock(NOW)
        state = self.store.polls.state("feed-1") or FeedState(feed_id="feed-1")
        self.store.polls.commit_poll(replace(state, hub=LINK), [])
        services = services_over(self.store, websub=CALLBACK, inbox=self.box, clock=self.clock)
        transport = httpx.ASGITransport(create_app(services), raise_app_exceptions=False)
        self.hub = httpx.AsyncClient(transport=transport, base_url="https://news.example.org")

    def told(self) -> list[str]:
        return [news.kind for news in self.box.take("feed-1")]

    async def push(self, body: bytes = b"<rss/>", path: str = HERE, **headers: str) -> httpx.Response:
        right = hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
        default = {"x-hub-signature": f"sha256={right}", "content-type": "application/rss+xml"}
        return await self.hub.post(path, content=body, headers={**default, **headers})


@pytest.fixture
async def room(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Room]:
    monkeypatch.setattr(websub, "_LOOK_S", 0.0)
    made = Room()
    async with made.hub:
        yield made


async def test_a_subscription_that_was_meant_is_confirmed_with_the_challenge(room: Room) -> None:
    answer = await room.hub.get(HERE, params=ASKED)

    assert (answer.status_code, answer.text) == (200, "a b+ç")
    (news,) = room.box.take("feed-1")
    assert (news.kind, news.lease_seconds, news.token) == ("confirmed", 900, "t0ken")


@pytest.mark.parametrize(
    ("path", "asked", "status"),
    [
        (HERE, {**ASKED, "hub.topic": "https://other.example/"}, 404),
        ("/websub/feed-1/wrong", ASKED, 404),
        ("/websub/feed-1/t0ke%D9%86", ASKED, 404),
        ("/websub/no-such-feed/t0ken", ASKED, 404),
        (HERE, {**ASKED, "hub.mode": "publish"}, 400),
        (HERE, {**ASKED, "hub.challenge": ""}, 400),
        (HERE, {**ASKED, "hub.challenge": "x" * 3_000}, 400),
        (HERE, {**ASKED, "hub.lease_seconds": "soon"}, 400),
        (HERE, {**ASKED, "hub.lease_seconds": "-5"}, 400),
        (HERE, {**ASKED, "hub.lease_seconds": "9" * 30}, 400),
        (HERE, {**ASKED, "hub.mode": "unsubscribe"}, 404),
    ],
)
async def test_what_was_not_meant_is_not_confirmed(room: Room, path: str, asked: dict[str, str], status: int) -> None:
    answer = await room.hub.get(path, params=asked)

    assert answer.status_code == status
    assert room.told() == []


async def test_the_end_of_a_subscription_that_is_not_wanted_any_more_is_confirmed(room: Room) -> None:
    asked = {**ASKED, "hub.mode": "unsubscribe"}

    assert (await room.hub.get("/websub/feed-1/an-old-one", params=asked)).text == "a b+ç"
    room.store.feeds.remove_feed("feed-1")
    assert (await room.hub.get(HERE, params=asked)).text == "a b+ç"


async def test_a_denial_is_passed_on_with_its_reason(room: Room) -> None:
    asked = {"hub.mode": "denied", "hub.topic": TOPIC, "hub.reason": "no\nroom"}

    assert (await room.hub.get(HERE, params=asked)).status_code == 200
    assert [(news.kind, news.reason) for news in room.box.take("feed-1")] == [("denied", "no room")]


@pytest.mark.parametrize("method", ["sha1", "sha256", "sha384", "sha512", "SHA256"])
async def test_a_push_with_a_right_signature_is_passed_on(room: Room, method: str) -> None:
    right = hmac.new(b"s3cret", b"<rss/>", getattr(hashlib, method.lower())).hexdigest()

    assert (await room.push(**{"x-hub-signature": f"{method}={right}"})).status_code == 202
    (news,) = room.box.take("feed-1")
    assert (news.kind, news.body, news.content_type) == ("pushed", b"<rss/>", "application/rss+xml")


RIGHT = hmac.new(b"s3cret", b"<rss/>", hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    "signature",
    ["", "sha256=", "sha256", RIGHT, f"md5={hashlib.md5(b'').hexdigest()}", f"sha256={RIGHT[:-1]}", f"sha1={RIGHT}",
     "sha256=" + hmac.new(b"guess", b"<rss/>", hashlib.sha256).hexdigest(), "sha256=\u00e9"],
)  # fmt: skip
async def test_a_push_without_a_right_signature_is_thanked_for_and_dropped(room: Room, signature: str) -> None:
    headers = {"x-hub-signature": signature.encode("latin-1").decode("latin-1")}
    content = httpx.Headers([(b"x-hub-signature", headers["x-hub-signature"].encode("latin-1"))])
    answer = await room.hub.post(HERE, content=b"<rss/>", headers=content)

    assert answer.status_code == 202
    assert room.told() == []


async def test_a_push_whose_body_was_changed_is_dropped(room: Room) -> None:
    assert (await room.push(b"<rss>other</rss>", **{"x-hub-signature": f"sha256={RIGHT}"})).status_code == 202
    assert room.told() == []


async def test_a_hub_that_pushes_what_nobody_wants_is_told_that_it_is_gone(room: Room) -> None:
    assert (await room.push(path="/websub/feed-1/wrong")).status_code == 410
    assert (await room.push(path="/websub/feed-99/t0ken")).status_code == 410


async def test_a_body_over_the_limit_is_not_read(room: Room) -> None:
    assert (await room.push(bytes(MAX_PUSH))).status_code == 202
    assert (await room.push(bytes(MAX_PUSH + 1))).status_code == 413
    assert room.told() == ["pushed"]

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(65_536)

    assert (await room.hub.post(HERE, content=endless())).status_code == 413


async def test_a_feed_that_pushes_too_often_is_told_to_wait(room: Room) -> None:
    statuses = [(await room.push()).status_code for _ in range(10)]
    assert statuses == [202] * 6 + [429] * 4

    late = await room.push()
    assert 1 <= int(late.headers["retry-after"]) <= 11
    room.clock.advance(10)
    assert [(await room.push()).status_code for _ in range(2)] == [202, 429]


async def test_strangers_are_slowed_down_and_hold_up_no_hub(room: Room) -> None:
    statuses = {(await room.push(path=f"/websub/feed-1/{n}")).status_code for n in range(100)}

    assert statuses == {410, 429}
    assert (await room.push()).status_code == 202


async def test_where_the_store_fails_the_hub_is_told_to_come_again_and_the_log_names_no_token(
    room: Room, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: HubNews) -> None:
        raise StoreError("the broker does not answer")

    monkeypatch.setattr(room.box, "tell", fail)

    assert (await room.push()).status_code == 503
    said = "".join(capsys.readouterr())
    assert "the broker does not answer" in said
    assert "t0ken" not in said


async def test_hubs_reach_their_own_path_and_nothing_else(room: Room) -> None:
    assert (await room.hub.get("/")).status_code == 421
    assert (await room.hub.get("/api/v1/feeds")).status_code == 421


async def test_without_a_callback_address_there_is_no_such_place(client: httpx.AsyncClient) -> None:
    assert (await client.get(HERE, params=ASKED)).status_code == 404
    assert (await client.post(HERE, content=b"x")).status_code in {404, 405}
