"""``marsad index``: brings every article and its story into Elasticsearch; for dashboards also the feeds' states and the alerts.

Its place in the stream moves when what lies before it is durable: in the index, or in quarantine with the reason.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import structlog

from marsad.clock import Clock
from marsad.config import Settings
from marsad.errors import StoreError, TransientError
from marsad.events import Outcome
from marsad.progress import Progress
from marsad.records import Feed, Quarantined, Subscription, encode
from marsad.streams import Message, refused, stream
from marsad_app.cluster.aside import Aside
from marsad_app.cluster.service import Context, Step, run_stage
from marsad_app.cluster.tables import Table
from marsad_app.cluster.writing import StreamWriter
from sinks.from_kafka import Batch, GroupReader
from sinks.index.boards import alert_reader, feed_reader
from sinks.index.bulk import BulkWriter, Ticket
from sinks.index.client import connect
from sinks.index.mapping import ensure_indices
from sinks.index.messages import Reading, Unreadable, read_messages

__all__ = ["Indexer", "indexing", "run"]

_log = structlog.get_logger(__name__)
_STAGE: Final = "index"
_SOURCE: Final = "articles.v1"
_QUARANTINE: Final = "quarantine.v1"
# Batches whose place is not committed yet: where a few documents must wait, this much is redone after a crash.
_MOST_OPEN: Final = 64
# So small that the place moves often where the cluster is slow.
_BATCH: Final = 200
_WAIT_S: Final = 0.1
# Time enough for the client to follow a rebalance.
_BUSY_S: Final = 0.005
_HEADROOM: Final = 4_096


class _Open:
    """A batch under way."""

    def __init__(self, batch: Batch, reading: Reading, ticket: Ticket) -> None:
        self.batch = batch
        self.reading = reading
        self.ticket = ticket


class Indexer:
    """Reads, writes and commits, in rounds. Used by one thread.

    Args:
        reader: of a stream.
        writer: into the index.
        quarantine: where documents go that the index can never take; None for a board, of which one line is logged.
        clock: the time.
        progress: told how each article ended.
        read: what the stream's messages ask for.
    """

    def __init__(
        self,
        reader: GroupReader,
        writer: BulkWriter,
        quarantine: StreamWriter | None,
        clock: Clock,
        progress: Progress,
        *,
        read: Callable[[Sequence[Message]], Reading] = read_messages,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._quarantine = quarantine
        self._clock = clock
        self._progress = progress
        self._read = read
        self._open: list[_Open] = []

    def step(self) -> int:
        """One round: take what has come, have it written, commit what is durable. How much was done.

        Raises:
            FencedError: another process goes by this one's instance name.
            TransientError: the broker cannot be asked.
            ConfigError: Elasticsearch refuses the templates because of a setting.
        """
        wanted = self._writer.room and len(self._open) < _MOST_OPEN
        batches = self._reader.take(_BUSY_S if self._writer.busy else _WAIT_S, wanted=wanted)
        for batch in batches:
            reading = self._read(batch.messages)
            self._open.append(_Open(batch, reading, self._writer.begin(reading.changes)))
        # The next batch is read while requests are under way; only with nothing more to take there is time to rest.
        ended = self._writer.pump(0.0 if batches else _WAIT_S)
        return len(batches) + ended + self._finish()

    def _finish(self) -> int:
        """Commit the batches that are done, in each partition as far as none before them is not."""
        done: list[_Open] = []
        left: list[_Open] = []
        for one in self._open:
            blocked = any(other.batch.partition == one.batch.partition for other in left)
            (done if one.ticket.done and not blocked else left).append(one)
        if not done:
            return 0
        items = [item for one in done for item in self._items(one)]
        if items:
            self._keep(items)
        committed = self._reader.commit([one.batch for one in done])
        self._open = left
        for one in done:
            # What is not committed is read again, and counted then.
            if any(batch is one.batch for batch in committed):
                self._count(one)
        return len(done)

    def _items(self, one: _Open) -> Iterator[Quarantined]:
        for fault in one.reading.unreadable:
            yield self._item(fault)
        for each in one.ticket.outcomes().refused:
            yield self._item(Unreadable(one.reading.sources[each.of], each.reason))

    def _item(self, fault: Unreadable) -> Quarantined:
        return refused(fault.message, _STAGE, fault.reason, self._clock.now())

    def _keep(self, items: Sequence[Quarantined]) -> None:
        if self._quarantine is None:
            for item in items:
                _log.error("cannot be shown on dashboards", key=item.key, why=item.reason, place=item.detail)
            return
        try:
            self._quarantine.write([Message(stream=_QUARANTINE, key=item.id, value=_fitting(item)) for item in items])
        except StoreError as error:
            raise TransientError(f"what cannot be indexed cannot be put into quarantine: {error}") from error

    def _count(self, one: _Open) -> None:
        if self._quarantine is None:
            return
        outcomes = one.ticket.outcomes()
        for outcome, by in (
            (Outcome.INDEXED, outcomes.written),
            (Outcome.UNCHANGED, outcomes.stale),
            (Outcome.QUARANTINED, len(one.batch.messages) - one.reading.empty - outcomes.written - outcomes.stale),
            (Outcome.DROPPED, one.reading.empty),
        ):
            if by:
                self._progress.count(str(outcome), by)


def _fitting(item: Quarantined) -> bytes:
    """The wire form; without the payload where that would be more than the stream takes: ``detail`` says where it lies."""
    whole = encode(item)
    if len(whole) <= stream(_QUARANTINE).max_bytes - _HEADROOM:
        return whole
    return encode(
        Quarantined(
            id=item.id, stage=item.stage, key=item.key, reason=item.reason, payload=b"", at=item.at, detail=item.detail
        )
    )


@contextlib.contextmanager
def indexing(context: Context) -> Iterator[Step]:
    """The step of an indexing process.

    Args:
        context: of the service.

    Raises:
        ConfigError: the address of Elasticsearch cannot be used.
        TransientError: no broker answers, or the stream is not there.
    """
    settings, progress = context.settings, context.progress
    with contextlib.ExitStack() as held:
        client = connect(settings.elasticsearch)
        held.callback(client.close)

        def writing() -> BulkWriter:
            made = BulkWriter(
                client,
                settings.elasticsearch,
                progress=progress,
                clock=context.clock,
                prepare=lambda client, elastic: ensure_indices(client, elastic, context.clock.now()),
            )
            held.callback(made.close)
            return made

        quarantine = StreamWriter(settings.kafka)
        held.callback(quarantine.close)

        def reader(stage: str, source: str) -> GroupReader:
            made = GroupReader(settings.kafka, stage, source, instance=context.instance, progress=progress, most=_BATCH)
            held.callback(made.close)
            return made

        feeds = Table(settings.kafka, "feeds.v1", Feed, lambda why: progress.waits("feeds.v1", why))
        subscriptions = Table(
            settings.kafka, "subscriptions.v1", Subscription, lambda why: progress.waits("subscriptions.v1", why)
        )
        for table in (feeds, subscriptions):
            table.start()
            held.callback(table.close)
        boards = {
            ("index-feeds", "feed-states.v1"): feed_reader(feeds.get),
            ("index-alerts", "alerts.v1"): alert_reader(subscriptions.get),
        }
        articles = Indexer(reader(_STAGE, _SOURCE), writing(), quarantine, context.clock, progress)
        writer = writing()
        # In a thread of its own: where its clients had 5 ms now and then, two workers never agreed who has which partition.
        aside = Aside(
            "boards",
            [
                Indexer(reader(*source), writer, None, context.clock, progress, read=read).step
                for source, read in boards.items()
            ],
            progress,
        )
        aside.start()
        held.callback(aside.close)

        def step() -> int:
            aside.look()
            return articles.step()

        yield step


def run(settings: Settings) -> int:
    """Index until SIGTERM or SIGINT; the exit status.

    Raises:
        ConfigError: it cannot start: the sentence says why.
    """
    return run_stage(settings, _STAGE, indexing)
