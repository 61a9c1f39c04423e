"""Articles a second into a real Elasticsearch: the bulk writer and the index service against the client's own helper."""

import argparse
import contextlib
import secrets
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
from rich.console import Console

from marsad.clock import SystemClock
from marsad.config import DataSettings, ElasticsearchSettings, KafkaSettings, Settings, eval_data_dir, test_servers
from marsad.progress import Progress
from marsad.records import Article, encode
from marsad.streams import Message, partition_of
from marsad_app.bench.corpus import article_of, documents
from marsad_app.bench.servers import servers
from marsad_app.bench.speed import Row
from marsad_app.cluster.admin import create_streams
from marsad_app.cluster.index import indexing
from marsad_app.cluster.service import Context, Counter
from processors.transact import TransactionalJournal
from sinks.index.baseline import actions_of, write_plainly
from sinks.index.bulk import BulkWriter
from sinks.index.client import connect
from sinks.index.document import index_pattern
from sinks.index.mapping import ensure_templates

__all__ = ["bench_index", "index_ratio"]

_GOAL = 0.85
_RUNS = 3
_PATIENCE_S = 600.0


class _Taken(msgspec.Struct, frozen=True):
    """What a run cost: seconds by the clock, and of this process's processor time."""

    wall: float
    cpu: float


_Run = Callable[[Sequence[Article], ElasticsearchSettings], _Taken]


def bench_index(
    docs: Sequence[Article], url: str, *, run: _Run | None = None, runs: int = _RUNS
) -> tuple[float, float]:
    """How fast articles get into the index, as a ratio to ``elasticsearch.helpers.parallel_bulk`` with the same documents.

    Each of both gets a fresh index, one after the other, the first one changing; the helper is given documents that are ready,
    ours makes them from the articles.

    Args:
        docs: the articles.
        url: of a real Elasticsearch.
        run: what is measured; by default the bulk writer.
        runs: how often.

    Returns:
        The median ratios, by wall clock and by processor time of the client.
    """
    found = []
    for number in range(runs):
        contestants = [run or _ours, _plain]
        taken = {each: _measured(each, docs, url) for each in (contestants if number % 2 else contestants[::-1])}
        ours, plain = (taken[each] for each in contestants)
        found.append((plain.wall / ours.wall, plain.cpu / ours.cpu))
    return statistics.median(wall for wall, _ in found), statistics.median(cpu for _, cpu in found)


def index_ratio(bootstrap: str, url: str, data: Path, count: int = 4_000) -> list[Row]:
    """The ratios of the bulk writer and of the whole index service, from stream to index.

    Args:
        bootstrap: a broker; streams with a prefix of their own are made there.
        url: of a real Elasticsearch.
        data: the folder of the corpus.
        count: articles.

    Raises:
        ConfigError: the corpus is not there.
    """
    articles = [article_of(document, number) for number, document in enumerate(documents(data, count))]
    _measured(_plain, articles[: count // 4], url)
    writer = bench_index(articles, url)
    service = bench_index(articles, url, run=_Service(bootstrap))
    return [
        Row("index: ratio of the bulk writer to parallel_bulk", writer[0], _GOAL, detail=f"{count} articles"),
        Row("index: the same by the client's processor time", writer[1], _GOAL),
        Row("index: ratio of the service, from the stream, to parallel_bulk", service[0], _GOAL),
        Row("index: the same by the client's processor time", service[1], 0.5),
    ]


def _measured(run: _Run, docs: Sequence[Article], url: str) -> _Taken:
    settings = ElasticsearchSettings(url=url, prefix=f"bench{secrets.token_hex(4)}")
    with connect(settings) as client:
        ensure_templates(client, settings)
        try:
            taken = run(docs, settings)
            client.indices.refresh(index=index_pattern(settings.prefix))
            there = client.count(index=index_pattern(settings.prefix))["count"]
            if there != len(docs):
                raise RuntimeError(f"{there} of {len(docs)} articles are in the index")
        finally:
            for name in client.indices.get(index=f"{settings.prefix}-*").body:
                client.indices.delete(index=name)
            for name in client.indices.get_index_template(name=f"{settings.prefix}-*")["index_templates"]:
                client.indices.delete_index_template(name=name["name"])
    return taken


@contextlib.contextmanager
def _timed() -> Iterator[list[_Taken]]:
    taken: list[_Taken] = []
    wall, cpu = time.perf_counter(), time.process_time()
    yield taken
    taken.append(_Taken(time.perf_counter() - wall, time.process_time() - cpu))


def _plain(docs: Sequence[Article], settings: ElasticsearchSettings) -> _Taken:
    actions = actions_of(docs, settings.prefix)
    with connect(settings) as client, _timed() as taken:
        write_plainly(client, actions)
    return taken[0]


def _ours(docs: Sequence[Article], settings: ElasticsearchSettings) -> _Taken:
    with connect(settings) as client:
        writer = BulkWriter(client, settings, progress=Progress())
        with _timed() as taken:
            writer.write(docs)
        writer.close()
    return taken[0]


class _Service:
    """The index service, which finds the articles in the stream."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap

    def __call__(self, docs: Sequence[Article], settings: ElasticsearchSettings) -> _Taken:
        kafka = KafkaSettings(bootstrap=self._bootstrap, prefix=settings.prefix)
        create_streams(kafka)
        _publish(kafka, docs)
        progress = Progress()
        with tempfile.TemporaryDirectory(prefix="marsad-bench-") as folder:
            whole = Settings(kafka=kafka, elasticsearch=settings, data=DataSettings(dir=Path(folder)))
            context = Context(whole, SystemClock(), progress, Counter(progress), "bench", threading.Event())
            with indexing(context) as step:
                until = time.perf_counter() + _PATIENCE_S
                # Becoming a member of the group is no part of it.
                while not progress.positions():
                    step()
                with _timed() as taken:
                    while sum(progress.counts.values()) < len(docs):
                        if time.perf_counter() > until:
                            raise TimeoutError(f"not all articles are in the index: {progress.counts}")
                        step()
        return taken[0]


def _publish(kafka: KafkaSettings, docs: Sequence[Article]) -> None:
    with contextlib.closing(TransactionalJournal(kafka, "bench", "tagged.v1", 0)) as journal:
        for first in range(0, len(docs), 200):
            journal.commit(
                [
                    Message(
                        stream="articles.v1",
                        key=article.article_id,
                        value=encode(article),
                        partition=partition_of(article.story_id, kafka.partitions),
                    )
                    for article in docs[first : first + 200]
                ]
            )


def main() -> int:
    """Run as ``python -m marsad_app.bench.cluster_index``, on the servers of the tests or on its own."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--articles", type=int, default=4_000)
    given = parser.parse_args()
    console = Console()
    with contextlib.ExitStack() as held:
        bootstrap, url = test_servers()
        if not (bootstrap and url):
            broker, index = held.enter_context(servers())
            bootstrap, url = broker.address, index.address
        for row in index_ratio(bootstrap, url, eval_data_dir(), given.articles):
            console.print(f"{row.measure}: {row.value:.2f} (goal {row.target:g}) {row.detail}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
