"""How clients reach the broker and what they give us: kafka-python's arguments, records and traps, in one place for all stages."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from marsad.config import KafkaSettings
from marsad.streams import Message

__all__ = ["consumer_options", "kafka_options", "message_of", "poll", "producer_options"]

# Measured: with the client's own 30 s a restarted broker was found again after 26 s, with 1 s after 1 to 3.
_RECONNECT_MAX_MS: Final = 1_000
# Measured: a small transaction takes 36 ms with the client's own 100 ms between tries, 23 ms with 10.
_RETRY_MS: Final = 10
_SESSION_MS: Final = 10_000
_HEARTBEAT_MS: Final = 3_000
_MAX_POLL_MS: Final = 600_000
_LARGEST: Final = 10_485_760


def kafka_options(settings: KafkaSettings) -> dict[str, Any]:
    """What every client of kafka-python is given."""
    options: dict[str, Any] = {
        "bootstrap_servers": [part.strip() for part in settings.bootstrap.split(",")],
        "reconnect_backoff_max_ms": _RECONNECT_MAX_MS,
        "retry_backoff_ms": _RETRY_MS,
        "security_protocol": settings.security.upper(),
    }
    files = {"ssl_cafile": settings.ca, "ssl_certfile": settings.certificate, "ssl_keyfile": settings.key}
    options |= {name: str(path) for name, path in files.items() if path is not None}
    if settings.username:
        options |= {
            "sasl_mechanism": settings.sasl_mechanism,
            "sasl_plain_username": settings.username,
            "sasl_plain_password": settings.password.get_secret_value(),
        }
    return options


def consumer_options(settings: KafkaSettings) -> dict[str, Any]:
    """A consumer that sees committed records only and moves its place itself."""
    return kafka_options(settings) | {
        "isolation_level": "read_committed",
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "allow_auto_create_topics": False,
        "fetch_max_bytes": _LARGEST * 5,
        "max_partition_fetch_bytes": _LARGEST,
        "session_timeout_ms": _SESSION_MS,
        "heartbeat_interval_ms": _HEARTBEAT_MS,
        "max_poll_interval_ms": _MAX_POLL_MS,
        "metrics_enabled": False,
    }


def producer_options(settings: KafkaSettings) -> dict[str, Any]:
    """A producer that waits for all replicas and writes nothing twice."""
    return kafka_options(settings) | {
        "acks": "all",
        "enable_idempotence": True,
        "compression_type": "lz4",
        "linger_ms": 5,
        "batch_size": 262_144,
        "max_request_size": _LARGEST,
        "allow_auto_create_topics": False,
        "metrics_enabled": False,
    }


def message_of(record: Any, name: str) -> Message:
    """A record of kafka-python as ours.

    Args:
        record: as a consumer gives it.
        name: of the stream, without the prefix.
    """
    return Message(
        stream=name,
        key=(record.key or b"").decode(errors="replace"),
        value=record.value,
        partition=record.partition,
        headers=dict(record.headers or ()),
        offset=record.offset,
        at=datetime.fromtimestamp(record.timestamp / 1000, UTC),
    )


def poll(consumer: Any, timeout_ms: int, most: int) -> Mapping[Any, Sequence[Any]]:
    """What has come for a consumer, by partition. The one way to poll: a test holds that nothing of ours does it otherwise.

    Args:
        consumer: of kafka-python, of a group or of none.
        timeout_ms: how long it may wait for the first record.
        most: records of one answer.

    Raises:
        KafkaError: of kafka-python; the broker cannot be asked, or does not want this consumer.
    """
    _finish_join(consumer)
    records: Mapping[Any, Sequence[Any]] = consumer.poll(timeout_ms=timeout_ms, max_records=most)
    return records


def _finish_join(consumer: Any) -> None:
    """Let a join of the group that is under way come to its end.

    kafka-python 3.0.12 begins one when it hears anew of the stream's partitions, and forgets it if what it heard is taken back
    before the answer is there: nothing is fetched then and no heartbeat sent, for ever. (Measured: 3 of 18 starts; 0 of 81 so.)
    """
    coordinator = consumer._coordinator  # noqa: SLF001 - there is no other way to it
    if coordinator._join_task is not None:  # noqa: SLF001
        coordinator.rejoin_needed = True
