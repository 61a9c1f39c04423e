"""Subscriptions, the alerts they raise, and the deliveries of these."""

from datetime import datetime, time
from enum import StrEnum
from typing import Literal

import msgspec

__all__ = [
    "ABOUT_FEEDS",
    "CHOSEN",
    "Alert",
    "AlertReason",
    "Cadence",
    "Delivery",
    "DeliveryState",
    "Hit",
    "QuietHours",
    "Subscription",
    "Trigger",
]


class Trigger(StrEnum):
    """What raises an alert."""

    NEW_ARTICLE = "new-article"
    NEW_STORY = "new-story"
    STORY_OUTLETS = "story-outlets"
    STORY_COUNTRIES = "story-countries"
    CORRECTION = "correction"
    SPIKE = "spike"
    """What matches has become far more than is usual at that time of day."""
    FEED_HEALTH = "feed-health"
    """A feed falls ill or has recovered; the query chooses the feeds."""
    SOURCE_SILENT = "source-silent"
    """Of these only that a feed brings far less than it used to, and that it has recovered from that."""
    OUTLET_LOST = "outlet-lost"
    """An outlet of the subscription takes nothing any more: told through the others. Cannot be chosen."""

    BACKFILL = "backfill"
    """What a new subscription would have told before: one digest. Cannot be chosen."""


ABOUT_FEEDS = frozenset({Trigger.FEED_HEALTH, Trigger.SOURCE_SILENT})
"""Triggers whose query chooses feeds, not articles."""

CHOSEN = tuple(trigger for trigger in Trigger if trigger not in {Trigger.OUTLET_LOST, Trigger.BACKFILL})
"""Triggers that a subscription can have."""

Cadence = Literal["instant", "every", "hourly", "daily", "weekly"]


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
    story_countries: int = 2
    """Countries that a story must reach for ``story-countries``."""
    spike_hours: int = 3
    """Hours that are counted together for ``spike``."""
    spike_since: datetime | None = None
    """Since when its hits are counted for ``spike``; None: since it was made."""
    cadence: Cadence = "instant"
    every: int = 15
    """Minutes between two digests, for ``every``."""
    at: time = time(7)
    """Local time of the daily and weekly digests."""
    weekday: int = 0
    """Day of the weekly digest; 0 is Monday."""
    zone: str = ""
    """IANA zone of the digests; empty: that of the quiet hours, else UTC."""
    cooldown: int = 0
    """Minutes after a message in which none goes out; what comes meanwhile goes out together after them."""
    cap: int = 0
    """Messages a local day to one outlet; what is over it goes out together the next morning. 0: no limit."""
    quiet: QuietHours | None = None
    outlets: tuple[str, ...] = ()
    """Where alerts go: ``terminal:``, ``mailto:``, ``webhook:`` or an apprise URL. The Atom feed and the page are always there."""
    lost: tuple[str, ...] = ()
    """Those of its outlets that are no longer tried, until the subscription is saved again."""
    muted: tuple[str, ...] = ()
    """Stories that it is not to be told of any more, the latest last."""
    language: str = "ar"
    enabled: bool = True
    created_at: datetime
    secret: str = ""
    """Unguessable part of the address of its Atom feed."""
    v: int = 1

    @property
    def counted_since(self) -> datetime:
        """Since when its hits are counted."""
        return self.spike_since or self.created_at


class Alert(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="alert", tag_field="record"):
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
    story_outlets: int = 0
    """Outlets that carried the story then."""
    copy_of: str = ""
    """The article of which this one is a copy."""
    hits: int = 0
    """Of a spike: the articles that matched within ``hours``."""
    usual: float = 0.0
    """Of a spike: how many usually match within as many hours at that time."""
    hours: int = 0
    lost_outlet: str = ""
    """Of a lost outlet: which kind it is."""
    error: str = ""
    """What that outlet said last, in English; the title has it in the language of the subscription."""
    members: tuple["Alert", ...] = ()
    """Of a back-fill: the alerts that it tells."""
    told_in: str = ""
    """The alert that tells this one: it is in the ledger, and not delivered by itself."""
    v: int = 1

    @property
    def parts(self) -> tuple["Alert", ...]:
        """The alerts that a message tells for it."""
        return self.members or (self,)

    @property
    def page(self) -> str:
        """Where the web page shows what it is about."""
        if self.feed_id:
            return f"/feeds/{self.feed_id}"
        return f"/articles/{self.article_id}" if self.article_id else f"/subscriptions/{self.subscription_id}"


class Hit(msgspec.Struct, frozen=True, kw_only=True, tag="hit", tag_field="record"):
    """An article that is news to a subscription with ``spike``: what is counted."""

    subscription_id: str
    article_id: str
    published_at: datetime
    first_seen_at: datetime
    came_at: datetime
    """When this revision of the article came."""
    alert: Alert
    """What is told if a spike begins with it, but for the figures."""
    v: int = 1


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    SENDING = "sending"
    """Handed over, answer not yet known: after a crash it is sent again with the same idempotency key."""
    SENT = "sent"
    FAILED = "failed"
    """Given up after the last try."""
    SKIPPED = "skipped"
    """No longer wanted when its time came: the story was muted."""


class Delivery(msgspec.Struct, frozen=True, kw_only=True, tag="delivery", tag_field="record"):
    """One alert on its way to one outlet."""

    delivery_id: str
    alert_id: str
    subscription_id: str
    outlet: str
    state: DeliveryState = DeliveryState.PENDING
    message: str = ""
    """The key of the message that it is part of, from the first try on: what was put together stays together."""
    attempts: int = 0
    next_try_at: datetime
    first_tried_at: datetime | None = None
    last_error: str = ""
    sent_at: datetime | None = None
    v: int = 1
