"""Writes Atom feeds (RFC 4287). Pure: entries in, bytes out."""

import re
import xml.etree.ElementTree as ET  # only written, never parsed
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from marsad.arabic import balance
from marsad.records import Alert, Article

__all__ = ["AtomEntry", "AtomFeed", "alert_entry", "article_entry", "is_web", "write_atom"]

_ATOM: Final = "http://www.w3.org/2005/Atom"
_XML_LANG: Final = "{http://www.w3.org/XML/1998/namespace}lang"
# XML 1.0, production 2 (Char): these code points may not stand in a document, escaped or not.
_NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_WEB: Final = re.compile(r"https?://[^\s]+", re.IGNORECASE)


class AtomEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry. ``id`` never changes, whatever else does; ``summary`` is plain text."""

    id: str
    title: str
    updated: datetime
    published: datetime | None = None
    link: str = ""
    """The page of this entry in the web interface."""
    original: str = ""
    """The address at the outlet."""
    summary: str = ""
    author: str = ""
    categories: tuple[tuple[str, str], ...] = ()
    """Terms with their labels."""


class AtomFeed(msgspec.Struct, frozen=True, kw_only=True):
    """The feed around the entries. ``updated`` holds where there is no entry."""

    id: str
    title: str
    updated: datetime
    self_link: str
    link: str = ""
    subtitle: str = ""
    language: str = "ar"
    entries: tuple[AtomEntry, ...] = ()


def article_entry(article: Article, base_url: str, names: Sequence[tuple[str, str]] = ()) -> AtomEntry:
    """An article as an entry.

    Args:
        article: the article.
        base_url: the web page's address, without a slash at the end.
        names: topic ids with their names.
    """
    return AtomEntry(
        id=f"urn:marsad:article:{article.article_id}",
        title=article.title,
        updated=article.updated_at or article.first_seen_at,
        published=article.published_at,
        link=f"{base_url}/articles/{article.article_id}",
        original=article.url,
        summary=article.lead or article.text[:500],
        author=article.outlet,
        categories=tuple(names),
    )


def alert_entry(
    alert: Alert, base_url: str, *, reason: str, matched: str, names: Sequence[tuple[str, str]] = ()
) -> AtomEntry:
    """An alert as an entry.

    Args:
        alert: the alert.
        base_url: the web page's address, without a slash at the end.
        reason: the trigger in the reader's words.
        matched: what stands before the words that matched.
        names: topic ids with their names.
    """
    words = " · ".join(alert.evidence[:5])
    return AtomEntry(
        id=f"urn:marsad:alert:{alert.alert_id}",
        title=alert.title,
        updated=alert.at,
        published=alert.at,
        link=f"{base_url}{alert.page}",
        original=alert.url,
        summary=f"{reason}\n{matched}: {words}" if words else reason,
        author=alert.outlet,
        categories=tuple(names),
    )


def write_atom(feed: AtomFeed) -> bytes:
    """The feed as UTF-8 XML; the same feed gives the same bytes."""
    ET.register_namespace("", _ATOM)
    root = ET.Element(f"{{{_ATOM}}}feed", {_XML_LANG: feed.language})
    _text(root, "id", feed.id)
    _text(root, "title", feed.title)
    _text(root, "updated", _instant(max((entry.updated for entry in feed.entries), default=feed.updated)))
    _link(root, feed.self_link, "self", "application/atom+xml")
    _link(root, feed.link, "alternate", "text/html")
    if feed.subtitle:
        _text(root, "subtitle", feed.subtitle)
    _text(root, "generator", "Marsad")
    for entry in feed.entries:
        _entry(root, entry)
    content: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return content


def _entry(root: ET.Element, entry: AtomEntry) -> None:
    node = ET.SubElement(root, f"{{{_ATOM}}}entry")
    _text(node, "id", entry.id)
    _text(node, "title", entry.title)
    _text(node, "updated", _instant(entry.updated))
    if entry.published is not None:
        _text(node, "published", _instant(entry.published))
    # RFC 4287, 4.1.1: an entry without an author, in a feed without one, is not valid.
    _text(ET.SubElement(node, f"{{{_ATOM}}}author"), "name", entry.author or "Marsad")
    _link(node, entry.link, "alternate", "text/html")
    _link(node, entry.original, "via", "text/html")
    for term, label in entry.categories:
        ET.SubElement(node, f"{{{_ATOM}}}category", {"term": _clean(term), "label": _clean(label)})
    if entry.summary:
        _text(node, "summary", entry.summary)


def _text(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, f"{{{_ATOM}}}{name}").text = _clean(text)


def _link(parent: ET.Element, href: str, rel: str, kind: str) -> None:
    if is_web(href):
        ET.SubElement(parent, f"{{{_ATOM}}}link", {"rel": rel, "type": kind, "href": _clean(href)})


def is_web(href: str) -> bool:
    """Whether an address is one that a reader may follow."""
    return bool(_WEB.fullmatch(_clean(href)))


def _clean(text: str) -> str:
    return balance(_NOT_XML.sub("", text))


def _instant(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
