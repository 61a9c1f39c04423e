"""Benches and endurance runs: speed as ratios, and replays of real news with crashes."""

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from marsad.config import KafkaSettings, eval_data_dir
from marsad_app.bench.cluster_index import index_ratio
from marsad_app.bench.cluster_process import process_ratio
from marsad_app.bench.cluster_producer import producing
from marsad_app.bench.cluster_search import index_search
from marsad_app.bench.matching import matching
from marsad_app.bench.polling import poll_ratios
from marsad_app.bench.servers import servers
from marsad_app.bench.speed import Row, memory_of_idle_feeds, search_latency, stages
from marsad_app.bench.steps import steps
from marsad_app.bench.tagging import tagging

__all__ = ["run_bench"]

_OUT = Path("out/bench")


def run_bench(*, as_json: bool) -> int:
    """Take all figures, print them, and write out/bench.json; 0 whatever they are: a slow machine is no fault.

    Raises:
        ConfigError: the corpus is not there.
    """
    data = eval_data_dir()
    console = Console(stderr=as_json)
    rows: list[Row] = []
    takes: dict[str, Callable[[], list[Row]]] = {
        "steps": lambda: steps(data),
        "tagging": lambda: tagging(data),
        "stages": lambda: stages(data),
        "matching": lambda: matching(data),
        "polling": lambda: poll_ratios(data),
        "memory": memory_of_idle_feeds,
        "search": lambda: search_latency(data, _OUT / "search"),
        "cluster": lambda: cluster(data),
    }
    for name, take in takes.items():
        console.print(f"{name} …")
        rows += take()
    table = Table("measure", "value", "goal", "", "detail")
    for row in rows:
        goal = f"{'≤' if row.at_most else '≥'} {row.target:g}"
        table.add_row(row.measure, f"{row.value:.2f}", goal, "ok" if row.ok() else "short", row.detail)
    report = json.dumps(
        [{**msgspec.structs.asdict(row), "reached": row.ok()} for row in rows], ensure_ascii=False, indent=1
    )
    _OUT.parent.mkdir(parents=True, exist_ok=True)
    (_OUT.parent / "bench.json").write_text(report, encoding="utf-8")
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
            *index_search(elastic.address, data),
        ]
