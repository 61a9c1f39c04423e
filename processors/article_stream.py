"""How an article lies on its stream: the value is the article, the headers are what goes with it.

``story`` is its story with this article in it, ``stories`` other stories whose record changed with it, ``previous`` the article as it was before, ``outcome`` what became of it, ``placed``
the order in which it was first given a story, ``taken`` the newest revision that was taken from each feed, ``turn`` the order
in which articles and their revisions came to grouping.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from marsad.errors import CodecError
from marsad.events import Outcome
from marsad.records import Article, Story, decode, encode
from marsad.records.ids import story_root
from marsad.streams import Message, partition_of, stream

__all__ = [
    "ARTICLES",
    "News",
    "Shelved",
    "Taken",
    "article_message",
    "news_of",
    "shelved_of",
    "stories_beside",
    "story_in",
    "turn_of",
]

ARTICLES: Final = "articles.v1"
# What a broker adds to the largest message that it takes: keys, header names, framing.
_ROOM: Final = stream(ARTICLES).max_bytes - 4_096


class Taken(msgspec.Struct, frozen=True, array_like=True, order=True):
    """A revision of an entry: when it was first seen (microseconds, Unix) and its number. Later ones are greater."""

    seen: int
    revision: int


class Shelved(msgspec.Struct, frozen=True):
    """An article as it was last written.

    Attributes:
        article: with its story.
        placed: its place in the order in which articles were first given a story.
        taken: by feed, the newest revision that was taken from it.
    """

    article: Article
    placed: int
    taken: Mapping[str, Taken] = {}


class News(msgspec.Struct, frozen=True):
    """An article as it came, for those who are told of it."""

    article: Article
    story: Story
    previous: Article | None


_taken = msgspec.json.Decoder(dict[str, Taken])


def article_message(
    shelved: Shelved,
    stories: Sequence[Story],
    previous: Article | None,
    outcome: Outcome,
    partitions: int,
    *,
    turn: int = -1,
) -> Message:
    """The message of an article that was placed.

    Args:
        shelved: as it is from now on.
        stories: its story, the article included; then others whose record changed with it.
        previous: as it was before; left out where the message would be too large for its stream.
        outcome: what became of it.
        partitions: of the stream.
        turn: greater for each article that comes later; -1 where that is not known.
    """
    article = shelved.article
    value = encode(article)
    headers = {
        "story": encode(stories[0]),
        "outcome": outcome.value.encode(),
        "placed": b"%d" % shelved.placed,
        "taken": msgspec.json.encode(shelved.taken),
        "turn": b"%d" % turn,
    }
    if len(stories) > 1:
        headers["stories"] = b"[" + b",".join(map(encode, stories[1:])) + b"]"
    if previous is not None:
        before = encode(previous)
        if len(value) + len(before) + sum(map(len, headers.values())) <= _ROOM:
            headers["previous"] = before
    # A story that is split off stays in the partition: its articles are there, and the alerts that were raised for it.
    partition = partition_of(story_root(article.story_id), partitions)
    return Message(stream=ARTICLES, key=article.article_id, value=value, partition=partition, headers=headers)


def shelved_of(message: Message) -> Shelved:
    """The article of a message, with what the next of its revisions needs.

    Raises:
        CodecError: it is no message of this stream.
    """
    article = decode(Article, message.value or b"")
    try:
        placed = int(message.headers["placed"])
        taken = _taken.decode(message.headers.get("taken", b"{}"))
    except (KeyError, ValueError, msgspec.DecodeError) as error:
        raise CodecError(f"article {message.key} bears no place in the order of articles: {error!r}") from error
    return Shelved(article, placed, taken)


def news_of(message: Message) -> News:
    """The article of a message, with what matching needs.

    Raises:
        CodecError: it is no message of this stream.
    """
    article, story = decode(Article, message.value or b""), story_in(message)
    before = message.headers.get("previous")
    return News(article, story, decode(Article, before) if before is not None else None)


def turn_of(message: Message) -> int:
    """When its article came to grouping, beside others; -1 where the message does not say."""
    turn = message.headers.get("turn", b"")
    return int(turn) if turn.isdigit() else -1


def story_in(message: Message) -> Story:
    """The story that came with an article.

    Raises:
        CodecError: there is none.
    """
    if "story" not in message.headers:
        raise CodecError(f"article {message.key} came without its story")
    return decode(Story, message.headers["story"])


def stories_beside(message: Message) -> list[Story]:
    """The other stories whose record changed with an article.

    Raises:
        CodecError: they are no stories.
    """
    try:
        records = msgspec.json.decode(message.headers.get("stories", b"[]"), type=list[msgspec.Raw])
    except msgspec.DecodeError as error:
        raise CodecError(f"article {message.key}: header stories: {error}") from error
    return [decode(Story, bytes(record)) for record in records]
