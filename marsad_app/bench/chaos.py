"""kill -9 at random moments of a replay; at the end nothing may be missing or twice."""

import random
import tempfile
import time
from pathlib import Path

from rich.console import Console

from marsad.clock import SystemClock
from marsad_app.bench.replay import Comparison, Marsad, compare, settled, watch_everything, wire

__all__ = ["chaos"]


def chaos(
    program: Path,
    documents: Path,
    *,
    limit: int,
    rate: float,
    kills: int,
    seed: int,
    console: Console,
    window: int = 40,
) -> Comparison:
    """Replay, kill the process ``kills`` times at random moments, restart it each time, and compare in the end.

    Raises:
        ConfigError: the replay is not there.
    """
    chance = random.Random(seed)  # noqa: S311 - moments of a test, no secret
    length = limit / rate
    moments = sorted(chance.uniform(1.0, length) for _ in range(kills))
    with (
        tempfile.TemporaryDirectory(prefix="marsad-chaos-") as name,
        wire(program, documents, Path(name), limit=limit, rate=rate, window=window, faults=True) as newswire,
    ):
        marsad = Marsad(Path(name), newswire.opml, MARSAD_ALERTS__TERMINAL="false")
        store = marsad.store()
        watch_everything(store, SystemClock().now())
        store.close()
        began = time.monotonic()
        marsad.start()
        for number, moment in enumerate(moments, 1):
            time.sleep(max(0.0, began + moment - time.monotonic()))
            marsad.kill()
            console.print(f"kill {number}/{kills} at {time.monotonic() - began:.1f} s")
            marsad.start()
        truth = settled(newswire, marsad)
        took = marsad.stop()
        console.print(f"SIGTERM to exit: {took:.2f} s")
        store = marsad.store()
        try:
            return compare(truth, store, store.queue.outcomes())
        finally:
            store.close()
