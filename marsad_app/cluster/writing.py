"""Writes single messages to the streams, each durable on all replicas when the call returns, and none of them twice."""

import contextlib
import threading
from collections.abc import Sequence
from typing import Any, Final

from kafka import KafkaProducer
from kafka import errors as kafka_errors

from marsad.config import KafkaSettings
from marsad.connect import producer_options
from marsad.errors import StoreError
from marsad.streams import Message, partition_of, stream, topic_name
from marsad_app.cluster.reading import answered
from marsad_app.cluster.view import Place

__all__ = ["StreamWriter", "placed"]

# Somebody waits for the answer: what could not be written by then is not written later either.
_PATIENCE: Final = {
    "bootstrap_timeout_ms": 8_000,
    "max_block_ms": 8_000,
    "request_timeout_ms": 8_000,
    "delivery_timeout_ms": 15_000,
    "linger_ms": 0,
}
_ANSWER_S: Final = 20.0
_CLOSE_S: Final = 2.0


class StreamWriter:
    """A producer that is opened when first needed. Safe to use from several threads.

    Args:
        settings: the broker.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._producer: KafkaProducer | None = None

    def write(self, messages: Sequence[Message]) -> list[tuple[Place, int]]:
        """Write the messages; where each one is.

        Raises:
            StoreError: the broker does not answer, or refuses one of them; earlier ones may be written.
        """
        with answered(self._settings):
            producer = self._opened()
            sent = [(message, self._send(producer, message)) for message in messages]
            done = [(message.stream, self._taken(future)) for message, future in sent]
        return [((name, metadata.partition), metadata.offset) for name, metadata in done]

    def _opened(self) -> KafkaProducer:
        with self._lock:
            if self._producer is None:
                self._producer = KafkaProducer(**producer_options(self._settings) | _PATIENCE)
            return self._producer

    def _taken(self, future: Any) -> Any:
        try:
            return future.get(timeout=_ANSWER_S)
        except kafka_errors.KafkaTimeoutError as error:
            raise StoreError(
                f"the broker at {self._settings.bootstrap} (kafka.bootstrap) did not confirm the change in time:"
                " look whether it was made, and make it again if not"
            ) from error

    def _send(self, producer: KafkaProducer, message: Message) -> Any:
        return producer.send(
            topic_name(self._settings.prefix, message.stream),
            key=message.key.encode(),
            value=message.value,
            partition=placed(self._settings, message),
            headers=list(message.headers.items()),
        )

    def close(self) -> None:
        """Let go of the connection."""
        with self._lock, contextlib.suppress(kafka_errors.KafkaError):
            if self._producer is not None:
                self._producer.close(timeout=_CLOSE_S)


def placed(settings: KafkaSettings, message: Message) -> int:
    """The partition that the message names, or else its key's."""
    if message.partition is not None:
        return message.partition
    return partition_of(message.key, stream(message.stream).partitions or settings.partitions)
