"""What a page says about itself: JSON-LD, OpenGraph and other meta tags, microdata, ``<time>`` and headings."""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final

import msgspec
from lxml import etree

from processors.html_text import Element, text_of

__all__ = ["PageMeta", "page_meta"]

_ARTICLE_TYPES_LIST: Final = (
    "article newsarticle reportagenewsarticle analysisnewsarticle opinionnewsarticle backgroundnewsarticle "
    "reviewnewsarticle blogposting liveblogposting report techarticle webpage videoobject"
)
_ARTICLE_TYPES: Final = frozenset(_ARTICLE_TYPES_LIST.split())
_MAX_NODES: Final = 2_000
_MAX_JSON: Final = 500_000

_TITLE: Final = ("og:title", "twitter:title", "dc.title", "parsely-title", "sailthru.title", "title")
_DATE: Final = (
    "article:published_time", "og:article:published_time", "datepublished", "date", "pubdate", "publishdate",
    "publish-date", "dc.date", "dc.date.issued", "dcterms.created", "parsely-pub-date", "sailthru.date", "og:pubdate",
    "article.published", "cxenseparse:recs:publishtime", "originalpublicationdate", "og:published_time",
)  # fmt: skip
_AUTHOR: Final = ("author", "dc.creator", "parsely-author", "article:author_name", "sailthru.author", "article:author")
_IMAGE: Final = ("og:image", "og:image:secure_url", "twitter:image", "twitter:image:src", "thumbnailurl")
_SECTION: Final = ("article:section", "parsely-section", "section", "og:section", "cxenseparse:recs:category")
_DESCRIPTION: Final = ("og:description", "twitter:description", "description")
_SPACES: Final = re.compile(r"\s+")
_DATE_NAME: Final = re.compile(r"date|\b(?:time|timestamp|published|dat_ev)", re.IGNORECASE)
_DATED: Final = re.compile(r"(?:19|20|١٩|٢٠|۱۹|۲۰)[0-9٠-٩۰-۹]{2}|1[34]\d\d\s*ه")


_ITEMS: Final = etree.XPath("//body//@itemprop/..")
# Attributes and not elements: a tenth of the time.
_NAMES: Final = etree.XPath("//body//@class | //body//@id")
_DATE_TAGS: Final = frozenset({"span", "div", "p", "li", "td", "b", "em", "small"})
_LINKED: Final = etree.XPath("//script[contains(@type, 'ld+json')]")


class PageMeta(msgspec.Struct, frozen=True):
    """What a page states; every field may be empty."""

    title: str = ""
    published_raw: str = ""
    author: str = ""
    language: str = ""
    image: str = ""
    section: str = ""
    body: str = ""
    """``articleBody`` of its JSON-LD: often without paragraphs, sometimes cut, so it is used to check and not as text."""
    description: str = ""
    headline: str = ""
    """Its first ``<h1>``."""


def page_meta(root: Element) -> PageMeta:
    """Read what a page says about itself, the most dependable source first."""
    linked = _json_ld(root)
    tags = _meta_tags(root)
    items = _microdata(root)
    heading = _heading(root)
    return PageMeta(
        title=_fuller(
            _first(linked.get("title"), *_of(tags, _TITLE), items.get("headline"), heading, _title_tag(root)), heading
        ),
        published_raw=_first(linked.get("date"), *_of(tags, _DATE), items.get("datepublished")) or _visible_date(root),
        author=_name(linked.get("author"), *_of(tags, _AUTHOR), items.get("author")),
        language=_language(root, tags, linked),
        image=_first(*_of(tags, _IMAGE), linked.get("image"), items.get("image")),
        section=_first(linked.get("section"), *_of(tags, _SECTION), items.get("articlesection")),
        body=linked.get("body", ""),
        description=_first(*_of(tags, _DESCRIPTION)),
        headline=heading,
    )


def _squeeze(text: str) -> str:
    return _SPACES.sub(" ", text).strip()


def _first(*values: str | None) -> str:
    return next((squeezed for value in values if value and (squeezed := _squeeze(value))), "")


_LETTERS: Final = re.compile(r"[\W_]+")


_SUFFIX: Final = re.compile(r"\s*[-–—|»:]\s+\S")
_SHORTEST_HEADING: Final = 12


def _fuller(title: str, heading: str) -> str:
    """Return the heading where it is the title with its punctuation, or the title without the outlet's name."""
    if len(heading) > len(title):
        return heading if _LETTERS.sub("", title) == _LETTERS.sub("", heading) else title
    bare = len(heading) >= _SHORTEST_HEADING and title.startswith(heading) and _SUFFIX.match(title[len(heading) :])
    return heading if bare else title


def _name(*values: str | None) -> str:
    """Return the first that is a name: profile addresses stand where names should."""
    return _first(*(value for value in values if value and "://" not in value and "@" not in value))


def _of(tags: dict[str, str], names: Iterable[str]) -> Iterator[str | None]:
    return (tags.get(name) for name in names)


def _meta_tags(root: Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for element in root.iter("meta"):
        content = element.get("content")
        if not content:
            continue
        for attribute in ("property", "name", "itemprop"):
            name = element.get(attribute)
            if name:
                found.setdefault(name.strip().lower(), content)
    return found


def _microdata(root: Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for element in _ITEMS(root):
        name = element.get("itemprop", "").strip().lower()
        if name in found or name not in {"headline", "datepublished", "author", "image", "articlesection"}:
            continue
        value = (
            element.get("content")
            or element.get("datetime")
            or (element.get("src") if element.tag == "img" else None)
            or text_of(element)[:300]
        )
        if value and value.strip():
            found[name] = value
    return found


def _heading(root: Element) -> str:
    return next((text for element in root.iter("h1") if (text := _squeeze(text_of(element)[:1_000]))), "")


def _title_tag(root: Element) -> str:
    element = root.find(".//head/title")
    return "" if element is None else _squeeze(text_of(element)[:1_000])


def _visible_date(root: Element) -> str:
    """Return the date that readers see: a ``<time>``, else a short text whose class says date."""
    for element in root.iter("time"):
        value = element.get("datetime") or text_of(element)
        if _DATED.search(value[:100]):
            return str(value[:100])
    for name in _NAMES(root):
        if not _DATE_NAME.search(name):
            continue
        element = name.getparent()
        if element.tag not in _DATE_TAGS:
            continue
        text = _squeeze(text_of(element)[:200])
        if len(text) <= _LONGEST_DATE and _DATED.search(text) and not _listed(element):
            return text
    return _date_below_heading(root)


def _date_below_heading(root: Element) -> str:
    """Return the date that stands between the headline and the text, where nothing names it: old sites have it so."""
    heading = next(root.iter("h1"), None)
    texts = filter(None, (_squeeze(found[:_LONGEST_DATE]) for found in _texts_after(heading)))
    for text in islice(texts, _LABELS_BELOW):
        if len(text) >= _LONGEST_DATE:
            return ""
        if _DATED.search(text) and sum(map(str.isdigit, text)) >= _DATE_DIGITS:
            return text
    return ""


def _texts_after(element: Element | None) -> Iterator[str]:
    while element is not None and element.tag != "body":
        yield element.tail or ""
        for sibling in element.itersiblings():
            if sibling.tag not in {"script", "style"}:
                yield from sibling.itertext()
            yield sibling.tail or ""
        element = element.getparent()


_LABELS_BELOW: Final = 12
_LONGEST_DATE: Final = 80
_DATE_DIGITS: Final = 5
"""Digits of a year and a day."""


def _listed(element: Element) -> bool:
    """Whether it stands in a list or a side column: the dates there are other articles'."""
    return any(parent.tag in {"li", "aside", "footer", "nav"} for parent in element.iterancestors())


def _language(root: Element, tags: dict[str, str], linked: dict[str, str]) -> str:
    html = root if root.tag == "html" else root.find(".//html")
    stated = (
        (html.get("lang") or html.get("{http://www.w3.org/XML/1998/namespace}lang") or "") if html is not None else ""
    )
    value = _first(stated, linked.get("language"), tags.get("og:locale"), tags.get("content-language"))
    return re.split(r"[-_]", value)[0].lower()[:8]


def _json_ld(root: Element) -> dict[str, str]:
    best: dict[str, str] = {}
    for script in _LINKED(root):
        source = (script.text or "").strip()
        if not source or len(source) > _MAX_JSON:
            continue
        for node in _nodes(source):
            found = _read_node(node)
            if found and (not best or len(found) > len(best)):
                best = found
    return best


_LINE_BREAKS: Final = re.compile(r"[\r\n\t]+")


def _nodes(source: str) -> Iterator[dict[str, Any]]:
    """Yield the article nodes of one script, however they are nested; raw line breaks in strings are forgiven."""
    try:
        data = msgspec.json.decode(_LINE_BREAKS.sub(" ", source).rstrip(";"))
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return
    queue: list[Any] = [data]
    for _ in range(_MAX_NODES):
        if not queue:
            return
        node = queue.pop(0)
        if isinstance(node, list):
            queue.extend(node)
        elif isinstance(node, dict):
            if _types(node) & _ARTICLE_TYPES:
                yield node
            queue.extend(value for key, value in node.items() if key in {"@graph", "mainEntity", "mainEntityOfPage"})


def _types(node: dict[str, Any]) -> set[str]:
    kind = node.get("@type")
    kinds = kind if isinstance(kind, list) else [kind]
    return {str(name).rsplit("/", 1)[-1].lower() for name in kinds if name}


def _read_node(node: dict[str, Any]) -> dict[str, str]:
    plain_page = not _types(node) - {"webpage"}
    found = {
        "title": _text(node.get("headline")) or ("" if plain_page else _text(node.get("name"))),
        "date": _text(node.get("datePublished") or node.get("dateCreated") or node.get("uploadDate")),
        "author": _names(node.get("author")) or _names(node.get("creator")),
        "image": _address(node.get("image")) or _address(node.get("thumbnailUrl")),
        "section": _text(node.get("articleSection")),
        "body": _text(node.get("articleBody")),
        "language": _text(node.get("inLanguage")),
    }
    return {name: value for name, value in found.items() if value}


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value:
        return _text(value[0])
    return _text(value.get("name") or value.get("@value")) if isinstance(value, dict) else ""


def _names(value: Any) -> str:
    values = value if isinstance(value, list) else [value]
    return "، ".join(name for item in values[:10] if (name := _text(item)) and "://" not in name)


def _address(value: Any) -> str:
    if isinstance(value, list) and value:
        return _address(value[0])
    if isinstance(value, dict):
        return _address(value.get("url") or value.get("contentUrl"))
    return value if isinstance(value, str) else ""
