"""Broken XML made readable before it is parsed: what people see as an entry must not be lost to a stray ampersand.

Each repair answers one fault of real feeds: text before the document, a document type with entities, bare ampersands and
angle brackets, HTML entities, undeclared prefixes, text after the document, a document that ends too early.
All of it takes time linear in the length.
"""

import html
import re
import sys
from collections.abc import Callable, Iterator
from html.entities import html5
from typing import Final
from xml.parsers import expat

import msgspec

__all__ = ["Mended", "cut_entries", "is_well_formed", "mend", "without_bad_references", "without_prolog"]

_ROOT: Final = re.compile(r"<(?:[\w-]+:)?(?:rss|feed|rdf|channel|urlset|sitemapindex)[\s>]", re.IGNORECASE)
_ROOT_TAG: Final = re.compile(r"<([\w:-]+)((?:\s[^<>]{0,20000})?)>")
_DECLARATION: Final = re.compile(r"<\?xml[^<>]{0,300}>", re.IGNORECASE)
_MISC: Final = re.compile(r"<\?[^<>]{0,2000}\?>|<!--[^<>]{0,2000}-->")
_ENTITY: Final = re.compile(
    r"<!ENTITY\s+(\w{1,40})\s+(?:\"((?:[^\"<&%]|&#\w{1,8};){0,64})\"|'((?:[^'<&%]|&#\w{1,8};){0,64})')\s*>"
)
_ANY_ENTITY: Final = re.compile(r"<!ENTITY", re.IGNORECASE)
_AMPERSAND: Final = re.compile(r"&(?:(#\d{1,7}|#[xX][0-9a-fA-F]{1,6})|([A-Za-z]\w{0,31}));|&")
_REFERENCE: Final = re.compile(r"&(?:(#0*\d{1,9}|#[xX]0*[0-9a-fA-F]{1,8});?|(?=#?[xX]?&#))")
_BARE_LESS: Final = re.compile(r"<(?![A-Za-z_/!?])")
_PREFIX: Final = re.compile(r"</?([A-Za-z][\w.-]{0,40}):[A-Za-z]")
_DECLARED: Final = re.compile(r"xmlns:([A-Za-z][\w.-]{0,40})")
# Runs of stray markup characters are no text; kept whole, each would become five characters and an event of its own.
_STRAY_RUN: Final = re.compile(r"([&<])\1{7,}")
_XML_ENTITIES: Final = frozenset({"amp", "lt", "gt", "quot", "apos"})
_XML_CHAR: Final = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MOST_ENTITIES: Final = 100
_HEAD: Final = 65_536
_MOST_PREFIXES: Final = 50
# Real feeds nest a dozen elements, with XHTML content some fifty; parsers take time quadratic in the depth.
_DEEPEST: Final = 300
_ENTRIES: Final = frozenset({"item", "entry"})

_NAMESPACES: Final = {
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "media": "http://search.yahoo.com/mrss/",
    "atom": "http://www.w3.org/2005/Atom",
    "atom10": "http://www.w3.org/2005/Atom",
    "sy": "http://purl.org/rss/1.0/modules/syndication/",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "slash": "http://purl.org/rss/1.0/modules/slash/",
    "wfw": "http://wellformedweb.org/CommentAPI/",
    "georss": "http://www.georss.org/georss",
    "feedburner": "http://rssnamespace.org/feedburner/ext/1.0",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "xhtml": "http://www.w3.org/1999/xhtml",
    "news": "http://www.google.com/schemas/sitemap-news/0.9",
}


class Mended(msgspec.Struct, frozen=True):
    """A document after repair, without declaration and document type."""

    text: str
    well_formed: bool
    problems: tuple[str, ...] = ()


def without_prolog(text: str) -> tuple[str, dict[str, str], tuple[str, ...]]:
    """Drop what stands before the root element: stray output of the server, the XML declaration, the document type.

    Returns:
        The rest; the short plain entities that the document type declares; problems. Entities that contain entities, are
        long, or come from outside are refused: they are how small documents grow large.
    """
    root = _ROOT.search(text)
    if root is None:
        return _DECLARATION.sub("", text, count=1).lstrip(), {}, ()
    head = text[: root.start()]
    doctype = head.upper().find("<!DOCTYPE")
    before = head if doctype < 0 else head[:doctype]
    problems = ["text-before-document"] if _MISC.sub("", before).strip() else []
    entities: dict[str, str] = {}
    if doctype >= 0:
        declarations = head[doctype : doctype + _HEAD]
        for match in _ENTITY.finditer(declarations):
            if len(entities) < _MOST_ENTITIES:
                entities[match[1]] = html.unescape(match[2] or match[3] or "")
        if len(_ANY_ENTITY.findall(head)) > len(entities):
            problems.append("entities-refused")
    return text[root.start() :], entities, tuple(problems)


def is_well_formed(text: str) -> bool:
    """Tell whether a strict, namespace-aware parser reads the document to its end."""
    return _Probe().run(text).error is None


def mend(text: str, entities: dict[str, str]) -> Mended:
    """Repair a document whose prolog is gone.

    Args:
        text: from the root element on.
        entities: plain entities that the document declared.
    """
    if not entities and is_well_formed(text):
        return Mended(text, well_formed=True)
    text = _STRAY_RUN.sub(r"\1", text)
    text = _declare_prefixes(_outside_cdata(text, lambda part: _escape(part, entities)))
    probe = _Probe().run(text)
    if probe.error is None:
        return Mended(text, well_formed=True, problems=() if entities else ("not-well-formed",))
    if probe.root_end:
        text = text.encode()[: probe.root_end].decode("utf-8", "ignore")
    elif probe.too_deep:
        return Mended("", well_formed=False, problems=("too-deep",))
    elif probe.error in _ENDS_EARLY:
        text = _closed(text, probe.open_elements)
    return Mended(text, well_formed=is_well_formed(text), problems=("not-well-formed",))


def without_bad_references(text: str) -> str:
    """The document without references to what is no character, wherever they stand.

    libxml2 recovers surrogates as bytes that are no text. The beginning of a reference right before one that goes is
    ended, so that it does not become another with what comes after.
    """

    def kept(match: re.Match[str]) -> str:
        number = match[1]
        if not number:
            return "&amp;"
        if not _is_xml_char(number):
            return ""
        ends = match.group().endswith(";") or text[match.end() : match.end() + 1] != "&"
        return match.group() if ends else f"{match.group()};"

    return _REFERENCE.sub(kept, text)


def cut_entries(text: str, opening: re.Pattern[str], most: int) -> tuple[str, bool]:
    """Cut a document before the entry that follows the first ``most``; whether anything was cut.

    The result lacks its closing tags, which mending adds.
    """
    for number, match in enumerate(opening.finditer(text)):
        if number == most:
            return text[: match.start()], True
    return text, False


def _outside_cdata(text: str, change: Callable[[str], str]) -> str:
    return "".join(part if is_cdata else change(part) for part, is_cdata in _cdata_parts(text))


def _cdata_parts(text: str) -> Iterator[tuple[str, bool]]:
    """The document in pieces, each with whether it is a CDATA section; one that is never closed gets its end."""
    at = 0
    while (start := text.find("<![CDATA[", at)) >= 0:
        yield text[at:start], False
        end = text.find("]]>", start)
        if end < 0:
            yield text[start:] + "]]>", True
            return
        yield text[start : end + 3], True
        at = end + 3
    yield text[at:], False


def _escape(part: str, entities: dict[str, str]) -> str:
    def reference(match: re.Match[str]) -> str:
        number, name = match[1], match[2]
        if number:
            return match.group() if _is_xml_char(number) else ""
        if name in _XML_ENTITIES:
            return match.group()
        if name in entities:
            return html.escape(entities[name], quote=False)
        if name and f"{name};" in html5:
            return html.escape(html5[f"{name};"], quote=False)
        return f"&amp;{match.group()[1:]}"

    return _BARE_LESS.sub("&lt;", _AMPERSAND.sub(reference, part))


def _is_xml_char(number: str) -> bool:
    code = int(number[2:], 16) if number[1] in "xX" else int(number[1:])  # noqa: FURB166  # base 0 refuses leading zeros
    return code <= sys.maxunicode and _XML_CHAR.fullmatch(chr(code)) is not None


def _declare_prefixes(text: str) -> str:
    """Declare in the root element the prefixes that are used and nowhere declared."""
    used = {match[1] for match in _PREFIX.finditer(text)}
    missing = sorted(used - {match[1] for match in _DECLARED.finditer(text)} - {"xml"})[:_MOST_PREFIXES]
    root = _ROOT_TAG.match(text)
    if not missing or root is None:
        return text
    declarations = "".join(f' xmlns:{prefix}="{_NAMESPACES.get(prefix, f"urn:prefix:{prefix}")}"' for prefix in missing)
    attributes = root[2]
    slash = "/" if attributes.endswith("/") else ""
    return f"<{root[1]}{attributes.removesuffix('/')}{declarations}{slash}>{text[root.end() :]}"


_ENDS_EARLY: Final = frozenset(
    {
        expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS],
        expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_TOKEN],
        expat.errors.codes[expat.errors.XML_ERROR_PARTIAL_CHAR],
        expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION],
    }
)


class _TooDeepError(Exception):
    """Elements nest deeper than in any feed."""


class _Probe:
    """Reads a document strictly and remembers how far it came."""

    def __init__(self) -> None:
        self.open_elements: list[str] = []
        self.root_end = 0
        self.too_deep = False
        self._depth = 0
        self.error: int | None = None
        self._parser = expat.ParserCreate("utf-8", namespace_separator=" ")
        self._parser.namespace_prefixes = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end

    def run(self, text: str) -> "_Probe":
        try:
            self._parser.Parse(text.encode(), True)
        except expat.ExpatError as error:
            self.error = error.code
        except _TooDeepError:
            self.too_deep, self.error = True, 0
        return self

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local, qualified = _names(name)
        self._depth += local not in _ENTRIES  # entries that are never closed are no depth
        if self._depth > _DEEPEST:
            raise _TooDeepError
        self.open_elements.append(qualified)

    def _end(self, name: str) -> None:
        local, qualified = _names(name)
        self.open_elements.pop()
        self._depth -= local not in _ENTRIES
        if not self.open_elements:
            self.root_end = self._parser.CurrentByteIndex + len(f"</{qualified}>".encode())


def _names(name: str) -> tuple[str, str]:
    """Local and qualified name of what expat calls ``name``, ``uri name`` or ``uri name prefix``."""
    _, *rest = name.split(" ") if " " in name else ("", name)
    return rest[0], ":".join(reversed(rest))


def _closed(text: str, open_elements: list[str]) -> str:
    """Drop a tag that was cut off and close what is open."""
    start = text.rfind("<")
    if start > text.rfind(">") and not text.startswith("<![CDATA[", start):
        text = text[:start]
    return text + "".join(f"</{name}>" for name in reversed(open_elements))
