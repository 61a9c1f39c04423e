"""The index service beside an Elasticsearch that is killed, and beside one that is soon overwhelmed."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from marsad.config import ElasticsearchSettings, KafkaSettings, child_environment
from marsad.errors import TransientError
from marsad.progress import Progress
from marsad.records import Article, encode
from marsad.streams import Message
from marsad.testing.factories import an_article
from marsad_app.bench.replay import free_port
from marsad_app.bench.servers import LocalServer, servers
from marsad_app.cluster.health import Report, ask
from processors.transact import TransactionalJournal
from sinks.index.bulk import BulkWriter
from sinks.index.client import connect
from sinks.index.document import read_alias

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

_SERVICE = "import sys; from marsad.config import load_settings; from marsad_app.cluster.index import run; sys.exit(run(load_settings()))"
_TICKS = os.sysconf("SC_CLK_TCK")
# One thread that writes, one request that waits, and 1 MB for all requests together.
_NARROW = (
    "--set=thread_pool.write.size=1",
    "--set=thread_pool.write.queue_size=1",
    "--set=indexing_pressure.memory.limit=1mb",
)
_LONG = "نص طويل للاختبار " * 400


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    """An Elasticsearch of our own, which takes little at once."""
    with servers(kafka=False, elastic=False) as (_, index):
        index._options = _NARROW
        index.up()
        yield index


def some(count: int, start: int = 0, text: str = "") -> list[Article]:
    fields = {"text": text} if text else {}
    return [an_article(article_id=f"{n:032x}", story_id=f"story-{n}", **fields) for n in range(start, start + count)]


def publish(kafka: KafkaSettings, articles: list[Article]) -> None:
    with contextlib.closing(TransactionalJournal(kafka, "group", "tagged.v1", 0)) as journal:
        for first in range(0, len(articles), 500):
            journal.commit(
                [
                    Message(stream="articles.v1", key=one.article_id, value=encode(one), partition=number % 2)
                    for number, one in enumerate(articles[first : first + 500])
                ]
            )


def ids(elastic: ElasticsearchSettings) -> set[str]:
    with connect(elastic) as client:
        client.indices.refresh(index=read_alias(elastic.prefix), ignore_unavailable=True)
        found = client.search(index=read_alias(elastic.prefix), size=10_000, source=False, ignore_unavailable=True)
        return {hit["_id"] for hit in found["hits"]["hits"]}


class Service:
    """``marsad index`` as a process of its own."""

    def __init__(self, kafka: KafkaSettings, elastic: ElasticsearchSettings, folder: Path) -> None:
        port = free_port()
        self.health = f"http://127.0.0.1:{port}"
        environment = child_environment(
            MARSAD_DATA__DIR=str(folder),
            MARSAD_KAFKA__BOOTSTRAP=kafka.bootstrap,
            MARSAD_KAFKA__PREFIX=kafka.prefix,
            MARSAD_KAFKA__PARTITIONS=str(kafka.partitions),
            MARSAD_ELASTICSEARCH__URL=elastic.url,
            MARSAD_ELASTICSEARCH__PREFIX=elastic.prefix,
            MARSAD_HEALTH__PORT=str(port),
        )
        self._log = (folder / "log").open("wb")
        self.process = subprocess.Popen([sys.executable, "-c", _SERVICE], env=environment, stderr=self._log)

    def report(self) -> Report | None:
        try:
            return ask(self.health)
        except TransientError:
            return None

    def until(self, reached: Callable[[Report], bool], seconds: float = 150) -> Report:
        end = time.monotonic() + seconds
        while True:
            report = self.report()
            if report is not None and reached(report):
                return report
            assert time.monotonic() < end, report
            assert self.process.poll() is None
            time.sleep(0.05)

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def end(self) -> float:
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)
        self._log.close()
        return time.monotonic() - began


def test_a_killed_elasticsearch_is_waited_out_and_nothing_is_lost(
    kafka: KafkaSettings, server: LocalServer, tmp_path: Path
) -> None:
    elastic = ElasticsearchSettings(url=server.address, prefix=kafka.prefix)
    publish(kafka, some(3_000))
    victim = server.pid()
    service = Service(kafka, elastic, tmp_path)
    try:
        service.until(lambda report: report.counts.get("indexed", 0) > 0)
        os.kill(victim, signal.SIGKILL)
        told = service.until(lambda report: "elasticsearch" in report.waiting)
        publish(kafka, some(500, 3_000))
        spent, began = service.cpu_seconds(), time.monotonic()
        time.sleep(3)
        share = (service.cpu_seconds() - spent) / (time.monotonic() - began)
        server.up()
        back = time.monotonic()
        service.until(lambda report: not report.waiting)
        recovered = time.monotonic() - back
        service.until(lambda report: len(ids(elastic)) == 3_500 and report.lag == 0)
        # A place is committed only once all before it is in the index.
        assert service.report().counts == {"indexed": 3_500}  # type: ignore[union-attr]
    finally:
        ended = service.end()
    assert told.counts["indexed"] < 3_000
    assert not told.ready
    assert share < 0.3, share
    assert recovered < 15, recovered
    assert ended < 10
    print(f"CPU share while waiting {share:.3f}, works again {recovered:.1f} s after, ended in {ended:.1f} s")


def test_a_service_that_starts_before_elasticsearch_waits_for_it_and_can_be_ended(
    kafka: KafkaSettings, tmp_path: Path
) -> None:
    elastic = ElasticsearchSettings(url=f"http://127.0.0.1:{free_port()}", prefix=kafka.prefix)
    publish(kafka, some(10))
    service = Service(kafka, elastic, tmp_path)
    try:
        report = service.until(lambda report: "elasticsearch" in report.waiting and report.lag > 0)
    finally:
        ended = service.end()
    assert report.counts == {}
    assert ended < 10
    assert service.process.returncode == 0


def test_a_server_that_is_overwhelmed_gets_less_at_a_time_until_all_is_in(server: LocalServer) -> None:
    elastic = ElasticsearchSettings(url=server.address, prefix="pressed")
    progress = Progress()
    with connect(elastic) as client:
        writer = BulkWriter(client, elastic, progress=progress)
        start = writer.pace
        outcomes = writer.write(some(600, text=_LONG))
        refused = client.nodes.stats(metric="indexing_pressure")["nodes"]
        writer.close()
    assert (outcomes.written, outcomes.refused) == (600, ())
    assert len(ids(elastic)) == 600
    assert writer.pace.bytes < start.bytes
    assert progress.waiting() == {}
    pressure = next(iter(refused.values()))["indexing_pressure"]["memory"]["total"]
    assert sum(count for name, count in pressure.items() if name.endswith("rejections")) > 0
