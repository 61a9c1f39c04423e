"""One document in, one reading out: decides what it is and has the right reader read it."""

from typing import Final

from msgspec.structs import replace

from producers.discover import feed_links
from producers.parse.charset import document_text
from producers.parse.jsonfeed import looks_like_json, parse_json
from producers.parse.model import ParsedFeed
from producers.parse.pieces import Readings
from producers.parse.sitemap import looks_like_sitemap, parse_sitemap
from producers.parse.walls import looks_like_bot_wall, looks_like_html
from producers.parse.xmlfeed import parse_xml

__all__ = ["parse", "parse_again"]

_DEFAULT_ENTRIES: Final = 2_000


def parse(body: bytes, *, content_type: str = "", url: str = "", max_entries: int = _DEFAULT_ENTRIES) -> ParsedFeed:
    """Read a feed document of any kind. Never raises: what cannot be read is named in ``problems``.

    Args:
        body: the document's bytes, unpacked.
        content_type: the Content-Type header, of which only the charset counts.
        url: the address that answered, for relative links.
        max_entries: entries read at most; ``entries-cut`` tells that there were more.

    Returns:
        The reading. ``kind`` is None for what is no feed; then ``problems`` holds ``not-a-feed``, and ``bot-wall`` or
        ``empty-document`` where it is one of these.
    """
    return parse_again(body, {}, content_type=content_type, url=url, max_entries=max_entries)[0]


def parse_again(
    body: bytes,
    known: Readings,
    *,
    content_type: str = "",
    url: str = "",
    max_entries: int = _DEFAULT_ENTRIES,
    most_fresh: int | None = None,
) -> tuple[ParsedFeed, Readings]:
    """Read a feed document as :func:`parse` does, but for the entries whose reading is known.

    Args:
        body: the document's bytes, unpacked.
        known: what this gave for the feed's document before; what is not there is read.
        content_type: as for :func:`parse`.
        url: as for :func:`parse`.
        max_entries: as for :func:`parse`.
        most_fresh: entries of an XML document that may have to be read; None for any number.

    Returns:
        The same reading that :func:`parse` gives, and what to give next time.

    Raises:
        TooFreshError: there are more.
    """
    text, charset = document_text(body, content_type)
    if not text.strip():
        return ParsedFeed(charset=charset, problems=("empty-document", "not-a-feed")), {}
    found, readings = _parse_text(text, url, max_entries, known, most_fresh)
    return replace(found, charset=charset), readings


def _parse_text(
    text: str, url: str, max_entries: int, known: Readings, most_fresh: int | None
) -> tuple[ParsedFeed, Readings]:
    if looks_like_json(text):
        return parse_json(text, url=url, max_entries=max_entries), {}
    if looks_like_html(text):
        return _page(text, url), {}
    if looks_like_sitemap(text):
        return parse_sitemap(text, url=url, max_entries=max_entries), {}
    found, readings = parse_xml(text, url=url, max_entries=max_entries, known=known, most_fresh=most_fresh)
    return (_page(text, url) if found.kind is None and looks_like_bot_wall(text) else found), readings


def _page(text: str, url: str) -> ParsedFeed:
    wall = ("bot-wall",) if looks_like_bot_wall(text) else ()
    return ParsedFeed(feed_links=feed_links(text, url), problems=(*wall, "not-a-feed"))
