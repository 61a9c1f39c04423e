"""Creates the streams on the broker."""

from collections.abc import Mapping

from kafka import KafkaAdminClient
from kafka.admin import NewTopic
from kafka.errors import TopicAlreadyExistsError

from marsad.config import KafkaSettings
from marsad.connect import kafka_options
from marsad.streams import STREAMS, Stream, topic_name

__all__ = ["create_streams", "wanted_config"]

_DAY_MS = 86_400_000


def wanted_config(wanted: Stream) -> Mapping[str, str]:
    """The settings of the stream's Kafka topic."""
    policy = ["compact"] if wanted.compacted else []
    if wanted.keep_days:
        policy.append("delete")
    return {
        "cleanup.policy": ",".join(policy) or "delete",
        "retention.ms": str(wanted.keep_days * _DAY_MS) if wanted.keep_days else "-1",
        "max.message.bytes": str(wanted.max_bytes),
    }


def create_streams(settings: KafkaSettings) -> list[str]:
    """Create the streams that are not there; their names."""
    made = []
    admin = KafkaAdminClient(**kafka_options(settings))
    try:
        for wanted in STREAMS:
            name = topic_name(settings.prefix, wanted.name)
            topic = NewTopic(
                name,
                wanted.partitions or settings.partitions,
                settings.replication,
                topic_configs=dict(wanted_config(wanted)),
            )
            try:
                admin.create_topics([topic])
                made.append(name)
            except TopicAlreadyExistsError:
                continue
    finally:
        admin.close()
    return made
