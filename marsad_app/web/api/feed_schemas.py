"""What the API takes and gives of feeds."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from marsad.records import GapFill, GapReason, GapSource, Health, Standing
from marsad_app.web.api.schemas import Model

__all__ = ["FeedIn", "FeedOut", "PastPollOut"]


class FeedIn(BaseModel):
    """A feed to be watched."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(min_length=8, max_length=2_000)
    title: str = Field("", max_length=200)
    outlet: str = Field("", max_length=120)
    country: str = Field("", pattern="^([A-Z]{2})?$")
    language: str = Field("ar", pattern="^[a-z]{2,3}$")
    section: str = Field("", max_length=60)


class GapOut(Model):
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


class PastPollOut(Model):
    """A poll of the past, several in a row that brought the same nothing, or what the feed's hub pushed."""

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
    pushed: bool


class FeedOut(Model):
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
