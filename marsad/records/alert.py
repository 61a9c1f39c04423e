"""Subscriptions, the alerts they raise, and the deliveries of these."""

from datetime import datetime, time
from enum import StrEnum
from typing import Literal

import msgspec

__all__ = ["Alert", "AlertReason", "Delivery", "DeliveryState", "QuietHours", "Subscription", "Trigger"]


class Trigger(StrEnum):
    """What raises an alert."""

    NEW_ARTICLE = "new-article"
    NEW_STORY = "new-story"
    STORY_OUTLETS = "story-outlets"
    CORRECTION = "correction"
    FEED_HEALTH = "feed-health"
    """A feed falls ill or has recovered; the query chooses the feeds."""


AlertReason = Trigger
"""The trigger that fired is the reason of the alert."""


class QuietHours(msgspec.Struct, frozen=True):
    """Local hours in which nothing is sent; ``start`` may be after ``end`` (over midnight)."""

    start: time
    end: time
    zone: str = "UTC"


class Subscription(msgspec.Struct, frozen=True, kw_only=True, tag="subscription", tag_field="record"):
    """A saved query that alerts its owner."""

    id: str
    name: str
    query: str
    owner: str = ""
    triggers: tuple[Trigger, ...] = (Trigger.NEW_STORY,)
    story_outlets: int = 2
    """Outlets that a story must reach for ``story-outlets``."""
    cadence: Literal["instant", "hourly", "daily", "weekly"] = "instant"
    quiet: QuietHours | None = None
    outlets: tuple[str, ...] = ()
    """Where alerts go: ``terminal:`` or an apprise URL. Its Atom feed and the web page are always there."""
    language: str = "ar"
    enabled: bool = True
    created_at: datetime
    secret: str = ""
    """Unguessable part of the address of its Atom feed."""
    v: int = 1


class Alert(msgspec.Struct, frozen=True, kw_only=True, tag="alert", tag_field="record"):
    """One alert: at most one for each (subscription, story, reason), however often the article is replayed."""

    alert_id: str
    subscription_id: str
    story_id: str
    article_id: str
    reason: AlertReason
    title: str
    outlet: str = ""
    url: str = ""
    topics: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    """The words of the article that matched, as they stand there."""
    at: datetime
    feed_id: str = ""
    """The feed that it is about, where it is about no article."""
    v: int = 1

    @property
    def page(self) -> str:
        """Where the web page shows what it is about."""
        return f"/feeds/{self.feed_id}" if self.feed_id else f"/articles/{self.article_id}"


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    SENDING = "sending"
    """Handed over, answer not yet known: after a crash it is sent again with the same idempotency key."""
    SENT = "sent"
    FAILED = "failed"
    """Given up after the last try."""


class Delivery(msgspec.Struct, frozen=True, kw_only=True, tag="delivery", tag_field="record"):
    """One alert on its way to one outlet. ``delivery_id`` is the idempotency key."""

    delivery_id: str
    alert_id: str
    subscription_id: str
    outlet: str
    state: DeliveryState = DeliveryState.PENDING
    attempts: int = 0
    next_try_at: datetime
    last_error: str = ""
    sent_at: datetime | None = None
    v: int = 1
