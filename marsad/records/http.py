"""What crosses between polling decisions and the network."""

from typing import Literal

import msgspec

__all__ = ["FetchRequest", "FetchResponse"]


class FetchRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A GET to be made, or a POST where there is a form.

    ``max_bytes`` bounds the body after decompression; a longer one is a ``FetchError`` with health ``too-large``.
    """

    url: str
    purpose: Literal["feed", "page", "robots", "hub"] = "feed"
    etag: str = ""
    last_modified: str = ""
    max_bytes: int = 10_000_000
    accept: str = "*/*"
    form: tuple[tuple[str, str], ...] = ()
    """Fields of a form to be posted; it is posted again only where a redirect (307, 308) asks for that."""


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
