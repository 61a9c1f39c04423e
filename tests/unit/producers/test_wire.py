"""What libcurl is told and what is made of what comes in: heads as servers write them, handles used again, whom to trust."""

import asyncio
import gzip
import random
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from marsad.clock import FrozenClock, SystemClock
from marsad.config import PollSettings
from marsad.errors import FetchError
from marsad.records import FetchRequest, FetchResponse
from marsad.testing.factories import NOW
from producers import guard
from producers.fetch import CurlFetcher
from producers.loopback import Asked, always, reply, routes, serving

SETTINGS = PollSettings(allow_networks=(ip_network("127.0.0.0/8"),), timeout=3)


async def fetched(answer: bytes) -> FetchResponse:
    async with serving(always(answer)) as base, CurlFetcher(SETTINGS, SystemClock()) as fetcher:
        return await fetcher.fetch(FetchRequest(url=base))


def head(*lines: str, body: bytes = b"news") -> bytes:
    return "\r\n".join(["HTTP/1.1 200 OK", *lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


async def test_a_header_that_comes_twice_is_one_with_a_comma() -> None:
    assert (await fetched(head("Vary: a", "X: 1", "vary: b"))).headers["vary"] == "a, b"


async def test_a_folded_header_line_belongs_to_the_one_before() -> None:
    assert (await fetched(head("X-Long: one", "   two"))).headers["x-long"] == "one two"


async def test_a_folded_line_with_none_before_it_stands_alone() -> None:
    answer = await fetched(
        b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\n  Folded: y\r\nX: 1\r\n\r\nnews"
    )

    assert (answer.status, answer.headers) == (200, {"folded": "y", "x": "1"})


@pytest.mark.parametrize("status", ["", "20", "2000", "abc", "099", "9" * 400])
async def test_a_status_that_is_none_is_a_network_failure(status: str) -> None:
    with pytest.raises(FetchError) as caught:
        await fetched(f"HTTP/1.1 {status} OK\r\nContent-Length: 0\r\n\r\n".encode())
    assert caught.value.health == "network"


async def test_a_header_in_raw_utf_8_is_read_as_such() -> None:
    assert (await fetched(head("Last-Modified: الأحد"))).headers["last-modified"] == "الأحد"


async def test_a_head_that_is_none_is_a_network_failure() -> None:
    with pytest.raises(FetchError) as caught:
        await fetched(head("X: 1", "nonsense"))
    assert caught.value.health == "network"


async def test_what_comes_before_the_answer_is_not_it() -> None:
    answer = await fetched(b"HTTP/1.1 103 Early Hints\r\nETag: no\r\n\r\n" + head("X: 1"))

    assert (answer.status, answer.body) == (200, b"news")
    assert "etag" not in answer.headers


async def test_lines_after_a_chunked_body_are_no_headers() -> None:
    answer = await fetched(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nnews\r\n0\r\nETag: late\r\n\r\n")

    assert (answer.body, answer.headers.get("etag")) == (b"news", None)


async def redirected(moved: bytes) -> bytes:
    served = serving(routes({"/a": moved, "/b": reply(body=b"b")}))
    async with served as base, CurlFetcher(SETTINGS, SystemClock()) as fetcher:
        return (await fetcher.fetch(FetchRequest(url=f"{base}/a", max_bytes=1_000_000))).body


TWICE = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nConnection: close\r\nLocation: /b\r\nLocation: %b\r\n\r\n"


async def test_a_location_that_is_told_twice_is_followed() -> None:
    assert await redirected(TWICE % b"/b") == b"b"


async def test_two_locations_are_no_answer() -> None:
    with pytest.raises(FetchError) as caught:
        await redirected(TWICE % b"/c")
    assert caught.value.health == "network"


@pytest.mark.parametrize("size", [10, 5_000_000])
async def test_the_page_that_comes_with_a_redirect_is_no_matter(size: int) -> None:
    assert await redirected(reply("301 Moved", b"x" * size, Location="/b")) == b"b"


async def test_a_validator_never_becomes_a_line_of_its_own() -> None:
    got: dict[str, str] = {}

    async def handle(asked: Asked, writer: asyncio.StreamWriter) -> None:
        got.update(asked.headers)
        writer.write(reply())

    async with serving(handle) as base, CurlFetcher(SETTINGS, SystemClock()) as fetcher:
        await fetcher.fetch(FetchRequest(url=base, etag='"1"\r\nX-Evil: 1'))

    assert got["if-none-match"] == '"1"X-Evil: 1'
    assert "x-evil" not in got


async def test_a_handle_that_has_posted_asks_for_the_next_address_as_if_it_had_not() -> None:
    asked: list[tuple[str, str]] = []

    async def handle(one: Asked, writer: asyncio.StreamWriter) -> None:
        asked.append((one.method, one.body.decode()))
        writer.write(reply())

    async with serving(handle) as base, CurlFetcher(SETTINGS, SystemClock()) as fetcher:
        await fetcher.fetch(FetchRequest(url=f"{base}/hub", form=(("hub.topic", "https://a.example/?x=1&y"),)))
        await fetcher.fetch(FetchRequest(url=f"{base}/feed", etag='"1"'))
        await fetcher.fetch(FetchRequest(url=f"{base}/hub", form=(("a", "نشرة"),)))

    assert asked == [
        ("POST", "hub.topic=https%3A%2F%2Fa.example%2F%3Fx%3D1%26y"),
        ("GET", ""),
        ("POST", "a=%D9%86%D8%B4%D8%B1%D8%A9"),
    ]


async def test_a_request_that_is_given_up_does_not_spoil_the_next() -> None:
    async def handle(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegun")
        await writer.drain()
        if asked.path == "/slow":
            await asyncio.sleep(5)
        writer.write(b"x" * 95)

    async with serving(handle) as base, CurlFetcher(SETTINGS, SystemClock()) as fetcher:
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(fetcher.fetch(FetchRequest(url=f"{base}/slow")), 0.1)
            answer = await fetcher.fetch(FetchRequest(url=f"{base}/feed"))
            assert answer.body == b"begun" + b"x" * 95


async def test_a_name_is_asked_for_again_after_five_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def lookup(host: str, _: int) -> list[str]:
        asked.append(host)
        return ["93.184.216.34"]

    monkeypatch.setattr(guard, "_lookup", lookup)
    clock = FrozenClock(NOW)
    resolver = guard.GuardedResolver((), clock)
    for seconds in (0, 299, 2):
        clock.advance(seconds)
        assert await resolver.resolve("a.example", 80) == ("93.184.216.34",)
    resolver.close()

    assert asked == ["a.example"] * 2


def answering(body: bytes) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    """For servers at an address or with a certificate of their own."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply(body=body))
        await writer.drain()
        writer.close()

    return answer


async def test_a_name_that_has_moved_is_asked_at_its_new_address(monkeypatch: pytest.MonkeyPatch) -> None:
    old = await asyncio.start_server(answering(b"old"), "127.0.0.1", 0)
    port = old.sockets[0].getsockname()[1]
    new = await asyncio.start_server(answering(b"new"), "127.0.0.2", port)
    places = iter(["127.0.0.1", "127.0.0.2"])
    monkeypatch.setattr(guard, "_lookup", lambda *_: [next(places)])
    clock, found = FrozenClock(NOW), []
    async with old, new, CurlFetcher(SETTINGS, clock) as fetcher:
        for seconds in (0, 10, 300):
            clock.advance(seconds)
            found.append((await fetcher.fetch(FetchRequest(url=f"http://a.example:{port}/"))).body)

    assert found == [b"old", b"old", b"new"]


ANSWERS = (
    head("ETag: 1", "Content-Type: application/rss+xml"),
    head("Content-Encoding: gzip", body=gzip.compress(b"news" * 100)),
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nnews\r\n5\r\n again\r\n0\r\nX: y\r\n\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/x\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.0 304 Not Modified\r\nETag: 2\r\n\r\n",
)


def spoiled(answer: bytes, rng: random.Random) -> bytes:
    """Pieces of it gone, doubled, moved or replaced."""
    for _ in range(rng.randint(1, 4)):
        at, length = rng.randrange(len(answer) + 1), rng.randint(0, 12)
        piece = answer[at : at + length]
        into = rng.choice(
            (b"", piece * rng.randint(2, 40), rng.randbytes(length), b"\r\n", b"\0", b"9" * 30, b"\xff\xfe")
        )
        answer = answer[:at] + into + answer[at + length :]
    return answer


async def test_whatever_a_server_sends_is_an_answer_or_a_failure_that_has_a_name() -> None:
    rng, answer, kinds = random.Random(7), b"", Counter[str]()

    async def handle(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)

    settings = SETTINGS.model_copy(update={"timeout": 2, "max_redirects": 0})
    async with serving(handle) as base, CurlFetcher(settings, SystemClock()) as fetcher:
        for _ in range(600):
            answer = spoiled(rng.choice(ANSWERS), rng)
            try:
                kinds[str((await fetcher.fetch(FetchRequest(url=base, max_bytes=10_000))).status)] += 1
            except FetchError as error:
                kinds[error.health] += 1

    assert all(kind.isalpha() or "-" in kind or len(kind) == 3 for kind in kinds)
    assert kinds["200"] > 50
    assert kinds["network"] > 50


@asynccontextmanager
async def served_with_tls(folder: Path, name: str) -> AsyncIterator[str]:
    """A server whose certificate is its own authority, in ``folder``."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = SystemClock().now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(name))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, private = folder / "authority.pem", folder / "key.pem"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, private)

    server = await asyncio.start_server(answering(b"safe"), "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def over_tls(url: str) -> bytes:
    async with CurlFetcher(SETTINGS, SystemClock()) as fetcher:
        return (await fetcher.fetch(FetchRequest(url=url))).body


async def test_an_authority_that_the_machine_trusts_is_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with served_with_tls(tmp_path, "127.0.0.1") as url:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
        assert await over_tls(url) == b"safe"


async def test_a_certificate_of_nobody_known_is_a_tls_failure(tmp_path: Path) -> None:
    async with served_with_tls(tmp_path, "127.0.0.1") as url:
        with pytest.raises(FetchError, match="no trustworthy TLS connection") as caught:
            await over_tls(url)
    assert caught.value.health == "tls"


async def test_a_certificate_of_another_name_is_a_tls_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with served_with_tls(tmp_path, "127.0.0.9") as url:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
        with pytest.raises(FetchError) as caught:
            await over_tls(url)
    assert caught.value.health == "tls"
