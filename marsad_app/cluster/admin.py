"""The streams on the broker: what they should be, where they differ, and how that is mended."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Literal

import msgspec
from kafka import KafkaAdminClient
from kafka import errors as kafka_errors
from kafka.admin import ConfigResource, ConfigResourceType

from marsad.config import KafkaSettings
from marsad.connect import kafka_options
from marsad.errors import ConfigError, StoreError, said
from marsad.streams import STREAMS, Stream, topic_name

__all__ = ["Actual", "Difference", "broker_streams", "create_streams", "mend", "plan", "unknown", "wanted_config"]

_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 24 * _HOUR_MS
_BOOTSTRAP_MS: Final = 8_000
_REQUEST_MS: Final = 15_000
# From so many copies on, two must have a message before its writer is told that it is there.
_SAFE_COPIES: Final = 3

Kind = Literal["missing", "partitions", "replication", "setting", "template"]


class Actual(msgspec.Struct, frozen=True, kw_only=True):
    """A stream as the broker has it."""

    partitions: int
    replication: int
    config: dict[str, str]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Where something is not as the settings want it.

    Attributes:
        where: the stream's topic, or the index template.
        kind: ``missing``, ``partitions``, ``replication``, ``setting`` or ``template``.
        what: which setting; else the kind.
        found: how it is; empty where it is missing.
        wanted: how it should be.
        mendable: whether ``mend`` can.
        advice: what to do where it cannot.
    """

    where: str
    kind: Kind
    what: str
    found: str
    wanted: str
    mendable: bool = True
    advice: str = ""


def wanted_config(wanted: Stream, replication: int = 1) -> Mapping[str, str]:
    """The settings of the stream's Kafka topic.

    Only segments that are closed are compacted or deleted, and by default one is closed after a week or a gigabyte: most of our
    streams would never get there. So those that are compacted close one every six hours or 64 MB, and are cleaned once a fifth
    is out of date, which bounds what an owner reads at its start. A tombstone stays for a week, longer than any reader with a
    memory of its own is away. Streams that are both state and work (compacted, and deleted after a time) are left whole for
    three days: a stage that is behind must see each article as it was first, and not only as it is now.

    Args:
        wanted: the stream.
        replication: copies of each.
    """
    policy = ["compact"] if wanted.compacted else []
    if wanted.keep_days:
        policy.append("delete")
    config = {
        "cleanup.policy": ",".join(policy) or "delete",
        "retention.ms": str(wanted.keep_days * _DAY_MS) if wanted.keep_days else "-1",
        "max.message.bytes": str(wanted.max_bytes),
        "min.insync.replicas": "2" if replication >= _SAFE_COPIES else "1",
        "segment.ms": str(6 * _HOUR_MS if wanted.compacted else _DAY_MS),
    }
    if wanted.compacted:
        config |= {
            "segment.bytes": str(64 * 1024 * 1024),
            "min.cleanable.dirty.ratio": "0.2",
            "delete.retention.ms": str(7 * _DAY_MS),
            "min.compaction.lag.ms": str(3 * _DAY_MS if wanted.keep_days else 0),
        }
    return config


def plan(actual: Mapping[str, Actual], settings: KafkaSettings) -> list[Difference]:
    """Where the broker's streams differ from those of the settings, in the streams' order.

    Args:
        actual: the broker's streams by topic.
        settings: prefix, partitions and copies.
    """
    found: list[Difference] = []
    for wanted in STREAMS:
        name = topic_name(settings.prefix, wanted.name)
        there = actual.get(name)
        if there is None:
            found.append(Difference(where=name, kind="missing", what="missing", found="", wanted="a stream"))
        else:
            found += _drift(name, wanted, there, settings)
    return found


def _drift(name: str, wanted: Stream, there: Actual, settings: KafkaSettings) -> Iterator[Difference]:
    partitions = wanted.partitions or settings.partitions
    if there.partitions != partitions:
        yield Difference(
            where=name,
            kind="partitions",
            what="partitions",
            found=str(there.partitions),
            wanted=str(partitions),
            mendable=False,
            advice=_partition_advice(wanted, there.partitions),
        )
    if there.replication != settings.replication:
        yield Difference(
            where=name,
            kind="replication",
            what="replication",
            found=str(there.replication),
            wanted=str(settings.replication),
            mendable=False,
            advice=f"set kafka.replication to {there.replication}, or move the copies with Kafka's"
            " kafka-reassign-partitions.sh",
        )
    for what, value in wanted_config(wanted, settings.replication).items():
        is_now = there.config.get(what, "")
        if _words(is_now) != _words(value):
            yield Difference(where=name, kind="setting", what=what, found=is_now, wanted=value)


def _partition_advice(wanted: Stream, there: int) -> str:
    if wanted.partitions:
        return (
            "it must have this number: stop `marsad process`, wait until `marsad cluster lag` shows that group has taken"
            " all, delete the stream, and run `marsad cluster init`"
        )
    return (
        f"set kafka.partitions to {there}: what is written lies where the old number put it; for another number set a new"
        " kafka.prefix, run `marsad cluster init`, and add the feeds and subscriptions there"
    )


def _words(value: str) -> list[str]:
    return sorted(part.strip() for part in value.split(","))


def unknown(actual: Mapping[str, Actual], settings: KafkaSettings) -> list[str]:
    """Topics under the prefix that are no stream of ours: of an older or newer version, or of somebody else."""
    ours = {topic_name(settings.prefix, wanted.name) for wanted in STREAMS}
    return sorted(name for name in actual if name.startswith(f"{settings.prefix}.") and name not in ours)


def broker_streams(settings: KafkaSettings) -> dict[str, Actual]:
    """The topics under the prefix as the broker has them.

    Raises:
        StoreError: the broker cannot be reached or refuses; the sentence names ``kafka.bootstrap``.
    """
    with _admin(settings) as admin:
        names = sorted(name for name in admin.list_topics() if name.startswith(f"{settings.prefix}."))
        if not names:
            return {}
        asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
        configs = admin.describe_configs(asked, config_filter="all")["topic"]
        return {
            topic["name"]: Actual(
                partitions=len(topic["partitions"]),
                replication=min((len(row["replica_nodes"]) for row in topic["partitions"]), default=0),
                config={key: str(told["value"]) for key, told in configs[topic["name"]].items()},
            )
            for topic in admin.describe_topics(names)
            if not topic["error_code"]
        }


def mend(
    settings: KafkaSettings, differences: Sequence[Difference], told: Callable[[Difference], None] = lambda _: None
) -> list[Difference]:
    """Make what is missing and set what differs; those that were mended.

    Args:
        settings: the broker.
        differences: of ``plan``; those that cannot be mended, or are no stream's, are passed over.
        told: called for each that was mended.

    Raises:
        ConfigError: the broker cannot make a stream as the settings want it.
        StoreError: the broker cannot be reached or refuses.
    """
    wanted = [found for found in differences if found.mendable and found.kind in {"missing", "setting"}]
    if not wanted:
        return []
    by_name = {topic_name(settings.prefix, known.name): known for known in STREAMS}
    with _admin(settings) as admin:
        for found in wanted:
            if found.kind == "missing":
                _create(admin, settings, by_name[found.where])
            else:
                change = ConfigResource(ConfigResourceType.TOPIC, found.where, configs={found.what: found.wanted})
                admin.alter_configs([change])
            told(found)
    return wanted


def create_streams(settings: KafkaSettings) -> list[str]:
    """Create the streams that are not there; their topics.

    Raises:
        ConfigError: the broker cannot make a stream as the settings want it.
        StoreError: the broker cannot be reached or refuses.
    """
    missing = [found for found in plan(broker_streams(settings), settings) if found.kind == "missing"]
    return [found.where for found in mend(settings, missing)]


def _create(admin: KafkaAdminClient, settings: KafkaSettings, wanted: Stream) -> None:
    name = topic_name(settings.prefix, wanted.name)
    made = {
        "num_partitions": wanted.partitions or settings.partitions,
        "replication_factor": settings.replication,
        "configs": dict(wanted_config(wanted, settings.replication)),
    }
    try:
        admin.create_topics({name: made}, wait_for_metadata=True)
    except kafka_errors.TopicAlreadyExistsError:
        return
    except kafka_errors.KafkaTimeoutError:
        # Made, and not yet seen by all on a broker with much to do; or not made: then this says why.
        with contextlib.suppress(kafka_errors.TopicAlreadyExistsError):
            admin.create_topics({name: made})
    except kafka_errors.InvalidReplicationFactorError as error:
        raise ConfigError(
            f"kafka.replication is {settings.replication}, but there are fewer brokers; set it to their number at most"
        ) from error


@contextlib.contextmanager
def _admin(settings: KafkaSettings) -> Iterator[KafkaAdminClient]:
    """A client of the broker, whose errors become one sentence."""
    options = kafka_options(settings) | {"bootstrap_timeout_ms": _BOOTSTRAP_MS, "request_timeout_ms": _REQUEST_MS}
    try:
        admin = KafkaAdminClient(**options)
    except (kafka_errors.KafkaError, OSError, ValueError) as error:
        raise StoreError(
            f"no Kafka broker answers at kafka.bootstrap ({settings.bootstrap}): {said(error)}; is it running, and are"
            " the address and kafka.security right?"
        ) from error
    try:
        yield admin
    except kafka_errors.KafkaError as error:
        raise StoreError(f"the broker at kafka.bootstrap ({settings.bootstrap}) refuses: {said(error)}") from error
    finally:
        with contextlib.suppress(kafka_errors.KafkaError):
            admin.close()
