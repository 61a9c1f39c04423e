"""What the API takes and gives of subscriptions, alerts and deliveries."""

from datetime import datetime, time
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from marsad.records import CHOSEN, Cadence, DeliveryState, Subscription, Trigger
from marsad_app.estimates import Estimate
from marsad_app.web.api.schemas import Model, out

__all__ = [
    "AlertOut",
    "DeliveryOut",
    "EstimateIn",
    "EstimateOut",
    "ExampleOut",
    "OutletOut",
    "QuietHoursModel",
    "SubscriptionIn",
    "SubscriptionOut",
    "TriedOut",
]


class QuietHoursModel(Model):
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
    spike_hours: int = Field(3, ge=1, le=24, description="hours counted together, for spike")
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
    backfill_days: int = Field(0, ge=0, le=30, description="tell, in one digest, what it would have told before")


class SubscriptionOut(Model):
    """A saved query. Without the token of the settings, outlets show their scheme only and ``feed`` is empty."""

    id: str
    name: str
    query: str
    owner: str
    triggers: list[Trigger]
    story_outlets: int
    story_countries: int
    spike_hours: int
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


class TriedOut(Model):
    """What an outlet said to a test message."""

    outlet: str
    problem: str = Field(description="empty where it took the message")


class EstimateIn(BaseModel):
    """A query that might be subscribed to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    query: str = Field(min_length=1, max_length=2_000)
    cap: int = Field(0, ge=0, le=1_000)


class ExampleOut(Model):
    """An article that a query would have brought, or nearly."""

    article_id: str
    title: str
    outlet: str
    lacks: str = Field("", description="the part of the query that it does not match")
    more: int = Field(0, description="articles of the month that would come with that part left out")


class EstimateOut(Model):
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


class AlertOut(Model):
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
    hits: int = Field(description="of a spike: articles that matched within `hours`; else 0")
    usual: float = Field(description="of a spike: how many usually do at that time")
    hours: int
    at: datetime


class DeliveryOut(Model):
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


class OutletOut(Model):
    """How the deliveries to one outlet of one subscription went of late."""

    subscription_id: str
    outlet: str
    counts: dict[str, int] = Field(description="deliveries by state")
    last_sent_at: datetime | None
    last_error: str = Field(description="empty where the latest that was tried was taken")
    lost: bool = Field(description="it is no longer tried")
    key: str = Field(description="names the outlet without giving it away; as in the metrics")
    retried: int = Field(description="tries after the first ones")
    latency: float | None = Field(description="seconds from when a message was due until it was taken; the median")
    open_until: datetime | None = Field(description="until when it is left alone, as it failed several times in a row")
