"""Faust's client of the broker, with what this project needs of it and Faust cannot be told by a setting.

- Only committed records are read. Faust asks for that only together with its own transactions, which double messages; without
  it delivered 90 of 90 records of transactions that were aborted.
- Nothing is committed but what ``Places`` says. Faust's own count goes over one hole in the offsets at each commit, and every
  transaction ends with a marker that is one: of 240 offsets that were done it had committed 63 after nine seconds. It also
  acknowledges a batch whose loop was left by a cancellation, and does not notice what it drops in a rebalance.
- The producer is idempotent, so that a retry writes nothing twice.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Final

from faust.transport.drivers import aiokafka as driver
from faust.types import TP, AppT
from faust.types.transports import ConsumerT, ProducerT

from processors.agents.places import Part
from processors.agents.shared import Shared

__all__ = ["Consumer", "Transport"]

_PAUSE_S: Final = 0.05
# Less than the time that a member has for joining again.
_HAND_EMPTY_S: Final = 20.0


class _Thread(driver.AIOKafkaConsumerThread):
    """The thread in which the client reads."""

    consumer: "Consumer"

    def _create_worker_consumer(self, transport: driver.Transport) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"  # noqa: SLF001 - read when it starts; there is no setting for it
        return consumer

    async def _fetch_records(
        self,
        consumer: Any,
        active_partitions: set[TP],
        timeout: float | None = None,  # noqa: ASYNC109 - Faust's
        max_records: int | None = None,
    ) -> Any:
        shared = self.consumer.shared
        if shared.paused:
            await asyncio.sleep(_PAUSE_S)
            return {}
        records = await super()._fetch_records(consumer, active_partitions, timeout, max_records)
        assignment = consumer._subscription.subscription.assignment  # noqa: SLF001 - the positions are told nowhere else
        for place in assignment.tps if assignment is not None else ():
            state = assignment.state_value(place)
            if state is not None and state.has_valid_position:
                offsets = [record.offset for record in records.get(place, ())]
                shared.places.read(Part(place.topic, place.partition), offsets, state.position)
        return records


class Consumer(driver.Consumer):
    """The consumer, as Faust's other parts see it."""

    transport: "Transport"

    @property
    def shared(self) -> Shared:
        """What it shares with the agent."""
        return self.transport.shared

    def _new_consumer_thread(self) -> _Thread:
        return _Thread(self, loop=self.loop, beacon=self.beacon)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Begin anew with these partitions."""
        self.shared.assigned([Part(*place) for place in assigned], generation_id)
        await super().on_partitions_assigned(assigned, generation_id)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Read on where the last commit was, or at the first record where there was none."""
        committed = await super().seek_to_committed()
        first = await self.earliest_offsets(*committed)
        # Without a commit the client stays where it is, past records that were dropped in a rebalance.
        if unknown := {place: first.get(place, 0) for place, offset in committed.items() if not offset}:
            await self._thread.seek_wait(unknown)
        for place, offset in committed.items():
            self.shared.began(Part(place.topic, place.partition), max(offset or 0, first.get(place, 0)))
        return committed

    def ack(self, message: Any) -> bool:
        """Faust is done with the message; that says nothing of its result."""
        if message.acked:
            return False
        message.acked = True
        self._unacked_messages.discard(message)
        return True

    async def wait_empty(self) -> None:
        """Let the agent finish what it has in hand, so that whoever comes next does not do it again; then commit."""
        # A timer ends the wait: a batch that hangs must not keep the others of the group waiting.
        try:
            await asyncio.wait_for(self.shared.resting.wait(), _HAND_EMPTY_S)
        except TimeoutError:
            self.log.warning("the batch in hand is not done; it will be done again")
        await self.commit_and_end_transactions()

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        return (TP(*part) for part in self.shared.places.parts())

    def _new_offset(self, tp: TP) -> int | None:
        return self.shared.places.next(Part(*tp))

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Gaps are markers of transactions, or records that were removed; ``Places`` needs no list of them."""

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Whether work moves is for our own watchdog to judge, which knows of pauses."""

    def hear(self) -> None:
        """Note how far the partitions reach."""
        for part in self.shared.places.parts():
            self.shared.heard(part, self.highwater(TP(*part)))


class _Producer(driver.Producer):
    """The producer."""

    def _settings_extra(self) -> Mapping[str, Any]:
        return {"acks": "all", "enable_idempotence": True}


class Transport(driver.Transport):
    """Makes consumer and producer.

    Args:
        url: addresses of brokers.
        app: whose transport it is.
        shared: what the consumer shares with the agent.
    """

    Consumer: ClassVar[type[ConsumerT]] = Consumer
    Producer: ClassVar[type[ProducerT]] = _Producer

    def __init__(self, url: Iterable[Any], app: AppT, shared: Shared) -> None:
        super().__init__(list(url), app)
        self.shared = shared
