"""The streams between the parts: value type, key, ONE writer, readers, retention.

In the cluster size each is a Kafka topic; in the embedded size a table. The flow is data, so that a test can prove it one-way.
"""

from typing import Literal

import msgspec

from marsad.records import Alert, Article, Delivery, Entry, Feed, FeedState, Quarantined, Subscription

__all__ = ["STREAMS", "Stage", "Stream", "stream"]

Stage = Literal["app", "producers", "agents", "group", "match", "index", "alerts", "web"]


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """One stream. ``keep_days`` of 0 keeps for ever; ``partitioned_by`` names the field that orders it where that is not the key."""

    name: str
    value: type[msgspec.Struct]
    key: str
    written_by: tuple[Stage, ...]
    read_by: tuple[Stage, ...]
    compacted: bool = False
    keep_days: int = 0
    partitioned_by: str = ""


_EVERY_STAGE: tuple[Stage, ...] = ("producers", "agents", "group", "match", "index", "alerts")

STREAMS: tuple[Stream, ...] = (
    Stream(name="feeds.v1", value=Feed, key="id", written_by=("app",), read_by=("producers",), compacted=True),
    Stream(
        name="feed-states.v1",
        value=FeedState,
        key="feed_id",
        written_by=("producers",),
        read_by=("producers", "web"),
        compacted=True,
    ),
    Stream(
        name="entries.v1", value=Entry, key="article_id", written_by=("producers",), read_by=("agents",), keep_days=30
    ),
    Stream(name="tagged.v1", value=Article, key="article_id", written_by=("agents",), read_by=("group",), keep_days=3),
    Stream(
        name="articles.v1",
        value=Article,
        key="article_id",
        partitioned_by="story_id",
        written_by=("group",),
        read_by=("index", "match"),
        compacted=True,
        keep_days=30,
    ),
    Stream(
        name="subscriptions.v1",
        value=Subscription,
        key="id",
        written_by=("app",),
        read_by=("match", "alerts"),
        compacted=True,
    ),
    Stream(
        name="alerts.v1",
        value=Alert,
        key="alert_id",
        partitioned_by="story_id",
        written_by=("match",),
        read_by=("alerts", "web"),
        compacted=True,
        keep_days=90,
    ),
    Stream(
        name="deliveries.v1",
        value=Delivery,
        key="delivery_id",
        written_by=("alerts",),
        read_by=("alerts", "web"),
        compacted=True,
    ),
    Stream(
        name="quarantine.v1",
        value=Quarantined,
        key="key",
        written_by=_EVERY_STAGE,
        read_by=("app", "web"),
        keep_days=30,
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
