"""Deterministic ids. The same input gives the same id on every machine, so that replays change nothing.

All are 32 hexadecimal digits of BLAKE2b-128 over the parts, separated by U+001F: at 10^9 articles the chance of one
collision is below 10^-20 (birthday bound n²/2^129).
"""

import hashlib
from collections.abc import Callable
from typing import Final

from marsad.memo import remembered

__all__ = [
    "alert_id",
    "alert_ids",
    "article_id",
    "content_hash",
    "delivery_id",
    "digest",
    "entry_id",
    "feed_id",
    "quarantine_id",
    "split_story_id",
    "story_id",
    "story_root",
    "subscription_id",
]


_SIZE: Final = 16
_SPLIT: Final = "-split"
# Each poll of a feed with news asks for the ids of its entries several times over.
_LATEST: Final = 4_096


def digest(*parts: str) -> str:
    """Hash of the parts in order; lone surrogates are kept apart by ``surrogatepass``."""
    return hashlib.blake2b(_bytes(*parts), digest_size=_SIZE).hexdigest()


def _bytes(*parts: str) -> bytes:
    return "\x1f".join(parts).encode("utf-8", "surrogatepass")


def feed_id(url: str) -> str:
    """Id of a feed by the address it was added with."""
    return digest("feed", url.strip())


@remembered(_LATEST)
def entry_id(feed: str, identity: str) -> str:
    """Id of an entry by its feed's id and its identity there (GUID, else link, else content)."""
    return digest("entry", feed, identity)


@remembered(_LATEST)
def article_id(canonical_url: str, feed: str, guid: str) -> str:
    """Id of an article: its canonical URL alone, so that it is the same in all feeds; else its GUID within its feed."""
    return digest("url", canonical_url) if canonical_url else digest("guid", feed, guid)


def content_hash(*parts: str) -> str:
    """Short hash (64 bits) to tell one revision of an entry from the next; compared only within one entry."""
    return digest(*parts)[:16]


def story_id(first_article: str) -> str:
    """Id of a story by the article that began it: stable under replay in the same order."""
    return digest("story", first_article)


def split_story_id(story: str) -> str:
    """Id of the story that is split off from one. A story is split once at most, so that this is one more id for each."""
    return story + _SPLIT


def story_root(story: str) -> str:
    """The story from which one was split off; the story itself for most. What readers were told of it they were told of both."""
    return story.removesuffix(_SPLIT)


def subscription_id(owner: str, name: str, query: str) -> str:
    """Id of a subscription made from a declaration, so that applying it twice makes one."""
    return digest("subscription", owner, name, query)


def alert_id(subscription: str, story: str, reason: str) -> str:
    """Id of an alert: one for each subscription, story and reason."""
    return alert_ids(story, reason)(subscription)


def alert_ids(story: str, reason: str) -> Callable[[str], str]:
    """Ids of the alerts of many subscriptions to one story for one reason, by subscription: what they share is written once."""
    begin, end = _bytes("alert", ""), _bytes("", story, reason)

    def of(subscription: str) -> str:
        return hashlib.blake2b(
            begin + subscription.encode("utf-8", "surrogatepass") + end, digest_size=_SIZE
        ).hexdigest()

    return of


def delivery_id(alert: str, outlet: str) -> str:
    """Id of a delivery, sent along as idempotency key."""
    return digest("delivery", alert, outlet)


def quarantine_id(stage: str, key: str, reason: str) -> str:
    """Id of a quarantined item: the same fault of the same item is one row."""
    return digest("quarantine", stage, key, reason)
