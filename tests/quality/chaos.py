"""``make chaos``: kill -9 at random moments of a full replay, restarted each time; a table and the exit status."""

import argparse
import sys
from pathlib import Path

import msgspec
from rich.console import Console

from marsad.config import eval_data_dir, stack_dir
from marsad_app.bench.chaos import chaos
from marsad_app.bench.corpus import CORPUS


def main() -> int:
    """1 where anything is missing or twice."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, default=3_000, help="articles")
    parser.add_argument("--rate", type=float, default=50, help="articles a second")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--program", type=Path, default=stack_dir() / "replay-feeds")
    parser.add_argument("--documents", type=Path, default=eval_data_dir() / CORPUS)
    arguments = parser.parse_args()
    console = Console()
    result = chaos(
        arguments.program,
        arguments.documents,
        limit=arguments.limit,
        rate=arguments.rate,
        kills=arguments.kills,
        seed=arguments.seed,
        console=console,
    )
    console.print(msgspec.to_builtins(result))
    console.print("nothing missing, nothing twice" if result.ok() else "[red]something is missing or twice[/red]")
    return int(not result.ok())


if __name__ == "__main__":
    sys.exit(main())
