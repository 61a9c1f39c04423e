"""What the API takes and gives, as OpenAPI describes it. Each mirrors a record, but for what must not leave."""

from datetime import datetime, time
from typing import Literal, TypeVar

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from marsad.records import (
    CHOSEN,
    Cadence,
    DeliveryState,
    GapFill,
    GapReason,
    GapSource,
    Health,
    Standing,
    Subscription,
    TextField,
    Trigger,
)
from marsad_app.estimates import Estimate

__all__ = [
    "AlertOut",
    "ArticleOut",
    "ArticlesOut",
    "DeliveryOut",
    "ErrorOut",
    "EstimateIn",
    "EstimateOut",
    "ExampleOut",
    "FacetOut",
    "FeedIn",
    "FeedOut",
    "HighlightOut",
    "HitOut",
    "OutletOut",
    "PastPollOut",
    "QuarantinedOut",
    "StoryDetailOut",
    "StoryOut",
    "SubscriptionIn",
    "SubscriptionOut",
    "TopicOut",
    "TriedOut",
    "out",
]

Out = TypeVar("Out", bound=BaseModel)


def out(model: type[Out], record: msgspec.Struct, **more: object) -> Out:
    """The record as the API gives it; fields that the model does not have stay inside."""
    return model.model_validate({**msgspec.to_builtins(record), **more})


class _Model(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class ErrorOut(_Model):
    """Any fault."""

    error: str
    position: int | None = Field(None, description="for queries: 0-based offset of the fault")


class EvidenceOut(_Model):
    """Words that spoke for a tag; offsets are code points into that field."""

    term: str
    field: TextField
    start: int
    end: int
    weight: float


class TopicTagOut(_Model):
    """A topic of the article; 1.0 is its threshold."""

    id: str
    score: float
    evidence: list[EvidenceOut]


class CountryTagOut(_Model):
    """A country named in the article."""

    code: str
    mentions: int
    role: str


class EntityTagOut(_Model):
    """An organisation, person, ship or weapon."""

    id: str
    kind: str
    name_ar: str
    name_en: str
    mentions: int


class PlaceOut(_Model):
    """A place with its coordinates."""

    name: str
    country: str
    lat: float
    lon: float
    geonames_id: int
    mentions: int


class ArticleOut(_Model):
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


class HighlightOut(_Model):
    """A stretch that matched."""

    field: TextField
    start: int
    end: int


class HitOut(_Model):
    """One article of the answer."""

    article: ArticleOut
    score: float
    highlights: list[HighlightOut]
    story_size: int


class FacetOut(_Model):
    """How many matching articles carry a value."""

    value: str
    count: int


class ArticlesOut(_Model):
    """One page of an answer."""

    total: int
    exact: bool = Field(description="false: total is a lower bound")
    took_ms: float
    hits: list[HitOut]
    facets: dict[str, list[FacetOut]]


class StoryOut(_Model):
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
    first_outlet: str = Field(description="who reported it first")
    recent: int = Field(description="independent reports of its last three hours")
    breaking: bool = Field(description="it grows much faster than it used to, just now")


class StoryDetailOut(StoryOut):
    """A story with its articles, oldest first."""

    articles: list[ArticleOut]


class QuietHoursModel(_Model):
    """Local hours in which nothing is sent."""

    start: time
    end: time
    zone: str = "UTC"


class SubscriptionIn(BaseModel):
    """A subscription to be saved."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=120)
    query: str = Field(min_length=1, max_length=2_000)
    triggers: list[Trigger] = Field([Trigger.NEW_STORY], min_length=1, max_length=len(CHOSEN))
    story_outlets: int = Field(2, ge=2, le=100, description="outlets a story must reach, for story-outlets")
    story_countries: int = Field(2, ge=2, le=100, description="countries a story must reach, for story-countries")
    cadence: Cadence = "instant"
    every: int = Field(15, ge=1, le=1_440, description="minutes between digests, for every")
    at: time = Field(time(7), description="local time of daily and weekly digests")
    weekday: int = Field(0, ge=0, le=6, description="day of weekly digests; 0 is Monday")
    zone: str = Field(
        "", max_length=60, description="IANA time zone of digests; by default that of the quiet hours, else UTC"
    )
    cooldown: int = Field(0, ge=0, le=10_080, description="minutes after a message in which none goes out")
    cap: int = Field(0, ge=0, le=1_000, description="messages a local day to one outlet; 0: no limit")
    quiet: QuietHoursModel | None = None
    outlets: list[str] = Field(default_factory=list, max_length=20)
    language: Literal["ar", "en"] = "ar"
    enabled: bool = True


class SubscriptionOut(_Model):
    """A saved query. Without the token of the settings, outlets show their scheme only and ``feed`` is empty."""

    id: str
    name: str
    query: str
    owner: str
    triggers: list[Trigger]
    story_outlets: int
    story_countries: int
    cadence: str
    every: int
    at: time
    weekday: int
    zone: str
    cooldown: int
    cap: int
    quiet: QuietHoursModel | None
    outlets: list[str]
    language: str
    enabled: bool
    created_at: datetime
    feed: str = Field(description="path of its Atom feed")

    @classmethod
    def of(cls, one: Subscription, *, feed: str, outlets: list[str]) -> "SubscriptionOut":
        """A subscription as far as the reader may see it."""
        return out(cls, one, feed=feed, outlets=outlets)


class TriedOut(_Model):
    """What an outlet said to a test message."""

    outlet: str
    problem: str = Field(description="empty where it took the message")


class EstimateIn(BaseModel):
    """A query that might be subscribed to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    query: str = Field(min_length=1, max_length=2_000)
    cap: int = Field(0, ge=0, le=1_000)


class ExampleOut(_Model):
    """An article that a query would have brought, or nearly."""

    article_id: str
    title: str
    outlet: str
    lacks: str = Field("", description="the part of the query that it does not match")
    more: int = Field(0, description="articles of the month that would come with that part left out")


class EstimateOut(_Model):
    """The last 30 days as a query saw them."""

    total: int
    stories: int
    a_day: float = Field(description="stories a day")
    days: dict[str, int]
    examples: list[ExampleOut]
    near: list[ExampleOut]
    warnings: list[str] = Field(description="everything, nothing, over-cap")

    @classmethod
    def of(cls, found: Estimate) -> "EstimateOut":
        """An estimate as the API gives it."""
        examples = [ExampleOut(article_id=one.article_id, title=one.title, outlet=one.outlet) for one in found.examples]
        near = [
            ExampleOut(
                article_id=miss.article.article_id,
                title=miss.article.title,
                outlet=miss.article.outlet,
                lacks=miss.part,
                more=miss.more,
            )
            for miss in found.near
        ]
        return cls(
            total=found.total,
            stories=found.stories,
            a_day=round(found.a_day, 2),
            days=dict(found.days),
            examples=examples,
            near=near,
            warnings=list(found.warnings),
        )


class AlertOut(_Model):
    """One alert."""

    alert_id: str
    subscription_id: str
    story_id: str
    article_id: str
    reason: Trigger
    title: str
    outlet: str
    url: str
    topics: list[str]
    countries: list[str]
    evidence: list[str]
    story_outlets: int
    copy_of: str
    at: datetime


class DeliveryOut(_Model):
    """One alert on its way to one outlet; of the outlet's address only the scheme."""

    delivery_id: str
    alert_id: str
    subscription_id: str
    outlet: str
    state: DeliveryState
    attempts: int
    next_try_at: datetime
    last_error: str
    sent_at: datetime | None


class OutletOut(_Model):
    """How the deliveries to one outlet of one subscription went of late."""

    subscription_id: str
    outlet: str
    counts: dict[str, int] = Field(description="deliveries by state")
    last_sent_at: datetime | None
    last_error: str = Field(description="empty where the latest that was tried was taken")
    lost: bool = Field(description="it is no longer tried")


class FeedIn(BaseModel):
    """A feed to be watched."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(min_length=8, max_length=2_000)
    title: str = Field("", max_length=200)
    outlet: str = Field("", max_length=120)
    country: str = Field("", pattern="^([A-Z]{2})?$")
    language: str = Field("ar", pattern="^[a-z]{2,3}$")
    section: str = Field("", max_length=60)


class GapOut(_Model):
    """Entries that a feed brought and dropped between two polls, and whether older pages gave them after all."""

    at: datetime
    oldest_seen: datetime | None
    newest_known: datetime | None
    missed_at_least: int
    fill: GapFill
    found: int
    source: GapSource
    reason: GapReason
    pages: int


class PastPollOut(_Model):
    """A poll of the past, or several in a row that brought the same nothing."""

    since: datetime
    at: datetime
    times: int
    state: Health
    status: int | None
    new: int
    revised: int
    missed: int
    gap: str
    interval: float
    reason: str


class FeedOut(_Model):
    """A feed and its health."""

    id: str
    url: str
    title: str
    outlet: str
    country: str
    language: str
    section: str
    enabled: bool
    health: Health
    health_since: datetime | None
    detail: str
    advice: str
    muted: bool
    failures: int
    standing: Standing
    next_poll_at: datetime | None
    reason: str
    interval: float
    last_poll_at: datetime | None
    last_new_at: datetime | None
    rate: float
    gap_count: int
    backfilled: int
    gaps: list[GapOut]


class TopicOut(_Model):
    """A topic of the taxonomy."""

    id: str
    names: dict[str, str]
    definition: str
    iptc: list[str]
    parent: str


class QuarantinedOut(_Model):
    """Something that could not be processed."""

    id: str
    stage: str
    key: str
    reason: str
    detail: str
    at: datetime
    size: int
    payload_base64: str | None = Field(None, description="only where one item is asked for")
