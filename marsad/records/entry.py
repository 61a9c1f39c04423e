"""An entry as a feed gave it: raw, before anything is cleaned."""

from datetime import datetime
from typing import Literal

import msgspec

__all__ = ["DateDoubt", "Enclosure", "Entry"]

DateDoubt = Literal["", "frozen", "always now"]


class Enclosure(msgspec.Struct, frozen=True):
    """A file that the feed attaches to an entry."""

    url: str
    type: str = ""
    length: int = 0


class Entry(msgspec.Struct, frozen=True, kw_only=True, tag="entry", tag_field="record"):
    """One feed entry at one revision. HTML is as the feed wrote it and must never be shown unsanitised."""

    entry_id: str
    """Stable hash of feed and identity (GUID, else link, else content)."""
    article_id: str
    """Stable hash of the canonical URL, else of the GUID within its feed: the key of the streams."""
    feed_id: str
    url: str = ""
    guid: str = ""
    guids: tuple[str, ...] = ()
    """All GUIDs that lead to this entry's link."""
    title: str = ""
    summary_html: str = ""
    content_html: str = ""
    page_html: str = ""
    page_problem: str = ""
    """Why there is no page although one was wanted; empty if none was wanted or it is there."""
    page_url: str = ""
    """The address that the page came from, after redirects."""
    canonical: str = ""
    """The address that the page names as its own, where the article is known by that and not by ``url``."""
    date_doubt: DateDoubt = ""
    """Why the feed's dates say nothing: all its entries bear one date, or the time of the request."""
    published_raw: str = ""
    updated_raw: str = ""
    authors: tuple[str, ...] = ()
    enclosures: tuple[Enclosure, ...] = ()
    categories: tuple[str, ...] = ()
    image: str = ""
    first_seen_at: datetime
    fetched_at: datetime
    revision: int = 1
    content_hash: str = ""
    v: int = 1
