"""``marsad pipe match``: a query over articles as JSON, whatever stage or program they come from."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from math import isfinite, nan
from typing import Any, Final, Literal

from marsad.clock import SystemClock
from marsad.errors import PoisonError
from marsad.query import MatchDoc, Node, compile_predicate, parse, spans
from marsad.query.predicate import Predicate
from marsad.records import Article, CountryTag, EntityTag, Evidence, Place, TextField, TopicTag
from marsad.taxonomy.synonyms import other_names

__all__ = ["article_from_json", "pipe_match"]

_UNDATED: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIELDS: Final[dict[str, TextField]] = {"title": "title", "lead": "lead", "text": "text"}


def pipe_match(query: str, record: Mapping[str, Any]) -> dict[str, Any] | None:
    """Match one article against a query.

    Args:
        query: in the one query language.
        record: an article as ``marsad export``, ``pipe clean`` or ``pipe tag`` write it.

    Returns:
        The record with ``matched`` (true) and ``evidence`` [{term, field, start, end}]; None where it does not match.

    Raises:
        QueryError: the query cannot be understood.
        PoisonError: the record is no article.
    """
    node, predicate = _compiled(query)
    doc = MatchDoc.of(article_from_json(record))
    if not predicate(doc):
        return None
    texts = {"title": doc.article.title, "lead": doc.article.lead, "text": doc.article.text}
    evidence = [
        {"term": texts[each.field][each.start : each.end], "field": each.field, "start": each.start, "end": each.end}
        for each in spans(node, doc)
    ]
    return {**record, "matched": True, "evidence": evidence}


@lru_cache(maxsize=8)
def _compiled(query: str) -> tuple[Node, Predicate]:
    """The query, read once for the run; relative times start from its beginning.

    Raises:
        QueryError: it cannot be understood.
    """
    node = parse(query, now=SystemClock().now(), names=other_names)
    return node, compile_predicate(node)


def article_from_json(record: Mapping[str, Any]) -> Article:
    """Read an article from JSON of any of our filters; all but the title and text may be missing.

    Args:
        record: ``id`` or ``article_id``, ``title``, ``text``; also ``lead``, ``topics`` [{id, score, evidence}] or
            [id], ``countries`` [{code}] or [code], ``places`` [{name}] or [name], ``entities`` [{id, name_ar, name_en}]
            or [id], ``outlet`` or ``source``, ``language``, ``published`` (ISO 8601 or RFC 822), ``story_id`` and the
            other fields of an article. Unknown fields are passed over.

    Raises:
        PoisonError: a field is not what it must be; the message names it.
    """
    published = _time(record, "published", "published_at", "time")
    return Article(
        article_id=_text(record, "article_id", "id"),
        url=_text(record, "url"),
        guids=_texts(record, "guids"),
        feed_ids=_texts(record, "feed_ids", "feed"),
        title=_text(record, "title"),
        lead=_text(record, "lead"),
        text=_text(record, "text"),
        language=_text(record, "language", "lang"),
        outlet=_text(record, "outlet", "source"),
        outlet_country=_text(record, "outlet_country"),
        published_at=published or _UNDATED,
        published_precision="second" if published else "seen",
        first_seen_at=_time(record, "first_seen_at", "first_seen") or published or _UNDATED,
        topics=tuple(_topic(item) for item in _items(record, "topics", "id")),
        countries=tuple(_country(item) for item in _items(record, "countries", "code")),
        places=tuple(_place(item) for item in _items(record, "places", "name")),
        entities=tuple(_entity(item) for item in _items(record, "entities", "id")),
        story_id=_text(record, "story_id", "story"),
        duplicate_of=_text(record, "duplicate_of"),
        revision=int(_number(record, "revision", 1)),
    )


def _topic(item: Mapping[str, Any]) -> TopicTag:
    return TopicTag(_text(item, "id"), _number(item, "score", 1.0), _evidence(item))


def _country(item: Mapping[str, Any]) -> CountryTag:
    role: Literal["actor", "mention"] = "actor" if item.get("role") == "actor" else "mention"
    return CountryTag(_text(item, "code"), int(_number(item, "mentions", 1)), role, _evidence(item))


def _place(item: Mapping[str, Any]) -> Place:
    geonames = int(_number(item, "geonames_id", 0))
    return Place(
        _text(item, "name"), _text(item, "country"), _number(item, "lat", 0), _number(item, "lon", 0), geonames
    )


def _entity(item: Mapping[str, Any]) -> EntityTag:
    name = _text(item, "name_ar", "name")
    return EntityTag(_text(item, "id"), "other", name, _text(item, "name_en"), evidence=_evidence(item))


def _evidence(item: Mapping[str, Any]) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(_text(each, "term"), _FIELDS[field], int(_number(each, "start", 0)), int(_number(each, "end", 0)))
        for each in _items(item, "evidence", "term")
        if (field := each.get("field")) in _FIELDS
    )


def _first(record: Mapping[str, Any], names: Iterable[str]) -> tuple[str, Any]:
    """The first of the names that the record has a value for."""
    for name in names:
        if record.get(name) is not None:
            return name, record[name]
    return "", None


def _text(record: Mapping[str, Any], *names: str) -> str:
    """The first of the fields that is there; a number is taken as text, since ids often are numbers.

    Raises:
        PoisonError: it is neither text nor a number.
    """
    name, value = _first(record, names)
    if value is None:
        return ""
    if isinstance(value, (dict, list, bool)):
        raise PoisonError(f'the field "{name}" must be text')
    return str(value)


def _texts(record: Mapping[str, Any], *names: str) -> tuple[str, ...]:
    name, value = _first(record, names)
    values = value if isinstance(value, list) else [value]
    return tuple(text for each in values if (text := _text({name: each}, name)))


def _number(record: Mapping[str, Any], name: str, default: float) -> float:
    """A number, also one written as text.

    Raises:
        PoisonError: it is none.
    """
    value = record.get(name)
    try:
        number = default if value is None else float(value)
    except (TypeError, ValueError, OverflowError):
        number = nan
    if not isfinite(number):
        raise PoisonError(f'the field "{name}" must be a number')
    return number


def _items(record: Mapping[str, Any], name: str, key: str) -> list[Mapping[str, Any]]:
    """A list of objects; a bare value in it stands for an object with that key.

    Raises:
        PoisonError: it is no list.
    """
    value = record.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise PoisonError(f'the field "{name}" must be a list')
    return [item if isinstance(item, dict) else {key: item} for item in value]


def _time(record: Mapping[str, Any], *names: str) -> datetime | None:
    """A time in ISO 8601 or as mail and RSS write it; UTC where it says no zone; None where there is none.

    Raises:
        PoisonError: it is neither.
    """
    name, value = _first(record, names)
    if value is None or value == "":
        return None
    text = _text({name: value}, name)
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            at = read(text)
            return (at.replace(tzinfo=UTC) if at.tzinfo is None else at).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    raise PoisonError(f'the field "{name}" must be a time such as 2026-05-12T09:00:00Z')
