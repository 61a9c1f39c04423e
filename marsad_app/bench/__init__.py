"""Benches and endurance runs: speed as ratios, and replays of real news with crashes."""

import json
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.table import Table

from marsad.config import KafkaSettings, eval_data_dir, test_servers
from marsad_app.bench.cluster_index import index_ratio
from marsad_app.bench.cluster_process import process_ratio
from marsad_app.bench.cluster_producer import producing
from marsad_app.bench.cluster_search import index_search
from marsad_app.bench.matching import matching
from marsad_app.bench.polling import poll_ratios
from marsad_app.bench.searching import SEARCHED, search_latency
from marsad_app.bench.servers import servers
from marsad_app.bench.speed import Row, memory_of_idle_feeds, stages
from marsad_app.bench.steps import steps
from marsad_app.bench.tagging import tagging

__all__ = ["PARTS", "run_bench"]

_REPORT = Path("out/bench.json")


def run_bench(*, as_json: bool, only: Collection[str] = ()) -> int:
    """Take all figures, print them, and write out/bench.json; 0 whatever they are: a slow machine is no fault.

    Args:
        as_json: print the report instead of a table.
        only: parts that are taken; all where none is named.

    Raises:
        ConfigError: the corpus is not there.
    """
    data = eval_data_dir()
    console = Console(stderr=as_json)
    rows: list[Row] = []
    for name, take in PARTS.items():
        if not only or name in only:
            console.print(f"{name} …")
            rows += take(data)
    table = Table("measure", "value", "goal", "", "detail")
    for row in rows:
        goal = f"{'≤' if row.at_most else '≥'} {row.target:g}"
        table.add_row(row.measure, f"{row.value:.2f}", goal, "ok" if row.ok() else "short", row.detail)
    report = json.dumps(
        [{**msgspec.structs.asdict(row), "reached": row.ok()} for row in rows], ensure_ascii=False, indent=1
    )
    _REPORT.parent.mkdir(parents=True, exist_ok=True)
    _REPORT.write_text(report, encoding="utf-8")
    if as_json:
        Console().print_json(report)
    else:
        console.print(table)
    return 0


def cluster(data: Path) -> list[Row]:
    """The ratios of producer, worker and index on a fresh broker and a fresh Elasticsearch."""
    with servers() as (kafka, elastic):
        return [
            *producing(data, KafkaSettings(bootstrap=kafka.address)),
            *process_ratio(kafka.address, data),
            *index_ratio(kafka.address, elastic.address, data),
        ]


def cluster_search(data: Path) -> list[Row]:
    """Search in Elasticsearch, on the server of the tests or on a fresh one."""
    url = test_servers()[1]
    if url:
        return index_search(url, data)
    with servers(kafka=False) as (_, elastic):
        return index_search(elastic.address, data)


PARTS: Final[dict[str, Callable[[Path], list[Row]]]] = {
    "steps": steps,
    "tagging": tagging,
    "stages": stages,
    "matching": matching,
    "polling": poll_ratios,
    "memory": lambda _: memory_of_idle_feeds(),
    "search": lambda data: search_latency(data, SEARCHED),
    "cluster": cluster,
    "cluster-search": cluster_search,
}
"""What is measured, by name."""
