"""``make simulate-alerts``: a month of real articles, 200 subscriptions, a virtual clock; what arrives against a brute-force oracle.

First few articles with processes that are killed and outlets that fail, are away, or lose their answers; then all articles in both
sizes, with outlets that work and with such ones. Ends with 1 where anything is missing, or arrives twice at a receiver that knows keys.
"""

import argparse
import logging
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import structlog

from marsad.config import eval_data_dir
from marsad_app.bench.alerting.embedded import run_embedded, run_with_kills
from marsad_app.bench.alerting.oracle import expected
from marsad_app.bench.alerting.receiver import read_received
from marsad_app.bench.alerting.streams import run_streams
from marsad_app.bench.alerting.world import BEGIN, subscriptions, world

_MEMORY = Path("/dev/shm")


class Simulation:
    """One world, what the oracle expects in it, and runs of it."""

    def __init__(self, limit: int, seed: int) -> None:
        self.news = world(eval_data_dir(), Path("out") / f"alert-world-{limit}.bin", limit)
        self.wanted = subscriptions(self.news, seed=seed)
        self.seed = seed
        began = time.perf_counter()
        self.due = expected(self.news, self.wanted, BEGIN)
        to_come = sum(len(self.due[one.id]) * len(one.outlets) for one in self.wanted)
        print(
            f"\n{len(self.news):,} articles, {len(self.wanted)} subscriptions of which {sum(map(bool, self.due.values()))} match; "
            f"{to_come:,} alerts expected, {sum(told[1] == 'spike' for due in self.due.values() for told in due)} of them spikes, at {sum(len(one.outlets) for one in self.wanted)} outlets; "
            f"oracle {time.perf_counter() - began:.0f} s"
        )
        heads = ("arrived", "messages", "repeats", "missing", "wrong", "twice", "s")
        print(f"{'run':34} " + " ".join(f"{head:>9}" for head in heads), flush=True)

    @property
    def bad(self) -> Random:
        """What decides how calls of outlets end."""
        return Random(self.seed)

    def run(self, name: str, work: Callable[[Path], str]) -> int:
        """Print one row; how many things are missing, not expected, or there twice."""
        began = time.perf_counter()
        with tempfile.TemporaryDirectory(prefix="marsad-alerts-", dir=_MEMORY if _MEMORY.is_dir() else None) as made:
            note = work(Path(made))
            told, messages, repeats = read_received(Path(made) / "received.jsonl")
        missing = wrong = twice = arrived = 0
        for one in self.wanted:
            for outlet in one.outlets:
                got = told.get(outlet, {})
                missing += len(self.due[one.id] - set(got))
                wrong += len(set(got) - self.due[one.id])
                twice += sum(count - 1 for count in got.values())
                arrived += len(got)
        figures = (arrived, messages, repeats, missing, wrong, twice, round(time.perf_counter() - began))
        print(f"{name:34} " + " ".join(f"{figure:>9,}" for figure in figures) + f"  {note}", flush=True)
        return missing + wrong + twice

    def well(self) -> int:
        """Nothing happens to anything."""
        return self.run(
            "embedded", lambda folder: _said(run_embedded(folder, self.news, self.wanted, None).calls)
        ) + self.run("streams", lambda folder: _said(run_streams(folder, self.news, self.wanted, None)[0].calls))

    def bad_outlets(self) -> int:
        """Outlets fail, are away and lose answers."""
        return self.run(
            "embedded, bad outlets", lambda folder: _said(run_embedded(folder, self.news, self.wanted, self.bad).calls)
        ) + self.run(
            "streams, bad outlets", lambda folder: _said(run_streams(folder, self.news, self.wanted, self.bad)[0].calls)
        )

    def killed(self, kills: int) -> int:
        """And processes are killed."""

        def embedded(folder: Path) -> str:
            hit, processes = run_with_kills(folder, self.news, self.wanted, kills, self.seed)
            return f"{hit} kills, {processes} processes"

        def streams(folder: Path) -> str:
            receivers, openings = run_streams(folder, self.news, self.wanted, self.bad, kills)
            return f"{kills} blows, {openings} openings; {_said(receivers.calls)}"

        return self.run("embedded, bad outlets, kill -9", embedded) + self.run("streams, bad outlets, crashes", streams)


def _said(calls: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in sorted(calls.items()))


def main() -> int:
    """Run all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, default=22_010, help="articles of the corpus; 0 leaves these runs out")
    parser.add_argument("--kill-limit", type=int, default=1_000, help="articles for the runs that are killed; 0: none")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=5)
    options = parser.parse_args()
    # Each failed call is a warning, and there are thousands.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    faults = 0
    if options.kill_limit:
        faults += Simulation(options.kill_limit, options.seed).killed(options.kills)
    if options.limit:
        simulation = Simulation(options.limit, options.seed)
        faults += simulation.well() + simulation.bad_outlets()
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
