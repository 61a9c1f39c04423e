"""The simulation over the embedded store: matching and the ledger as the processor does it, delivering as the deliverer does."""

import os
import signal
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Final

from marsad.clock import FrozenClock
from marsad.config import AlertSettings
from marsad.records import Subscription
from marsad_app.bench.alerting.receiver import Receivers
from marsad_app.bench.alerting.world import BEGIN, came_at, move
from marsad_app.embedded.store import Store, open_store
from processors.article_stream import News
from processors.match import Matcher
from processors.spikes import Spikes, parted, told
from sinks.alerts.deliver import Deliverer, Sender
from sinks.alerts.plan import deliveries_for

__all__ = ["run_embedded", "run_with_kills"]

_BATCH: Final = 64
_AT_END: Final = timedelta(days=12)
_LOOK: Final = timedelta(minutes=30)
_DONE: Final = "simulated"


def run_embedded(
    folder: Path, news: Sequence[News], wanted: Sequence[Subscription], random: Random | None, finish: str = "end"
) -> Receivers:
    """Take all articles from where a process before this one ended, then let time pass until nothing waits.

    Args:
        folder: of the store and of what was received.
        news: the articles.
        wanted: the subscriptions.
        random: decides how calls of outlets end.
        finish: name of a file that is made at the end.
    """
    clock = FrozenClock(BEGIN)
    store = open_store(folder)
    receivers = Receivers(folder / "received.jsonl", clock, random)
    for one in wanted:
        if store.subscriptions.subscription(one.id) is None:
            store.subscriptions.put_subscription(one)
    sender = Sender(receivers.at, AlertSettings(), clock)
    deliverer = Deliverer(store.deliveries, store.alerts, store.subscriptions, sender, clock)
    matcher = Matcher(wanted, now=BEGIN)
    known = {one.id: one for one in wanted}
    spikes = Spikes()
    for hit in store.hits.kept():
        spikes.see(hit, known.get(hit.subscription_id))
    done = _done(store)
    while done < len(news):
        batch = news[done : done + _BATCH]
        done += len(batch)
        _take(store, (matcher, spikes), known, batch, done)
        move(clock, came_at(batch[-1]))
        _deliver(deliverer)
    _run_out(store, deliverer, clock)
    (folder / finish).touch()
    receivers.close()
    store.close()
    return receivers


def _done(store: Store) -> int:
    with store.database.read() as connection:
        row = connection.execute("SELECT value FROM meta WHERE name = ?", (_DONE,)).fetchone()
    return int(row[0]) if row else 0


def _take(
    store: Store, judges: tuple[Matcher, Spikes], known: dict[str, Subscription], batch: Sequence[News], done: int
) -> None:
    """One transaction, as the processor's."""
    matcher, spikes = judges
    alerts, hits = [], []
    for one in batch:
        found, counted = parted(matcher.match(one.article, one.story, one.previous, came_at(one)), one.article)
        alerts += found
        hits += counted
    with store.database.write() as connection:
        for hit in store.hits.add(hits):
            whose = known[hit.subscription_id]
            spike = spikes.see(hit, whose)
            alerts += [told(spike, hit, whose)] if spike is not None else []
        deliveries = [each for alert in alerts for each in deliveries_for(alert, known[alert.subscription_id])]
        store.alerts.record_alerts(alerts, deliveries)
        connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_DONE, str(done)))


def _deliver(deliverer: Deliverer) -> None:
    while deliverer.step(limit=500):
        pass


def _run_out(store: Store, deliverer: Deliverer, clock: FrozenClock) -> None:
    """Half an hour at a time, until nothing is open."""
    until = clock.now() + _AT_END
    while clock.now() < until and store.deliveries.due(until, limit=1):
        clock.advance(_LOOK.total_seconds())
        _deliver(deliverer)


def run_with_kills(
    folder: Path, news: Sequence[News], wanted: Sequence[Subscription], kills: int, seed: int
) -> tuple[int, int]:
    """Run in processes that are killed at random moments, the last one to its end; kills that hit, and processes."""
    random = Random(seed)  # noqa: S311 - a repeatable choice
    hit = processes = 0
    while not (folder / "end").exists():
        processes += 1
        child = os.fork()
        if child == 0:
            status = 1
            try:
                run_embedded(folder, news, wanted, Random(seed + processes))  # noqa: S311 - see above
                status = 0
            finally:
                os._exit(status)
        if hit < kills:
            time.sleep(random.uniform(0.01, 0.12))
            ended, _ = os.waitpid(child, os.WNOHANG)
            if not ended:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                hit += 1
        else:
            os.waitpid(child, 0)
    return hit, processes
