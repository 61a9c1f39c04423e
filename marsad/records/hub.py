"""What is agreed with the hub of a feed (WebSub, https://www.w3.org/TR/websub/), and what hubs tell."""

from datetime import datetime
from typing import Literal

import msgspec

__all__ = ["HubLink", "HubNews", "HubStage"]

HubStage = Literal["asked", "active", "refused", "denied"]
"""Asked: the hub has not confirmed yet. Refused: it could not be asked, or did not confirm; asked again later."""


class HubLink(msgspec.Struct, frozen=True, kw_only=True):
    """One feed's subscription at one hub. Part of the feed's state, and so written by the producers alone."""

    hub: str
    topic: str
    """The address that the feed calls itself, which the hub knows it by."""
    callback: str
    """Where the hub calls; nobody else knows its last part."""
    token: str
    """The last part of the callback."""
    secret: str
    """What the hub signs its messages with."""
    stage: HubStage = "asked"
    asked_at: datetime | None = None
    confirmed_at: datetime | None = None
    denied_at: datetime | None = None
    """When the hub last denied or ended the subscription."""
    lease_until: datetime | None = None
    next_at: datetime | None = None
    """When the hub is asked next: to renew the lease, or again after a failure."""
    failures: int = 0
    """Requests in a row that led to nothing."""
    why: str = ""
    """What the last failure was, for a person."""
    pushed_at: datetime | None = None
    """The newest push that counted."""
    pushes: int = 0
    proven: int = 0
    """Pushes in a row that announced the news, with none found that had not been announced."""
    owed: int = 0
    """Polls that may still look for what a push announced and the feed did not show."""


class HubNews(msgspec.Struct, frozen=True, kw_only=True, tag="hub-news", tag_field="record"):
    """What a hub told about a feed: most of it to the web page, which hands it to the producers."""

    feed_id: str
    kind: Literal["confirmed", "denied", "pushed", "refused"]
    token: str
    """Which of the feed's subscriptions is meant."""
    at: datetime
    lease_seconds: int = 0
    reason: str = ""
    body: bytes = b""
    """The document that was pushed; empty where it could not be kept, and the feed is asked instead."""
    content_type: str = ""
    v: int = 1
