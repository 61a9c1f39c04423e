"""Who subscriptions belong to."""

from datetime import datetime

import msgspec

__all__ = ["Owner"]


class Owner(msgspec.Struct, frozen=True, kw_only=True, tag="owner", tag_field="record"):
    """Someone who sees and changes their own subscriptions, and nobody else's."""

    name: str
    token_hash: str
    """SHA-256 of the token, in hexadecimal; the token itself is nowhere."""
    created_at: datetime
    v: int = 1
