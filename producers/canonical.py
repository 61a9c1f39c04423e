"""The address that a page names as its own (``rel=canonical``), where it may be believed. Pure.

Sites name their home page, a section or another site there by mistake; then articles would be taken for one another. So what
is believed stands on the page's own site, looks like an article's address, and is borne out: by the address that the page
came from, or by what the page says of itself elsewhere (``og:url``).
"""

import re
from html import unescape
from typing import Final
from urllib.parse import unquote, urljoin, urlsplit

from msgspec.structs import replace

from marsad.records import Entry
from marsad.records.ids import article_id
from marsad.records.urls import canonical_url, clean_url, is_web_url
from producers.politeness import site_of

__all__ = ["canonical_of", "identified"]

_HEAD: Final = 300_000
"""Characters of a page among which its head ends."""
# Bounded, so that a page of opened tags is read once.
_TAG: Final = re.compile(r"<(link|meta)\b([^<>]{1,4000})>", re.IGNORECASE)
_ATTRIBUTE: Final = re.compile(r"([a-zA-Z:-]{1,40})\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))")
_MOST_TAGS: Final = 2_000
_NUMBER: Final = re.compile(r"\d{4,}")
_SLUG: Final = 12
"""Letters of an article's name in its address; names of sections are shorter."""
_QUERY_ID: Final = re.compile(r"(?:^|&)\w*id=\w|(?:^|&)p=\d|=\d{3,}", re.IGNORECASE)


def identified(entry: Entry) -> Entry:
    """Return an entry with the identity that its page gives it; an entry that was handed on before keeps the one it had.

    Args:
        entry: With its page.
    """
    link = canonical_url(entry.url)
    if entry.revision > 1 or not entry.page_html or entry.article_id != article_id(link, "", ""):
        return entry
    named = canonical_of(entry.page_html, entry.page_url or entry.url)
    identity = canonical_url(named)
    if not identity or identity == link:
        return entry
    return replace(entry, article_id=article_id(identity, "", ""), canonical=named)


def canonical_of(html: str, url: str) -> str:
    """Return the address that a page names as its own, or an empty string where it names none that may be believed.

    Args:
        html: The page.
        url: The address that it came from.
    """
    named, others = _named(html[:_HEAD], url)
    if len({canonical_url(each) for each in named}) != 1:
        return ""
    address = clean_url(named[0])
    same_site = is_web_url(address) and site_of(canonical_url(address)) == site_of(canonical_url(url))
    if not same_site or not _is_articles(address):
        return ""
    borne_out = canonical_url(address) in {canonical_url(each) for each in others} or _alike(address, url)
    return address if borne_out else ""


def _named(head: str, url: str) -> tuple[list[str], list[str]]:
    """Return the addresses that the page's links and its other marks name."""
    canonical: list[str] = []
    others: list[str] = []
    for count, match in enumerate(_TAG.finditer(head)):
        if count >= _MOST_TAGS:
            break
        attributes = {
            name.lower(): unescape(double or single or bare).strip()
            for name, double, single, bare in _ATTRIBUTE.findall(match[2])
        }
        if "canonical" in attributes.get("rel", "").lower().split():
            canonical += _absolute(url, attributes.get("href", ""))
        elif attributes.get("property", "").lower() == "og:url":
            others += _absolute(url, attributes.get("content", ""))
    return canonical, others


def _absolute(base: str, address: str) -> list[str]:
    try:
        return [urljoin(base, address)] if address else []
    except ValueError:
        return []


def _is_articles(address: str) -> bool:
    """Tell an article's address from a home page's or section's: it ends in a number, a long name, or has an id."""
    parts = urlsplit(address)
    last = unquote(parts.path.rstrip("/").rpartition("/")[2])
    return bool(_NUMBER.search(last) or len(last) >= _SLUG or _QUERY_ID.search(parts.query))


def _alike(address: str, other: str) -> bool:
    """Tell whether two addresses have the last part of their path or a long number in common."""
    one, two = urlsplit(canonical_url(address)), urlsplit(canonical_url(other))
    last = one.path.rpartition("/")[2]
    numbers = set(_NUMBER.findall(f"{one.path}?{one.query}")) & set(_NUMBER.findall(f"{two.path}?{two.query}"))
    return (len(last) >= _SLUG and last in two.path.split("/")) or bool(numbers)
