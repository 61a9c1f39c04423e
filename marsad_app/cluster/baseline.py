"""The loop that anybody would write to send messages, and streams to try it on: what benches hold ours against."""

import contextlib
import secrets
from collections.abc import Iterable, Iterator

from kafka import KafkaAdminClient, KafkaProducer

from marsad.config import KafkaSettings
from marsad.connect import kafka_options, producer_options
from marsad.streams import STREAMS, partition_of, topic_name
from marsad_app.cluster.admin import create_streams

__all__ = ["BareSender", "passing_streams"]


class BareSender:
    """``KafkaProducer.send`` in a loop: no transactions, no state, no thought for size.

    Args:
        settings: the broker.
        stream: where to; it has ``kafka.partitions`` partitions.
    """

    def __init__(self, settings: KafkaSettings, stream: str) -> None:
        self._producer = KafkaProducer(**producer_options(settings))
        self._topic = topic_name(settings.prefix, stream)
        self._partitions = settings.partitions

    def send(self, messages: Iterable[tuple[str, bytes]]) -> None:
        """Send keys and values, and wait until all are there."""
        for key, value in messages:
            partition = partition_of(key, self._partitions)
            self._producer.send(self._topic, key=key.encode(), value=value, partition=partition)
        self._producer.flush()

    def close(self) -> None:
        """Close the producer."""
        self._producer.close()


@contextlib.contextmanager
def passing_streams(settings: KafkaSettings) -> Iterator[KafkaSettings]:
    """All streams under a new prefix; they are deleted at the end."""
    fresh = settings.model_copy(update={"prefix": f"bench{secrets.token_hex(4)}"})
    create_streams(fresh)
    try:
        yield fresh
    finally:
        admin = KafkaAdminClient(**kafka_options(settings))
        try:
            admin.delete_topics([topic_name(fresh.prefix, stream.name) for stream in STREAMS])
        finally:
            admin.close()
