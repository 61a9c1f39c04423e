"""What messages of the articles' stream ask of the index."""

from collections.abc import Iterator, Sequence

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
        story = _header(message, "story", Story, unreadable)
        change = Change(
            article=article,
            previous=_header(message, "previous", Article, unreadable),
            story=story,
            story_version=_version(message, story) if story is not None else 0,
            beside=tuple((each, _version(message, each)) for each in _beside(message, unreadable)),
        )
        found.append((change, message))
    empty = sum(message.value is None for message in messages)
    changes = _last_states([change for change, _ in found])
    return Reading(changes, [message for _, message in found], unreadable, empty)


def _version(message: Message, story: Story) -> int:
    return story_version(message.at, story.edition) if message.at is not None else story.edition


def _last_states(changes: Sequence[Change]) -> list[Change]:
    """The changes, each story with the one that tells its last state only."""
    last: dict[str, tuple[int, int]] = {}
    for number, change in enumerate(changes):
        for story, version in _stories(change):
            last[story.story_id] = max(last.get(story.story_id, (0, 0)), (version, number))
    return [
        msgspec.structs.replace(
            change,
            story=change.story if change.story is not None and last[change.story.story_id][1] == number else None,
            beside=tuple(each for each in change.beside if last[each[0].story_id][1] == number),
        )
        for number, change in enumerate(changes)
    ]


def _stories(change: Change) -> Iterator[tuple[Story, int]]:
    yield from change.beside
    if change.story is not None:
        yield change.story, change.story_version


def _beside(message: Message, unreadable: list[Unreadable]) -> Sequence[Story]:
    data = message.headers.get("stories", b"[]")
    try:
        return [decode(Story, bytes(record)) for record in msgspec.json.decode(data, type=list[msgspec.Raw])]
    except (CodecError, msgspec.DecodeError) as error:
        unreadable.append(Unreadable(message, f"header stories: {error}"))
        return []


def _header(message: Message, name: str, kind: type[Record], unreadable: list[Unreadable]) -> Record | None:
    data = message.headers.get(name)
    if data is None:
        return None
    try:
        return decode(kind, data)
    except CodecError as error:
        unreadable.append(Unreadable(message, f"header {name}: {error}"))
        return None
