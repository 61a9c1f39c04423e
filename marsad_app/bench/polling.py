"""The poller on real sockets: ten thousand feeds on loopback, against a bare loop of GETs that sends the same requests.

The measured process is one of its own, so that memory is the poller's; turns of both loops alternate, so that what else the
machine does falls on both.
"""

import asyncio
import contextlib
import os
import random
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from email.utils import format_datetime
from ipaddress import ip_network
from pathlib import Path

import aiohttp
import msgspec

from marsad.clock import SystemClock
from marsad.config import PollSettings, eval_data_dir
from marsad.errors import TransientError
from marsad.events import Event, FeedPolled
from marsad.records import Feed, FetchRequest, FetchResponse
from marsad.records.ids import feed_id
from marsad_app.bench.corpus import documents
from marsad_app.bench.feed_server import ETAG, address, document, item, kind_of
from marsad_app.bench.replay import free_port
from marsad_app.bench.speed import Row
from marsad_app.embedded.board import Board
from marsad_app.embedded.store import Store, open_store
from marsad_app.embedded.supervise import PollingTold
from marsad_app.switching import favour_the_loop, set_loaded_aside
from producers.fetch import CurlFetcher
from producers.means import Means
from producers.parse import parse
from producers.politeness import HostGate
from producers.poll import decide, request_for, wants_page
from producers.service import Poller
from producers.validators import PROVEN

__all__ = ["Figures", "poll_ratios"]

# Due again at once: the turns decide who is asked.
_SETTINGS = PollSettings(allow_networks=(ip_network("127.0.0.0/8"),), min_interval=1, max_interval=1)
_ITEMS = 1_200
_TURNS = 20
_TICK_S = 0.005
_QUIET_S = 0.3


class Figures(msgspec.Struct, frozen=True):
    """What the measured process found, one number for each turn where there are several."""

    ours: list[float]
    """Polls a second."""
    bare: list[float]
    """GETs a second."""
    our_cpu: list[float]
    """Milliseconds of processor time for a poll."""
    bare_cpu: list[float]
    kilobytes: float
    """Resident memory that came with the feeds, for each of them."""
    blocked: list[float]
    """Longest time in milliseconds that the event loop was late, in each turn of the poller."""
    bare_blocked: list[float]
    steps: list[float] = []
    """Milliseconds of the loop's own processor time from one look at the network to the next, while the poller works."""


def poll_ratios(data: Path, count: int = 10_000) -> list[Row]:
    """Speed, memory and the longest halt of the event loop.

    Args:
        data: folder of the corpus.
        count: feeds.
    """
    with tempfile.TemporaryDirectory(prefix="marsad-bench-") as name:
        folder, port = Path(name), free_port()
        items = _items(data)
        (folder / "items.json").write_bytes(msgspec.json.encode(items))
        _seed(folder, port, items, count)
        with _served(folder, port):
            command = [sys.executable, "-m", "marsad_app.bench.polling", str(folder), str(port), str(count)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return _rows(msgspec.json.decode(done.stdout, type=Figures), count)


def _rows(found: Figures, count: int) -> list[Row]:
    ratio = statistics.median(a / b for a, b in zip(found.ours, found.bare, strict=True))
    speed = (
        f"{statistics.median(found.ours):.0f} polls/s of {count} feeds, {statistics.median(found.bare):.0f} bare GETs/s"
    )
    ours, bare = statistics.median(found.our_cpu), statistics.median(found.bare_cpu)
    halts = (
        f"median of turns {statistics.median(found.blocked):.0f} ms; bare loop at most {max(found.bare_blocked):.0f} ms"
    )
    steps = f"p99.9 {sorted(found.steps)[int(len(found.steps) * 0.999)]:.0f} ms of {len(found.steps)} steps"
    return [
        Row("polls/s: ratio to a bare loop of GETs", ratio, 0.6, detail=speed),
        Row("CPU of a poll: ratio of a bare GET to it", bare / ours, 0.6, detail=f"{ours:.2f} ms, {bare:.2f} ms bare"),
        Row("memory of a polled feed, KB", found.kilobytes, 20, at_most=True),
        Row("longest halt of the event loop, ms", max(found.blocked), 50, at_most=True, detail=halts),
        Row(
            "longest step of the event loop, ms of its own processor time",
            max(found.steps),
            50,
            at_most=True,
            detail=steps,
        ),
    ]


def _items(data: Path) -> list[str]:
    now = SystemClock().now()
    sample = enumerate(documents(data, _ITEMS))
    return [
        item(n, d.title, d.abstract or d.text[:400], format_datetime(now - timedelta(hours=n % 30))) for n, d in sample
    ]


def _feed(number: int, port: int) -> Feed:
    url = address(number, port)
    return Feed(id=feed_id(url), url=url, title=f"أخبار {number}", outlet="أخبار", full_text=True)


def _seed(folder: Path, port: int, items: Sequence[str], count: int) -> None:
    """A store in which each feed was polled once and is due."""
    now = SystemClock().now()
    bodies = [document(items, n) for n in range(20)]
    readings = [parse(body, url="http://news.invalid/rss") for body in bodies]
    store = open_store(folder)
    with store.database.write():
        store.feeds.put_feeds(_feed(number, port) for number in range(count))
        for number in range(count):
            feed = _feed(number, port)
            etag = {"etag": ETAG} if kind_of(number) == "not-modified" else {}
            answer = FetchResponse(
                url=feed.url, final_url=feed.url, status=200, headers=etag, body=bodies[number % 20], elapsed=0.1
            )
            request = request_for(feed, None, now, _SETTINGS)
            parsed = readings[number % 20]
            result = decide(feed, None, request, answer, parsed, now=now, settings=_SETTINGS, rng=random.Random(1))  # noqa: S311 - jitter
            state = msgspec.structs.replace(result.state, validators_trusted=PROVEN, next_poll_at=now)
            store.polls.commit_poll(state, ())
    store.close()


@contextlib.contextmanager
def _served(folder: Path, port: int) -> Iterator[None]:
    """The feeds, in a process of their own.

    Raises:
        TransientError: it does not answer.
    """
    command = [sys.executable, "-m", "marsad_app.bench.feed_server", str(port), str(folder / "items.json")]
    server = subprocess.Popen(command)
    try:
        _await_answer(server, port)
        yield
    finally:
        server.terminate()
        server.wait()


def _await_answer(server: "subprocess.Popen[bytes]", port: int) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end and server.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.2.200", port), 1):
            return
        time.sleep(0.1)
    raise TransientError("the feed server of the bench does not answer")


class _Turns:
    """Lets the poller work in turns of so many polls, and counts them. An event sink."""

    def __init__(self) -> None:
        self._told = PollingTold(Board())
        self._left = 0
        self.finished = 0
        self.began_at = self.last_at = 0.0

    def begin(self, polls: int) -> None:
        """Another turn."""
        self._left, self.finished, self.began_at = polls, 0, 0.0

    def may_start(self) -> bool:
        """Whether polls may begin; the turn's time runs from the first time that they may."""
        if self.finished >= self._left:
            return False
        self.began_at = self.began_at or time.perf_counter()
        return True

    def emit(self, event: Event) -> None:
        """Count a poll."""
        self._told.emit(event)
        if isinstance(event, FeedPolled):
            self.finished += 1
            self.last_at = time.perf_counter()

    async def ended(self) -> float:
        """Wait for the turn's polls, and those under way; seconds that they took."""
        while self.finished < self._left or time.perf_counter() - self.last_at < _QUIET_S:  # noqa: ASYNC110 - a bench
            await asyncio.sleep(0.05)
        return self.last_at - self.began_at


class _Ticks:
    """A task that wants to run every few milliseconds, and remembers how late it was at most."""

    def __init__(self) -> None:
        self.latest = 0.0

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            began = time.perf_counter()
            await asyncio.sleep(_TICK_S)
            self.latest = max(self.latest, time.perf_counter() - began - _TICK_S)

    def take(self) -> float:
        """The latest in milliseconds since it was taken last."""
        latest, self.latest = self.latest * 1_000, 0.0
        return latest


class _Steps(selectors.DefaultSelector):
    """Notes what the loop did between two looks at the network: what other programs take of the machine is not in it."""

    def __init__(self) -> None:
        super().__init__()
        self._began = time.thread_time()
        self.taken: list[float] = []

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Look, and begin another step."""
        self.taken.append((time.thread_time() - self._began) * 1_000)
        ready = super().select(timeout)
        self._began = time.thread_time()
        return ready

    def take(self) -> list[float]:
        """The steps in milliseconds since they were taken last."""
        taken, self.taken = self.taken, []
        return taken


async def _measure(store: Store, port: int, count: int, steps: _Steps) -> Figures:
    turns, ticks, found = _Turns(), _Ticks(), Figures([], [], [], [], 0.0, [], [])
    bare = _Bare(store, port, count)
    clock, stop, each = SystemClock(), asyncio.Event(), count // _TURNS
    ticking = asyncio.create_task(ticks.run())
    async with CurlFetcher(_SETTINGS, clock) as fetcher, aiohttp.ClientSession() as session:
        await bare.take(session, each)
        before = _resident()
        gate = HostGate(_SETTINGS, clock)
        rng = random.Random()  # noqa: S311 - jitter, no secret
        means = Means(fetcher, gate, _SETTINGS, clock, rng, turns)
        poller = Poller(store.feeds, store.polls, means, may_start=turns.may_start)
        set_loaded_aside()
        running = asyncio.create_task(poller.run(stop))
        # Each feed once, as after some minutes of a real run: what a feed held is known, connections are open.
        turns.begin(count)
        await turns.ended()
        for _ in range(_TURNS):
            ticks.take()
            steps.take()
            cpu = time.process_time()
            turns.begin(each)
            seconds = await turns.ended()
            found.ours.append(turns.finished / seconds)
            found.our_cpu.append((time.process_time() - cpu) / turns.finished * 1_000)
            found.blocked.append(ticks.take())
            found.steps.extend(steps.take())
            cpu, began = time.process_time(), time.perf_counter()
            await bare.take(session, each)
            found.bare.append(each / (time.perf_counter() - began))
            found.bare_cpu.append((time.process_time() - cpu) / each * 1_000)
            found.bare_blocked.append(ticks.take())
        memory = (_resident() - before) / count / 1_024
        stop.set()
        await running
    ticking.cancel()
    return msgspec.structs.replace(found, kilobytes=memory)


class _Bare:
    """The loop that everybody writes first: workers that GET one address after the other.

    Args:
        store: holds the validators that the poller would send.
        port: of the server.
        count: feeds.
    """

    def __init__(self, store: Store, port: int, count: int) -> None:
        self._requests = [self._request(number, port) for number in range(count)]
        self._next = 0

    def _request(self, number: int, port: int) -> FetchRequest:
        etag = ETAG if kind_of(number) == "not-modified" else ""
        return FetchRequest(url=address(number, port), purpose="feed", etag=etag)

    async def take(self, session: aiohttp.ClientSession, count: int) -> None:
        """GET the next so many addresses."""
        requests = iter([self._requests[(self._next + n) % len(self._requests)] for n in range(count)])
        self._next += count
        await asyncio.gather(*(self._work(session, requests) for _ in range(_SETTINGS.concurrency)))

    async def _work(self, session: aiohttp.ClientSession, requests: Iterator[FetchRequest]) -> None:
        for request in requests:
            headers = {"If-None-Match": request.etag} if request.etag else {}
            async with session.get(request.url, headers=headers) as answer:
                await answer.read()


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    """Measure in the folder and on the port given; without arguments the whole bench."""
    if len(sys.argv) == 1:
        for row in poll_ratios(eval_data_dir()):
            sys.stdout.write(f"{row.measure}: {row.value:.2f} (goal {row.target:g}); {row.detail}\n")
        return
    favour_the_loop()
    store = open_store(Path(sys.argv[1]), wants_page)
    steps = _Steps()
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(steps)) as runner:
        found = runner.run(_measure(store, int(sys.argv[2]), int(sys.argv[3]), steps))
    sys.stdout.buffer.write(msgspec.json.encode(found))
    store.close()


if __name__ == "__main__":
    main()
