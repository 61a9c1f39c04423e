"""Search in Elasticsearch at 100,000 articles beside a bare match query, and the index beside one with title and text alone."""

import itertools
import secrets
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from marsad.clock import SystemClock
from marsad.config import ElasticsearchSettings
from marsad.progress import Progress
from marsad.records import Article
from marsad_app.bench.corpus import Filing
from marsad_app.bench.searching import WARM, Way, filed, in_turn, p95, typed_queries, ways, words_of
from marsad_app.bench.speed import Row
from sinks.index.baseline import make_bare, write_bare
from sinks.index.bulk import BulkWriter
from sinks.index.client import connect
from sinks.index.document import index_pattern, story_index
from sinks.index.search import ElasticSearch
from sinks.index.stories import ElasticStories

__all__ = ["index_search"]

_BATCH = 2_000


def index_search(url: str, data: Path, count: int = 100_000) -> list[Row]:
    """Latency of searches, size and rate of the index; each beside its bare counterpart of the same run.

    Args:
        url: of Elasticsearch.
        data: folder with the corpus.
        count: articles.
    """
    settings = ElasticsearchSettings(url=url, prefix=f"bench{secrets.token_hex(4)}")
    bare = f"{settings.prefix}-bare"
    with connect(settings) as client:
        try:
            make_bare(client, bare)
            filing = Filing()
            ours_s, bare_s = _fill(client, settings, bare, filed(data, count, filing))
            ElasticStories(client, settings).put_stories(filing.stories())
            months, stories = index_pattern(settings.prefix), story_index(settings.prefix)
            client.indices.refresh(index=stories)
            for index in (bare, months, stories):
                client.indices.forcemerge(index=index, max_num_segments=1)
            sizes = [
                client.indices.stats(index=index, metric=["store"])["_all"]["primaries"]["store"]["size_in_bytes"]
                for index in (months, bare)
            ]
            rows = [
                Row(
                    "index size beside title and text alone", sizes[0] / sizes[1], 3, at_most=True,
                    detail=f"{sizes[0] / count:.0f} against {sizes[1] / count:.0f} bytes an article",
                ),
                Row(
                    "bulk rate beside title and text alone", bare_s / ours_s, 0.33, at_most=False,
                    detail=f"{count / ours_s:.0f} against {count / bare_s:.0f} articles a second",
                ),
            ]  # fmt: skip
            return [*rows, *_latencies(client, settings, bare, typed_queries(data), SystemClock().now())]
        finally:
            for name in client.indices.get(index=f"{settings.prefix}-*").body:
                client.indices.delete(index=name)
            for one in client.indices.get_index_template(name=f"{settings.prefix}-*")["index_templates"]:
                client.indices.delete_index_template(name=one["name"])


def _fill(client: Any, settings: ElasticsearchSettings, bare: str, articles: Iterator[Article]) -> tuple[float, float]:
    """Seconds of writing into ours and into the bare one, in turn, so that both meet the same load of the machine."""
    writer = BulkWriter(client, settings, progress=Progress())
    ours = plain = 0.0
    while batch := list(itertools.islice(articles, _BATCH)):
        ours += _seconds(lambda some=batch: writer.write(some))  # type: ignore[misc]
        plain += _seconds(lambda some=batch: write_bare(client, bare, some))  # type: ignore[misc]
    writer.close()
    client.indices.refresh(index=f"{settings.prefix}-*")
    return ours, plain


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _latencies(
    client: Any, settings: ElasticsearchSettings, bare: str, queries: Sequence[str], now: datetime
) -> Iterator[Row]:
    def match(query: str) -> object:
        fields = {"query": " ".join(words_of(query)), "fields": ["title", "text"]}
        return client.search(index=bare, query={"multi_match": fields}, size=20)

    kinds: dict[str, Way] = {"bare match query": match, **ways(ElasticSearch(client, settings), now)}
    for name, times in in_turn(kinds, queries).items():
        clock = [wall for wall, _ in times]
        server, ours = _processor_time(client, kinds[name], queries[:WARM])
        detail = (
            f"p50 {statistics.median(clock):.1f} ms, max {max(clock):.1f} ms, {len(clock)} queries; processor time a query: "
            f"{server:.1f} ms of the server, {ours:.1f} ms of the client"
        )
        yield Row(f"Elasticsearch, {name}: p95 ms", p95(clock), 100, at_most=True, detail=detail)


def _processor_time(client: Any, way: Callable[[str], object], queries: Sequence[str]) -> tuple[float, float]:
    """Milliseconds of processor time a query, which other work on the machine does not disturb: the server's, the client's."""
    server, ours = _server_ms(client), time.process_time()
    for query in queries:
        way(query)
    ended = time.process_time()
    return (_server_ms(client) - server) / len(queries), (ended - ours) * 1_000 / len(queries)


def _server_ms(client: Any) -> float:
    # The server looks at its own figures once a second.
    time.sleep(1.1)
    nodes = client.nodes.stats(metric="process")["nodes"].values()
    return float(sum(node["process"]["cpu"]["total_in_millis"] for node in nodes))
