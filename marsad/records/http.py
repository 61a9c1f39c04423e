"""What crosses between polling decisions and the network."""

from typing import Literal

import msgspec

__all__ = ["FetchRequest", "FetchResponse"]


class FetchRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A GET to be made.

    ``max_bytes`` bounds the body after decompression; a longer one is a ``FetchError`` with health ``too-large``.
    """

    url: str
    purpose: Literal["feed", "page", "robots"] = "feed"
    etag: str = ""
    last_modified: str = ""
    max_bytes: int = 10_000_000
    accept: str = "*/*"


class FetchResponse(msgspec.Struct, frozen=True, kw_only=True):
    """An answer, whatever its status; header names in lower case."""

    url: str
    """The address that was asked for."""
    final_url: str
    """The address that answered, after redirects."""
    status: int
    headers: dict[str, str] = {}
    body: bytes = b""
    permanent_url: str = ""
    """Where an unbroken chain of 301/308 led; empty if there was none."""
    elapsed: float = 0.0
    """Seconds."""
