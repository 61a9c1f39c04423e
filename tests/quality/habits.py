"""The twelve habits of the wild, one feed each: how each was reported, and whether every article came through."""

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from marsad.config import eval_data_dir, stack_dir
from marsad_app.bench.corpus import CORPUS
from marsad_app.bench.habits import EXPECTED, try_habits


def main() -> int:
    """1 where anything is lost, twice, or reported wrongly."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, default=600, help="articles")
    parser.add_argument("--rate", type=float, default=10, help="articles a second")
    parser.add_argument("--program", type=Path, default=stack_dir() / "replay-feeds")
    parser.add_argument("--documents", type=Path, default=eval_data_dir() / CORPUS)
    arguments = parser.parse_args()
    report = try_habits(arguments.program, arguments.documents, limit=arguments.limit, rate=arguments.rate)
    console = Console(soft_wrap=True)
    table = Table("habit", "must be reported as", "was seen as")
    for habit, states in report.states.items():
        wanted = EXPECTED[habit]
        must = (
            f"{wanted.state}: {wanted.detail}" if wanted.state else "well; validators lie" if wanted.lying else "well"
        )
        table.add_row(habit, must, ", ".join(f"{state} {count}" for state, count in states.items()))
    console.print(table)
    result = report.comparison
    console.print(
        f"{result.published} published, {result.indexed} indexed, {report.lost} lost, {len(result.twice)} twice"
    )
    for sentence in report.wrong:
        console.print(f"[red]{sentence}[/red]")
    return int(not report.ok())


if __name__ == "__main__":
    sys.exit(main())
