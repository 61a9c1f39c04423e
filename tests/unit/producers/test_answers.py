"""The audit of redirects and statuses: for each kind of answer of a real server, what becomes of the feed. One line a case."""

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_network
from typing import NamedTuple

import pytest

from marsad.clock import FrozenClock
from marsad.config import PollSettings
from marsad.events import Event
from marsad.records import FeedState, Health
from marsad.testing.factories import a_feed
from marsad.testing.fakes import InMemoryStore
from producers.fetch import CurlFetcher
from producers.loopback import Asked, reply, routes, serving
from producers.means import Means
from producers.moves import VOTES_NEEDED
from producers.politeness import HostGate
from producers.service import Poller

NOW = datetime(2026, 7, 14, 9, 30, tzinfo=UTC)
SETTINGS = PollSettings(allow_networks=(ip_network("127.0.0.0/8"),), timeout=0.5)
FEED = (
    "<rss version='2.0'><channel><title>نشرة</title>"
    "<item><guid>1</guid><title>خبر</title><link>https://news.example/1</link></item></channel></rss>"
).encode()
LOGIN = "<!doctype html><title>تسجيل الدخول</title><form><input type='password'></form>".encode()
OK = reply(body=FEED)
SAME = reply("304 Not Modified")


def to(status: int, target: str) -> bytes:
    return reply(f"{status} Moved", Location=target)


class Case(NamedTuple):
    says: str
    answers: dict[str, bytes]
    """By path; ``{other}`` in an answer is the address of a second site."""
    health: Health
    stored: str = ""
    """Path of the address that is asked from then on."""
    failures: int = 0
    muted: bool = False
    waits: float = 0
    """Seconds that the next poll is away at least."""
    polls: int = 1


M = VOTES_NEEDED
DATE = format_datetime(NOW + timedelta(seconds=7_200), usegmt=True)
PAST = format_datetime(NOW - timedelta(seconds=7_200), usegmt=True)
CASES = [
    Case("301 once is followed, not stored", {"/feed": to(301, "/new"), "/new": OK}, Health.OK),
    Case("301 is stored after agreeing polls", {"/feed": to(301, "/new"), "/new": OK}, Health.MOVED, "/new", polls=M),
    Case("308 is stored after agreeing polls", {"/feed": to(308, "/new"), "/new": OK}, Health.MOVED, "/new", polls=M),
    Case("a chain of 301 and 308 stores its end", {"/feed": to(301, "/a"), "/a": to(308, "/b"), "/b": OK}, Health.MOVED, "/b", polls=M),
    Case("301 then 302 stores what is permanent", {"/feed": to(301, "/a"), "/a": to(302, "/b"), "/b": OK}, Health.MOVED, "/a", polls=M),
    Case("302 then 301 stores nothing", {"/feed": to(302, "/a"), "/a": to(301, "/b"), "/b": OK}, Health.UNCHANGED, polls=9),
    Case("302 is followed only", {"/feed": to(302, "/new"), "/new": OK}, Health.UNCHANGED, polls=9),
    Case("303 is followed only", {"/feed": to(303, "/new"), "/new": OK}, Health.UNCHANGED, polls=9),
    Case("307 is followed only", {"/feed": to(307, "/new"), "/new": OK}, Health.UNCHANGED, polls=9),
    Case("301 to another site's feed is stored", {"/feed": to(301, "{other}/feed")}, Health.MOVED, "{other}/feed", polls=M),
    Case("301 to another site's login is not", {"/feed": to(301, "{other}/login")}, Health.NOT_A_FEED, failures=9, polls=9),
    Case("301 to a page is not", {"/feed": to(301, "/"), "/": reply(body=b"<!doctype html><p>x")}, Health.NOT_A_FEED, failures=9, polls=9),
    Case("301 to an error is not", {"/feed": to(301, "/gone")}, Health.HTTP_4XX, failures=9, polls=9),
    Case("301 to a 304 that no feed came before is not", {"/feed": to(301, "/new"), "/new": SAME}, Health.NETWORK, failures=9, polls=9),
    Case("301 to itself ends", {"/feed": to(301, "/feed")}, Health.NETWORK, failures=1),
    Case("301 to a file is blocked", {"/feed": to(301, "file:///etc/passwd")}, Health.BLOCKED, failures=1),
    Case("301 into the network is blocked", {"/feed": to(301, "http://169.254.169.254/latest")}, Health.BLOCKED, failures=1),
    Case("301 without an address is no feed", {"/feed": reply("301 Moved")}, Health.NOT_A_FEED, failures=1),
    Case("300 is no feed", {"/feed": reply("300 Choose", FEED)}, Health.NOT_A_FEED, failures=1),
    Case("204 is no feed", {"/feed": b"HTTP/1.1 204 No\r\n\r\n"}, Health.NOT_A_FEED, failures=1),
    Case("200 with a login is no feed", {"/feed": reply(body=LOGIN)}, Health.NOT_A_FEED, failures=1),
    Case("200 without a body is empty", {"/feed": reply()}, Health.EMPTY, failures=1),
    Case("400", {"/feed": reply("400 Bad")}, Health.HTTP_4XX, failures=1),
    Case("401", {"/feed": reply("401 Login", WWW_Authenticate="Basic")}, Health.HTTP_4XX, failures=1),
    Case("403", {"/feed": reply("403 No")}, Health.HTTP_4XX, failures=1),
    Case("403 with a bot check", {"/feed": reply("403 No", b"<title>Just a moment...</title>")}, Health.BOT_WALL, failures=1),
    Case("404", {"/feed": reply("404 Not Found")}, Health.HTTP_4XX, failures=1),
    Case("410 mutes", {"/feed": reply("410 Gone")}, Health.GONE, failures=1, muted=True),
    Case("429 without a time", {"/feed": reply("429 Slow")}, Health.THROTTLED, failures=1, waits=30),
    Case("429 in seconds", {"/feed": reply("429 Slow", Retry_After="7200")}, Health.THROTTLED, failures=1, waits=7_200),
    Case("429 with a date", {"/feed": reply("429 Slow", Retry_After=DATE)}, Health.THROTTLED, failures=1, waits=7_200),
    Case("429 with a date that is over", {"/feed": reply("429 Slow", Retry_After=PAST)}, Health.THROTTLED, failures=1, waits=30),
    Case("429 with nonsense", {"/feed": reply("429 Slow", Retry_After="soon")}, Health.THROTTLED, failures=1, waits=30),
    Case("429 for a year waits a day", {"/feed": reply("429 Slow", Retry_After="31536000")}, Health.THROTTLED, failures=1, waits=86_400),
    Case("500", {"/feed": reply("500 Broken")}, Health.HTTP_5XX, failures=1),
    Case("502", {"/feed": reply("502 Broken")}, Health.HTTP_5XX, failures=1),
    Case("503", {"/feed": reply("503 Busy")}, Health.HTTP_5XX, failures=1),
    Case("503 in seconds", {"/feed": reply("503 Busy", Retry_After="3600")}, Health.THROTTLED, failures=1, waits=3_600),
    Case("503 with a date", {"/feed": reply("503 Busy", Retry_After=DATE)}, Health.THROTTLED, failures=1, waits=7_200),
    Case("503 with a bot check", {"/feed": reply("503 Busy", b"<title>Just a moment...</title>")}, Health.BOT_WALL, failures=1),
    Case("a redirect to 410 mutes too", {"/feed": to(301, "/gone"), "/gone": reply("410 Gone")}, Health.GONE, failures=1, muted=True),
    Case("no HTTP at all", {"/feed": b"hello\r\n\r\n"}, Health.NETWORK, failures=1),
    Case("nothing at all", {"/feed": b""}, Health.NETWORK, failures=1),
]  # fmt: skip


class Quiet:
    """Nobody listens."""

    def emit(self, event: Event) -> None:
        pass


async def polled(url: str, polls: int = 1, between: Callable[[], None] = lambda: None) -> FeedState:
    """The state of a feed after some polls, an hour apart."""
    store, clock, feed = InMemoryStore(), FrozenClock(NOW), a_feed(id="f", url=url)
    store.feeds.put_feeds([feed])
    async with CurlFetcher(SETTINGS, clock) as fetcher:
        for _ in range(polls):
            gate = HostGate(SETTINGS, clock)
            means = Means(fetcher, gate, SETTINGS, clock, random.Random(1), Quiet())
            poller = Poller(store.feeds, store.polls, means)
            await poller.poll_once("f")
            between()
            clock.advance(3_600)
    state = store.polls.state("f")
    assert state is not None
    return state


@pytest.mark.parametrize("case", CASES, ids=[case.says for case in CASES])
async def test_each_answer_has_its_own_consequence(case: Case) -> None:
    async with serving(routes({"/feed": OK, "/login": reply(body=LOGIN)})) as other:
        answers = {path: answer.replace(b"{other}", other.encode()) for path, answer in case.answers.items()}
        async with serving(routes(answers)) as base:
            state = await polled(f"{base}/feed", case.polls)
            stored = case.stored.replace("{other}", other)

    assert (state.health, state.failures, state.muted) == (case.health, case.failures, case.muted)
    assert state.url.removeprefix(base) == stored
    assert state.next_poll_at is not None
    assert (state.next_poll_at - NOW).total_seconds() >= case.waits
    assert (state.next_poll_at - NOW).total_seconds() <= (case.polls - 1) * 3_600 + max(86_400, case.waits) * 1.1


async def test_a_304_alone_begins_no_move() -> None:
    """A login that answers 304 to whatever carries validators has proven nothing about the feed."""
    answers = {"/feed": reply(body=FEED, ETag='"1"')}

    def moved() -> None:
        answers.update({"/feed": to(301, "/other"), "/other": SAME})

    async with serving(routes(answers)) as base:
        state = await polled(f"{base}/feed", 9, moved)

    assert state.url == ""


async def test_a_move_goes_on_through_304s_once_the_new_address_has_shown_the_feed() -> None:
    async def handle(asked: Asked, writer: asyncio.StreamWriter) -> None:
        same = "if-none-match" in asked.headers
        new = SAME if same else reply(body=FEED, ETag='"1"')
        writer.write(new if asked.path == "/new" else to(301, "/new"))

    async with serving(handle) as base:
        assert (await polled(f"{base}/feed", 9)).url == f"{base}/new"


async def never(_: Asked, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(2)


@pytest.mark.parametrize(
    ("url", "health"),
    [
        ("http://no-such-host.invalid/feed", Health.DNS),
        ("http://10.0.0.1/feed", Health.BLOCKED),
        ("http://[::ffff:169.254.169.254]/feed", Health.BLOCKED),
        ("https://{plain}/feed", Health.TLS),
        ("http://{closed}/feed", Health.NETWORK),
        ("http://{silent}/feed", Health.SLOW),
    ],
)
async def test_each_failure_to_answer_is_its_own_state(url: str, health: Health) -> None:
    async def plain_text(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply("400 Bad Request"))
        writer.close()

    plain = await asyncio.start_server(plain_text, "127.0.0.1", 0)
    async with plain, serving(never) as silent:
        async with serving(never) as closed:
            pass
        places = {"plain": f"127.0.0.1:{plain.sockets[0].getsockname()[1]}", "closed": closed[7:], "silent": silent[7:]}
        state = await polled(url.format(**places))

    assert (state.health, state.failures, state.muted) == (health, 1, False)
