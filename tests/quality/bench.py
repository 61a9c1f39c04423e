"""``make bench``: speed and memory as ratios to bare baselines of the same run; with --replay also the full replay."""

import argparse
import sys
import tempfile
from pathlib import Path

import msgspec
from rich.console import Console

from marsad.config import eval_data_dir, stack_dir
from marsad_app.bench import PARTS, run_bench
from marsad_app.bench.corpus import CORPUS, repeated
from marsad_app.bench.growth import growth
from marsad_app.bench.latency import run_latency, run_latency_embedded
from marsad_app.bench.replay import Comparison, Marsad, compare, settled, wire

_EACH = 20_000
"""Articles of one figure of --growth."""


def replay(limit: int, rate: float) -> Comparison:
    """The replay without crashes."""
    with tempfile.TemporaryDirectory(prefix="marsad-replay-") as name:
        folder = Path(name)
        with wire(
            stack_dir() / "replay-feeds", eval_data_dir() / CORPUS, folder, limit=limit, rate=rate, faults=True
        ) as newswire:
            marsad = Marsad(folder, newswire.opml, MARSAD_ALERTS__TERMINAL="false")
            marsad.start()
            truth = settled(newswire, marsad)
            marsad.stop()
        store = marsad.store()
        try:
            return compare(truth, store, store.queue.outcomes())
        finally:
            store.close()


def latency(minutes: float, rate: float, group_minutes: float) -> int:
    """From feed change seen to searchable and to alert, and each service's memory."""
    settings = {"MARSAD_PROCESS__GROUP_DAYS": str(group_minutes / 1_440)} if group_minutes else {}
    limit = int(minutes * 60 * rate)
    with tempfile.TemporaryDirectory() as folder:
        news = repeated(eval_data_dir(), limit, Path(folder) / CORPUS)
        figures = run_latency(stack_dir() / "replay-feeds", news, limit=limit, rate=rate, settings=settings)
    console = Console(soft_wrap=True)
    console.print(f"searchable: {figures.searchable}")
    for minute, found in figures.by_minute.items():
        console.print(f"minute {minute}: searchable: {found}")
    console.print(f"alerted: {figures.alerted}")
    console.print(f"handed to the outlet: {figures.handed}")
    for name, memory in figures.memory.items():
        console.print(
            f"{name}: {memory.first} MB to {memory.last} MB, {memory.slope:+.1f} MB an hour in the second half"
        )
    return 0


def latency_embedded(minutes: float, rate: float) -> int:
    """From feed change seen to the alert, in one process."""
    raised, handed = run_latency_embedded(
        stack_dir() / "replay-feeds", eval_data_dir() / CORPUS, limit=int(minutes * 60 * rate), rate=rate
    )
    console = Console(soft_wrap=True)
    console.print(f"alert raised: {raised}")
    console.print(f"alert handed to the outlet: {handed}")
    return 0


def window(articles: int) -> int:
    """Grouping in a window that grows until it holds so many articles."""
    console = Console(soft_wrap=True)
    for found in growth(eval_data_dir(), articles, _EACH):
        console.print(
            f"{found.articles:>8,} articles, {found.window:>8,} in the window: {found.per_second:.0f} a second, "
            f"{1e3 / found.per_second:.2f} ms an article, ratio {found.ratio:.2f}, {found.memory_mb:,.0f} MB"
        )
    return 0


def main() -> int:
    """1 where the replay lost or doubled anything; figures never fail."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replay", action="store_true", help="only the replay of 3,000 articles at 50/s with faults")
    parser.add_argument(
        "--latency", action="store_true", help="only the cluster's latency and memory at --rate articles a second"
    )
    parser.add_argument(
        "--only", nargs="+", choices=PARTS, default=(), metavar="PART", help=f"only these parts: {', '.join(PARTS)}"
    )
    parser.add_argument(
        "--growth",
        type=int,
        default=0,
        metavar="ARTICLES",
        help="only grouping, by processor time, in a window that grows to so many articles; 300,000 take a quarter of an hour",
    )
    parser.add_argument("--embedded", action="store_true", help="with --latency: of the size of one process")
    parser.add_argument("--minutes", type=float, default=4, help="length of --latency; 20 shows whether memory is flat")
    parser.add_argument(
        "--group-minutes",
        type=float,
        default=0,
        help="with --latency, stories stay open for so long instead of days: the window is full during the run",
    )
    parser.add_argument("--limit", type=int, default=3_000)
    parser.add_argument("--rate", type=float, default=0, help="articles a second; 50 by default, 18 with --latency")
    arguments = parser.parse_args()
    if arguments.growth:
        return window(arguments.growth)
    if arguments.latency and arguments.embedded:
        return latency_embedded(arguments.minutes, arguments.rate or 20)
    if arguments.latency:
        return latency(arguments.minutes, arguments.rate or 18, arguments.group_minutes)
    if not arguments.replay:
        return run_bench(as_json=False, only=arguments.only)
    result = replay(arguments.limit, arguments.rate or 50)
    Console().print(msgspec.to_builtins(result))
    return int(not result.ok())


if __name__ == "__main__":
    sys.exit(main())
