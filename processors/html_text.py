"""HTML to paragraphs: one walk over the tree, bounded whatever the markup.

A *block* is a run of text between two block-level tags. Scripts, styles, forms and hidden parts are left out; ``<br>``
ends a line. What a block is worth (link share, place on the page) stays with it, so that the caller can judge it.
"""

import re
from collections.abc import Iterator
from typing import Final, TypeAlias

import msgspec
from lxml import etree

from marsad.errors import said

Element: TypeAlias = etree._Element  # noqa: SLF001 - the only name that lxml has for the type of its elements

__all__ = [
    "INLINE",
    "MAX_CHARS",
    "MAX_DEPTH",
    "MAX_TAGS",
    "Block",
    "Element",
    "Parsed",
    "blocks",
    "fragment_paragraphs",
    "looks_of",
    "parse_html",
    "read_fragment",
    "text_of",
]

MAX_CHARS: Final = 5_000_000
"""Longer pages are cut; the longest news pages that were seen have about 1 MB."""
MAX_TAGS: Final = 150_000
MAX_DEPTH: Final = 200
"""Real pages nest 30 deep; libxml2 itself stops at 256 unless told otherwise."""

_SKIPPED_LIST: Final = (
    "script style noscript template iframe object embed svg math canvas video audio button select input textarea "
    "form dialog map head title meta link nav footer aside figcaption"
)
_SKIPPED: Final = frozenset(_SKIPPED_LIST.split())
_FRAGMENT_SKIPPED: Final = _SKIPPED - {"form", "aside", "footer", "head", "noscript"}
_INLINE_LIST: Final = (
    "a abbr acronym b bdi bdo big cite code data del dfn em font i img ins kbd label mark nobr q rp rt ruby s samp "
    "small span strike strong sub sup time tt u var wbr"
)
INLINE: Final = frozenset(_INLINE_LIST.split())
# A start tag as the HTML standard reads it. Possessive throughout, so the time is linear whatever the page.
_ATTRIBUTE: Final = r"""[\s/]*+[^\s/>][^\s/>=]*+(?:\s*+=\s*+(?:"[^"]*+"?+|'[^']*+'?+|[^\s>]*+))?+"""
_LONG_TAG: Final = re.compile(rf"<[a-zA-Z][^\s/>]*+(?=[^>]{{200}})((?:{_ATTRIBUTE})*+)")
_ATTRIBUTES: Final = re.compile(_ATTRIBUTE)
# libxml2 compares each attribute with those before it: 20,000 in one tag take half a second, 40,000 two and a half.
_ATTRIBUTE_PAIRS: Final = 500_000_000
_PLAIN_TAG: Final = 1_000
_TAG: Final = re.compile("<[^<>]*+>")
_DEEPEST: Final = etree.XPath(f"boolean({'/*' * (MAX_DEPTH + 1)})")
_MARK: Final = re.compile(r"[^\W\d]{2}[^\W\d_-]*(?:[_-]+[^\W\d_-]+)*")
_LONGEST_MARK: Final = 60
_MARKS: Final = 4
_PAGE_FORM: Final = etree.XPath("boolean(.//h1 | .//article | .//input[@name='__VIEWSTATE'])")
_HIDDEN: Final = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_CONTROLS: Final = bytes([*range(9), 0x0B, 0x0C, *range(0x0E, 0x20)])


class Parsed(msgspec.Struct, frozen=True):
    """A parsed document, or none, and what was wrong with it."""

    root: Element | None
    problems: tuple[str, ...] = ()


class Block(msgspec.Struct):
    """A run of text between two block-level tags."""

    text: str
    links: int
    """Characters of it inside links."""
    parent: Element
    """The block-level element that holds it."""


def parse_html(html: str) -> Parsed:
    """Parse a page whatever it is.

    Args:
        html: The page; NUL bytes, lone surrogates and broken markup are allowed.

    Returns:
        Its tree with the problems found; no tree where the page holds no text at all or is no HTML a person could read.
    """
    problems: list[str] = []
    if len(html) > MAX_CHARS:
        problems.append(f"page of {len(html)} characters cut at {MAX_CHARS}")
        html = html[:MAX_CHARS]
    if html.count("<") > MAX_TAGS:
        problems.append(f"page with more than {MAX_TAGS} tags cut")
        html = _cut_tags(html)
    data = _bytes(html)
    if not data.strip():
        return Parsed(None, (*problems, "empty page"))
    if _too_many_attributes(html):
        return Parsed(None, (*problems, "tags with thousands of attributes: not read"))
    # Plain elements: those of lxml.html cost a Python call for each one that is touched.
    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(data, parser=parser)
    except (etree.LxmlError, ValueError, AssertionError) as error:
        return Parsed(None, (*problems, f"page cannot be parsed: {said(error, 200)}"))
    if root is None:
        return Parsed(None, (*problems, "page without any tag or text"))
    if _DEEPEST(root):
        problems.append(f"tags nested deeper than {MAX_DEPTH}")
    return Parsed(root, tuple(problems))


def _bytes(html: str) -> bytes:
    """Return a page as UTF-8 without control characters; surrogates that make no pair are replaced."""
    try:
        data = html.encode()
    except UnicodeEncodeError:
        data = html.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
    return data.translate(None, _CONTROLS)


def _cut_tags(html: str) -> str:
    place = -1
    for _ in range(MAX_TAGS):
        place = html.find("<", place + 1)
    return html[:place]


def _too_many_attributes(html: str) -> bool:
    pairs = 0
    for match in _LONG_TAG.finditer(html):
        attributes = match[1]
        if len(attributes) > _PLAIN_TAG:
            pairs += len(_ATTRIBUTES.findall(attributes)) ** 2
            if pairs > _ATTRIBUTE_PAIRS:
                return True
    return False


def text_of(element: Element) -> str:
    """All text below an element."""
    return "".join(element.itertext())


def looks_of(element: Element) -> str:
    """Return an element's tag with its classes and id; names with numbers are left out, since they are one article's own."""
    names = f"{element.get('class', '')} {element.get('id', '')}".split()
    marks = sorted({name for name in names if len(name) <= _LONGEST_MARK and _MARK.fullmatch(name)})
    return " ".join((str(element.tag), *marks[:_MARKS]))


def blocks(root: Element, *, fragment: bool = False) -> Iterator[Block]:
    """Yield the blocks of a tree in reading order.

    Args:
        root: Where to begin.
        fragment: The tree is an article's own HTML, not a page: forms, asides and footers in it are text.
    """
    skipped = _FRAGMENT_SKIPPED if fragment else _SKIPPED
    parts: list[str] = []
    links = in_link = 0
    stack: list[Element] = [root]
    walk = etree.iterwalk(root, events=("start", "end"))
    for event, element in walk:
        tag = element.tag if isinstance(element.tag, str) else ""
        inline = tag in INLINE
        if event == "start":
            if not tag or (tag in skipped and not _is_page_form(element)) or _hidden(element):
                walk.skip_subtree()
                continue
            if not inline:
                yield from _flush(parts, links, stack[-1])
                links = 0
                stack.append(element)
            in_link += tag == "a"
            if element.text:
                parts.append(element.text)
                links += len(element.text) if in_link else 0
            continue
        if tag and not inline and stack[-1] is element:
            yield from _flush(parts, links, element)
            links = 0
            stack.pop()
        in_link -= tag == "a" and in_link > 0
        if element.tail and element is not root:
            parts.append(element.tail)
            links += len(element.tail) if in_link else 0
    yield from _flush(parts, links, root)


def _is_page_form(element: Element) -> bool:
    """Whether a form is wrapped around the whole page, as the sites of one web framework have it."""
    return element.tag == "form" and bool(_PAGE_FORM(element))


def _hidden(element: Element) -> bool:
    attributes = element.attrib
    if not attributes:
        return False
    if "hidden" in attributes or attributes.get("aria-hidden") == "true":
        return True
    style = attributes.get("style")
    return bool(style) and _HIDDEN.search(style) is not None


def _flush(parts: list[str], links: int, parent: Element) -> Iterator[Block]:
    if not parts:
        return
    text = " ".join("".join(parts).split())
    parts.clear()
    if text:
        yield Block(text, links, parent)


def fragment_paragraphs(html: str) -> list[str]:
    """Return the paragraphs of an HTML fragment as feeds carry it; plain text gives its lines."""
    return read_fragment(html)[0]


def read_fragment(html: str) -> tuple[list[str], tuple[str, ...]]:
    """Return the paragraphs of an HTML fragment as feeds carry it, and what was wrong with it; plain text gives its lines.

    Args:
        html: The fragment; never trusted to be well-formed or small. Where its markup hides all text, as too many tags in
            one another do, the text is what is left without tags.
    """
    if "<" not in html and "&" not in html:
        cut = (f"text of {len(html)} characters cut at {MAX_CHARS}",) if len(html) > MAX_CHARS else ()
        return _lines(html[:MAX_CHARS]), cut
    parsed = parse_html(html)
    found = [] if parsed.root is None else [block.text for block in blocks(parsed.root, fragment=True)]
    if not found and parsed.problems:
        found = _lines(_TAG.sub(" ", html[:MAX_CHARS]))
    return found, parsed.problems


def _lines(text: str) -> list[str]:
    return [line for line in map(_squeeze, text.splitlines()) if line]


def _squeeze(line: str) -> str:
    return " ".join(line.split())
