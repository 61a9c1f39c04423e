"""The partitions that a process owns, and the loop over them."""

import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import structlog
from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition
from kafka import errors as kafka_errors

from marsad.config import KafkaSettings
from marsad.connect import consumer_options, message_of, poll
from marsad.errors import FencedError, TransientError, said
from marsad.ports import Journal
from marsad.progress import Progress
from marsad.streams import Message, topic_name
from processors.transact.journal import TransactionalJournal

__all__ = ["Handler", "Shards"]

_log = structlog.get_logger(__name__)
_POLL_MS: Final = 100
_FIRST_WAIT_S: Final = 0.5
_LONGEST_WAIT_S: Final = 15.0


class Handler(Protocol):
    """What a stage does with one partition that is its own."""

    def take(self, batch: Sequence[Message]) -> None:
        """Work through messages of the input, in order, and commit through the journal.

        Any error closes the handler; a new one, its state read anew, is given what was not committed.
        """
        ...

    def tick(self) -> int:
        """Do what time has brought, if anything; called many times a second. How much was done."""
        ...

    def close(self) -> None:
        """Let go; what is not committed is undone."""
        ...


class _Shard:
    """A partition that is ours: open, or to be opened again after a pause."""

    def __init__(self) -> None:
        self.handler: Handler | None = None
        self.journal: TransactionalJournal | None = None
        self.again_at = 0.0
        self.pause = _FIRST_WAIT_S

    def close(self) -> None:
        if self.handler is not None:
            self.handler.close()
        if self.journal is not None:
            self.journal.close()
        self.handler = self.journal = None


class Shards:
    """The partitions of a stream that the consumer group gives this process, each with a handler. Used by one thread.

    Args:
        settings: the broker.
        stage: name of the consumer group and part of the transactional ids.
        source: the stream.
        open_handler: makes the handler of a partition that has just become ours; reads its state through the journal.
        instance: name of this worker in the group, the same after a restart.
        progress: told of every move.
        consume: False where the partitions stand for shards of work and their records are not wanted.
        most: messages in one batch.
        may_take: False while the stage behind is too far behind.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        stage: str,
        source: str,
        open_handler: Callable[[Journal], Handler],
        *,
        instance: str,
        progress: Progress,
        consume: bool = True,
        most: int = 500,
        may_take: Callable[[], bool] = lambda: True,
    ) -> None:
        self._settings = settings
        self._stage = stage
        self._source = source
        self._open_handler = open_handler
        self._progress = progress
        self._consume = consume
        self._most = most
        self._may_take = may_take
        self._shards: dict[TopicPartition, _Shard] = {}
        self._consumer = KafkaConsumer(
            **consumer_options(settings),
            group_id=f"{settings.prefix}.{stage}",
            group_instance_id=instance,
            client_id=instance,
        )
        topic = topic_name(settings.prefix, source)
        # Before the group is joined: a leader that does not know the partitions yet hands out none, and may leave it at that
        # (1 of 12 starts stayed without work; none of 52 since).
        if not self._consumer.partitions_for_topic(topic):
            self._consumer.close()
            raise TransientError(f"there is no stream {topic}; `marsad cluster init` makes it")
        self._consumer.subscribe([topic], listener=_Told(stage))

    def step(self) -> int:
        """One round: take over and let go of partitions, take what has come, do what is due. How much was done.

        Raises:
            FencedError: another process goes by this one's instance name.
            TransientError: the broker cannot be asked.
        """
        # What comes for a partition before it is open is passed over: opening goes back to its committed place.
        open_before = {place for place, shard in self._shards.items() if shard.handler is not None}
        try:
            records = poll(self._consumer, _POLL_MS, self._most)
            self._follow_assignment()
        except kafka_errors.FencedInstanceIdError as error:
            raise FencedError(
                f"another process is the worker {self._consumer.config['group_instance_id']}; set kafka.instance"
            ) from error
        except kafka_errors.KafkaError as error:
            raise TransientError(f"no answer from the broker: {said(error)}") from error
        done = 0
        for place in records.keys() & open_before:
            batch = records[place]
            done += self._take(place, [message_of(record, self._source) for record in batch])
        for place, shard in list(self._shards.items()):
            done += self._tick(place, shard)
        self._hear()
        return done

    def _follow_assignment(self) -> None:
        ours = self._consumer.assignment()
        for place in self._shards.keys() - ours:
            self._shards.pop(place).close()
            self._progress.closed(self._source, place.partition)
            _log.info("partition let go", stage=self._stage, partition=place.partition)
        for place in ours:
            shard = self._shards.setdefault(place, _Shard())
            if shard.handler is None and time.monotonic() >= shard.again_at:
                self._open(place, shard)
        shut = [place for place in ours if self._shards[place].handler is None]
        asleep = ours if not self._consume or not self._may_take() else set(shut)
        self._consumer.pause(*(asleep - self._consumer.paused()))
        self._consumer.resume(*(self._consumer.paused() - asleep))

    def _open(self, place: TopicPartition, shard: _Shard) -> None:
        began = time.monotonic()
        try:
            shard.journal = TransactionalJournal(
                self._settings, self._stage, self._source, place.partition, self._consumer.group_metadata
            )
            # Only now: until the earlier owner was fenced its last commit could still move it.
            place_kept = self._consumer.committed(place)
            start = self._consumer.beginning_offsets([place])[place]
            offset = start if place_kept is None else max(start, int(place_kept))
            if self._consume:
                self._consumer.seek(place, offset)
            shard.handler = self._open_handler(shard.journal)
        except (TransientError, kafka_errors.KafkaError) as error:
            self._shut(place, shard, str(error) or type(error).__name__)
            return
        shard.pause = _FIRST_WAIT_S
        if self._consume:
            self._progress.opened(self._source, place.partition, offset, time.monotonic())
        self._progress.waits(self._waits_for(place))
        _log.info(
            "partition taken over",
            stage=self._stage,
            partition=place.partition,
            seconds=round(time.monotonic() - began, 2),
        )

    def _take(self, place: TopicPartition, batch: list[Message]) -> int:
        shard = self._shards.get(place)
        if shard is None or shard.handler is None:
            return 0
        try:
            shard.handler.take(batch)
        except Exception as error:  # noqa: BLE001 - whatever it was, the state is read anew and the batch taken again
            self._failed(place, shard, error)
            return 0
        self._progress.taken(self._source, place.partition, [message.offset for message in batch], time.monotonic())
        return len(batch)

    def _tick(self, place: TopicPartition, shard: _Shard) -> int:
        if shard.handler is None:
            return 0
        try:
            return shard.handler.tick()
        except Exception as error:  # noqa: BLE001 - as above
            self._failed(place, shard, error)
            return 0

    def _failed(self, place: TopicPartition, shard: _Shard, error: Exception) -> None:
        if isinstance(error, FencedError | TransientError):
            self._shut(place, shard, str(error))
        else:
            _log.exception("stage failed on a batch", stage=self._stage, partition=place.partition)
            self._shut(place, shard, f"{type(error).__name__}: {error}")

    def _shut(self, place: TopicPartition, shard: _Shard, why: str) -> None:
        _log.warning("partition closed", stage=self._stage, partition=place.partition, why=why, again_in=shard.pause)
        self._progress.waits(self._waits_for(place), why)
        shard.close()
        shard.again_at = time.monotonic() + shard.pause
        shard.pause = min(shard.pause * 2, _LONGEST_WAIT_S)

    def _waits_for(self, place: TopicPartition) -> str:
        return f"{self._source} partition {place.partition}"

    def _hear(self) -> None:
        """Note how far the partitions reach."""
        for place, shard in self._shards.items():
            if self._consume and shard.handler is not None:
                end = self._consumer.highwater(place)
                if end is not None:
                    position = self._consumer.position(place, timeout_ms=_POLL_MS)
                    self._progress.heard(self._source, place.partition, end, position=position)

    def close(self) -> None:
        """Let go of everything."""
        for shard in self._shards.values():
            shard.close()
        self._shards.clear()
        with contextlib.suppress(kafka_errors.KafkaError):
            self._consumer.close()


class _Told(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python has no types
    """Logs rebalances; what follows from them is done from the assignment itself."""

    def __init__(self, stage: str) -> None:
        self._stage = stage

    def on_partitions_revoked(self, revoked: Any) -> None:
        _log.debug("rebalance", stage=self._stage, had=sorted(place.partition for place in revoked))

    def on_partitions_assigned(self, assigned: Any) -> None:
        _log.info("rebalanced", stage=self._stage, partitions=sorted(place.partition for place in assigned))
