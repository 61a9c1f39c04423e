"""The streams between the parts: value type, key, ONE writer, readers, retention.

In the cluster size each is a Kafka topic; in the embedded size a table. The flow is data, so that a test can prove it one-way.
"""

import zlib
from datetime import datetime
from typing import Literal

import msgspec

from marsad.records import (
    Alert,
    Article,
    Delivery,
    Entry,
    Feed,
    FeedState,
    Hit,
    HubNews,
    Owner,
    Quarantined,
    Subscription,
)
from marsad.records.ids import quarantine_id

__all__ = ["STREAMS", "Message", "Stage", "Stream", "partition_of", "refused", "stream", "topic_name"]

Stage = Literal["app", "producers", "agents", "group", "match", "index", "alerts", "web"]


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """One stream.

    ``keep_days`` of 0 keeps for ever; ``partitioned_by`` names what orders it where that is not the key; ``partitions`` of 0
    takes ``kafka.partitions``; ``max_bytes`` is the largest message.
    """

    name: str
    value: type[msgspec.Struct]
    key: str
    written_by: tuple[Stage, ...]
    read_by: tuple[Stage, ...]
    compacted: bool = False
    keep_days: int = 0
    partitioned_by: str = ""
    partitions: int = 0
    max_bytes: int = 1_048_576


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message of a stream: to be written, or read.

    Attributes:
        stream: the stream's name, such as ``entries.v1``.
        key: the record's key.
        value: the record's wire form; None is a tombstone, which removes the key from a compacted stream.
        partition: None takes the key's (``partition_of``).
        headers: what goes with the record without being part of it.
        offset: where it was read; -1 for one that is to be written.
        at: when it was written, UTC; None for one that is to be written.
    """

    stream: str
    key: str
    value: bytes | None
    partition: int | None = None
    headers: dict[str, bytes] = {}
    offset: int = -1
    at: datetime | None = None

    @property
    def place(self) -> str:
        """Where it was read."""
        return f"{self.stream} partition {self.partition} offset {self.offset}"


# The application writes there only to drop an item.
_EVERY_STAGE: tuple[Stage, ...] = ("producers", "agents", "group", "match", "index", "alerts")

STREAMS: tuple[Stream, ...] = (
    Stream(name="feeds.v1", value=Feed, key="id", written_by=("app",), read_by=("producers", "index"), compacted=True),
    Stream(
        name="feed-states.v1",
        value=FeedState,
        key="feed_id",
        partitioned_by="the site of the feed's address",
        max_bytes=4_194_304,
        written_by=("producers",),
        read_by=("producers", "index", "web"),
        compacted=True,
    ),
    # What is not read within the day has long been found by a poll.
    Stream(
        name="hub-news.v1",
        value=HubNews,
        key="feed_id",
        written_by=("app",),
        read_by=("producers",),
        keep_days=1,
        max_bytes=4_194_304,
    ),
    Stream(
        name="entries.v1",
        value=Entry,
        key="article_id",
        written_by=("producers",),
        read_by=("agents",),
        keep_days=30,
        max_bytes=8_388_608,
    ),
    # One partition: stories are decided in one order of all articles.
    Stream(
        name="tagged.v1",
        value=Article,
        key="article_id",
        written_by=("agents",),
        read_by=("group",),
        keep_days=3,
        partitions=1,
        max_bytes=4_194_304,
    ),
    Stream(
        name="articles.v1",
        value=Article,
        key="article_id",
        partitioned_by="story_id",
        written_by=("group",),
        read_by=("index", "match"),
        compacted=True,
        keep_days=30,
        max_bytes=8_388_608,
    ),
    Stream(
        name="subscriptions.v1",
        value=Subscription,
        key="id",
        written_by=("app", "alerts"),  # alerts: an outlet that was lost
        read_by=("match", "index", "alerts"),
        compacted=True,
    ),
    Stream(name="owners.v1", value=Owner, key="name", written_by=("app",), read_by=("web",), compacted=True),
    Stream(
        name="alerts.v1",
        value=Alert,
        key="alert_id",
        partitioned_by="story_id",
        written_by=("match", "producers", "alerts"),  # alerts: that an outlet was lost
        read_by=("index", "alerts", "web"),
        compacted=True,
        keep_days=90,
    ),
    # State of its readers, which rebuild it at start: the days that a spike is held against, and a day more.
    Stream(
        name="hits.v1",
        value=Hit,
        key="subscription_id",
        written_by=("match",),
        read_by=("match",),
        keep_days=17,
    ),
    Stream(
        name="deliveries.v1",
        value=Delivery,
        key="delivery_id",
        partitioned_by="story_id",
        written_by=("alerts",),
        read_by=("alerts", "web"),
        compacted=True,
        keep_days=90,
    ),
    Stream(
        name="quarantine.v1",
        value=Quarantined,
        key="id",
        written_by=(*_EVERY_STAGE, "app"),
        read_by=("app", "web"),
        compacted=True,
        keep_days=30,
        max_bytes=9_437_184,
    ),
)


def stream(name: str) -> Stream:
    """The stream of that name, such as ``entries.v1``.

    Raises:
        KeyError: there is none.
    """
    for candidate in STREAMS:
        if candidate.name == name:
            return candidate
    raise KeyError(name)


def topic_name(prefix: str, name: str) -> str:
    """The Kafka topic of a stream, such as ``marsad.entries.v1``."""
    return f"{prefix}.{name}"


def partition_of(key: str, partitions: int) -> int:
    """The partition of a key: CRC-32 of its UTF-8, modulo. The same in every writer and every version."""
    return zlib.crc32(key.encode()) % partitions


def refused(message: Message, stage: str, reason: str, at: datetime, *, key: str = "", detail: str = "") -> Quarantined:
    """What a stage puts into quarantine for a message that it cannot use.

    Args:
        message: as it was read.
        stage: who refuses it.
        reason: why, as one sentence.
        at: the present instant.
        key: of what the message holds; by default the message's own, else the place where it lies.
        detail: what more there is to know; by default that place.
    """
    key = key or message.key or message.place
    return Quarantined(
        id=quarantine_id(stage, key, reason),
        stage=stage,
        key=key,
        reason=reason,
        payload=message.value or b"",
        at=at,
        detail=detail or message.place,
    )
