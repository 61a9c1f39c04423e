"""What is to be written for one change of an article: lines of a bulk request, made once."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from marsad.errors import PoisonError
from marsad.records import Article, Story
from sinks.index.document import (
    Board,
    board_index,
    document_of,
    index_of,
    story_document_of,
    story_index,
    version_of,
)

__all__ = ["Change", "Operation", "Row", "operations_of", "story_version"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_WITHIN_MS: Final = 1 << 20

_encoder: Final = msgspec.json.Encoder()


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """An article as it stands now, and what changed with it.

    Attributes:
        article: to be added, or to replace an older edition.
        previous: the edition before, where there was one.
        story: its story as it stands now.
        story_version: by ``story_version``.
        beside: other stories whose record changed with it, with their versions.
    """

    article: Article
    previous: Article | None = None
    story: Story | None = None
    story_version: int = 0
    beside: tuple[tuple[Story, int], ...] = ()


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A document of a board as it is to stand; None takes it away.

    Attributes:
        board: which one.
        key: of the document.
        version: by ``story_version``.
        document: one line of JSON.
    """

    board: Board
    key: str
    version: int
    document: bytes | None


class Operation(msgspec.Struct, frozen=True):
    """One action of a bulk request: its lines, each with its line feed."""

    lines: bytes
    deletion: bool = False


class _Place(msgspec.Struct, frozen=True):
    _index: str
    _id: str
    version: int
    version_type: str = "external_gte"


class _Index(msgspec.Struct, frozen=True):
    index: _Place


class _Delete(msgspec.Struct, frozen=True):
    delete: _Place


def story_version(at: datetime, edition: int) -> int:
    """The external version of a story as a message of the articles' stream tells it.

    All messages are written by one process at a time, so the instant at which they were written never falls, and the story's
    edition orders those of one millisecond. Offsets would not do: a story that another one ended in is told in two partitions,
    and offsets begin anew in a stream that is made again. Nor would editions alone: grouping that begins anew counts anew.

    Args:
        at: when the message was written, aware.
        edition: of the story.
    """
    return (at - _EPOCH) // _MILLISECOND * _WITHIN_MS + edition % _WITHIN_MS


def operations_of(change: Change | Row, prefix: str) -> Sequence[Operation]:
    """The actions that bring a change into the index, in any order.

    Args:
        change: of an article or a board.
        prefix: first part of every index name.

    Raises:
        PoisonError: it has no JSON form.
    """
    if isinstance(change, Row):
        return [_row(change, prefix)]
    article, previous = change.article, change.previous
    index = index_of(article, prefix)
    place = _Place(index, article.article_id, version_of(article))
    try:
        found = [_written(place, document_of(article))]
        stories = (*change.beside, (change.story, change.story_version))
        for story, version in stories:
            if story is not None:
                where = _Place(story_index(prefix), story.story_id, version)
                found.append(_written(where, story_document_of(story)))
    except (ValueError, TypeError, OverflowError, msgspec.MsgspecError) as error:
        raise PoisonError(f"no document can be made of the article: {error}") from error
    if previous is not None and (left := index_of(previous, prefix)) != index:
        # Versioned as well, so that an older edition that is written late does not come back.
        gone = _Delete(_Place(left, article.article_id, version_of(article)))
        found.append(Operation(_encoder.encode(gone) + b"\n", deletion=True))
    return found


def _row(row: Row, prefix: str) -> Operation:
    place = _Place(board_index(row.board, prefix), row.key, row.version)
    if row.document is None:
        return Operation(_encoder.encode(_Delete(place)) + b"\n", deletion=True)
    return _written(place, row.document)


def _written(place: _Place, document: bytes) -> Operation:
    return Operation(b"%b\n%b\n" % (_encoder.encode(_Index(place)), document))
