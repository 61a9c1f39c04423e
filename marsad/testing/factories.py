"""Records for tests: valid, deterministic, and alike but for what the test says."""

from datetime import UTC, datetime
from typing import Any, Final

from marsad.records import (
    Alert,
    Article,
    Delivery,
    Entry,
    Feed,
    Quarantined,
    Story,
    Subscription,
    Trigger,
)
from marsad.records.ids import digest

__all__ = [
    "NOW",
    "TOPIC_FILE",
    "a_delivery",
    "a_feed",
    "a_quarantined",
    "a_story",
    "a_subscription",
    "an_alert",
    "an_article",
    "an_entry",
]

NOW: Final = datetime(2026, 7, 14, 9, 30, tzinfo=UTC)
"""The present of all made records; a Tuesday."""

TOPIC_FILE: Final = """id = "bees"
names = { ar = "النحل", en = "Bees", fr = "Abeilles" }
definition = "News of bees."
threshold = 2.0

[[term]]
weight = 2.0
any = ["نحل", "الجزائر"]
"""
"""A topic of a user's own, as a file."""

_TEXT: Final = "وقّع وزيرا الدفاع في البلدين مذكرة تفاهم تشمل التدريب المشترك وتبادل الوفود، وفق بيان صدر الثلاثاء."


def a_feed(**fields: Any) -> Feed:
    """A feed; any field can be set."""
    default: dict[str, Any] = {
        "id": "feed-1",
        "url": "http://feeds.example/rss.xml",
        "title": "آخر الأخبار",
        "outlet": "وكالة المثال",
        "country": "DZ",
        "section": "news",
        "added_at": NOW,
    }
    return Feed(**{**default, **fields})


def an_entry(**fields: Any) -> Entry:
    """A raw entry of ``a_feed``."""
    default: dict[str, Any] = {
        "entry_id": digest("entry", "1"),
        "article_id": digest("article", "1"),
        "feed_id": "feed-1",
        "url": "http://news.example/1",
        "guid": "guid-1",
        "guids": ("guid-1",),
        "title": "مباحثات عسكرية بين البلدين",
        "summary_html": f"<p>{_TEXT}</p>",
        "first_seen_at": NOW,
        "fetched_at": NOW,
        "content_hash": "0" * 16,
    }
    return Entry(**{**default, **fields})


def an_article(**fields: Any) -> Article:
    """A clean article without tags; its id and address follow from title and outlet."""
    outlet = fields.get("outlet", "وكالة المثال")
    title = fields.get("title", "مباحثات عسكرية بين البلدين")
    article_id = fields.get("article_id") or digest("article", outlet, title)
    default: dict[str, Any] = {
        "url": f"https://news.example/{article_id[:8]}",
        "text": _TEXT,
        "language": "ar",
        "published_at": NOW,
        "first_seen_at": fields.get("published_at", NOW),
        "feed_ids": ("feed-1",),
        "guids": (f"guid-{article_id[:8]}",),
    }
    return Article(**{**default, **fields, "article_id": article_id, "title": title, "outlet": outlet})


def a_story(**fields: Any) -> Story:
    """A story of one article."""
    default: dict[str, Any] = {
        "story_id": "story-1",
        "headline": "مباحثات عسكرية بين البلدين",
        "first_seen_at": fields.get("last_seen_at", NOW),
        "last_seen_at": NOW,
        "outlets": ("وكالة المثال",),
    }
    return Story(**{**default, **fields})


def a_subscription(**fields: Any) -> Subscription:
    """A subscription to defence cooperation, for new stories."""
    default: dict[str, Any] = {
        "id": "subscription-1",
        "name": "التعاون الدفاعي",
        "query": "topic:defense-cooperation",
        "created_at": NOW,
        "secret": "5ec2e7",
    }
    return Subscription(**{**default, **fields})


def an_alert(**fields: Any) -> Alert:
    """An alert of ``a_subscription``."""
    default: dict[str, Any] = {
        "alert_id": "alert-1",
        "subscription_id": "subscription-1",
        "story_id": "story-1",
        "article_id": digest("article", "1"),
        "reason": Trigger.NEW_STORY,
        "title": "مباحثات عسكرية بين البلدين",
        "outlet": "وكالة المثال",
        "url": "https://news.example/1",
        "evidence": ("مذكرة تفاهم",),
        "at": NOW,
    }
    return Alert(**{**default, **fields})


def a_delivery(**fields: Any) -> Delivery:
    """A delivery of ``an_alert`` to a webhook, due now."""
    default: dict[str, Any] = {
        "delivery_id": "delivery-1",
        "alert_id": "alert-1",
        "subscription_id": "subscription-1",
        "outlet": "json://hooks.example/in",
        "next_try_at": NOW,
    }
    return Delivery(**{**default, **fields})


def a_quarantined(**fields: Any) -> Quarantined:
    """An entry that cleaning could not read."""
    default: dict[str, Any] = {
        "id": "quarantined-1",
        "stage": "clean",
        "key": "entry-1",
        "reason": "no text: entry entry-1 has neither title nor text",
        "payload": b'{"record":"entry"}',
        "at": NOW,
    }
    return Quarantined(**{**default, **fields})
