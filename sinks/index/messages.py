"""What messages of the articles' stream ask of the index."""

from collections.abc import Sequence

import msgspec

from marsad.errors import CodecError
from marsad.records import Article, Story, decode
from marsad.records.codec import Record
from marsad.streams import Message
from sinks.index.operations import Change, Row, story_version

__all__ = ["Reading", "Unreadable", "read_messages"]


class Unreadable(msgspec.Struct, frozen=True):
    """A message in which something is not the record that it should be."""

    message: Message
    reason: str


class Reading(msgspec.Struct, frozen=True):
    """What messages ask for.

    Attributes:
        changes: to be brought into the index.
        sources: for each of them, its message.
        unreadable: for quarantine; a message whose article can be read is among the changes as well.
        empty: messages without a record.
    """

    changes: Sequence[Change | Row]
    sources: Sequence[Message]
    unreadable: Sequence[Unreadable]
    empty: int


def read_messages(messages: Sequence[Message]) -> Reading:
    """Decode messages that were read together, each story in its last state only."""
    found: list[tuple[Change, Message]] = []
    unreadable: list[Unreadable] = []
    for message in messages:
        if message.value is None:
            continue
        try:
            article = decode(Article, message.value)
        except CodecError as error:
            unreadable.append(Unreadable(message, str(error)))
            continue
        change = Change(
            article=article,
            previous=_header(message, "previous", Article, unreadable),
            story=_header(message, "story", Story, unreadable),
            story_version=story_version(message.at, message.offset) if message.at is not None else message.offset,
        )
        found.append((change, message))
    last = {change.story.story_id: number for number, (change, _) in enumerate(found) if change.story is not None}
    changes = [
        change
        if change.story is None or last[change.story.story_id] == number
        else msgspec.structs.replace(change, story=None)
        for number, (change, _) in enumerate(found)
    ]
    empty = sum(message.value is None for message in messages)
    return Reading(changes, [message for _, message in found], unreadable, empty)


def _header(message: Message, name: str, kind: type[Record], unreadable: list[Unreadable]) -> Record | None:
    data = message.headers.get(name)
    if data is None:
        return None
    try:
        return decode(kind, data)
    except CodecError as error:
        unreadable.append(Unreadable(message, f"header {name}: {error}"))
        return None
