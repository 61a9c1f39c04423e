"""Requests against real servers on loopback: limits, redirects, encodings, and what must not be asked."""

import asyncio
import gzip
import sys
import zlib
from ipaddress import ip_network

import brotli
import pytest

from marsad.clock import SystemClock
from marsad.config import PollSettings
from marsad.errors import FetchError
from marsad.records import FetchRequest, FetchResponse
from producers import loopback
from producers.fetch import CurlFetcher
from producers.loopback import Asked, always, routes, serving

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

BODY = "<rss><channel><title>نشرة</title></channel></rss>".encode() * 50
LOOPBACK = (ip_network("127.0.0.0/8"),)


def settings(**fields: object) -> PollSettings:
    return PollSettings(**{"allow_networks": LOOPBACK, "timeout": 5, **fields})  # type: ignore[arg-type]


def reply(status: str = "200 OK", body: bytes = BODY, **headers: str) -> bytes:
    return loopback.reply(status, body, **headers)


async def fetch(url: str, config: PollSettings | None = None, **fields: object) -> FetchResponse:
    async with CurlFetcher(config or settings(), SystemClock()) as fetcher:
        return await fetcher.fetch(FetchRequest(url=url, **fields))  # type: ignore[arg-type]


async def failure(url: str, config: PollSettings | None = None, **fields: object) -> FetchError:
    with pytest.raises(FetchError) as caught:
        await fetch(url, config, **fields)
    return caught.value


async def test_an_answer_has_status_body_and_lower_case_headers() -> None:
    async with serving(always(reply(ETag='"1"', X_Note="a"))) as base:
        answer = await fetch(f"{base}/feed")

    assert (answer.status, answer.body, answer.final_url) == (200, BODY, f"{base}/feed")
    assert answer.headers["etag"] == '"1"'
    assert answer.permanent_url == ""


@pytest.mark.parametrize("status", ["404 Not Found", "410 Gone", "503 Busy", "429 Slow", "304 Not Modified"])
async def test_any_status_is_an_answer(status: str) -> None:
    async with serving(always(reply(status, b""))) as base:
        answer = await fetch(base)

    assert answer.status == int(status[:3])


async def test_validators_and_user_agent_are_sent() -> None:
    got: dict[str, str] = {}

    async def handle(asked: Asked, writer: asyncio.StreamWriter) -> None:
        got.update(asked.headers)
        writer.write(reply())

    async with serving(handle) as base:
        await fetch(base, settings(user_agent="Test/9"), etag='"x"', last_modified="Sun, 05 Jul 2026 08:15:00 GMT")

    assert got["if-none-match"] == '"x"'
    assert got["if-modified-since"] == "Sun, 05 Jul 2026 08:15:00 GMT"
    assert got["user-agent"] == "Test/9"
    assert got["accept-encoding"] == "gzip, deflate, br, zstd"


async def test_a_proxy_in_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    async with serving(always(reply())) as base:
        assert (await fetch(base)).body == BODY


RAW_DEFLATE = zlib.compressobj(wbits=-15)
PACKED = {
    "gzip": gzip.compress(BODY),
    "gzip, br": brotli.compress(gzip.compress(BODY)),
    "x-gzip": gzip.compress(BODY[:100]) + gzip.compress(BODY[100:]),
    "deflate": zlib.compress(BODY),
    " Deflate": RAW_DEFLATE.compress(BODY) + RAW_DEFLATE.flush(),
    "br": brotli.compress(BODY),
    "zstd": zstd.compress(BODY[:100]) + zstd.compress(BODY[100:]),
    "identity": BODY,
}


@pytest.mark.parametrize("encoding", PACKED)
async def test_every_encoding_asked_for_is_undone(encoding: str) -> None:
    async with serving(always(reply(body=PACKED[encoding], Content_Encoding=encoding))) as base:
        assert (await fetch(base)).body == BODY


async def test_a_plain_body_that_is_labelled_gzip_is_read() -> None:
    async with serving(always(reply(Content_Encoding="gzip"))) as base:
        assert (await fetch(base)).body == BODY


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd", "deflate", "compress", "gzip, gzip, gzip"])
async def test_a_body_that_is_not_in_its_encoding_is_a_network_failure(encoding: str) -> None:
    async with serving(always(reply(body=b"\x01\x02 nonsense \xff" * 9, Content_Encoding=encoding))) as base:
        assert (await failure(base)).health == "network"


ZEROS = bytes(40_000_000)
BOMBS = {
    "gzip": gzip.compress(ZEROS),
    "deflate": zlib.compress(ZEROS),
    "br": brotli.compress(ZEROS),
    "zstd": zstd.compress(ZEROS),
}
BOMBS["gzip, gzip"] = gzip.compress(gzip.compress(ZEROS))


@pytest.mark.parametrize("encoding", BOMBS)
async def test_a_decompression_bomb_is_too_large(encoding: str) -> None:
    async with serving(always(reply(body=BOMBS[encoding], Content_Encoding=encoding))) as base:
        assert (await failure(base, max_bytes=1_000_000)).health == "too-large"


async def test_a_body_announced_as_larger_than_the_limit_is_not_read() -> None:
    async with serving(always(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n")) as base:
        assert (await failure(base, max_bytes=50_000)).health == "too-large"


async def test_an_endless_body_is_too_large() -> None:
    async def handle(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")
            await writer.drain()

    async with serving(handle) as base:
        assert (await failure(base, max_bytes=200_000)).health == "too-large"


async def test_a_body_that_is_longer_than_its_content_length_says_is_never_read_beyond_the_limit() -> None:
    async def endless(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(100):
            writer.write(b"8000\r\n" + b"x" * 0x8000 + b"\r\n")
            await writer.drain()

    async with serving(endless) as base:
        assert (await failure(base, max_bytes=200_000)).health in {"too-large", "network"}


async def test_a_server_that_drips_is_slow() -> None:
    async def handle(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(1000):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with serving(handle) as base:
        assert (await failure(base, settings(timeout=0.3))).health == "slow"


async def test_a_server_that_never_answers_is_slow() -> None:
    async def handle(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(2)

    async with serving(handle) as base:
        assert (await failure(base, settings(timeout=0.2))).health == "slow"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"no http at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 5_000 + b"\r\n",
    ],
    ids=["closed", "no-http", "cut-off", "long-header", "many-headers"],
)
async def test_a_broken_answer_is_a_network_failure(answer: bytes) -> None:
    async with serving(always(answer)) as base:
        assert (await failure(base)).health == "network"


async def test_a_refused_connection_is_a_network_failure() -> None:
    async with serving(always(reply())) as base:
        gone = base
    assert (await failure(gone)).health == "network"


async def test_a_name_that_does_not_exist_is_a_dns_failure() -> None:
    assert (await failure("http://no-such-host.invalid/")).health == "dns"


async def test_plain_http_on_a_tls_address_is_a_tls_failure() -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply("400 Bad Request", b"plain text"))
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    assert (await failure(f"https://127.0.0.1:{port}/")).health == "tls"
    server.close()


async def test_a_chain_of_permanent_redirects_names_the_new_address() -> None:
    hops = {
        "/a": reply("301 Moved", b"", Location="/b"),
        "/b": reply("308 Moved", b"", Location="c?x=1#f"),
        "/c?x=1": reply(),
    }
    async with serving(routes(hops)) as base:
        answer = await fetch(f"{base}/a")

    assert (answer.url, answer.final_url, answer.permanent_url) == (f"{base}/a", f"{base}/c?x=1", f"{base}/c?x=1")


async def test_a_temporary_hop_ends_the_permanent_chain() -> None:
    hops = {"/a": reply("301 Moved", b"", Location="/b"), "/b": reply("302 Found", b"", Location="/c"), "/c": reply()}
    async with serving(routes(hops)) as base:
        answer = await fetch(f"{base}/a")

    assert (answer.final_url, answer.permanent_url) == (f"{base}/c", f"{base}/b")


async def test_an_arabic_redirect_in_raw_utf_8_is_followed() -> None:
    answer = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nConnection: close\r\nLocation: /\xd8\xa3\r\n\r\n"
    async with serving(routes({"/a": answer, "/%D8%A3": reply()})) as base:
        assert (await fetch(f"{base}/a")).status == 200


async def test_a_redirect_loop_ends() -> None:
    async with serving(always(reply("302 Found", b"", Location="/a"))) as base:
        error = await failure(f"{base}/a")

    assert error.health == "network"
    assert "more than 5 redirects" in str(error)


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/", "http://10.0.0.1/", "http://[::1]/"]
)
async def test_a_redirect_to_what_must_not_be_asked_is_blocked(target: str) -> None:
    async with serving(always(reply("302 Found", b"", Location=target))) as base:
        assert (await failure(base)).health == "blocked"


@pytest.mark.parametrize(
    "target",
    ["http://[::1", "http://127.0.0.1:99999/", "http://a b/", "http://", "//", "http://a\x01b/", "\\\\10.0.0.1\\x"],
)
async def test_a_redirect_to_nonsense_is_a_failure_that_has_a_name(target: str) -> None:
    async with serving(always(reply("302 Found", b"", Location=target))) as base:
        assert (await failure(base)).health in {"blocked", "dns", "network"}


FORBIDDEN = [
    "http://127.0.0.1/", "http://127.1/", "http://2130706433/", "http://0x7f000001/", "http://0/", "http://localhost/",
    "http://10.1.2.3/", "http://172.16.0.1/", "http://192.168.1.1/", "http://169.254.169.254/latest/meta-data/",
    "http://100.64.0.1/", "http://100.100.100.200/", "http://168.63.129.16/", "http://224.0.0.1/", "http://255.255.255.255/",
    "http://[::1]/", "http://[::]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:a9fe:a9fe]/", "http://[fd00::1]/",
    "http://[fe80::1]/", "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/", "http://[ff02::1]/",
    "file:///etc/passwd", "ftp://example.com/", "http://", "//example.com", "data:text/xml,x", "not an address",
]  # fmt: skip


@pytest.mark.parametrize("url", FORBIDDEN)
async def test_addresses_inside_the_network_are_blocked(url: str) -> None:
    error = await failure(url, settings(allow_networks=()))

    assert error.health in {"blocked", "dns"}
    assert error.health == "blocked" or url in {"http://0/", "http://127.1/"}


async def test_a_name_that_leads_inside_is_blocked_when_it_is_connected_to() -> None:
    error = await failure("http://localhost:9/", settings(allow_networks=()))

    assert error.health == "blocked"
    assert "poll.allow_networks" in str(error)


async def test_one_session_serves_many_requests_at_once() -> None:
    async with serving(always(reply())) as base, CurlFetcher(settings(), SystemClock()) as fetcher:
        answers = await asyncio.gather(*(fetcher.fetch(FetchRequest(url=f"{base}/{n}")) for n in range(50)))

    assert {answer.status for answer in answers} == {200}


async def test_a_failure_does_not_tell_the_login_in_the_address() -> None:
    error = await failure("http://desk:s3cret@no-such-host.invalid/rss")

    assert str(error).startswith("http://no-such-host.invalid/rss: ")
