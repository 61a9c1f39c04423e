"""Feeds that a web page offers (autodiscovery, https://blog.whatwg.org/feed-autodiscovery)."""

import html
import re
from typing import Final
from urllib.parse import urljoin

from marsad.records.urls import is_web_url

__all__ = ["feed_links"]

_LINK: Final = re.compile(r"<(link|a|base)\b([^<>]{1,2000})>", re.IGNORECASE)
_ATTRIBUTE: Final = re.compile(r"([\w:-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))")
_FEED_TYPES: Final = frozenset(
    {"application/rss+xml", "application/atom+xml", "application/feed+json", "application/rdf+xml", "application/json"}
)
_FEED_PATH: Final = re.compile(
    r"(?:[/.](?:rss|feed|atom|rdf)(?:\.xml|\.json|\.php|/)?|/rss\d?[^?]*|/feeds?/[^?]*)(?:\?.*)?$", re.IGNORECASE
)
_MOST: Final = 30
_HEAD: Final = 1_000_000


def feed_links(page: str, url: str) -> tuple[str, ...]:
    """Addresses of the feeds that a page names: those of its ``link`` elements first, then links that look like feeds.

    Args:
        page: the page's HTML.
        url: where it came from, for relative addresses.
    """
    base = url
    declared: dict[str, None] = {}
    guessed: dict[str, None] = {}
    for match in _LINK.finditer(page[:_HEAD]):
        attributes = _attributes(match[2])
        target = _joined(base, attributes.get("href", ""))
        if not target:
            continue
        if match[1].lower() == "base":
            base = target
        elif match[1].lower() == "link" and _is_declared(attributes):
            declared[target] = None
        elif match[1].lower() == "a" and _FEED_PATH.search(target):
            guessed[target] = None
    return tuple({**declared, **guessed})[:_MOST]


def _attributes(text: str) -> dict[str, str]:
    return {
        match[1].lower(): html.unescape(match[2] or match[3] or match[4] or "") for match in _ATTRIBUTE.finditer(text)
    }


def _is_declared(attributes: dict[str, str]) -> bool:
    relations = attributes.get("rel", "").lower().split()
    kind = attributes.get("type", "").partition(";")[0].strip().lower()
    if kind == "application/json":  # also the type of site data such as WordPress' own
        return "feed" in relations
    return "feed" in relations or ("alternate" in relations and kind in _FEED_TYPES)


def _joined(base: str, href: str) -> str:
    try:
        target = urljoin(base, href.strip()) if href.strip() else ""
    except ValueError:
        return ""
    return target if is_web_url(target) else ""
