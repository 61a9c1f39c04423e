"""How feeds are, in words."""

from datetime import datetime
from typing import Any

import msgspec

from marsad.records import Feed, FeedState, Health, Standing

__all__ = ["FeedHealth", "feed_health", "is_well"]

_WELL = frozenset({Health.NEW.value, Health.OK.value, Health.UNCHANGED.value})


class FeedHealth(msgspec.Struct, frozen=True, kw_only=True):
    """A feed with what its last polls say."""

    id: str
    url: str
    outlet: str
    title: str
    state: str
    """``muted`` where it is not polled, else its health."""
    since: datetime | None = None
    detail: str = ""
    failures: int = 0
    standing: str = Standing.STEADY.value
    last_poll_at: datetime | None = None
    last_new_at: datetime | None = None
    next_poll_at: datetime | None = None
    reason: str = ""
    missed: int = 0
    """Times that entries were published and gone between two polls."""


def is_well(state: str) -> bool:
    """Whether nothing has to be done about a feed in this state."""
    return state in _WELL


def feed_health(feed: Feed, state: FeedState | None) -> FeedHealth:
    """Put a feed and what is known of it into one row."""
    known: dict[str, Any] = {"id": feed.id, "url": feed.url, "outlet": feed.outlet, "title": feed.title}
    if not feed.enabled:
        return FeedHealth(**known, state="muted", reason="switched off; `marsad feeds unmute` switches it on")
    if state is None:
        return FeedHealth(**known, state=Health.NEW.value, reason="not polled yet; due at once")
    known |= {
        "url": state.url or feed.url,
        "failures": state.failures,
        "standing": state.standing.value,
        "missed": state.gap_count,
    }
    return FeedHealth(
        **known,
        state="muted" if state.muted else state.health.value,
        since=state.health_since,
        detail=state.detail,
        last_poll_at=state.last_poll_at,
        last_new_at=state.last_new_at,
        next_poll_at=None if state.muted else state.next_poll_at,
        reason="gone feeds are asked once a day; `marsad feeds unmute` begins anew" if state.muted else state.reason,
    )
