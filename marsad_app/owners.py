"""Owners of subscriptions, and the tokens that they prove themselves with."""

import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from marsad.errors import ConfigError
from marsad.records import Owner

__all__ = ["made_owner", "named", "session_of", "token_owner"]

_LONGEST: Final = 60
_PURPOSE: Final = b"marsad owner session"


def made_owner(name: str, token: str, now: datetime) -> Owner:
    """A new owner.

    Args:
        name: what the owner goes by, as subscriptions say it.
        token: of 128 random bits at least: only then a plain hash keeps it.
        now: the present instant.

    Raises:
        ConfigError: the name is none.
    """
    if not name or len(name) > _LONGEST or not name.isprintable() or name != " ".join(name.split()):
        raise ConfigError(f"an owner's name has 1 to {_LONGEST} printable characters, and no spaces at its ends")
    return Owner(name=name, token_hash=_hash(token), created_at=now)


def token_owner(token: str, owners: Iterable[Owner]) -> Owner | None:
    """Whose token it is, told in constant time for each."""
    given = _hash(token)
    return next((owner for owner in owners if hmac.compare_digest(owner.token_hash, given)), None)


def named(name: str, owners: Iterable[Owner]) -> Owner | None:
    """The owner of that name."""
    return next((owner for owner in owners if owner.name == name), None)


def session_of(owner: Owner) -> str:
    """What a session's cookie proves: that its bearer had the token. It ends with the token."""
    return hmac.new(owner.token_hash.encode(), _PURPOSE, hashlib.sha256).hexdigest()


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
