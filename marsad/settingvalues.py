"""Values of settings as they may be written in the environment."""

from ipaddress import ip_network
from urllib.parse import urlsplit

__all__ = ["networks", "public_base", "split_words"]


def split_words(value: object) -> object:
    """Let a list be written in the environment as words between commas."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def networks(value: object) -> object:
    """Let networks be written as text."""
    parts = split_words(value)
    return (
        [ip_network(part, strict=False) if isinstance(part, str) else part for part in parts]
        if isinstance(parts, list)
        else parts
    )


def public_base(value: str) -> str:
    """An address that paths can be put behind."""
    if not value:
        return value
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("an http or https address without ? and # is expected, such as https://news.example.org")
    return value.rstrip("/")
