"""RSS, RDF and Atom through feedparser, which sees nothing but bytes in memory.

feedparser's sanitising is off: the cleaning step sanitises everything, from pages and feeds alike. So is its rewriting of
links inside HTML, which costs more than all the rest; links of entries are resolved (xml:base included) all the same.
"""

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import feedparser
from feedparser.urls import make_safe_absolute_uri
from lxml import etree

from marsad.arabic.repair import repair
from marsad.records import Enclosure, FeedKind
from marsad.records.urls import is_web_url
from producers.parse.bounds import LONGEST_BASE, without_swollen_bases, without_swollen_tags
from producers.parse.dates import instant
from producers.parse.htmltext import first_image, title_text
from producers.parse.links import absolute
from producers.parse.mend import Mended, cut_entries, is_well_formed, mend, without_bad_references, without_prolog
from producers.parse.model import ParsedEntry, ParsedFeed
from producers.parse.pieces import Pieces, Readings, TooFreshError, pieces

__all__ = ["parse_xml"]

# It would look for a parser of libxml2, which is not there, through all of the path for each document: 0.2 ms.
feedparser.api.PREFERRED_XML_PARSERS.clear()


def _joined_base(base: str, inner: str | None = None) -> str:
    """The address of what is in an element: no longer one for each element in an element, and none made anew where it stays the same."""
    if base and inner == base:
        return base
    found: str = make_safe_absolute_uri(base, inner)
    return found if len(found) <= LONGEST_BASE else ""


# Relative ones in each other would grow by a piece with each element; where nothing is given, feedparser keeps the outer one.
feedparser.mixin.make_safe_absolute_uri = _joined_base

_OPEN_ENTRY: Final = re.compile(r"<(?:[\w-]+:)?(?:item|entry)[\s>]", re.IGNORECASE)
_ROOT: Final = re.compile(r"<(?:[\w-]+:)?(rss|feed|rdf|channel)[\s>]", re.IGNORECASE)
_SKIP_HOURS: Final = re.compile(r"<skipHours>(.{0,2000}?)</skipHours>", re.IGNORECASE | re.DOTALL)
_SKIP_DAYS: Final = re.compile(r"<skipDays>(.{0,1000}?)</skipDays>", re.IGNORECASE | re.DOTALL)
_NUMBER: Final = re.compile(r"\d{1,6}")
_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_PERIODS: Final = {"hourly": 3_600, "daily": 86_400, "weekly": 604_800, "monthly": 2_592_000, "yearly": 31_536_000}
_EMAIL: Final = re.compile(r"[\w.+-]{1,100}@[\w.-]{1,200}")
_PICTURE: Final = re.compile(r"\.(?:jpe?g|png|webp|gif|avif)(?:\?|$)", re.IGNORECASE)
_HEAD: Final = 65_536
_HOURS: Final = 24


def parse_xml(
    text: str, *, url: str, max_entries: int, known: Readings, most_fresh: int | None = None
) -> tuple[ParsedFeed, Readings]:
    """Read an RSS, RDF or Atom document as far as it goes.

    Args:
        text: the document, decoded, without characters that XML forbids.
        url: where it came from, for relative addresses.
        max_entries: entries to read; the rest is a problem that the result names.
        known: entries that need not be read.
        most_fresh: entries that may have to be read; None for any number.

    Returns:
        The reading, and those of its entries.

    Raises:
        TooFreshError: there are more.
    """
    body, entities, problems = without_prolog(text)
    body, cut = cut_entries(body, _OPEN_ENTRY, max_entries)
    body = without_swollen_bases(without_swollen_tags(body))
    parts = None if entities else _mostly_known(body, url, known)
    if most_fresh is not None and (parts is None or parts.fresh(known) > most_fresh):
        raise TooFreshError
    mended = Mended(body, well_formed=True) if parts is not None else mend(body, entities)
    found, entries, readings = _read_rest(mended, parts, url, known)
    entries = entries[:max_entries]
    notes = [
        *problems,
        *(p for p in mended.problems if not cut or mended.well_formed is False),
        *(["entries-cut"] if cut else []),
    ]
    return _feed(found, body[:_HEAD], url, tuple(entries), tuple(notes)), readings


def _mostly_known(body: str, url: str, known: Readings) -> Pieces | None:
    """The document in pieces, if some are known and all of it is well-formed.

    Known pieces are elements of well-formed documents with the same surroundings: only the rest is looked at.
    """
    parts = pieces(body, url, known) if known else None
    if parts is None or known.keys().isdisjoint(parts.digests):
        return None
    return parts if is_well_formed(parts.without(known)) else None


def _read_rest(
    mended: Mended, parts: Pieces | None, url: str, known: Readings
) -> tuple[Mapping[str, Any], Sequence[ParsedEntry], Readings]:
    """The document with what is known left out and put in again; the whole document where it cannot be cut."""
    if parts is None and mended.well_formed:
        parts = pieces(mended.text, url, known)
    if parts is not None:
        found = _read(parts.without(known))
        fresh = [_entry(raw, url) for raw in found.get("entries", ())]
        entries = parts.joined(known, fresh)
        if entries is not None:
            return found, entries, dict(zip(parts.digests, entries, strict=True))
    found = _read_whole(mended)
    return found, [_entry(raw, url) for raw in found.get("entries", ())], {}


def _read_whole(mended: Mended) -> Mapping[str, Any]:
    found = _read(mended.text)
    if not mended.well_formed and len(found.get("entries", ())) < len(_OPEN_ENTRY.findall(mended.text)):
        recovered = _recovered(mended.text)
        again = _read(recovered) if recovered else {}
        if len(again.get("entries", ())) > len(found.get("entries", ())):
            return again
    return found


def _read(text: str) -> Mapping[str, Any]:
    # Without the document's address: feedparser would turn GUIDs into addresses. Links are made absolute below.
    headers = {"content-type": "application/xml; charset=utf-8"}
    if text.startswith("<?"):
        # It looks for a charset there with a pattern that is quadratic in quotes: 36,000 in a declaration without end took 11 s.
        text = f"\n{text}"
    try:
        found: Mapping[str, Any] = feedparser.parse(
            io.BytesIO(text.encode()), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
        )
    except Exception:  # noqa: BLE001  # feedparser raises ValueError, KeyError, AssertionError and more on hostile input
        return {}
    return found


def _recovered(text: str) -> str:
    """What lxml makes of a document that no strict parser reads."""
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False)
    try:
        root = etree.fromstring(without_bad_references(text).encode(), parser)
        return "" if root is None else etree.tostring(root, encoding="unicode")
    except (etree.LxmlError, ValueError):
        return ""


def _feed(
    found: Mapping[str, Any], head: str, url: str, entries: tuple[ParsedEntry, ...], problems: tuple[str, ...]
) -> ParsedFeed:
    channel: Mapping[str, Any] = found.get("feed", {})
    links = [link for link in _dicts(channel, "links") if link.get("href")]
    kind = _kind(found, head)
    if kind is None:
        problems = (*problems, "not-a-feed")
    return ParsedFeed(
        kind=kind,
        title=repair(title_text(_text(channel, "title"))),
        language=_text(channel, "language"),
        link=absolute(url, _text(channel, "link")),
        ttl_minutes=_number(_text(channel, "ttl")),
        skip_hours=_skip_hours(head),
        skip_days=_skip_days(head),
        update_period_s=_period(channel),
        hub=_rel(links, "hub", url),
        self_link=_rel(links, "self", url),
        next_page=_rel(links, "next", url),
        prev_archive=_rel(links, "prev-archive", url),
        generator=_text(channel, "generator"),
        entries=entries if kind else (),
        problems=problems,
    )


def _kind(found: Mapping[str, Any], head: str) -> FeedKind | None:
    version = str(found.get("version") or "")
    if version.startswith("atom"):
        return "atom"
    if version or found.get("entries"):
        return "rss"
    root = _ROOT.match(head.lstrip())
    if root is None:
        return None
    return "atom" if root[1].lower() == "feed" else "rss"


def _entry(raw: Mapping[str, Any], url: str) -> ParsedEntry:
    published = _text(raw, "published") or _text(raw, "created")
    updated = _text(raw, "updated")
    summary = repair(_text(raw, "summary"))
    content = repair(_content(raw))
    guid = _text(raw, "id")
    link = absolute(url, _text(raw, "feedburner_origlink") or _text(raw, "link"))
    enclosures = _enclosures(raw, url)
    return ParsedEntry(
        guid=guid,
        url=link or (guid if is_web_url(guid) else ""),
        title=repair(title_text(_text(raw, "title"))),
        summary=summary,
        content=content,
        published=published,
        updated=updated,
        published_at=instant(published) or instant(updated),
        authors=_authors(raw),
        categories=_unique(repair(title_text(_text(tag, "term"))) for tag in _dicts(raw, "tags")),
        enclosures=enclosures,
        image=_image(raw, url, enclosures, content or summary),
    )


def _content(raw: Mapping[str, Any]) -> str:
    """The longest of the entry's contents; feeds give the same text as text and as HTML."""
    return max((_text(part, "value") for part in _dicts(raw, "content")), key=len, default="")


def _authors(raw: Mapping[str, Any]) -> tuple[str, ...]:
    people, written = _dicts(raw, "authors"), _text(raw, "author")
    if len(people) <= 1 and "@" in written:
        return _unique([repair(title_text(_name(written)))])
    names = [_text(author, "name") or _text(author, "email") for author in people]
    return _unique(repair(title_text(name)) for name in names or [written])


def _name(written: str) -> str:
    """The name of ``address (name)`` or ``name <address>``; feedparser cuts addresses after four letters of ``.news``."""
    return _EMAIL.sub("", written).strip(" ()<>\"'") or written


def _enclosures(raw: Mapping[str, Any], url: str) -> tuple[Enclosure, ...]:
    found = (
        Enclosure(
            url=absolute(url, _text(item, "href") or _text(item, "url")),
            type=_text(item, "type"),
            length=_number(_text(item, "length")) or 0,
        )
        # Not by feedparser's own key: it fails where an element of the feed is named links.
        for item in _dicts(raw, "links")
        if _text(item, "rel") == "enclosure"
    )
    return tuple(enclosure for enclosure in found if enclosure.url)


def _image(raw: Mapping[str, Any], url: str, enclosures: tuple[Enclosure, ...], markup: str) -> str:
    """The entry's picture: named as such, else enclosed, else the first in its HTML."""
    for item in _dicts(raw, "media_content"):
        if _is_picture(item):
            return absolute(url, _text(item, "url"))
    for item in _dicts(raw, "media_thumbnail"):
        return absolute(url, _text(item, "url"))
    for enclosure in enclosures:
        if enclosure.type.startswith("image/"):
            return enclosure.url
    own = raw.get("image")  # itunes:image
    named = _text(own, "href") if isinstance(own, dict) else ""
    return absolute(url, named) or absolute(_base(raw, url), first_image(markup))


def _is_picture(item: Mapping[str, Any]) -> bool:
    """A media element names its medium, its type, or only a file."""
    medium, kind = _text(item, "medium"), _text(item, "type")
    if medium or kind:
        return medium == "image" or kind.startswith("image/")
    return _PICTURE.search(_text(item, "url")) is not None


def _base(raw: Mapping[str, Any], url: str) -> str:
    """What addresses inside the entry's HTML are relative to: its xml:base where there is one."""
    parts = [*_dicts(raw, "content"), raw.get("summary_detail")]
    base = next((_text(part, "base") for part in parts if isinstance(part, dict)), "")
    return absolute(url, base) or url


def _text(mapping: Mapping[str, Any], key: str) -> str:
    """A string field; ``dict.get`` passes by feedparser's own look-up, which substitutes one date for another."""
    value = dict.get(mapping, key) if isinstance(mapping, dict) else mapping.get(key)
    return value.strip() if isinstance(value, str) else ""


def _dicts(mapping: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    value = mapping.get(key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _unique(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))


def _number(text: str) -> int | None:
    match = _NUMBER.search(text)
    return int(match.group()) if match else None


def _rel(links: list[Mapping[str, Any]], rel: str, url: str) -> str:
    return next((absolute(url, _text(link, "href")) for link in links if rel in _text(link, "rel").lower().split()), "")


def _period(channel: Mapping[str, Any]) -> float | None:
    period = _PERIODS.get(_text(channel, "sy_updateperiod").lower())
    if period is None:
        return None
    return period / max(1, _number(_text(channel, "sy_updatefrequency")) or 1)


def _skip_hours(head: str) -> tuple[int, ...]:
    match = _SKIP_HOURS.search(head)
    hours = {int(hour) % _HOURS for hour in _NUMBER.findall(match[1])} if match else set()
    return () if len(hours) == _HOURS else tuple(sorted(hours))


def _skip_days(head: str) -> tuple[int, ...]:
    match = _SKIP_DAYS.search(head)
    days = {number for number, day in enumerate(_DAYS) if match and day in match[1].lower()}
    return () if len(days) == len(_DAYS) else tuple(sorted(days))
