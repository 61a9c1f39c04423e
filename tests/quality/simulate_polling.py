"""``make simulate-polling``: our polling against the rules of others, on feeds that never were, by a virtual clock.

20,000 feeds over 14 days. By default one in twenty of them is asked, by every policy alike; --every 1 asks all.
"""

import argparse
import sys
import time
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from marsad_app.bench.asking.compare import Comparison, compare
from marsad_app.bench.asking.plot import svg
from marsad_app.bench.asking.run import Outcome


def main() -> int:
    """1 where another policy is better in any way, or an entry is lost that its server kept long enough."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--feeds", type=int, default=20_000)
    parser.add_argument("--every", type=int, default=20, help="one feed in so many is asked")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("out/polling.json"))
    parser.add_argument("--plot", type=Path, default=Path("out/polling.svg"))
    arguments = parser.parse_args()
    console = Console(soft_wrap=True, width=120)
    began = time.perf_counter()
    table = Table("policy", "patience", "requests", "mean", "median", "p95", "entries", "lost", "kept 1 h", "kept long")
    result = compare(arguments.feeds, arguments.every, arguments.seed, lambda each: table.add_row(*_cells(each)))
    console.print(
        f"{result.asked} of {result.feeds} feeds, 14 days, seed {result.seed}; requests a day and feed, minutes"
    )
    console.print(table)
    console.print(_versus(result))
    for path, text in (
        (arguments.out, msgspec.json.format(msgspec.json.encode(result), indent=1).decode() + "\n"),
        (arguments.plot, svg(result.curve, result.others)),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    console.print(f"{time.perf_counter() - began:.0f} s; figures in {arguments.out}, drawing in {arguments.plot}")
    console.print("better than each in both ways" if result.holds() else "[red]short of what must hold[/red]")
    return int(not result.holds())


def _cells(each: Outcome) -> list[str]:
    patience = "" if each.patience is None else f"{each.patience:.0f} s"
    times = [f"{value:.1f}" for value in (each.requests_a_day, each.mean, each.median, each.p95)]
    counts = (each.entries, each.lost, each.lost_kept_an_hour, each.lost_kept_long_enough)
    return [each.policy, patience, *times, *map(str, counts)]


def _versus(result: Comparison) -> Table:
    table = Table("against", "by", "requests", "delay", "ours at its requests", "our requests at its delay", "")
    for each in result.against:
        ours = ["-" if value is None else f"{value:.1f}" for value in (each.our_delay, each.our_requests_a_day)]
        theirs = [f"{each.requests_a_day:.1f}", f"{each.delay:.1f}"]
        table.add_row(each.policy, each.measure, *theirs, *ours, "" if each.better() else "short")
    return table


if __name__ == "__main__":
    sys.exit(main())
