"""Parsing as a filter: one JSON record in, one out."""

import base64
import binascii
from typing import Any

from producers.parse import ParsedEntry, ParsedFeed, parse

__all__ = ["pipe_parse"]


def pipe_parse(record: dict[str, Any]) -> dict[str, Any]:
    """Parse the document in a record.

    Args:
        record: ``id``, ``url``, ``content_type`` and ``body_base64``; all but the last may be missing.

    Returns:
        ``id``, ``feed``, ``entries`` and ``problems``; or ``id`` and ``error`` where the body is no base64.
    """
    identity = record.get("id")
    body = record.get("body_base64")
    if not isinstance(body, str):
        return {"id": identity, "error": "body_base64 is missing or no string"}
    try:
        data = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as error:
        return {"id": identity, "error": f"body_base64 is no base64: {error}"}
    found = parse(data, content_type=_string(record, "content_type"), url=_string(record, "url"))
    return {
        "id": identity,
        "feed": _feed(found),
        "entries": [_entry(entry) for entry in found.entries],
        "problems": list(found.problems),
    }


def _string(record: dict[str, Any], key: str) -> str:
    value = record.get(key)
    return value if isinstance(value, str) else ""


def _feed(found: ParsedFeed) -> dict[str, Any]:
    return {
        "kind": found.kind,
        "title": found.title,
        "language": found.language,
        "link": found.link,
        "charset": found.charset,
        "ttl_minutes": found.ttl_minutes,
        "hub": found.hub,
        "next_page": found.next_page,
        "feed_links": list(found.feed_links),
    }


def _entry(entry: ParsedEntry) -> dict[str, Any]:
    return {
        "guid": entry.guid,
        "url": entry.url,
        "title": entry.title,
        "summary": entry.summary,
        "content": entry.content,
        "published": entry.published,
        "updated": entry.updated,
        "authors": list(entry.authors),
    }
