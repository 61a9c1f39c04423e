"""What the API takes and gives, as OpenAPI describes it. Each mirrors a record, but for what must not leave."""

from datetime import datetime
from typing import TypeVar

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from marsad.records import (
    TextField,
)

__all__ = [
    "ArticleOut",
    "ArticlesOut",
    "ErrorOut",
    "FacetOut",
    "HighlightOut",
    "HitOut",
    "Model",
    "QuarantinedOut",
    "StoryDetailOut",
    "StoryOut",
    "TopicOut",
    "out",
]

Out = TypeVar("Out", bound=BaseModel)


def out(model: type[Out], record: msgspec.Struct, **more: object) -> Out:
    """The record as the API gives it; fields that the model does not have stay inside."""
    return model.model_validate({**msgspec.to_builtins(record), **more})


class Model(BaseModel):
    """What the API gives: fields of a record that it does not name are left out."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class ErrorOut(Model):
    """Any fault."""

    error: str
    position: int | None = Field(None, description="for queries: 0-based offset of the fault")


class EvidenceOut(Model):
    """Words that spoke for a tag; offsets are code points into that field."""

    term: str
    field: TextField
    start: int
    end: int
    weight: float


class TopicTagOut(Model):
    """A topic of the article; 1.0 is its threshold."""

    id: str
    score: float
    evidence: list[EvidenceOut]


class CountryTagOut(Model):
    """A country named in the article."""

    code: str
    mentions: int
    role: str


class EntityTagOut(Model):
    """An organisation, person, ship or weapon."""

    id: str
    kind: str
    name_ar: str
    name_en: str
    mentions: int


class PlaceOut(Model):
    """A place with its coordinates."""

    name: str
    country: str
    lat: float
    lon: float
    geonames_id: int
    mentions: int


class ArticleOut(Model):
    """A clean article with its tags."""

    article_id: str
    url: str
    guids: list[str]
    feed_ids: list[str]
    title: str
    lead: str
    text: str
    language: str
    authors: list[str]
    outlet: str
    outlet_country: str
    sections: list[str]
    published_at: datetime
    published_precision: str
    published_raw: str
    date_problem: str
    first_seen_at: datetime
    updated_at: datetime | None
    topics: list[TopicTagOut]
    countries: list[CountryTagOut]
    places: list[PlaceOut]
    entities: list[EntityTagOut]
    story_id: str
    duplicate_of: str
    revision: int
    taxonomy_version: str
    partial: str


class HighlightOut(Model):
    """A stretch that matched."""

    field: TextField
    start: int
    end: int


class HitOut(Model):
    """One article of the answer."""

    article: ArticleOut
    score: float
    highlights: list[HighlightOut]
    story_size: int


class FacetOut(Model):
    """How many matching articles carry a value."""

    value: str
    count: int


class ArticlesOut(Model):
    """One page of an answer."""

    total: int
    exact: bool = Field(description="false: total is a lower bound")
    ordered: int = Field(description="only so many of the newest matches were put in order; 0: all")
    took_ms: float
    hits: list[HitOut]
    facets: dict[str, list[FacetOut]]


class StoryOut(Model):
    """Reports of one event."""

    story_id: str
    headline: str
    first_seen_at: datetime
    last_seen_at: datetime
    size: int
    texts: int
    outlets: list[str]
    countries: list[str]
    topics: list[str]
    merged_into: str = Field(description="the story that it went on in; empty for most")
    absorbed: list[str] = Field(description="the stories that ended in it")
    split_from: str = Field(description="the story that it was part of until that told two events; empty for most")
    first_outlet: str = Field(description="who reported it first")
    recent: int = Field(description="independent reports of its last three hours")
    breaking: bool = Field(description="it grows much faster than it used to, just now")


class StoryDetailOut(StoryOut):
    """A story with its articles, oldest first."""

    articles: list[ArticleOut]


class TopicOut(Model):
    """A topic of the taxonomy."""

    id: str
    names: dict[str, str]
    definition: str
    iptc: list[str]
    parent: str


class QuarantinedOut(Model):
    """Something that could not be processed."""

    id: str
    stage: str
    key: str
    reason: str
    detail: str
    at: datetime
    size: int
    payload_base64: str | None = Field(None, description="only where one item is asked for")
