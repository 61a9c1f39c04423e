"""From the moment a feed's change is seen to the article being searchable and alerted, and the memory of each service meanwhile."""

import contextlib
import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from marsad.clock import SystemClock
from marsad.records import Alert, Delivery, Entry, decode
from marsad_app.bench.cluster import Cluster, open_cluster
from marsad_app.bench.replay import Marsad, settled, watch_everything, wire
from processors.transact import read_stream
from sinks.alerts.plan import TERMINAL
from sinks.index.client import connect

__all__ = ["Latency", "Memory", "run_latency", "run_latency_embedded", "slope"]

_LOOK_S = 0.1
_MEMORY_S = 5.0
# Five seconds of articles at 20 a second; what asks for more takes the time that it measures from the cluster.
_NEWEST = 100


class Latency(msgspec.Struct, frozen=True):
    """Seconds from a feed's change being seen; percentiles over articles."""

    articles: int
    p50: float
    p99: float
    longest: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Latency":
        """From single values."""
        if not seconds:
            return cls(0, 0.0, 0.0, 0.0)
        cuts = statistics.quantiles(seconds, n=100) if len(seconds) > 1 else [seconds[0]] * 99
        return cls(len(seconds), round(cuts[49], 3), round(cuts[98], 3), round(max(seconds), 3))


class Memory(msgspec.Struct, frozen=True):
    """Resident memory of a service in MB; the slope over the second half of the run, in MB an hour."""

    first: float
    last: float
    slope: float


def slope(samples: Sequence[tuple[float, float]]) -> float:
    """The least-squares slope of (seconds, MB) in MB an hour."""
    if len(samples) < 3:
        return 0.0
    return statistics.linear_regression([at for at, _ in samples], [mb for _, mb in samples]).slope * 3_600


class _Watch:
    """Notes when each article is first found, and how much memory each service has."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._over = threading.Event()
        self.found: dict[str, datetime] = {}
        self.memory: dict[str, list[tuple[float, float]]] = {}
        self._threads = [threading.Thread(target=run, daemon=True) for run in (self._look, self._weigh)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(5)

    def _look(self) -> None:
        clock = SystemClock()
        client = connect(self._cluster.elastic)
        while not self._over.wait(_LOOK_S):
            answer = client.options(ignore_status=(404, 503)).search(
                index=f"{self._cluster.elastic.prefix}-articles",
                size=_NEWEST,
                sort=[{"first_seen_at": "desc"}],
                source=False,
                track_total_hits=False,
                query={"match_all": {}},
            )
            now = clock.now()
            for hit in answer.get("hits", {}).get("hits", ()):
                self.found.setdefault(hit["_id"], now)
        client.close()

    def _weigh(self) -> None:
        began = time.monotonic()
        while not self._over.wait(_MEMORY_S):
            for member in self._cluster.fleet.members:
                self.memory.setdefault(member.name, []).append((time.monotonic() - began, member.memory_mb()))


class Figures(msgspec.Struct, frozen=True):
    """What the run showed."""

    searchable: Latency
    alerted: Latency
    """Until the alert was on its stream."""
    handed: Latency
    """Until an outlet had it: the log of ``deliver``."""
    memory: dict[str, Memory]
    by_minute: dict[int, Latency]
    """Until an article was searchable, of each minute: one stall is told from slowness, and a server that has just started from one that runs."""


def run_latency(
    program: Path,
    documents: Path,
    *,
    limit: int,
    rate: float,
    members: dict[str, int] | None = None,
    settings: dict[str, str] | None = None,
) -> Figures:
    """Feed ``rate`` articles a second through the cluster size and time each.

    Articles of the first 20 seconds are left out: the first polls bring what had gathered before them.

    Raises:
        ConfigError: the replay or the servers are not there.
    """
    told = {"MARSAD_ALERTS__TERMINAL": "true", **(settings or {})}
    with open_cluster(
        program, documents, limit=limit, rate=rate, faults=False, members=members, outlets=(TERMINAL,), settings=told
    ) as cluster:
        watch = _Watch(cluster)
        watch.start()
        cluster.settled(patience=30, limit=limit / rate + 180)
        watch.stop()
        cluster.stop()
        entries = [decode(Entry, message.value or b"") for message in read_stream(cluster.kafka, "entries.v1")]
        seen: dict[str, datetime] = {}
        for entry in entries:
            seen.setdefault(entry.article_id, entry.fetched_at)
        start = min(seen.values()).timestamp() + 20
        timed = {key: at for key, at in seen.items() if at.timestamp() > start}
        raised = [
            (decode(Alert, message.value or b""), message.at)
            for message in read_stream(cluster.kafka, "alerts.v1")
            if message.at is not None
        ]
        alerted = {alert.article_id: at for alert, at in raised}
        ledger = [decode(Delivery, message.value or b"") for message in read_stream(cluster.kafka, "deliveries.v1")]
        sent = {each.alert_id: each.sent_at for each in ledger if each.sent_at is not None}
        handed = {alert.article_id: sent[alert.alert_id] for alert, _ in raised if alert.alert_id in sent}
        found = {key: (watch.found[key] - at).total_seconds() for key, at in timed.items() if key in watch.found}
        minutes: dict[int, list[float]] = {}
        for key, seconds in found.items():
            minutes.setdefault(int((timed[key].timestamp() - start) // 60), []).append(seconds)
        return Figures(
            Latency.of(list(found.values())),
            Latency.of([(alerted[key] - at).total_seconds() for key, at in timed.items() if key in alerted]),
            Latency.of([(handed[key] - at).total_seconds() for key, at in timed.items() if key in handed]),
            {name: _memory(samples) for name, samples in sorted(watch.memory.items())},
            {minute: Latency.of(seconds) for minute, seconds in sorted(minutes.items())},
        )


def run_latency_embedded(program: Path, documents: Path, *, limit: int, rate: float) -> tuple[Latency, Latency]:
    """Feed ``rate`` articles a second through ``marsad run`` and time each until its alert is handed to an outlet, the terminal.

    Articles of the first 20 seconds are left out, as in the cluster size.

    Returns:
        Until the alert was raised, and until the outlet had it.

    Raises:
        ConfigError: the replay is not there.
    """
    with (
        tempfile.TemporaryDirectory(prefix="marsad-latency-") as name,
        wire(program, documents, Path(name), limit=limit, rate=rate, faults=False) as newswire,
    ):
        marsad = Marsad(Path(name), newswire.opml, MARSAD_ALERTS__TERMINAL="true")
        with contextlib.closing(marsad.store()) as store:
            watch_everything(store, SystemClock().now())
        marsad.start()
        try:
            settled(newswire, marsad, limit=limit / rate + 120)
        finally:
            marsad.stop()
        with contextlib.closing(marsad.store()) as store:
            seen = {article.article_id: article.first_seen_at for article in store.search.export()}
            alerts = {alert.alert_id: alert for alert in store.alerts.alerts(limit=10_000_000)}
            sent = {each.alert_id: each.sent_at for each in store.deliveries.deliveries(limit=10_000_000)}
    start = min(seen.values()) + timedelta(seconds=20)
    timed = [
        (seen[alert.article_id], alert.at, sent[key])
        for key, alert in alerts.items()
        if seen.get(alert.article_id, start) > start
    ]
    raised = [(at - first).total_seconds() for first, at, _ in timed]
    return Latency.of(raised), Latency.of([(had - first).total_seconds() for first, _, had in timed if had is not None])


def _memory(samples: Sequence[tuple[float, float]]) -> Memory:
    half = [(at, mb) for at, mb in samples[len(samples) // 2 :] if mb]
    return Memory(round(samples[0][1], 1), round(samples[-1][1], 1), round(slope(half), 2))
