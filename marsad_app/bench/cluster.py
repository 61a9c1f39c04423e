"""Real news through the whole cluster size on real servers, in peace or under blows, compared with what was published."""

import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import msgspec

from marsad.clock import SystemClock
from marsad.config import ElasticsearchSettings, KafkaSettings, ProcessSettings
from marsad.errors import MarsadError
from marsad.records import Alert, Feed, FeedState, Subscription, decode, encode
from marsad.streams import Message
from marsad.testing.fakes import InMemoryStore
from marsad_app.bench.blows import Blow, Striker, Struck
from marsad_app.bench.fleet import DEFAULT_FLEET, Fleet
from marsad_app.bench.replay import Comparison, Kept, Newswire, compare, watch_everything, wire
from marsad_app.bench.same import Difference, same_as_embedded
from marsad_app.bench.servers import LocalServer, servers
from marsad_app.cluster.admin import create_streams
from marsad_app.cluster.lag import measure
from processors.transact import TransactionalJournal, read_stream
from producers.opml import read_opml
from sinks.index.client import connect
from sinks.index.search import ElasticSearch

__all__ = ["Cluster", "Report", "Sample", "open_cluster", "recovery", "replay"]

_PREFIX = "replay"
_SAMPLE_S = 0.25
# A stage may be minutes behind after blows on a busy machine.
_BEHIND_S = 240.0


class Sample(msgspec.Struct, frozen=True):
    """Articles in the index at an instant (monotonic seconds)."""

    at: float
    indexed: int


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """How a replay ended."""

    comparison: Comparison
    differences: tuple[Difference, ...]
    """Where the embedded size says something else of the same input."""
    struck: tuple[Struck, ...]
    recoveries: dict[str, tuple[float, ...]]
    """Seconds from the end of a blow until further articles were searchable, by kind of blow."""
    ended: dict[str, int]
    """How often each service ended without being asked to, blows included."""
    exits: dict[str, int]
    """Exit status of each service at the end."""
    memory_mb: dict[str, float]
    seconds: float
    quarantined: int

    def ok(self) -> bool:
        """Whether nothing is missing, doubled or different."""
        return self.comparison.ok() and not self.differences


class Cluster:
    """A fleet over real servers, fed by a replay.

    Args:
        fleet: the services.
        kafka: the broker and its server.
        elastic: the index and its server.
        newswire: what is published.
    """

    def __init__(
        self,
        fleet: Fleet,
        kafka: tuple[KafkaSettings, LocalServer],
        elastic: tuple[ElasticsearchSettings, LocalServer],
        newswire: Newswire,
    ) -> None:
        self.fleet = fleet
        self.kafka, self.broker = kafka
        self.elastic, self.index_server = elastic
        self.newswire = newswire
        self.samples: list[Sample] = []
        self._client = connect(self.elastic)
        self.search = ElasticSearch(self._client, self.elastic)
        self._over = threading.Event()
        self._sampler = threading.Thread(target=self._sample, name="sampler", daemon=True)

    def watch(self) -> None:
        """Begin to count what is found."""
        self._sampler.start()

    def stop(self) -> dict[str, int]:
        """Stop the services; their exit statuses."""
        self._over.set()
        statuses = self.fleet.stop()
        self._client.close()
        return statuses

    def _sample(self) -> None:
        while not self._over.wait(_SAMPLE_S):
            try:
                self.samples.append(Sample(time.monotonic(), self.search.count()))
            except MarsadError:
                continue

    def settled(self, *, patience: float, limit: float) -> dict[str, object]:
        """Wait until all is published and found, or nothing has changed for ``patience`` seconds; the truth then."""
        began = changed = time.monotonic()
        before = -1
        while time.monotonic() - began < limit:
            truth = self.newswire.truth()
            indexed = self.samples[-1].indexed if self.samples else 0
            if truth["done"] and indexed >= int(str(truth["published"])):
                self._caught_up(_BEHIND_S)
                return self.newswire.truth()
            if indexed != before or not truth["done"]:
                before, changed = indexed, time.monotonic()
            if time.monotonic() - changed > patience:
                self._caught_up(_BEHIND_S)
                return truth
            time.sleep(0.5)
        return self.newswire.truth()

    def _caught_up(self, limit: float) -> None:
        """Wait for what follows the index, alerts and revisions under way: until no stage has anything before it."""
        until = time.monotonic() + limit
        while time.monotonic() < until:
            time.sleep(1.0)
            with suppress(MarsadError):
                if not any(stage.lag for stage in measure(self.kafka, SystemClock())):
                    return

    def kept(self) -> Kept:
        """What the streams and the index hold, read independently of the services."""
        store = InMemoryStore()
        store.feeds.put_feeds(
            decode(Feed, message.value) for message in read_stream(self.kafka, "feeds.v1") if message.value
        )
        for message in read_stream(self.kafka, "feed-states.v1"):
            if message.value is not None:
                store.polls.commit_poll(decode(FeedState, message.value), [])
        for message in read_stream(self.kafka, "subscriptions.v1"):
            if message.value is not None:
                store.subscriptions.put_subscription(decode(Subscription, message.value))
        alerts = [decode(Alert, message.value) for message in read_stream(self.kafka, "alerts.v1") if message.value]
        for alert in alerts:
            store.alerts.record_alerts([alert], [])
        if len(alerts) != len({alert.alert_id for alert in alerts}):
            raise MarsadError("an alert was written twice: the ledger holds one of them two times")
        store.search = self.search  # type: ignore[assignment]  # the real index in the place of the fake
        return store


def seed(kafka: KafkaSettings, feeds: Sequence[Feed], subscriptions: Sequence[Subscription]) -> None:
    """Register feeds and subscriptions, as the web page and the command line do."""
    for name, records in (("feeds.v1", feeds), ("subscriptions.v1", subscriptions)):
        if not records:
            continue
        journal = TransactionalJournal(kafka, "seed", name, 0)
        journal.commit([Message(stream=name, key=record.id, value=encode(record)) for record in records])
        journal.close()


@contextmanager
def open_cluster(
    program: Path,
    documents: Path,
    *,
    limit: int,
    rate: float,
    faults: bool,
    window: int = 40,
    members: dict[str, int] | None = None,
    outlets: tuple[str, ...] = (),
    settings: dict[str, str] | None = None,
) -> Iterator[Cluster]:
    """Fresh servers, streams and subscriptions, running services, and then feeds that begin to bring news.

    Raises:
        ConfigError: the replay or the servers are not there, or a service does not get ready.
    """
    with ExitStack() as opened:
        folder = Path(
            opened.enter_context(tempfile.TemporaryDirectory(prefix="marsad-cluster-", ignore_cleanup_errors=True))
        )
        broker, index = opened.enter_context(servers())
        kafka = KafkaSettings(bootstrap=broker.address, prefix=_PREFIX)
        elastic = ElasticsearchSettings(url=index.address, prefix=_PREFIX)
        create_streams(kafka)
        wanted = InMemoryStore()
        watch_everything(wanted, SystemClock().now(), outlets)
        seed(kafka, [], list(wanted.subscriptions.subscriptions()))
        fleet = Fleet(folder, broker.address, index.address, _PREFIX, members or DEFAULT_FLEET, settings)
        opened.callback(fleet.stop)
        fleet.start()
        # The replay begins when it is started: what it publishes before anybody asks would be gone from its feeds.
        fleet.wait_until_ready()
        newswire = opened.enter_context(
            wire(program, documents, folder, limit=limit, rate=rate, faults=faults, window=window)
        )
        seed(kafka, read_opml(newswire.opml.read_bytes(), str(newswire.opml)).feeds, [])
        cluster = Cluster(fleet, (kafka, broker), (elastic, index), newswire)
        cluster.watch()
        try:
            yield cluster
        finally:
            cluster.stop()


def replay(
    program: Path,
    documents: Path,
    *,
    limit: int,
    rate: float,
    window: int = 40,
    blows: Sequence[Blow] = (),
    seed_of_targets: int = 1,
    told: Callable[[str], None] = lambda _: None,
    keep_logs: Path | None = None,
) -> Report:
    """Run a replay, strike the blows, wait until it settles, and compare.

    Raises:
        ConfigError: the replay or the servers are not there.
    """
    with open_cluster(program, documents, limit=limit, rate=rate, faults=True, window=window) as cluster:
        striker = Striker(
            cluster.fleet,
            cluster.broker,
            cluster.index_server,
            random.Random(seed_of_targets),  # noqa: S311 - targets of a test, no secret
            told,
        )
        began = time.monotonic()
        for blow in blows:
            time.sleep(max(0.0, began + blow.at - time.monotonic()))
            striker.strike(blow.kind)
        striker.wait()
        truth = cluster.settled(patience=60 if blows else 30, limit=limit / rate + 420)
        took = time.monotonic() - began
        memory = {member.name: round(member.memory_mb(), 1) for member in cluster.fleet.members}
        told(f"settled after {took:.0f} s; comparing")
        quarantined = len({message.key for message in read_stream(cluster.kafka, "quarantine.v1")})
        comparison = compare(truth, cluster.kept(), {"quarantined": quarantined})
        exits = cluster.stop()
        if keep_logs is not None:
            _keep(cluster, keep_logs)
        with tempfile.TemporaryDirectory(prefix="marsad-same-") as folder:
            differences = same_as_embedded(cluster.kafka, ProcessSettings(), Path(folder))
        return Report(
            comparison=comparison,
            differences=tuple(differences),
            struck=tuple(striker.struck),
            recoveries=recovery(striker.struck, cluster.samples),
            ended={member.name: len(member.ended) for member in cluster.fleet.members if member.ended},
            exits=exits,
            memory_mb=memory,
            seconds=took,
            quarantined=quarantined,
        )


def _keep(cluster: Cluster, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for member in cluster.fleet.members:
        if member.log.is_file():
            (folder / member.log.name).write_bytes(member.log.read_bytes())


def recovery(struck: Sequence[Struck], samples: Sequence[Sample]) -> dict[str, tuple[float, ...]]:
    """Seconds from the end of each blow until the index grew again; blows after which nothing more was due are left out."""
    found: dict[str, list[float]] = {}
    for blow in struck:
        later = [sample for sample in samples if sample.at >= blow.over]
        before = max((sample.indexed for sample in samples if sample.at < blow.over), default=0)
        grown = next((sample.at for sample in later if sample.indexed > before), None)
        if grown is not None:
            found.setdefault(blow.kind.value, []).append(round(grown - blow.over, 2))
    return {kind: tuple(sorted(seconds)) for kind, seconds in found.items()}
