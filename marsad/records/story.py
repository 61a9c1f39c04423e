"""A story: the reports of one event."""

from datetime import datetime

import msgspec

__all__ = ["Story"]


class Story(msgspec.Struct, frozen=True, kw_only=True, tag="story", tag_field="record"):
    """Articles that report one event, copies counted once in ``outlets`` of independent texts."""

    story_id: str
    headline: str
    first_seen_at: datetime
    last_seen_at: datetime
    size: int = 1
    """Articles, copies included."""
    texts: int = 1
    """Articles that are no copy of another."""
    outlets: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    merged_into: str = ""
    v: int = 1
