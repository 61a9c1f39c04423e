"""Reads a stream from some place to its present end, committed records only."""

from collections.abc import Iterator
from datetime import datetime

from kafka import KafkaConsumer, TopicPartition
from kafka import errors as kafka_errors

from marsad.config import KafkaSettings
from marsad.connect import consumer_options, message_of, poll
from marsad.errors import TransientError, said
from marsad.streams import Message, topic_name

__all__ = ["read_stream"]


def read_stream(
    settings: KafkaSettings, name: str, partition: int | None = None, *, start: int = 0, since: datetime | None = None
) -> Iterator[Message]:
    """What is committed in a stream up to its present end; one partition after the other.

    Args:
        settings: the broker.
        name: the stream.
        partition: one of them; None for all.
        start: first offset.
        since: first instant at which a message was written; overrides ``start``.

    Raises:
        TransientError: the broker cannot be asked.
    """
    topic = topic_name(settings.prefix, name)
    try:
        consumer = KafkaConsumer(**consumer_options(settings))
    except kafka_errors.KafkaError as error:
        raise TransientError(f"no broker at {settings.bootstrap}: {said(error)}") from error
    try:
        found = sorted(consumer.partitions_for_topic(topic) or ()) if partition is None else [partition]
        for number in found:
            yield from _read_partition(consumer, TopicPartition(topic, number), name, start, since)
    except kafka_errors.KafkaError as error:
        raise TransientError(f"{topic} cannot be read: {said(error)}") from error
    finally:
        consumer.close()


def _read_partition(
    consumer: KafkaConsumer, place: TopicPartition, name: str, start: int, since: datetime | None
) -> Iterator[Message]:
    consumer.assign([place])
    end = consumer.end_offsets([place])[place]
    first = max(start, consumer.beginning_offsets([place])[place])
    if since is not None:
        later = consumer.offsets_for_times({place: int(since.timestamp() * 1000)})[place]
        first = end if later is None else later.offset
    consumer.seek(place, first)
    while consumer.position(place) < end:
        for record in poll(consumer, 500, 2_000).get(place, ()):
            if record.offset >= end:
                return
            yield message_of(record, name)
