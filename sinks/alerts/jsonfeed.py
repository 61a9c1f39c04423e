"""A feed as JSON Feed 1.1 (jsonfeed.org/version/1.1): the same entries as the Atom feed's. Pure."""

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from sinks.alerts.atom import AtomEntry, AtomFeed, is_web

__all__ = ["write_json_feed"]

_VERSION: Final = "https://jsonfeed.org/version/1.1"


def write_json_feed(feed: AtomFeed) -> bytes:
    """The feed as UTF-8 JSON; the same feed gives the same bytes."""
    record = {
        "version": _VERSION,
        "title": feed.title,
        "home_page_url": feed.link,
        "feed_url": feed.self_link,
        "description": feed.subtitle,
        "language": feed.language,
        "items": [_item(entry) for entry in feed.entries],
    }
    return msgspec.json.encode(_sound({name: value for name, value in record.items() if value != ""}))


def _item(entry: AtomEntry) -> dict[str, Any]:
    item = {
        "id": entry.id,
        "url": entry.link,
        "external_url": entry.original if is_web(entry.original) else "",
        "title": entry.title,
        "content_text": entry.summary or entry.title,
        "date_published": _instant(entry.published or entry.updated),
        "date_modified": _instant(entry.updated),
        "authors": [{"name": entry.author}] if entry.author else "",
        "tags": [label for _, label in entry.categories] or "",
    }
    return {name: value for name, value in item.items() if value != ""}


def _sound(value: Any) -> Any:
    """Lone surrogates, which UTF-8 cannot say, replaced."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {name: _sound(each) for name, each in value.items()}
    return [_sound(each) for each in value] if isinstance(value, list) else value


def _instant(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
