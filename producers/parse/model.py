"""What parsing gives."""

from datetime import datetime

import msgspec

from marsad.records import Enclosure, FeedKind

__all__ = ["KeptEntry", "ParsedEntry", "ParsedFeed"]


class ParsedEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry as the document has it. ``title`` is text; ``summary`` and ``content`` are HTML, not sanitised."""

    guid: str = ""
    url: str = ""
    title: str = ""
    summary: str = ""
    content: str = ""
    published: str = ""
    """As written."""
    updated: str = ""
    published_at: datetime | None = None
    """``published``, else ``updated``, where it is in a form of RFC 822 or ISO 8601: good enough to order entries by."""
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    enclosures: tuple[Enclosure, ...] = ()
    image: str = ""


class KeptEntry(ParsedEntry, frozen=True, kw_only=True, omit_defaults=True):
    """An entry that was in the document before: what it is known by, without its texts, authors and pictures."""

    canonical: str = ""
    """The canonical form of ``url``."""
    content_hash: str = ""
    """Hash of what a reader sees of it; empty where there is nothing."""


class ParsedFeed(msgspec.Struct, frozen=True, kw_only=True):
    """A document as read. ``kind`` is None where it is no feed; ``problems`` then says what it is."""

    kind: FeedKind | None = None
    title: str = ""
    language: str = ""
    link: str = ""
    charset: str = ""
    ttl_minutes: int | None = None
    skip_hours: tuple[int, ...] = ()
    skip_days: tuple[int, ...] = ()
    """Weekdays, Monday is 0."""
    update_period_s: float | None = None
    hub: str = ""
    self_link: str = ""
    next_page: str = ""
    prev_archive: str = ""
    """The archive document before this one (RFC 5005 section 4)."""
    generator: str = ""
    entries: tuple[ParsedEntry, ...] = ()
    problems: tuple[str, ...] = ()
    feed_links: tuple[str, ...] = ()
    """Feeds that an HTML page offers, or the sitemaps of a sitemap index."""
