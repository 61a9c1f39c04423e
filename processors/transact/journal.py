"""One owner's transactions for one partition."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from kafka import KafkaProducer, TopicPartition
from kafka import errors as kafka_errors
from kafka.structs import OffsetAndMetadata

from marsad.config import KafkaSettings
from marsad.connect import producer_options
from marsad.errors import FencedError, TransientError, said
from marsad.streams import Message, partition_of, stream, topic_name
from processors.transact.reading import read_stream

__all__ = ["TransactionalJournal"]

_FENCED: Final = (
    kafka_errors.ProducerFencedError,
    kafka_errors.InvalidProducerEpochError,
    kafka_errors.FencedInstanceIdError,
    kafka_errors.IllegalGenerationError,
    kafka_errors.UnknownMemberIdError,
    kafka_errors.RebalanceInProgressError,
    kafka_errors.TransactionCoordinatorFencedError,
)
_TRANSACTION_MS: Final = 60_000
_DELIVERY_MS: Final = 45_000
_SEND_S: Final = 60.0
_CLOSE_S: Final = 2.0


class TransactionalJournal:
    """The journal of one stage for one partition.

    Args:
        settings: the broker.
        stage: part of the transactional id.
        source: the stream whose partition it is.
        partition: which one.
        group: gives the consumer's membership, for the commit of its place.
    """

    def __init__(
        self, settings: KafkaSettings, stage: str, source: str, partition: int, group: Callable[[], Any] | None = None
    ) -> None:
        self._settings = settings
        self._topic = TopicPartition(topic_name(settings.prefix, source), partition)
        self._partition = partition
        self._group = group
        self._producer = KafkaProducer(
            **producer_options(settings),
            transactional_id=f"{settings.prefix}.{stage}.{partition}",
            transaction_timeout_ms=_TRANSACTION_MS,
            delivery_timeout_ms=_DELIVERY_MS,
        )
        try:
            self._producer.init_transactions()
        except kafka_errors.KafkaError as error:
            self.close()
            raise TransientError(f"no transaction for {stage} {partition}: {said(error)}") from error

    @property
    def partition(self) -> int:
        """Which one."""
        return self._partition

    def commit(self, messages: Sequence[Message], *, upto: int | None = None) -> Sequence[int]:
        """Write all messages and the place in the input, both or neither.

        Raises:
            FencedError: another process owns the partition now.
            TransientError: unknown whether it was written.
        """
        try:
            self._producer.begin_transaction()
            sent = [self._send(message) for message in messages]
            if upto is not None and self._group is not None:
                place = {self._topic: OffsetAndMetadata(upto, "", -1)}
                self._producer.send_offsets_to_transaction(place, self._group())
            # What is full or has lingered goes by itself; this sends the rest at once.
            self._producer.flush(timeout=_SEND_S)
            offsets = [future.get(timeout=_SEND_S).offset for future in sent]
            self._producer.commit_transaction()
        except kafka_errors.KafkaError as error:
            self._abort()
            if _is_fenced(error):
                raise FencedError(f"another process owns partition {self._topic}: {said(error)}") from error
            raise TransientError(f"transaction failed: {said(error)}") from error
        return offsets

    def _send(self, message: Message) -> Any:
        partition = message.partition
        if partition is None:
            partition = partition_of(message.key, stream(message.stream).partitions or self._settings.partitions)
        return self._producer.send(
            topic_name(self._settings.prefix, message.stream),
            key=message.key.encode(),
            value=message.value,
            partition=partition,
            headers=list(message.headers.items()),
        )

    def _abort(self) -> None:
        with contextlib.suppress(kafka_errors.KafkaError, RuntimeError):
            self._producer.abort_transaction()

    def read(self, name: str, partition: int | None = None, *, start: int = 0) -> Iterator[Message]:
        """What is committed in a stream, from an offset to its present end."""
        return read_stream(self._settings, name, partition, start=start)

    def close(self) -> None:
        """Close the producer; an open transaction ends with the next owner."""
        with contextlib.suppress(kafka_errors.KafkaError):
            self._producer.close(timeout=_CLOSE_S)


def _is_fenced(error: kafka_errors.KafkaError) -> bool:
    """Whether the broker refused because of a later owner; the client wraps that in a plain error for what was sent after it."""
    return isinstance(error, _FENCED) or any(isinstance(part, _FENCED) for part in (*error.args, error.__cause__))
