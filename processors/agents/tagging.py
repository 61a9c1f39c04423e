"""What one message of the entries' stream becomes: a tagged article, or a quarantined item. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Protocol

import msgspec
import structlog

from marsad.errors import CodecError, PoisonError
from marsad.records import Article, Entry, Feed
from marsad.records.codec import decode, encode
from marsad.streams import Message, refused, stream

__all__ = ["RETAG", "Incoming", "Outgoing", "Steps", "incoming", "outgoing"]

RETAG: Final = "retag"
"""Header of what comes from a reprocessing of history."""

_log = structlog.get_logger(__name__)
# What a broker adds to the largest message that it takes: headers, key, framing.
_FRAMING: Final = 4_096
_REASON: Final = 2_000


class Steps(Protocol):
    """The stateless steps: ``processors.pipeline.Pipeline``."""

    def stateless(self, entry: Entry, feed: Feed) -> Article:
        """Clean, tag and locate.

        Raises:
            PoisonError: the entry holds no text.
        """
        ...


class Incoming(msgspec.Struct, frozen=True):
    """A message that was read, with its entry, or with why there is none."""

    message: Message
    entry: Entry | None = None
    problem: str = ""


class Outgoing(msgspec.Struct, frozen=True):
    """What is to be written for one message: always exactly one."""

    message: Message
    entry_id: str
    title: str = ""
    problem: str = ""
    """Why it goes to quarantine; empty if it does not."""


def incoming(message: Message) -> Incoming:
    """Read the entry of a message."""
    try:
        return Incoming(message, decode(Entry, message.value or b""))
    except CodecError as error:
        return Incoming(message, problem=str(error))


def outgoing(item: Incoming, steps: Steps, feed: Feed | None, now: datetime) -> Outgoing:
    """Take an entry through the steps; whatever goes wrong with it, it becomes an item of quarantine with the reason.

    Args:
        item: what was read.
        steps: the pipeline.
        feed: where the entry came from; None if the feed was removed while its entries were on their way.
        now: the present, UTC.
    """
    entry = item.entry
    if entry is None:
        return _quarantined(item, "clean", item.problem, now)
    try:
        article = steps.stateless(entry, feed or _forgotten(entry))
        value = encode(article)
    except PoisonError as error:
        return _quarantined(item, "clean", str(error), now)
    except Exception as error:  # noqa: BLE001 - a fault of ours, met by one entry: it is kept with the reason, the others go on
        _log.exception("pipeline failed on an entry", entry=entry.entry_id, url=entry.url)
        return _quarantined(item, "clean", f"{type(error).__name__}: {error}", now)
    if len(value) > _room("tagged.v1"):
        reason = f"the article would be {len(value)} bytes; tagged.v1 takes {_room('tagged.v1')}"
        return _quarantined(item, "tag", reason, now)
    message = Message(
        stream="tagged.v1", key=article.article_id, value=value, partition=0, headers=_passed_on(item.message.headers)
    )
    return Outgoing(message, entry.entry_id, article.title)


def _passed_on(headers: Mapping[str, bytes]) -> dict[str, bytes]:
    return {name: value for name, value in headers.items() if name == RETAG}


def _forgotten(entry: Entry) -> Feed:
    """Stands in for a feed that was removed while its entries were on their way."""
    return Feed(id=entry.feed_id, url="", title="", outlet="")


def _quarantined(item: Incoming, stage: str, reason: str, now: datetime) -> Outgoing:
    message, entry = item.message, item.entry
    reason = reason[:_REASON]
    if entry is None:
        record = refused(message, stage, reason, now)
    else:
        record = refused(message, stage, reason, now, key=entry.entry_id, detail=entry.url or entry.guid)
    value = encode(record)
    if len(value) > _room("quarantine.v1"):
        # Bytes grow by a third in the wire form. The message itself stays in its stream, where the place finds it.
        detail = f"{record.detail} (the {len(record.payload)} bytes are left out; they are in {message.place})"
        record = msgspec.structs.replace(record, payload=b"", detail=detail)
        value = encode(record)
    wrapped = Message(stream="quarantine.v1", key=record.id, value=value)
    return Outgoing(wrapped, record.key, entry.title if entry is not None else "", reason)


def _room(name: str) -> int:
    return stream(name).max_bytes - _FRAMING
