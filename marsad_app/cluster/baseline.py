"""The loop that anybody would write to send messages: what benches hold ours against."""

from collections.abc import Iterable

from kafka import KafkaProducer

from marsad.config import KafkaSettings
from marsad.connect import producer_options
from marsad.streams import partition_of, topic_name

__all__ = ["BareSender"]


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
