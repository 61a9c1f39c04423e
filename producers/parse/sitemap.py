"""News sitemaps (https://www.sitemaps.org, Google's news extension): entries with a title where the site gives one."""

import re
from typing import Any, Final

from lxml import etree

from marsad.arabic.repair import repair
from producers.parse.dates import instant
from producers.parse.htmltext import title_text
from producers.parse.links import absolute
from producers.parse.mend import cut_entries, mend, without_bad_references, without_prolog
from producers.parse.model import ParsedEntry, ParsedFeed

__all__ = ["looks_like_sitemap", "parse_sitemap"]

_ROOT: Final = re.compile(r"<(?:[\w-]+:)?(?:urlset|sitemapindex)[\s>]", re.IGNORECASE)
_OPEN_URL: Final = re.compile(r"<(?:[\w-]+:)?(?:url|sitemap)[\s>]", re.IGNORECASE)
_HEAD: Final = 8_192
_MOST_SITEMAPS: Final = 50


def looks_like_sitemap(text: str) -> bool:
    """Tell whether a document's root is that of a sitemap or of a list of sitemaps."""
    return _ROOT.search(text[:_HEAD]) is not None


def parse_sitemap(text: str, *, url: str, max_entries: int) -> ParsedFeed:
    """Read a sitemap; a list of sitemaps gives no entries but their addresses in ``feed_links``.

    Args:
        text: the document.
        url: where it came from, for relative addresses.
        max_entries: addresses to read; more is a problem that the result names.
    """
    body, entities, problems = without_prolog(text)
    body, cut = cut_entries(body, _OPEN_URL, max_entries)
    root = _root(mend(body, entities).text)
    notes = (*problems, *(("entries-cut",) if cut else ()))
    if root is None:
        return ParsedFeed(problems=(*notes, "not-well-formed", "not-a-feed"))
    if _name(root) == "sitemapindex":
        links = [absolute(url, _fields(child).get("loc", "")) for child in root if _name(child) == "sitemap"]
        found = tuple(link for link in links if link)[:_MOST_SITEMAPS]
        return ParsedFeed(kind="sitemap", feed_links=found, problems=(*notes, "sitemap-index"))
    entries = [_entry(_fields(child), url) for child in root if _name(child) == "url"]
    return ParsedFeed(
        kind="sitemap",
        language=next((_fields(child).get("language", "") for child in root if _name(child) == "url"), ""),
        entries=tuple(entry for entry in entries if entry.url)[:max_entries],
        problems=notes,
    )


def _root(text: str) -> Any | None:
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False)
    try:
        return etree.fromstring(without_bad_references(text).encode(), parser)
    except (etree.LxmlError, ValueError):
        return None


def _name(element: Any) -> str:
    return str(element.tag).rpartition("}")[2].lower() if isinstance(element.tag, str) else ""


def _fields(element: Any) -> dict[str, str]:
    """Texts of all elements below, by local name; the first of each name, and a picture's address as ``image``."""
    fields: dict[str, str] = {}
    for child in element.iter():
        name = _name(child)
        parent = _name(child.getparent()) if child is not element else ""
        if name == "loc" and parent == "image":
            name = "image_loc"
        if name == "title" and parent == "image":
            continue
        if name and child.text and child.text.strip():
            fields.setdefault(name, child.text.strip())
    return fields


def _entry(fields: dict[str, str], url: str) -> ParsedEntry:
    published = fields.get("publication_date", "")
    updated = fields.get("lastmod", "")
    keywords = fields.get("keywords", "").replace("،", ",").split(",")
    return ParsedEntry(
        url=absolute(url, fields.get("loc", "")),
        title=repair(title_text(fields.get("title", ""))),
        published=published,
        updated=updated,
        published_at=instant(published) or instant(updated),
        categories=tuple(repair(word.strip()) for word in keywords if word.strip()),
        image=absolute(url, fields.get("image_loc", "")),
    )
