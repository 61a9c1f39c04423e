"""Pollers as processes of their own over living feeds: shared, taken over, stopped for a while, without their broker."""

import contextlib
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from marsad.config import KafkaSettings, child_environment
from marsad.records import Entry, Feed, FeedState
from marsad.records.codec import decode, encode
from marsad.records.ids import feed_id
from marsad.streams import Message, partition_of
from marsad.testing.factories import a_feed
from marsad_app.bench.servers import servers
from marsad_app.cluster.admin import create_streams
from processors.transact import TransactionalJournal, read_stream
from producers.politeness import site_of

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(240)]

_SESSION_S = 10.0
_PAGE_S = 0.3
RUN = """
from marsad.config import load_settings
from marsad_app.cli.logs import configure_logs
from marsad_app.cluster.poll import run

settings = load_settings()
configure_logs(settings.log)
raise SystemExit(run(settings))
"""


@dataclass
class Outlet:
    """A site of its own with one feed, which brings something new with each ask for as long as it is told to."""

    url: str = ""
    published: int = 0
    living: bool = True
    asked: list[tuple[float, str]] = field(default_factory=list)
    """When, and by whom."""

    def answer(self, path: str, agent: str) -> bytes:
        if path.startswith("/n/"):
            time.sleep(_PAGE_S)
            return f"<html><body><article>{'نص الخبر ' * 40}{path}</article></body></html>".encode()
        self.asked.append((time.monotonic(), agent))
        self.published += 3 * self.living
        items = "".join(
            f"<item><guid>{self.url}#{n}</guid><title>خبر {n}</title><link>{self.url.rsplit('/', 1)[0]}/n/{n}</link></item>"
            for n in range(self.published, max(0, self.published - 400), -1)
        )
        return f"<rss version='2.0'><channel><title>ن</title>{items}</channel></rss>".encode()

    def by(self, agent: str, since: float = 0.0) -> list[float]:
        return [at for at, who in self.asked if who == f"poller-{agent}" and at >= since]


class World:
    """Feeds on loopback, and pollers that read them."""

    def __init__(self, kafka: KafkaSettings, folder: Path) -> None:
        self.kafka = kafka
        self.folder = folder
        self.outlets: list[Outlet] = []
        self.pollers: dict[str, subprocess.Popen[bytes]] = {}
        self._servers: list[ThreadingHTTPServer] = []

    def open(self, in_each_shard: int) -> None:
        """Serve feeds, so many in each shard, and register them."""
        room = Counter(dict.fromkeys(range(self.kafka.partitions), in_each_shard))
        for number in itertools.count(2):
            host = f"127.0.0.{number}"
            shard = partition_of(site_of(f"http://{host}/"), self.kafka.partitions)
            if room[shard]:
                room[shard] -= 1
                self._serve(host)
            if not room.total():
                break
        journal = TransactionalJournal(self.kafka, "app", "feeds.v1", 0)
        journal.commit([Message(stream="feeds.v1", key=feed.id, value=encode(feed)) for feed in self.feeds()])
        journal.close()

    def feeds(self) -> list[Feed]:
        return [a_feed(id=feed_id(outlet.url), url=outlet.url, full_text=False) for outlet in self.outlets]

    def _serve(self, host: str) -> None:
        outlet = Outlet()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = outlet.answer(self.path, self.headers["User-Agent"])
                self.send_response(200)
                self.send_header("Content-Type", "text/html" if self.path.startswith("/n/") else "application/rss+xml")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with contextlib.suppress(OSError):  # who asked was killed
                    self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        server = ThreadingHTTPServer((host, 0), Handler)
        outlet.url = f"http://{host}:{server.server_address[1]}/feed.xml"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self._servers.append(server)
        self.outlets.append(outlet)

    def start(self, name: str) -> None:
        environment = child_environment(
            MARSAD_DATA__DIR=str(self.folder / name),
            MARSAD_KAFKA__BOOTSTRAP=self.kafka.bootstrap,
            MARSAD_KAFKA__PREFIX=self.kafka.prefix,
            MARSAD_KAFKA__PARTITIONS=str(self.kafka.partitions),
            MARSAD_KAFKA__INSTANCE=name,
            MARSAD_POLL__USER_AGENT=f"poller-{name}",
            MARSAD_POLL__MIN_INTERVAL="0.5",
            MARSAD_POLL__MAX_INTERVAL="1",
            MARSAD_POLL__ROBOTS="false",
            MARSAD_POLL__ALLOW_NETWORKS="127.0.0.0/8",
        )
        with (self.folder / f"{name}.log").open("ab") as log:
            self.pollers[name] = subprocess.Popen([sys.executable, "-c", RUN], env=environment, stderr=log, stdout=log)

    def signal(self, name: str, number: signal.Signals) -> float:
        os.kill(self.pollers[name].pid, number)
        return time.monotonic()

    def asked_by(self, name: str, since: float = 0.0) -> list[Outlet]:
        return [outlet for outlet in self.outlets if outlet.by(name, since)]

    def until(self, done: Callable[[], bool], seconds: float, what: str) -> None:
        limit = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < limit, f"{what}: not within {seconds} s\n{self.logs()}"
            time.sleep(0.05)

    def logs(self) -> str:
        return "\n".join(f"== {path.name}\n{path.read_text()[-6_000:]}" for path in sorted(self.folder.glob("*.log")))

    def text(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def entries(self) -> list[Entry]:
        return [decode(Entry, m.value or b"") for m in read_stream(self.kafka, "entries.v1")]

    def finish(self) -> Counter[str]:
        """Publish no more, wait until all is handed on; how often each entry was."""
        for outlet in self.outlets:
            outlet.living = False
        wanted = sum(outlet.published for outlet in self.outlets)
        self.until(lambda: len({entry.guid for entry in self.entries()}) == wanted, 60, f"{wanted} entries")
        return Counter(entry.guid for entry in self.entries())

    def stop(self, name: str) -> float:
        began = self.signal(name, signal.SIGTERM)
        assert self.pollers[name].wait(10) == 0, self.logs()
        return time.monotonic() - began

    def close(self) -> None:
        for poller in self.pollers.values():
            if poller.poll() is None:
                poller.kill()
                poller.wait()
        for server in self._servers:
            server.shutdown()
            server.server_close()


@pytest.fixture
def world(kafka: KafkaSettings, tmp_path: Path) -> Iterator[World]:
    world = World(kafka, tmp_path)
    yield world
    world.close()


def test_a_poller_hands_on_every_entry_once_with_its_page_and_ends_within_five_seconds(world: World) -> None:
    world.open(in_each_shard=2)
    world.start("a")
    world.until(lambda: all(outlet.published >= 12 for outlet in world.outlets), 40, "polls")
    counts = world.finish()
    took = world.stop("a")

    assert set(counts.values()) == {1}
    assert all(entry.page_html for entry in world.entries())
    assert took < 5, f"{took:.1f} s"
    states = defaultdict(set)
    for message in read_stream(world.kafka, "feed-states.v1"):
        states[message.partition].add(message.key)
        assert decode(FeedState, message.value or b"").feed_id == message.key
    assert {feed.id: shard for shard, ids in states.items() for feed in world.feeds() if feed.id in ids} == {
        feed.id: partition_of(site_of(feed.url), world.kafka.partitions) for feed in world.feeds()
    }


def test_pollers_share_the_feeds_and_take_over_from_one_another(world: World) -> None:
    world.open(in_each_shard=2)
    world.start("a")
    world.start("b")
    began = time.monotonic()
    world.until(
        lambda: len(world.asked_by("a", time.monotonic() - 2)) == len(world.asked_by("b", time.monotonic() - 2)) == 2,
        40,
        "two feeds each",
    )
    print(f"shared after {time.monotonic() - began:.1f} s")
    of_a = world.asked_by("a", time.monotonic() - 2)

    stopped = world.signal("a", signal.SIGSTOP)
    world.until(lambda: all(outlet.by("b", stopped) for outlet in of_a), _SESSION_S + 15, "takeover from the stopped")
    print(f"takeover from a stopped poller: {max(min(o.by('b', stopped)) for o in of_a) - stopped:.1f} s")
    time.sleep(max(0.0, stopped + 15 - time.monotonic()))
    went_on = world.signal("a", signal.SIGCONT)
    world.until(lambda: len(world.asked_by("a", went_on + 1)) == 2, 40, "the stopped one's return")
    print(f"share again after {min(t for o in world.outlets for t in o.by('a', went_on + 1)) - went_on:.1f} s")

    killed = world.signal("b", signal.SIGKILL)
    world.until(lambda: len(world.asked_by("a", killed)) == 4, _SESSION_S + 15, "takeover from the killed")
    print(f"takeover from a killed poller: {max(min(o.by('a', killed)) for o in world.outlets) - killed:.1f} s")
    counts = world.finish()
    world.stop("a")

    assert {guid: count for guid, count in counts.items() if count != 1} == {}
    assert not [line for line in world.text("a").splitlines() if '"error"' in line and '"library"' not in line]
    assert not list(read_stream(world.kafka, "quarantine.v1"))


def test_an_outage_of_the_broker_is_waited_out_without_hammering_sites(tmp_path: Path) -> None:
    with servers(elastic=False) as (broker, _):
        settings = KafkaSettings(bootstrap=broker.address, prefix="outage", partitions=2)
        create_streams(settings)
        world = World(settings, tmp_path)
        try:
            world.open(in_each_shard=2)
            world.start("a")
            world.until(lambda: all(outlet.published >= 6 for outlet in world.outlets), 40, "polls")
            broker.kill()
            time.sleep(6)
            quiet = time.monotonic()
            time.sleep(4)
            asked = sum(len(outlet.by("a", quiet)) for outlet in world.outlets)
            back = time.monotonic()
            broker.up()
            up = time.monotonic()
            world.until(lambda: len(world.asked_by("a", back)) == 4, 40, "polls after the outage")
            print(f"polls {max(min(o.by('a', back)) for o in world.outlets) - up:.1f} s after the broker was up")
            counts = world.finish()
            world.until(lambda: "stream is read again" in world.text("a"), 30, "the table's word that it reads again")
            world.stop("a")

            assert "stream cannot be read" in world.text("a")
            assert asked == 0
            assert set(counts.values()) == {1}
            assert not list(read_stream(settings, "quarantine.v1"))
        finally:
            world.close()
