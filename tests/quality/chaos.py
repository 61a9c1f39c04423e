"""``make chaos``: blows during a full replay; nothing may be missing or twice. First the one process, then the cluster.

The embedded size is killed with SIGKILL and started again. In the cluster services, Kafka and Elasticsearch are killed, services
stopped for 20 seconds, and workers added and removed; a keeper starts again what ended, as a service manager would.
"""

import argparse
import random
import sys
from pathlib import Path

import msgspec
from rich.console import Console

from marsad.config import eval_data_dir, stack_dir
from marsad_app.bench.blows import draw
from marsad_app.bench.chaos import chaos
from marsad_app.bench.cluster import Report, replay
from marsad_app.bench.corpus import CORPUS

# On a machine that others used 2,028 of 3,000 had left their feeds' windows before the first start was over, and nothing was missing.
_MOST_UNREAD = 0.1


def main() -> int:
    """1 where anything is missing or twice."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=["embedded", "cluster", "both"], default="both")
    parser.add_argument("--limit", type=int, default=3_000, help="articles")
    parser.add_argument("--rate", type=float, default=0, help="articles a second (default: 50, in the cluster 10)")
    parser.add_argument("--kills", type=int, default=20, help="blows against the embedded size")
    parser.add_argument("--blows", type=int, default=30, help="blows against the cluster")
    parser.add_argument(
        "--window", type=int, default=40, help="items that a feed of the replay shows; what leaves it is gone"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--logs", type=Path, help="folder for the logs of the cluster's services")
    parser.add_argument("--program", type=Path, default=stack_dir() / "replay-feeds")
    parser.add_argument("--documents", type=Path, default=eval_data_dir() / CORPUS)
    arguments = parser.parse_args()
    console = Console(soft_wrap=True)
    fine = True
    if arguments.size != "cluster":
        fine &= embedded(arguments, console)
    if arguments.size != "embedded":
        fine &= cluster(arguments, console)
    console.print("nothing missing, nothing twice" if fine else "[red]something is missing or twice[/red]")
    return int(not fine)


def embedded(arguments: argparse.Namespace, console: Console) -> bool:
    """The one process."""
    result = chaos(
        arguments.program,
        arguments.documents,
        limit=arguments.limit,
        rate=arguments.rate or 50,
        window=arguments.window,
        kills=arguments.kills,
        seed=arguments.seed,
        console=console,
    )
    console.print(msgspec.to_builtins(result))
    unread = len(result.before_first)
    if unread > result.published * _MOST_UNREAD:
        console.print(
            f"{unread} of {result.published} articles were gone before their feeds were first read: this shows nothing of the rest; "
            "take a lower --rate or a larger --window"
        )
        return False
    return result.ok()


def cluster(arguments: argparse.Namespace, console: Console) -> bool:
    """All services on real servers."""
    rate = arguments.rate or 10
    chance = random.Random(arguments.seed)
    report = replay(
        arguments.program,
        arguments.documents,
        limit=arguments.limit,
        rate=rate,
        window=arguments.window,
        blows=draw(chance, arguments.blows, arguments.limit / rate),
        seed_of_targets=arguments.seed,
        told=console.print,
        keep_logs=arguments.logs,
    )
    show(report, console)
    return report.ok()


def show(report: Report, console: Console) -> None:
    """The figures of a cluster replay."""
    console.print(msgspec.to_builtins(report.comparison))
    for difference in report.differences[:20]:
        console.print(f"differs from the embedded size: {difference}")
    console.print(f"{len(report.differences)} differences from the embedded size; {report.quarantined} in quarantine")
    for kind, seconds in sorted(report.recoveries.items()):
        middle = seconds[len(seconds) // 2]
        console.print(
            f"recovery after {kind}: {len(seconds)} blows, median {middle:.1f} s, longest {seconds[-1]:.1f} s"
        )
    console.print(f"ended on their own or by a blow: {report.ended}; exits: {report.exits}")
    console.print(f"memory in MB: {report.memory_mb}; {report.seconds:.0f} s in all")


if __name__ == "__main__":
    sys.exit(main())
