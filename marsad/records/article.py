"""The clean article, with every tag and its evidence."""

from datetime import datetime
from typing import Literal

import msgspec

__all__ = ["Article", "CountryTag", "EntityTag", "Evidence", "Place", "Precision", "TextField", "TopicTag"]

TextField = Literal["title", "lead", "text"]
Precision = Literal["second", "minute", "day", "month", "year", "seen"]
"""How exact ``published_at`` is; ``seen``: no usable date, the instant of first sight stands in."""


class Evidence(msgspec.Struct, frozen=True):
    """One hit that spoke for a tag. ``start`` and ``end`` are code-point offsets into that field of the article."""

    term: str
    field: TextField
    start: int
    end: int
    weight: float = 1.0


class TopicTag(msgspec.Struct, frozen=True):
    """A topic that the article is about. ``score`` is 1.0 at the topic's threshold."""

    id: str
    score: float
    evidence: tuple[Evidence, ...] = ()


class CountryTag(msgspec.Struct, frozen=True):
    """A country named in the article: ISO 3166-1 alpha-2 (XK for Kosovo), main actors first."""

    code: str
    mentions: int
    role: Literal["actor", "mention"] = "mention"
    evidence: tuple[Evidence, ...] = ()


class Place(msgspec.Struct, frozen=True):
    """A place with its coordinates in degrees (WGS 84)."""

    name: str
    country: str
    lat: float
    lon: float
    geonames_id: int = 0
    mentions: int = 1


class EntityTag(msgspec.Struct, frozen=True):
    """An organisation, person, ship or weapon."""

    id: str
    kind: Literal["person", "organisation", "ship", "weapon", "other"]
    name_ar: str
    name_en: str = ""
    mentions: int = 1
    evidence: tuple[Evidence, ...] = ()


class Article(msgspec.Struct, frozen=True, kw_only=True, tag="article", tag_field="record"):
    """A clean article. ``title``, ``lead`` and ``text`` are the reader's text: nothing in them is folded.

    ``text`` holds the whole body; ``lead`` is its first paragraph or the feed's summary, whichever is real text.
    """

    article_id: str
    url: str = ""
    guids: tuple[str, ...] = ()
    feed_ids: tuple[str, ...] = ()
    title: str
    lead: str = ""
    text: str = ""
    language: str = ""
    authors: tuple[str, ...] = ()
    outlet: str = ""
    outlet_country: str = ""
    sections: tuple[str, ...] = ()
    image: str = ""
    published_at: datetime
    published_precision: Precision = "second"
    published_zone: str = ""
    published_raw: str = ""
    date_problem: str = ""
    """Why ``published_at`` is not what the feed said: future, frozen, unreadable; empty if it is."""
    first_seen_at: datetime
    updated_at: datetime | None = None
    topics: tuple[TopicTag, ...] = ()
    countries: tuple[CountryTag, ...] = ()
    places: tuple[Place, ...] = ()
    entities: tuple[EntityTag, ...] = ()
    story_id: str = ""
    duplicate_of: str = ""
    revision: int = 1
    """Grows when the words change."""
    edition: int = 1
    """Grows with every change of the record: words, tags or sources."""
    taxonomy_version: str = ""
    pipeline_version: str = ""
    partial: str = ""
    """Why the text is only the feed's own; empty if it is the whole text."""
    v: int = 1
