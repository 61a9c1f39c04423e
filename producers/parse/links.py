"""Addresses inside documents."""

from typing import Final
from urllib.parse import urljoin, urlsplit

from marsad.records.urls import is_web_url

__all__ = ["absolute"]

# Servers and browsers take some 8,000 characters at most, articles' addresses have a few hundred; 1,455 of 7,000 held a poll up for a second.
_LONGEST: Final = 4_096


def absolute(base: str, href: str) -> str:
    """``href`` made absolute; empty where nothing that can be asked for comes out.

    So is an address of more than 4,096 characters. A host without its scheme (``www.news.example/1``) is no path: feeds made by hand write links in this way.
    """
    try:
        host = urlsplit(base).netloc.lower()
        bare = href.lower().startswith(("www.", f"{host}/") if host else "www.")
        target = urljoin(base, f"//{href}" if bare else href) if href else ""
    except ValueError:
        return ""
    return target if len(target) <= _LONGEST and is_web_url(target) else ""
