"""Where a site says what may be asked of it, and where its sitemaps are (RFC 9309)."""

from typing import Final
from urllib.parse import urlsplit

from protego import Protego

__all__ = ["MOST_BYTES", "PATH", "read_robots", "robots_url"]

PATH: Final = "/robots.txt"
MOST_BYTES: Final = 512_000
"""What is read of it; section 2.5 asks for at least 500 KiB."""


def robots_url(url: str) -> str:
    """The address of the file that speaks for an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{PATH}"


def read_robots(body: bytes) -> Protego:
    """The rules and sitemaps of a file, whatever it holds."""
    return Protego.parse(body.decode("utf-8", "replace"))
