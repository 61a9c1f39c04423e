"""Servers that mean harm, on loopback, one limit a test: each is reported as what it is, and a good feed beside it goes on."""

import asyncio
import gzip
import random
import zlib
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

import pytest

from marsad.addresses import is_allowed
from marsad.clock import SystemClock
from marsad.config import PollSettings
from marsad.errors import FetchError
from marsad.events import Event
from marsad.records import FeedState, FetchRequest, Health
from marsad.testing.factories import a_feed, an_entry
from marsad.testing.fakes import InMemoryStore
from producers import guard
from producers.fetch import CurlFetcher
from producers.loopback import Asked, Handler, always, reply, routes, serving
from producers.means import Means
from producers.pages import PageReader
from producers.parse import parse
from producers.politeness import HostGate
from producers.service import Poller

LOOPBACK = (ip_network("127.0.0.0/8"),)
SETTINGS = PollSettings(allow_networks=LOOPBACK, timeout=1.5, max_feed_bytes=2_000_000)
ITEM = "<item><guid>{0}</guid><title>خبر {0}</title><link>https://news.example/{0}</link></item>"
GOOD = f"<rss version='2.0'><channel><title>نشرة</title>{ITEM.format(1)}</channel></rss>".encode()


class Quiet:
    """Nobody listens."""

    def emit(self, event: Event) -> None:
        pass


async def after_a_poll(hostile: Handler) -> tuple[FeedState, InMemoryStore]:
    """The hostile feed's state after one poll, beside a good feed that must have been read."""
    store, clock = InMemoryStore(), SystemClock()
    async with serving(hostile) as bad, serving(always(reply(body=GOOD))) as good:
        store.feeds.put_feeds([a_feed(id="bad", url=f"{bad}/feed"), a_feed(id="good", url=f"{good}/feed")])
        async with CurlFetcher(SETTINGS, clock) as fetcher:
            gate = HostGate(SETTINGS, clock)
            means = Means(fetcher, gate, SETTINGS, clock, random.Random(1), Quiet())
            poller = Poller(store.feeds, store.polls, means)
            await asyncio.gather(poller.poll_once("bad"), poller.poll_once("good"))
    state, other = store.polls.state("bad"), store.polls.state("good")
    assert state is not None
    assert state.next_poll_at is not None
    assert other is not None
    assert (other.health, other.entries_seen) == (Health.OK, 1)
    return state, store


async def endless(_: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n<rss><channel>")
    while True:
        writer.write(b"<item><title>x</title></item>" * 1_000)
        await writer.drain()


async def endless_gzip(_: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n")
    packer = zlib.compressobj(wbits=31)
    while True:
        writer.write(packer.compress(bytes(1_000_000)) + packer.flush(zlib.Z_SYNC_FLUSH))
        await writer.drain()
        await asyncio.sleep(0)


async def dripping_head(_: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(100_000):
        writer.write(b"X-%d: y\r\n" % (number % 9))
        await writer.drain()
        await asyncio.sleep(0.05)


async def dripping_body(_: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)


async def endless_redirects(asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(reply("302 Found", Location=f"{asked.path}x"))


def bomb(times: int = 12) -> bytes:
    lines = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(times))
    head = f'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY e0 "lollollol">{lines}]>'
    return f"{head}<rss version='2.0'><channel><title>&e{times};</title><item><title>&e{times};</title></item></channel></rss>".encode()


QUADRATIC = (
    f'<!DOCTYPE rss [<!ENTITY a "{"x" * 50_000}">]><rss version="2.0"><channel><item><title>{"&a;" * 20_000}</title></item>'
    "</channel></rss>"
).encode()
DEEP = b"<rss><channel>" + b"<a>" * 200_000
ATTRIBUTES = " ".join(f'a{n}="x>"' for n in range(100_000))
MANY_ATTRIBUTES = (
    f"<rss {ATTRIBUTES}><channel><item><title {ATTRIBUTES[:700_000]}>x</title></item></channel></rss>".encode()
)
BARE_ATTRIBUTES = MANY_ATTRIBUTES.replace(b'"', b"")
LONG_LINE = b"HTTP/1.1 200 OK\r\nX: " + b"a" * 2_000_000 + b"\r\n\r\n"
MANY_HEADERS = b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 200_000 + b"\r\n"
NESTED = gzip.compress(gzip.compress(bytes(60_000_000)))


@pytest.mark.parametrize(
    ("hostile", "states"),
    [
        (endless, {Health.TOO_LARGE}),
        (endless_gzip, {Health.TOO_LARGE}),
        (dripping_head, {Health.SLOW, Health.NETWORK}),
        (dripping_body, {Health.SLOW}),
        (endless_redirects, {Health.NETWORK}),
        (always(LONG_LINE), {Health.NETWORK}),
        (always(MANY_HEADERS), {Health.NETWORK}),
        (always(reply(body=NESTED, Content_Encoding="gzip, gzip")), {Health.TOO_LARGE}),
        (always(reply(body=GOOD, Content_Encoding="gzip, gzip, gzip, gzip")), {Health.NETWORK}),
        (always(reply("302 Found", Location="file:///etc/passwd")), {Health.BLOCKED}),
        (always(reply("302 Found", Location="data:text/xml,<rss/>")), {Health.BLOCKED}),
        (always(reply("302 Found", Location="http://169.254.169.254/latest/meta-data/")), {Health.BLOCKED}),
        (always(reply("302 Found", Location="http://[::ffff:10.0.0.1]/")), {Health.BLOCKED}),
        (always(reply("302 Found", Location="http://[64:ff9b::a9fe:a9fe]/")), {Health.BLOCKED}),
        (always(reply("302 Found", Location="http://user:pass@10.0.0.1/")), {Health.BLOCKED}),
        (always(reply("302 Found", Location="//")), {Health.BLOCKED, Health.NETWORK}),
    ],
    ids=["endless body", "endless gzip", "dripping head", "dripping body", "endless redirects", "long header", "many headers",
         "nested bomb", "too many layers", "to a file", "to data", "to metadata", "to mapped", "to NAT64", "with a login", "to nowhere"],
)  # fmt: skip
async def test_a_hostile_answer_is_a_state_of_its_feed_alone(hostile: Handler, states: set[Health]) -> None:
    state, store = await after_a_poll(hostile)

    assert state.health in states
    assert state.failures == 1
    assert {entry.feed_id for entry in store.polls.entries.values()} == {"good"}


@pytest.mark.parametrize(
    "document",
    [bomb(), QUADRATIC, DEEP, MANY_ATTRIBUTES, BARE_ATTRIBUTES],
    ids=["billion laughs", "quadratic", "deep", "attributes", "bare"],
)
async def test_a_document_that_is_a_bomb_is_read_in_bounded_room(document: bytes) -> None:
    state, store = await after_a_poll(always(reply(body=document, Content_Type="text/xml")))

    kept = [entry for entry in store.polls.entries.values() if entry.feed_id == "bad"]
    assert sum(len(entry.title) + len(entry.summary_html) for entry in kept) < 2_000_000
    assert len(state.detail) < 2_000


@pytest.mark.parametrize("place", ["file:///etc/passwd", "http://127.0.0.1:{port}/secret"])
async def test_external_entities_are_never_fetched(place: str) -> None:
    asked: list[str] = []

    async def secret(request: Asked, writer: asyncio.StreamWriter) -> None:
        asked.append(request.path)
        writer.write(reply(body=b"root:secret"))

    async with serving(secret) as base:
        target = place.format(port=base.rpartition(":")[2])
        document = (
            f'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY x SYSTEM "{target}"><!ENTITY % p SYSTEM "{target}"> %p;]>'
            f"<rss version='2.0'><channel><title>t</title><item><guid>1</guid><title>خبر &x;</title></item></channel></rss>"
        ).encode()
        parsed = parse(document, content_type="text/xml", url="https://news.example/feed", max_entries=10)

    assert asked == []
    assert "root:" not in repr(parsed)


async def test_of_ten_thousand_items_as_many_are_read_as_the_setting_says_and_the_rest_is_told() -> None:
    items = "".join(map(ITEM.format, range(10_000)))
    document = f"<rss version='2.0'><channel><title>ن</title>{items}</channel></rss>".encode()
    assert len(document) < SETTINGS.max_feed_bytes
    state, store = await after_a_poll(always(reply(body=document)))

    kept = [entry for entry in store.polls.entries.values() if entry.feed_id == "bad"]
    assert len(kept) == SETTINGS.max_entries == len(state.seen)
    assert state.detail


REFUSED = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254", "168.63.129.16",
    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.0.170", "192.0.2.1", "192.88.99.1", "192.168.0.1",
    "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::7f00:1", "::a9fe:a9fe", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:0:7f00:1", "64:ff9b::7f00:1",
    "64:ff9b:1::a00:1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "fc00::1", "fd00:ec2::254", "fe80::1",
    "fe80::1%eth0", "fec0::1", "ff02::1",
]  # fmt: skip


@pytest.mark.parametrize("address", REFUSED)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert not is_allowed(ip_address(address), ())


@pytest.mark.parametrize("address", ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_a_public_address_is_allowed(address: str) -> None:
    assert is_allowed(ip_address(address), ())


@pytest.mark.parametrize(
    ("network", "address", "allowed"),
    [
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "::ffff:10.1.2.3", True),
        ("10.0.0.0/8", "192.168.0.1", False),
        ("fd00::/8", "fd00::1%eth0", True),
        ("169.254.169.254/32", "169.254.169.253", False),
    ],
)
def test_the_operator_lets_networks_through_and_no_others(network: str, address: str, allowed: bool) -> None:
    known: IPv4Network | IPv6Network = ip_network(network)

    assert is_allowed(ip_address(address), (known,)) is allowed


class Names:
    """A name server that gives other answers each time it is asked."""

    def __init__(self, *answers: tuple[str, ...]) -> None:
        self.answers = list(answers)
        self.asked = 0

    def __call__(self, host: str, port: int) -> list[str]:
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        return list(answer)


async def error_of(url: str, settings: PollSettings) -> FetchError:
    async with CurlFetcher(settings, SystemClock()) as fetcher:
        with pytest.raises(FetchError) as caught:
            await fetcher.fetch(FetchRequest(url=url))
    return caught.value


async def test_a_name_that_leads_inside_when_it_is_connected_to_is_blocked(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names(("10.0.0.1",))
    monkeypatch.setattr(guard, "_lookup", names)

    assert (await error_of("http://rebind.example/", PollSettings(timeout=2))).health == "blocked"
    assert names.asked == 1


async def test_a_name_is_resolved_once_for_check_and_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: a second answer, with an address inside, would be asked for by a client that checks and then connects."""
    async with serving(always(reply(body=GOOD))) as base:
        names = Names(("127.0.0.1",), ("10.0.0.1",))
        monkeypatch.setattr(guard, "_lookup", names)
        async with CurlFetcher(SETTINGS, SystemClock()) as fetcher:
            port = base.rpartition(":")[2]
            answer = await fetcher.fetch(FetchRequest(url=f"http://rebind.example:{port}/"))

    assert (answer.status, names.asked) == (200, 1)


async def test_of_several_addresses_only_the_allowed_ones_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    async def connect(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tried.append("inside")
        writer.close()

    inside = await asyncio.start_server(connect, "127.0.0.2", 0)
    port = inside.sockets[0].getsockname()[1]
    monkeypatch.setattr(guard, "_lookup", Names(("127.0.0.2", "127.0.0.1")))
    only = PollSettings(allow_networks=(ip_network("127.0.0.1/32"),), timeout=2)
    async with inside:
        assert (await error_of(f"http://mixed.example:{port}/", only)).health == "network"

    assert tried == []


async def test_a_redirect_to_a_name_that_leads_inside_is_blocked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "_lookup", Names(("192.168.1.1",)))
    async with serving(always(reply("301 Moved", Location="http://inside.example/"))) as base:
        assert (await error_of(f"{base}/", SETTINGS)).health == "blocked"


@pytest.mark.parametrize("target", ["http://169.254.169.254/", "http://[fd00:ec2::254]/", "file:///etc/passwd"])
async def test_an_article_page_is_held_to_the_same_limits(target: str) -> None:
    clock = SystemClock()
    moved = routes({"/1": reply("302 Found", Location=target)})
    async with serving(moved) as base, CurlFetcher(SETTINGS, clock) as fetcher:
        reader = PageReader(fetcher, HostGate(SETTINGS, clock), SETTINGS, clock)
        redirected = await reader.read(an_entry(url=f"{base}/1"))
        direct = await reader.read(an_entry(url=target))

    assert redirected.page_problem.startswith("blocked: ")
    assert direct.page_problem.startswith("blocked: ")
    assert not redirected.page_html
