"""What could not be processed, kept with the reason and the original bytes."""

from datetime import datetime

import msgspec

__all__ = ["Quarantined"]


class Quarantined(msgspec.Struct, frozen=True, kw_only=True, tag="quarantined", tag_field="record"):
    """One item that no try can process as it is. It can be replayed after a repair, or dropped."""

    id: str
    stage: str
    """The stage that gave up: poll, clean, tag, group, match, index, deliver."""
    key: str
    """The source's key: entry id, feed id, or delivery id."""
    reason: str
    payload: bytes
    """The original bytes; for a record its wire form."""
    at: datetime
    detail: str = ""
    v: int = 1
