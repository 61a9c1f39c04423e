"""Addresses inside documents."""

from urllib.parse import urljoin, urlsplit

from marsad.records.urls import is_web_url

__all__ = ["absolute"]


def absolute(base: str, href: str) -> str:
    """``href`` made absolute; empty where nothing that can be asked for comes out.

    A host without its scheme (``www.news.example/1``) is no path: feeds made by hand write links in this way.
    """
    try:
        host = urlsplit(base).netloc.lower()
        bare = href.lower().startswith(("www.", f"{host}/") if host else "www.")
        target = urljoin(base, f"//{href}" if bare else href) if href else ""
    except ValueError:
        return ""
    return target if is_web_url(target) else ""
