"""Real news served again as living feeds, a real Marsad process reading them, and the comparison of what came out."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

import msgspec

from marsad.config import child_environment
from marsad.errors import ConfigError
from marsad.ports import AlertLedger, ArticleSearch, FeedRegistry, PollLedger, Subscriptions
from marsad.records import FeedState, Subscription
from marsad_app.embedded.store import FILE_NAME, Store, open_store

__all__ = ["Comparison", "Kept", "Marsad", "Newswire", "compare", "free_port", "settled", "watch_everything", "wire"]

_START_S = 20.0
_STOP_S = 5.0


class Newswire(msgspec.Struct, frozen=True):
    """A running replay."""

    port: int
    opml: Path

    def truth(self) -> dict[str, object]:
        """What has been published so far."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/truth", timeout=30) as answer:
            found: dict[str, object] = json.load(answer)
            return found


def free_port() -> int:
    """A port that nobody listens on now, on loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def wire(
    program: Path, documents: Path, folder: Path, *, limit: int, rate: float, faults: bool, window: int = 40
) -> Iterator[Newswire]:
    """Serve the first ``limit`` documents at ``rate`` articles a second.

    Raises:
        ConfigError: the program or the documents are not there, or it did not start.
    """
    for path in (program, documents):
        if not path.is_file():
            raise ConfigError(
                f"{path} is not there; set MARSAD_STACK and MARSAD_EVAL_DATA to the folders that hold the replay and its data"
            )
    newswire = Newswire(free_port(), folder / "feeds.opml")
    command = [
        sys.executable,
        str(program),
        str(documents),
        "--limit",
        str(limit),
        "--rate",
        str(rate),
        "--window",
        str(window),
    ]
    command += ["--port", str(newswire.port), "--opml", str(newswire.opml), *(["--faults"] if faults else [])]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + _START_S
        while True:
            with contextlib.suppress(OSError):
                newswire.truth()
                break
            if process.poll() is not None or time.monotonic() > deadline:
                raise ConfigError(f"{program} did not start serving on port {newswire.port}")
            time.sleep(0.1)
        yield newswire
    finally:
        process.terminate()
        process.wait(10)


class Marsad:
    """``marsad run`` as a process of its own, to be stopped and killed.

    Args:
        folder: its data folder and log.
        opml: its feeds.
        settings: environment variables beyond those of a fast replay on loopback.
    """

    def __init__(self, folder: Path, opml: Path, **settings: str) -> None:
        self.folder = folder
        self._opml = opml
        self.port = free_port()
        self._environment = child_environment(
            MARSAD_DATA__DIR=str(folder / "data"),
            MARSAD_POLL__MIN_INTERVAL="1",
            MARSAD_POLL__MAX_INTERVAL="5",
            MARSAD_POLL__UNCONDITIONAL_EVERY="10",
            MARSAD_POLL__ALLOW_NETWORKS="127.0.0.0/8",
            MARSAD_WEB__PORT=str(self.port),
            **settings,
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        with (self.folder / "marsad.log").open("ab") as log:
            command = [str(Path(sys.executable).with_name("marsad")), "run", "--feeds", str(self._opml)]
            self._process = subprocess.Popen(command, env=self._environment, stderr=log, stdout=log)

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def stop(self) -> float:
        """Ask it to end; the seconds that it took.

        Raises:
            TimeoutError: it took longer than five seconds.
        """
        if self._process is None:
            return 0.0
        began = time.monotonic()
        self._process.terminate()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired as error:
            self.kill()
            raise TimeoutError(
                f"did not end within {_STOP_S:.0f} s of SIGTERM; see {self.folder / 'marsad.log'}"
            ) from error
        return time.monotonic() - began

    def running(self) -> bool:
        """Whether the process is alive."""
        return self._process is not None and self._process.poll() is None

    def memory_mb(self) -> float:
        """Resident memory of the process."""
        if self._process is None:
            return 0.0
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def store(self) -> Store:
        """Its store, opened beside it."""
        return open_store(self.folder / "data")


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What was published against what is stored."""

    published: int
    indexed: int
    missing: tuple[str, ...]
    excused: tuple[str, ...]
    """Missing, but no more than what the feed's gaps reported as missed, and before something that was read of it later: its
    window rolled over between two polls."""
    before_first: tuple[str, ...]
    """Missing, and older than all that is stored of its feed: gone from the feed before it was first asked."""
    twice: tuple[str, ...]
    partial: int
    gaps: int
    alerts: int
    alerts_twice: int
    alerts_missing: int
    outcomes: dict[str, int]

    def ok(self) -> bool:
        """Whether nothing is missing or doubled."""
        return not (self.missing or self.twice or self.alerts_twice or self.alerts_missing)


class Kept(Protocol):
    """What a comparison reads: the stores of both sizes have it."""

    @property
    def search(self) -> ArticleSearch:
        """The index."""
        ...

    @property
    def polls(self) -> PollLedger:
        """Feed states."""
        ...

    @property
    def feeds(self) -> FeedRegistry:
        """The feeds."""
        ...

    @property
    def alerts(self) -> AlertLedger:
        """The alerts."""
        ...

    @property
    def subscriptions(self) -> Subscriptions:
        """The subscriptions."""
        ...


def watch_everything(store: Kept, now: datetime, outlets: tuple[str, ...] = ()) -> None:
    """Subscribe to a handful of topics and to everything, so that alerts can be counted."""
    for name, query in (("conflict", "topic:armed-conflict"), ("sport", "topic:sport"), ("all", "*:*")):
        subscription = Subscription(id=f"bench-{name}", name=name, query=query, created_at=now, outlets=outlets)
        store.subscriptions.put_subscription(subscription)


def compare(truth: dict[str, object], store: Kept, outcomes: dict[str, int]) -> Comparison:
    """Compare by GUID: the replay gives each document's id as its GUID, some with ``#2`` behind it."""
    ids = truth["ids"]
    assert isinstance(ids, list)
    published = [str(one) for one in ids]
    articles = list(store.search.export())
    copies: dict[str, int] = {}
    for article in articles:
        for known in {guid.partition("#")[0] for guid in article.guids}:
            copies[known] = copies.get(known, 0) + 1
    gapped = {state.feed_id: state for state in store.polls.states() if state.gap_count}
    reported = {feed.title: _reported(gapped[feed.id]) for feed in store.feeds.feeds() if feed.id in gapped}
    lost = [one for one in published if one not in copies]
    before = _before_first(published, copies)
    excused = _excused([one for one in published if one not in before], copies, reported)
    alerts = store.alerts.alerts(limit=1_000_000)
    keys = [(alert.subscription_id, alert.story_id, alert.reason) for alert in alerts]
    told = {alert.story_id for alert in alerts if alert.subscription_id == "bench-all"}
    stories = {article.story_id for article in articles}
    watched = any(subscription.id == "bench-all" for subscription in store.subscriptions.subscriptions())
    return Comparison(
        published=len(published),
        indexed=len(articles),
        missing=tuple(one for one in lost if one not in excused and one not in before),
        excused=excused,
        before_first=tuple(one for one in lost if one in before),
        twice=tuple(sorted(one for one, count in copies.items() if count > 1)),
        partial=sum(1 for article in articles if article.partial),
        gaps=sum(state.gap_count for state in gapped.values()),
        alerts=len(alerts),
        alerts_twice=len(keys) - len(set(keys)),
        alerts_missing=len(stories - told) if watched else 0,
        outcomes=outcomes,
    )


_SOURCES = {"AL": "alarabia", "BB": "bbc", "CN": "cnn", "FR": "france24", "SK": "skynews"}


def _feed_of(document: str) -> str:
    """The name of the document's feed (source-category), from its id such as ``AL-sport-12-20180101``."""
    source, category, *_ = document.split("-")
    return f"{_SOURCES.get(source, source)}-{category}".lower()


def _reported(state: FeedState) -> int:
    """How many entries the feed's gaps say were missed and not found afterwards."""
    return sum(max(0, gap.missed_at_least - gap.found) for gap in state.gaps)


def _excused(published: Sequence[str], stored: Mapping[str, int], reported: Mapping[str, int]) -> tuple[str, ...]:
    """Documents that are not stored and that a gap of their feed explains.

    A gap is proven by what is read after it, and says how many it took.

    Args:
        published: in their order.
        stored: those that were read.
        reported: by feed, how many its gaps took.
    """
    last = {_feed_of(one): place for place, one in enumerate(published) if one in stored}
    left = dict(reported)
    found = []
    for place, one in enumerate(published):
        feed = _feed_of(one)
        if one not in stored and place < last.get(feed, -1) and left.get(feed, 0):
            left[feed] -= 1
            found.append(one)
    return tuple(found)


def _before_first(published: Sequence[str], stored: Mapping[str, int]) -> frozenset[str]:
    """Documents that precede, in their feed, the first one that is stored."""
    begun: set[str] = set()
    early = []
    for one in published:
        if one in stored:
            begun.add(_feed_of(one))
        elif _feed_of(one) not in begun:
            early.append(one)
    return frozenset(early)


def settled(newswire: Newswire, marsad: Marsad, *, patience: float = 60.0, limit: float = 900.0) -> dict[str, object]:
    """Wait until all is published and the store has stopped growing for a while; the truth then.

    Args:
        newswire: the replay.
        marsad: the process that reads it.
        patience: seconds without any change after which nothing more is expected.
        limit: seconds after which to stop waiting in any case.
    """
    began = changed = time.monotonic()
    before: Sequence[object] = ()
    while time.monotonic() - began < limit:
        truth = newswire.truth()
        if (marsad.folder / "data" / FILE_NAME).is_file():
            store = marsad.store()
            try:
                waiting = store.queue.waiting()
                now = (store.search.count(), *waiting.values(), truth["published"])
                everything = bool(truth["done"]) and not any(waiting.values()) and store.search.count() >= _count(truth)
            finally:
                store.close()
            if everything:
                return truth
            if now != before:
                before, changed = now, time.monotonic()
        if truth["done"] and time.monotonic() - changed > patience:
            return truth
        time.sleep(0.5)
    return newswire.truth()


def _count(truth: dict[str, object]) -> int:
    published = truth["published"]
    return published if isinstance(published, int) else 0
