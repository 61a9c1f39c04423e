"""Addresses inside documents."""

from urllib.parse import urljoin

from marsad.records.urls import is_web_url

__all__ = ["absolute"]


def absolute(base: str, href: str) -> str:
    """``href`` made absolute; empty where nothing that can be asked for comes out."""
    try:
        target = urljoin(base, href) if href else ""
    except ValueError:
        return ""
    return target if is_web_url(target) else ""
