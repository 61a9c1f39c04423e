"""Entries a second through a tagging worker on a real broker, against the bare pipeline in a loop over the same entries."""

import argparse
import asyncio
import contextlib
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console

from marsad.config import DataSettings, KafkaSettings, Settings, eval_data_dir, test_servers
from marsad.errors import PoisonError
from marsad.records import Entry, Feed, encode
from marsad.streams import Message
from marsad.taxonomy import load_taxonomy
from marsad_app.bench.corpus import documents, entry_of, feed_of
from marsad_app.bench.servers import servers
from marsad_app.bench.speed import Row
from marsad_app.cluster.admin import create_streams
from marsad_app.cluster.process import work
from marsad_app.cluster.service import Context, open_context
from marsad_app.cluster.tables import Table
from processors.pipeline import Pipeline
from processors.transact import TransactionalJournal

__all__ = ["process_ratio"]

# Long enough that the twentieth of a second in which a held worker looks whether it may go on does not count.
_TURN = 1_024
_GOAL = 0.7
_PATIENCE_S = 120.0
_HELD_S = 1.2


def process_ratio(bootstrap: str, data: Path, count: int = 4_160) -> list[Row]:
    """Ratio of one worker to the bare pipeline, by wall clock and by processor time.

    Both take the same entries in the same process, in turn, some hundred at a time: what else the machine does falls on both.

    Args:
        bootstrap: a broker; streams with a prefix of their own are made there.
        data: the folder of the corpus.
        count: entries with only the feed's text; half as many with article pages.

    Raises:
        ConfigError: the corpus is not there.
    """
    pipeline = Pipeline.build(load_taxonomy(None, learned=True))
    rows = []
    for page, label in ((False, "feed text only"), (True, "with article pages")):
        sample = list(documents(data, count // 2 if page else count))
        feeds = {feed.id: feed for feed in map(feed_of, sample)}
        entries = [entry_of(document, number, page=page) for number, document in enumerate(sample)]
        for entry in entries[:100]:
            _bare(pipeline, [entry], feeds)
        kafka = KafkaSettings(bootstrap=bootstrap, prefix=f"bench{secrets.token_hex(4)}")
        with _context(kafka) as context, _table(context.settings.kafka, feeds) as table:
            rows += asyncio.run(_Contest(context, pipeline, table, feeds).run(entries, label))
    return rows


@contextlib.contextmanager
def _context(kafka: KafkaSettings) -> Iterator[Context]:
    create_streams(kafka)
    with tempfile.TemporaryDirectory(prefix="marsad-bench-") as name:
        settings = Settings(data=DataSettings(dir=Path(name)), kafka=kafka)
        with open_context(settings, "process") as context:
            yield context


@contextlib.contextmanager
def _table(kafka: KafkaSettings, feeds: dict[str, Feed]) -> Iterator[Table[Feed]]:
    _put(kafka, [Message(stream="feeds.v1", key=feed.id, value=encode(feed)) for feed in feeds.values()])
    table = Table(kafka, "feeds.v1", Feed)
    table.start()
    with contextlib.closing(table):
        yield table


def _put(kafka: KafkaSettings, messages: Sequence[Message]) -> None:
    with contextlib.closing(TransactionalJournal(kafka, "bench", "entries.v1", 0)) as journal:
        for first in range(0, len(messages), 64):
            journal.commit(messages[first : first + 64])


def _bare(pipeline: Pipeline, entries: Sequence[Entry], feeds: dict[str, Feed]) -> None:
    for entry in entries:
        with contextlib.suppress(PoisonError):
            pipeline.stateless(entry, feeds[entry.feed_id])


class _Contest:
    """The worker, which is let go for a turn at a time, and the bare loop."""

    def __init__(self, context: Context, pipeline: Pipeline, table: Table[Feed], feeds: dict[str, Feed]) -> None:
        self._context = context
        self._pipeline = pipeline
        self._table = table
        self._feeds = feeds
        self._free = True
        # Wall clock, processor time.
        self._worker = [0.0, 0.0]
        self._bare = [0.0, 0.0]

    async def run(self, entries: Sequence[Entry], label: str) -> list[Row]:
        """All entries through both; the ratios."""
        working = asyncio.create_task(work(self._context, self._pipeline, self._table, may_take=lambda: self._free))
        await self._through(entries[:64])
        self._worker = [0.0, 0.0]
        turns = [entries[at : at + _TURN] for at in range(64, len(entries), _TURN)]
        for number, turn in enumerate(turns):
            if number % 2:
                self._alone(turn)
            await self._through(turn)
            if not number % 2:
                self._alone(turn)
        self._context.stop.set()
        await working
        done = len(entries) - 64
        detail = f"{done / self._worker[0]:.0f} entries/s in the worker, {done / self._bare[0]:.0f} bare"
        return [
            Row(f"process, {label}: ratio to the bare pipeline", self._bare[0] / self._worker[0], _GOAL, detail=detail),
            Row(f"process, {label}: the same by processor time", self._bare[1] / self._worker[1], _GOAL),
        ]

    async def _through(self, turn: Sequence[Entry]) -> None:
        """Let the worker take what was written while it was held."""
        self._free = False
        # A question to the broker that is under way is answered within a second.
        await asyncio.sleep(_HELD_S)
        wanted = self._done() + len(turn)
        messages = [Message(stream="entries.v1", key=entry.article_id, value=encode(entry)) for entry in turn]
        await asyncio.to_thread(_put, self._context.settings.kafka, messages)
        began, cpu = time.perf_counter(), time.process_time()
        self._free = True
        until = began + _PATIENCE_S
        while self._done() < wanted:
            if time.perf_counter() > until:
                raise TimeoutError(f"{wanted - self._done()} of {len(turn)} entries did not come out")
            await asyncio.sleep(0.01)
        self._worker[0] += time.perf_counter() - began
        self._worker[1] += time.process_time() - cpu

    def _done(self) -> int:
        return sum(self._context.progress.counts.values())

    def _alone(self, turn: Sequence[Entry]) -> None:
        began, cpu = time.perf_counter(), time.process_time()
        _bare(self._pipeline, turn, self._feeds)
        self._bare[0] += time.perf_counter() - began
        self._bare[1] += time.process_time() - cpu


def main() -> int:
    """Print the ratios; figures never fail."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=4_160)
    arguments = parser.parse_args()
    bootstrap = test_servers()[0]
    with contextlib.ExitStack() as opened:
        if not bootstrap:
            bootstrap = opened.enter_context(servers(elastic=False))[0].address
        rows = process_ratio(bootstrap, eval_data_dir(), arguments.count)
    for row in rows:
        Console().print(f"{row.measure}: {row.value:.2f} (goal {row.target:g}) {row.detail}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
