"""JSON Feed 1.0 and 1.1 (https://www.jsonfeed.org/version/1.1/), read with tolerance: any field may be missing or wrong."""

import html
import json
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from marsad.arabic.repair import repair
from marsad.records import Enclosure
from marsad.records.urls import is_web_url
from producers.parse.dates import instant
from producers.parse.htmltext import title_text
from producers.parse.links import absolute
from producers.parse.model import ParsedEntry, ParsedFeed

__all__ = ["looks_like_json", "parse_json"]

_KEYS: Final = frozenset({"items", "version", "feed_url", "home_page_url"})
_ITEMS: Final = re.compile(r'"items"\s*:\s*\[')
_NEXT: Final = re.compile(r"[\s,]*\{")


def looks_like_json(text: str) -> bool:
    """Tell whether a document starts as a JSON object."""
    return text.lstrip()[:1] == "{"


def parse_json(text: str, *, url: str, max_entries: int) -> ParsedFeed:
    """Read a JSON Feed.

    Args:
        text: the document.
        url: where it came from, for relative addresses.
        max_entries: items to read; more is a problem that the result names.
    """
    broken: tuple[str, ...] = ()
    try:
        data = msgspec.json.decode(text.encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError):
        data, broken = {"items": _whole_items(text, max_entries)}, ("not-well-formed",)
        if not data["items"]:
            return ParsedFeed(problems=("not-well-formed", "not-a-feed"))
    if not isinstance(data, dict) or not _KEYS & data.keys():
        return ParsedFeed(problems=("not-a-feed",))
    items = [item for item in _list(data, "items") if isinstance(item, dict)]
    hubs = [absolute(url, _text(hub, "url")) for hub in _list(data, "hubs") if isinstance(hub, dict)]
    return ParsedFeed(
        kind="json",
        title=repair(title_text(_text(data, "title"))),
        language=_text(data, "language"),
        link=absolute(url, _text(data, "home_page_url")),
        hub=hubs[0] if hubs else "",
        self_link=absolute(url, _text(data, "feed_url")),
        next_page=absolute(url, _text(data, "next_url")),
        entries=tuple(_entry(item, url) for item in items[:max_entries]),
        problems=(*broken, *(("entries-cut",) if len(items) > max_entries else ())),
    )


def _whole_items(text: str, most: int) -> list[Any]:
    """The items of a document that ends too early or breaks off, as far as they can be read."""
    found: list[Any] = []
    start = _ITEMS.search(text)
    at = start.end() if start else len(text)
    decoder = json.JSONDecoder(strict=False)
    try:
        while len(found) <= most and (match := _NEXT.match(text, at)):
            item, at = decoder.raw_decode(text, match.end() - 1)
            found.append(item)
    except (ValueError, RecursionError):
        pass
    return found


def _entry(item: Mapping[str, Any], url: str) -> ParsedEntry:
    guid = _text(item, "id")
    published, updated = _text(item, "date_published"), _text(item, "date_modified")
    plain = _text(item, "content_text")
    return ParsedEntry(
        guid=guid,
        url=absolute(url, _text(item, "url"))
        or absolute(url, _text(item, "external_url"))
        or (guid if is_web_url(guid) else ""),
        title=repair(title_text(_text(item, "title"))),
        summary=repair(html.escape(_text(item, "summary"), quote=False)),
        content=repair(_text(item, "content_html") or _paragraphs(plain)),
        published=published,
        updated=updated,
        published_at=instant(published) or instant(updated),
        authors=_authors(item),
        categories=tuple(repair(tag) for tag in _list(item, "tags") if isinstance(tag, str) and tag),
        enclosures=_attachments(item, url),
        image=absolute(url, _text(item, "image")) or absolute(url, _text(item, "banner_image")),
    )


def _paragraphs(plain: str) -> str:
    """Plain text as HTML, so that content is always HTML."""
    return "".join(f"<p>{html.escape(line, quote=False)}</p>" for line in plain.splitlines() if line.strip())


def _authors(item: Mapping[str, Any]) -> tuple[str, ...]:
    people = [*_list(item, "authors"), item.get("author")]
    names = (_text(person, "name") for person in people if isinstance(person, dict))
    return tuple(dict.fromkeys(repair(name) for name in names if name))


def _attachments(item: Mapping[str, Any], url: str) -> tuple[Enclosure, ...]:
    found = []
    for part in _list(item, "attachments"):
        target = absolute(url, _text(part, "url")) if isinstance(part, dict) else ""
        if target:
            size = part.get("size_in_bytes")
            length = int(size) if isinstance(size, int | float) and 0 <= size < 1 << 53 else 0
            found.append(Enclosure(url=target, type=_text(part, "mime_type"), length=length))
    return tuple(found)


def _text(mapping: Mapping[str, Any], key: str) -> str:
    value = mapping.get(key)
    if isinstance(value, int) and not isinstance(value, bool):  # ids are numbers in feeds made by hand
        return str(value)
    return value.strip() if isinstance(value, str) else ""


def _list(mapping: Mapping[str, Any], key: str) -> list[Any]:
    value = mapping.get(key)
    return value if isinstance(value, list) else []
