"""What lies in the index: the record's own wire form, and beside it in ``search`` what only searching needs.

``marsad.records.decode`` passes over ``search``, so that the stored document is the record, exactly.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

import msgspec

from marsad.arabic import tokenize
from marsad.query.ast import KeywordField
from marsad.query.document import best_score, keywords, order_number
from marsad.records import Article, Story, encode
from marsad.records.ids import digest

__all__ = [
    "BOARDS",
    "Board",
    "board_index",
    "document_of",
    "index_of",
    "index_pattern",
    "month_index",
    "read_alias",
    "story_document_of",
    "story_index",
    "story_number",
    "tag",
    "version_of",
]

Board = Literal["feeds", "alerts"]
"""Beside the articles, for dashboards only: how each feed is, and the alerts."""
BOARDS: Final[tuple[Board, ...]] = ("feeds", "alerts")

_EDITIONS: Final = 1 << 20
_LETTERS_A_WORD: Final = 10
_DIGITS: Final = 15
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

_encoder: Final = msgspec.json.Encoder()


def read_alias(prefix: str) -> str:
    """The name under which all articles are searched."""
    return f"{prefix}-articles"


def index_pattern(prefix: str) -> str:
    """The names of all month indices."""
    return f"{prefix}-articles-*"


def story_index(prefix: str) -> str:
    """The index of the stories."""
    return f"{prefix}-stories"


def board_index(board: Board, prefix: str) -> str:
    """The index of a board."""
    return f"{prefix}-{board}"


def index_of(article: Article, prefix: str) -> str:
    """The index that an article belongs into: that of the month (UTC) in which it was first seen.

    A revision can move it to an earlier month (``first_seen_at`` is the earliest sight): the writer then deletes the
    document of the earlier edition from the index that it leaves.
    """
    return month_index(article.first_seen_at, prefix)


def month_index(at: datetime, prefix: str) -> str:
    """The index of what was first seen in a month (UTC)."""
    seen = at.astimezone(UTC)
    return f"{prefix}-articles-{seen.year:04}-{seen.month:02}"


def version_of(article: Article) -> int:
    """The external version: a later revision, and of one revision a later edition, replaces an earlier one."""
    return article.revision * _EDITIONS + article.edition


def document_of(article: Article) -> bytes:
    """The article as one line of JSON, to be stored under its ``article_id``."""
    return _with_search(article, _search_of(article))


def story_document_of(story: Story) -> bytes:
    """The story as one line of JSON, to be stored under its ``story_id``."""
    search = {
        "last_second": int(story.last_seen_at.timestamp()),
        "number": story_number(story.story_id),
        "into": story_number(story.merged_into),
    }
    return _with_search(story, search)


def story_number(story_id: str) -> int:
    """A number that stands for a story where thousands are looked at; 0 for none.

    Sixty bits: among ten million stories the chance that any two share one is 4 in 100,000. As text, the ids of 3,000 rows
    cost the server 26 ms more to sort by and to give out, and the same again to look up.
    """
    return int(digest(story_id)[:_DIGITS], 16) if story_id else 0


def _with_search(record: Article | Story, search: dict[str, Any]) -> bytes:
    # Joined as bytes: encoding the record to a dictionary first would take three times as long.
    return encode(record)[:-1] + b',"search":' + _encoder.encode(search) + b"}"


def _search_of(article: Article) -> dict[str, Any]:
    found: dict[str, Any] = {
        "order": order_number(article),
        "seen": (article.first_seen_at - _EPOCH) // _MICROSECOND,
        "delay": max(0, int((article.first_seen_at - article.published_at).total_seconds())),
        "score": best_score(article),
        "story": story_number(article.story_id or article.article_id),
        "tags": sorted(set(_tags(article))),
    }
    if _has_own_lead(article):
        found["lead"] = article.lead
    if article.places:
        found["location"] = [{"lat": place.lat, "lon": place.lon} for place in article.places]
    return found


def _has_own_lead(article: Article) -> bool:
    """Whether ``marsad.query.document.segments`` gives the lead apart, told from the beginning of the text alone.

    Measured on real news: 0.1 ms for a document instead of 0.6, which went into the tokens of the whole text.
    """
    lead = article.lead.strip()
    if not lead or article.text.lstrip().startswith(lead):
        return False
    keys = tokenize(article.lead).keys
    return bool(keys) and _first_keys(article.text, len(keys)) != keys


def _first_keys(text: str, count: int) -> tuple[str, ...]:
    """The keys of the first words: of a part that ends at a space, where no word goes on."""
    end = text.find(" ", _LETTERS_A_WORD * count)
    keys = tokenize(text if end < 0 else text[:end]).keys
    return (keys if end < 0 or len(keys) >= count else tokenize(text).keys)[:count]


def tag(field: KeywordField, value: str) -> str:
    """The term of a keyword, its value in the form under which they are compared; ``*`` for any value."""
    return f"{field}={value}"


def _tags(article: Article) -> Iterator[str]:
    for field, value in keywords(article):
        if value:
            yield tag(field, value)
            yield tag(field, "*")
