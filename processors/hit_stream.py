"""How a hit lies on its stream: the value is the hit, the headers say which article it is of.

``turn`` is the place of that article in the order in which articles were taken up by grouping, ``article`` its partition and
offset on the stream of articles: by these it is known whether all hits are there that belong before it.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from marsad.errors import CodecError
from marsad.records import Hit, decode, encode
from marsad.streams import Message
from processors.article_stream import turn_of

__all__ = ["HITS", "Counted", "Reached", "counted", "hit_message"]

HITS: Final = "hits.v1"


class Counted(msgspec.Struct, frozen=True):
    """A hit as it was read.

    Attributes:
        hit: what is counted.
        offset: where it lies.
        turn: of its article; -1 where it was written without.
        article: partition and offset of its article; None where it was written without.
    """

    hit: Hit
    offset: int
    turn: int = -1
    article: tuple[int, int] | None = None


class Reached(msgspec.Struct, frozen=True):
    """How far things are, by partition, each asked after the one before it.

    Attributes:
        articles: where the stream of articles ends.
        matched: up to where matching has taken it: all hits of what comes before are written.
        hits: where the stream of hits ends.
    """

    articles: Mapping[int, int]
    matched: Mapping[int, int]
    hits: Mapping[int, int]

    def has_matched(self, ends: Mapping[int, int]) -> bool:
        """Whether all articles before ``ends`` are matched. What a stream ends with is the mark of a transaction, no article."""
        return all(self.matched.get(number, 0) >= end - 1 for number, end in ends.items())


def hit_message(hit: Hit, article: Message) -> Message:
    """The message of a hit.

    Args:
        hit: to be counted.
        article: the message of its article.
    """
    place = b"%d:%d" % (article.partition or 0, article.offset)
    return Message(
        stream=HITS,
        key=hit.subscription_id,
        value=encode(hit),
        headers={"turn": b"%d" % turn_of(article), "article": place},
    )


def counted(message: Message) -> Counted:
    """The hit of a message.

    Raises:
        CodecError: it is no message of the stream.
    """
    hit = decode(Hit, message.value or b"")
    if "article" not in message.headers:
        return Counted(hit, message.offset)
    try:
        partition, offset = map(int, message.headers["article"].split(b":"))
        return Counted(hit, message.offset, int(message.headers["turn"]), (partition, offset))
    except (KeyError, ValueError) as error:
        raise CodecError(f"hit of {message.key} does not say of which article: {error!r}") from error
