"""What happened, as typed events: every item ends in exactly one counted outcome.

An event is data; ``EventSink`` adapters turn it into a log line, a metric or a line on the terminal.
"""

from enum import StrEnum
from typing import Protocol

import msgspec

from marsad.records import GapFill, Health

__all__ = [
    "AlertRaised",
    "Event",
    "EventSink",
    "FeedPolled",
    "GapTried",
    "ItemOutcome",
    "Outcome",
    "PageFetched",
    "StageFailed",
]


class Outcome(StrEnum):
    """How an item ended. Exactly one for each item and revision."""

    INDEXED = "indexed"
    REVISED = "revised"
    RETAGGED = "retagged"
    """The words stayed; tags were decided again."""
    UNCHANGED = "unchanged"
    DUPLICATE = "duplicate"
    """Indexed, and known to be a copy of another article."""
    DROPPED = "dropped"
    QUARANTINED = "quarantined"
    RETRIED = "retried"


class FeedPolled(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A poll ended; ``next_in`` are seconds."""

    feed_id: str
    outlet: str
    health: Health
    new: int
    revised: int = 0
    missed: int = 0
    next_in: float = 0.0
    reason: str = ""


class GapTried(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Older pages were asked for what a feed had brought and dropped between two polls."""

    feed_id: str
    fill: GapFill
    found: int = 0
    pages: int = 0


class PageFetched(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """An article page was fetched, or given up with a reason."""

    entry_id: str
    problem: str = ""


class ItemOutcome(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """An entry went through the pipeline."""

    entry_id: str
    outcome: Outcome
    title: str = ""
    topics: tuple[str, ...] = ()
    reason: str = ""


class AlertRaised(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A new alert entered the ledger."""

    alert_id: str
    subscription: str
    title: str
    reason: str


class StageFailed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A stage met an error that it did not expect; ``retry_in`` seconds until it tries again."""

    stage: str
    error: str
    retry_in: float = 0.0


Event = FeedPolled | GapTried | PageFetched | ItemOutcome | AlertRaised | StageFailed


class EventSink(Protocol):
    """Takes events. Must not raise and must not block."""

    def emit(self, event: Event) -> None:
        """Note the event."""
        ...
