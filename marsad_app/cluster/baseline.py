"""The loop that anybody would write to send messages, and streams to try it on: what benches hold ours against."""

import contextlib
import secrets
from collections.abc import Iterable, Iterator
from typing import Any

from kafka import KafkaAdminClient, KafkaProducer

from marsad.config import KafkaSettings
from marsad.connect import kafka_options, producer_options
from marsad.records import encode
from marsad.streams import STREAMS, partition_of, topic_name
from marsad_app.cluster.admin import create_streams

__all__ = ["BareSender", "passing_streams"]


class BareSender:
    """``KafkaProducer.send`` in a loop: no transactions, nothing remembered, no thought for size.

    Args:
        settings: the broker.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._producer = KafkaProducer(**producer_options(settings))
        self._prefix = settings.prefix
        self._partitions = settings.partitions

    def send(self, records: Iterable[tuple[str, str, Any]]) -> None:
        """Encode and send records, each with its stream and key, and wait until all are there."""
        for stream, key, record in records:
            self._producer.send(
                topic_name(self._prefix, stream),
                key=key.encode(),
                value=encode(record),
                partition=partition_of(key, self._partitions),
            )
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
