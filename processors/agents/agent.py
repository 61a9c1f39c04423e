"""The one agent: entries in, tagged articles out."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import faust
import structlog

from marsad.config import Settings
from marsad.errors import TransientError
from marsad.records import Feed
from marsad.streams import Message, partition_of, stream, topic_name
from processors.agents.places import Part
from processors.agents.shared import Shared
from processors.agents.tagging import Incoming, Outgoing, Steps, incoming, outgoing

__all__ = ["Feeds", "register_tagging"]

_log = structlog.get_logger(__name__)
_BROKEN: Final = 70
# An article that comes alone waits for this long; a shorter time makes an idle worker wake up more often.
_WITHIN_S: Final = 0.05
# The event loop also hands out partitions and sends what is done: it is never kept for longer than one entry and this.
_SLICE_S: Final = 0.02
# Results are handed over after this long. What is in hand, and as much that is being delivered, is done again after a kill.
_IN_HAND_S: Final = 0.5
_REFRESH_S: Final = 10.0
_REFRESH_TRIES: Final = 3


class Feeds(Protocol):
    """The feeds; ``marsad_app.cluster.tables.Table`` is one."""

    def get(self, key: str) -> Feed | None:
        """A feed by id."""
        ...

    def refresh(self, timeout: float = ...) -> None:
        """Wait until everything is in that was committed before the call.

        Raises:
            TransientError: not within that time.
        """
        ...


def register_tagging(
    app: faust.App,
    settings: Settings,
    steps: Steps,
    feeds: Feeds,
    shared: Shared,
    told: Callable[[Outgoing], None],
) -> None:
    """Register the agent that takes entries through the stateless steps.

    Every message becomes exactly one other, in tagged.v1 or in quarantine.v1. It counts as done when that is with the broker; if
    one cannot be delivered the process ends, and the next one begins again where the last commit was.

    Args:
        app: from ``make_app``.
        settings: the broker, and how many entries make a batch.
        steps: the pipeline.
        feeds: where entries come from.
        shared: as given to ``make_app``.
        told: called with each result once it is with the broker.
    """
    source = app.topic(topic_name(settings.kafka.prefix, shared.stream), key_type=bytes, value_type=bytes)
    worker = _Tagging(app, settings, steps, feeds, shared, told)

    async def tagging(stream_of_entries: Any) -> None:
        async for batch in stream_of_entries.take_events(settings.process.batch, within=_WITHIN_S):
            await worker.take(batch)

    app.agent(source, name="tagging", concurrency=1)(tagging)


class _Tagging:
    """Takes batches through."""

    def __init__(
        self,
        app: faust.App,
        settings: Settings,
        steps: Steps,
        feeds: Feeds,
        shared: Shared,
        told: Callable[[Outgoing], None],
    ) -> None:
        self._app = app
        self._settings = settings
        self._steps = steps
        self._feeds = feeds
        self._shared = shared
        self._told = told
        self._computing = False
        self._delivering: asyncio.Task[None] | None = None

    async def take(self, batch: Sequence[Any]) -> None:
        """Take a batch through; whatever goes wrong that is not one entry's fault ends the process.

        Its last results may still be on their way to the broker when this returns: the next batch is begun meanwhile.
        """
        if self._shared.ending:
            # What is in hand is not done and will be read again; leaving the loop would have it acknowledged.
            await asyncio.Event().wait()
        self._shared.resting.clear()
        self._computing = True
        try:
            await self._or_die(self._through([event.message for event in batch]))
        finally:
            self._computing = False
            self._rest()

    async def settled(self) -> None:
        """Wait until what was handed over is with the broker; being cancelled meanwhile does not call it back."""
        if self._delivering is not None:
            await asyncio.wait([self._delivering])
            self._delivering.result()

    async def _or_die(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - Faust would pass over the whole batch and go on with the next
            _log.exception("a batch could not be delivered; the worker ends and begins anew", error=str(error))
            self._shared.die(_BROKEN)

    def _rest(self) -> None:
        if not self._computing and (self._delivering is None or self._delivering.done()):
            self._shared.resting.set()

    async def _through(self, records: Sequence[Any]) -> None:
        items = [incoming(_message(record, self._shared.stream)) for record in records]
        await self._know_feeds({item.entry.feed_id for item in items if item.entry is not None})
        monotonic = self._shared.clock.monotonic
        began = turn = monotonic()
        sent: list[tuple[Any, Outgoing, Any]] = []
        for record, item in zip(records, items, strict=True):
            result = self._result(item)
            sent.append((record, result, await self._send(result.message)))
            now = monotonic()
            if now - began >= _IN_HAND_S:
                await self._hand_over(sent)
                sent, began = [], monotonic()
            if now - turn >= _SLICE_S:
                await asyncio.sleep(0)
                turn = monotonic()
            if self._shared.ending:
                break
        await self._hand_over(sent)

    async def _hand_over(self, sent: Sequence[tuple[Any, Outgoing, Any]]) -> None:
        """Have results delivered while others are made: waiting for the broker after each batch took a tenth of the time.

        One after the other: offsets are done in the order in which they were read.
        """
        await self.settled()
        self._delivering = asyncio.create_task(self._or_die(self._deliver(sent)))
        self._delivering.add_done_callback(lambda _: self._rest())

    def _result(self, item: Incoming) -> Outgoing:
        feed = self._feeds.get(item.entry.feed_id) if item.entry is not None else None
        return outgoing(item, self._steps, feed, self._shared.clock.now())

    async def _know_feeds(self, ids: set[str]) -> None:
        """Ask once for feeds that are not known: the entry may have come quicker than its feed."""
        unknown = sorted(feed_id for feed_id in ids if self._feeds.get(feed_id) is None)
        if not unknown:
            return
        for number in range(1, _REFRESH_TRIES + 1):
            try:
                await asyncio.to_thread(self._feeds.refresh, _REFRESH_S)
            except TransientError as error:
                _log.warning("feeds cannot be asked for", unknown=unknown, why=str(error), attempt=number)
            else:
                return

    async def _send(self, message: Message) -> Any:
        partitions = stream(message.stream).partitions or self._settings.kafka.partitions
        partition = message.partition if message.partition is not None else partition_of(message.key, partitions)
        return await self._app.producer.send(
            topic_name(self._settings.kafka.prefix, message.stream),
            key=message.key.encode(),
            value=message.value,
            partition=partition,
            timestamp=None,
            headers=list(message.headers.items()),
        )

    async def _deliver(self, sent: Sequence[tuple[Any, Outgoing, Any]]) -> None:
        """Wait until all results are with the broker; only then the entries are done."""
        await asyncio.gather(*(future for _, _, future in sent))
        taken: dict[Part, list[int]] = {}
        for record, result, _ in sent:
            self._told(result)
            part = Part(record.topic, record.partition)
            if not self._shared.places.current(part, record.generation_id):
                continue
            if dropped := self._shared.places.done(part, record.offset):
                _log.error("entries were dropped on their way to the agent; they are read again", dropped=dropped[:20])
                self._shared.die(_BROKEN)
            taken.setdefault(part, []).append(record.offset)
        now = self._shared.clock.monotonic()
        for part, offsets in taken.items():
            self._shared.progress.taken(self._shared.stream, part.partition, offsets, now)


def _message(record: Any, name: str) -> Message:
    headers: Mapping[str, bytes] = dict(record.headers or ())
    return Message(
        stream=name,
        key=(record.key or b"").decode(errors="replace"),
        value=record.value,
        partition=record.partition,
        headers=dict(headers),
        offset=record.offset,
        at=datetime.fromtimestamp(record.timestamp, UTC),
    )
