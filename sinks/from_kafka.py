"""Reads a stream for sinks whose work can be repeated: in batches, as part of a consumer group, committed once it is durable.

A partition belongs to this process from an assignment to the next one: its *tenure*. What was handed out in a tenure that is
over is not committed any more; whoever has the partition then is given it again.
"""

import contextlib
import threading
import time
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
import structlog
from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition
from kafka import errors as kafka_errors
from kafka.structs import OffsetAndMetadata

from marsad.config import KafkaSettings
from marsad.connect import consumer_options, message_of, poll
from marsad.errors import FencedError, TransientError, said
from marsad.progress import Progress
from marsad.streams import Message, topic_name

__all__ = ["Batch", "GroupReader"]

_log = structlog.get_logger(__name__)
_TENURE_OVER: Final = (
    kafka_errors.CommitFailedError,
    kafka_errors.IllegalGenerationError,
    kafka_errors.RebalanceInProgressError,
    kafka_errors.UnknownMemberIdError,
)
_BOOTSTRAP_MS: Final = 10_000
_ASK_MS: Final = 3_000
_POSITION_MS: Final = 100
_CLOSE_MS: Final = 2_000


class Batch(msgspec.Struct, frozen=True):
    """Messages of one partition that were read together.

    Attributes:
        messages: in their order, at least one.
        partition: whose they are.
        tenure: the number of the tenure in which they were read.
    """

    messages: Sequence[Message]
    partition: int
    tenure: int


class GroupReader:
    """A member of a consumer group. For one thread: the client cannot be used from several.

    Args:
        settings: the broker.
        stage: name of the consumer group.
        source: the stream.
        instance: name of this worker in the group, the same after a restart.
        progress: told which partitions it has and how far they are done.
        most: messages that are handed out at once.

    Raises:
        TransientError: no broker answers, or the stream is not there.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        stage: str,
        source: str,
        *,
        instance: str,
        progress: Progress,
        most: int = 500,
    ) -> None:
        self._topic = topic_name(settings.prefix, source)
        self._source = source
        self._instance = instance
        self._progress = progress
        self._most = most
        self._tenures: dict[int, int] = {}
        self._begun = 0
        self._out: dict[int, int] = {}
        self._told = _Told()
        try:
            self._consumer = KafkaConsumer(
                **consumer_options(settings),
                bootstrap_timeout_ms=_BOOTSTRAP_MS,
                group_id=f"{settings.prefix}.{stage}",
                group_instance_id=instance,
                client_id=instance,
            )
        except kafka_errors.KafkaError as error:
            raise TransientError(f"no broker at {settings.bootstrap}: {said(error)}") from error
        # Before the group is joined: a leader that does not know the partitions yet hands out none.
        if not self._consumer.partitions_for_topic(self._topic):
            self.close()
            raise TransientError(f"{self._topic} is not there; `marsad cluster init` makes it")
        self._consumer.subscribe([self._topic], listener=self._told)

    def take(self, wait: float, *, wanted: bool = True) -> Sequence[Batch]:
        """What has come. To be called often, also while nothing is wanted: it is what keeps the partitions ours.

        Args:
            wait: seconds that it may rest if there is nothing.
            wanted: False while the sink has its hands full.

        Raises:
            FencedError: another process goes by this one's instance name.
            TransientError: the broker cannot be asked.
        """
        before = dict(self._tenures)
        try:
            records = poll(self._consumer, int(wait * 1000), self._most)
        except kafka_errors.FencedInstanceIdError as error:
            raise FencedError(f"another process is the worker {self._instance}; set kafka.instance") from error
        except kafka_errors.KafkaError as error:
            # It is not known what the client has passed over: everything is read again from where it was committed.
            self._end(list(self._tenures))
            raise TransientError(f"no answer from the broker: {said(error)}") from error
        self._follow_assignment()
        self._sleep(wanted)
        # What came before a tenure began is passed over: its opening goes back to the committed place.
        still = {partition for partition, tenure in before.items() if self._tenures.get(partition) == tenure}
        batches = [
            Batch([message_of(record, self._source) for record in found], place.partition, before[place.partition])
            for place, found in records.items()
            if place.partition in still
        ]
        for batch in batches:
            self._out[batch.partition] += 1
        self._hear()
        return batches

    def commit(self, batches: Sequence[Batch]) -> Sequence[Batch]:
        """Everything up to the end of these batches is durable.

        Args:
            batches: those of one partition in the order in which they were taken, none left out.

        Returns:
            Those that are committed; the others belong to a tenure that is over, and are read again.

        Raises:
            FencedError: another process goes by this one's instance name.
            TransientError: it is not known whether the broker has noted it; to be tried again.
        """
        self._end(self._told.ended())
        ours = [batch for batch in batches if self._tenures.get(batch.partition) == batch.tenure]
        if not ours:
            return ours
        try:
            self._consumer.commit(
                {
                    TopicPartition(self._topic, batch.partition): OffsetAndMetadata(
                        batch.messages[-1].offset + 1, "", -1
                    )
                    for batch in ours
                },
                timeout_ms=_ASK_MS,
            )
        except kafka_errors.FencedInstanceIdError as error:
            raise FencedError(f"another process is the worker {self._instance}; set kafka.instance") from error
        except _TENURE_OVER as error:
            _log.info("place not committed: the partitions are given out anew", stream=self._source, why=said(error))
            self._end(list(self._tenures))
            return []
        except kafka_errors.KafkaError as error:
            raise TransientError(f"no answer from the broker: {said(error)}") from error
        now = time.monotonic()
        for batch in ours:
            self._out[batch.partition] -= 1
            self._progress.taken(self._source, batch.partition, [message.offset for message in batch.messages], now)
        return ours

    def close(self) -> None:
        """Leave what is not committed to the next one."""
        self._end(list(self._tenures))
        with contextlib.suppress(kafka_errors.KafkaError):
            self._consumer.close(timeout_ms=_CLOSE_MS)

    def _follow_assignment(self) -> None:
        ours = {place.partition: place for place in self._consumer.assignment()}
        self._end([*self._told.ended(), *(self._tenures.keys() - ours.keys())])
        for partition, place in ours.items():
            if partition not in self._tenures:
                self._open(place)

    def _open(self, place: TopicPartition) -> None:
        waited_for = f"{self._source} partition {place.partition}"
        try:
            kept = self._consumer.committed(place, timeout_ms=_ASK_MS)
            first = self._consumer.beginning_offsets([place], timeout_ms=_ASK_MS)[place]
            offset = first if kept is None else max(first, int(kept))
            self._consumer.seek(place, offset)
        except (kafka_errors.KafkaError, kafka_errors.IllegalStateError) as error:
            self._progress.waits(waited_for, said(error))
            return
        self._begun += 1
        self._tenures[place.partition] = self._begun
        self._out[place.partition] = 0
        self._progress.opened(self._source, place.partition, offset, time.monotonic())
        self._progress.waits(waited_for)
        _log.info("partition taken over", stream=self._source, partition=place.partition, offset=offset)

    def _end(self, partitions: Iterable[int]) -> None:
        for partition in partitions:
            if self._tenures.pop(partition, None) is not None:
                self._progress.closed(self._source, partition)
                _log.info("partition let go", stream=self._source, partition=partition)

    def _sleep(self, wanted: bool) -> None:
        ours = self._consumer.assignment()
        asleep = {place for place in ours if not wanted or place.partition not in self._tenures}
        self._consumer.pause(*(asleep - self._consumer.paused()))
        self._consumer.resume(*(self._consumer.paused() - asleep))

    def _hear(self) -> None:
        """Note how far the partitions reach; where nothing is outstanding also that only markers were passed over."""
        for partition in self._tenures:
            place = TopicPartition(self._topic, partition)
            with contextlib.suppress(kafka_errors.KafkaError, kafka_errors.IllegalStateError):
                end = self._consumer.highwater(place)
                if end is not None:
                    idle = self._out[partition] == 0
                    position = self._consumer.position(place, timeout_ms=_POSITION_MS) if idle else None
                    self._progress.heard(self._source, partition, end, position=position)


class _Told(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python has no types
    """Keeps in mind which partitions were given out anew. The client tells it from a thread of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ended: list[int] = []

    def on_partitions_revoked(self, revoked: Any) -> None:
        with self._lock:
            self._ended.extend(place.partition for place in revoked)

    def on_partitions_assigned(self, assigned: Any) -> None:
        """What is assigned begins at its committed place, also where it was ours before."""
        self.on_partitions_revoked(assigned)

    def ended(self) -> list[int]:
        """Partitions whose tenure is over."""
        with self._lock:
            ended, self._ended = self._ended, []
        return ended
