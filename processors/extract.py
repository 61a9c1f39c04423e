"""The article out of a page: title, text, date, author, image. The only module that knows trafilatura.

A page that leaves no doubt where its article stands is read by ``processors.body`` in a few milliseconds; the others go
through trafilatura, which takes about five times as long (``tests/quality/eval_extract.py`` measures both). Where its site
keeps the article is learned, so that only the first pages of a difficult site take that long (``processors.layouts``).
"""

from collections.abc import Sequence
from typing import Final
from urllib.parse import urljoin, urlsplit

import msgspec

from processors.body import Body, agree, cut, find_body, is_enough, place_of, states
from processors.boilerplate import strip_boilerplate
from processors.html_text import Element, fragment_paragraphs, parse_html
from processors.layouts import Layouts
from processors.page_meta import PageMeta, page_meta
from processors.tidy import tidy, tidy_line

__all__ = ["Extracted", "extract", "site_of"]

_MAX_FULL: Final = 2_000_000
"""Characters above which the full extractor is not asked: its time grows faster than the page."""
_MAX_FULL_TAGS: Final = 20_000
_TOP: Final = 5
"""Paragraphs among which the headline may stand once more."""


class Extracted(msgspec.Struct, frozen=True, kw_only=True):
    """What a page holds; every field may be empty. Paragraphs of ``text`` stand on lines of their own."""

    title: str = ""
    text: str = ""
    published_raw: str = ""
    author: str = ""
    language: str = ""
    image: str = ""
    section: str = ""
    problems: tuple[str, ...] = ()


def extract(html: str, url: str = "", layouts: Layouts | None = None) -> Extracted:
    """Read the article from a page; whatever the page is, this returns, in bounded time and memory.

    Args:
        html: The page, decoded.
        url: Its address: the site whose layouts are meant, and a hint for the full extractor.
        layouts: What was learned from other pages; it learns from this one.
    """
    parsed = parse_html(html)
    if parsed.root is None:
        return Extracted(problems=parsed.problems)
    meta = page_meta(parsed.root)
    problems = list(parsed.problems)
    title = tidy_line(meta.title)
    page = _Page(html, url, parsed.root, meta, whole=not parsed.problems)
    paragraphs = page.by_itself().paragraphs if layouts is None else page.by_layout(layouts)
    text = _text(paragraphs, title, meta)
    if not text and meta.body:
        text = _text(fragment_paragraphs(meta.body), title, meta)
    if not text:
        problems.append("no article text found on the page")
    return Extracted(
        title=title,
        text=text,
        published_raw=meta.published_raw[:200],
        author=tidy_line(meta.author)[:200],
        language=meta.language,
        image=_address(url, meta.image[:2_000]),
        section=tidy_line(meta.section)[:200],
        problems=tuple(problems),
    )


class _Page:
    """A page whose article is sought, and the two ways of finding it."""

    def __init__(self, html: str, url: str, root: Element, meta: PageMeta, *, whole: bool) -> None:
        self._html = html
        self._url = url
        self._root = root
        self._stated = meta.body
        self._described = meta.description
        self._whole = whole

    def by_itself(self) -> Body:
        """Find the article by nothing but this page: the long way."""
        body = find_body(self._root, self._stated, self._described)
        if body.sure:
            return body
        if self._stated and not is_enough(body.paragraphs):
            stated = fragment_paragraphs(self._stated)
            if is_enough(stated):
                return Body(tuple(stated), sure=False)
        return self._by_full_extractor() or body

    def _by_full_extractor(self) -> Body | None:
        """Ask the full extractor where the article is; cut there, or take its words where they have no place."""
        if not self._whole or len(self._html) > _MAX_FULL or self._html.count("<") > _MAX_FULL_TAGS:
            return None
        paragraphs = _full_extractor(self._html, self._url)
        if not paragraphs:
            return None
        place = place_of(self._root, paragraphs)
        if place is None:
            return Body(tuple(paragraphs), sure=False)
        return Body(cut(place), sure=is_enough(paragraphs), container=place)

    def by_layout(self, layouts: Layouts) -> Sequence[str]:
        """Find the article where other pages of the site keep theirs; by itself, where that is not known or is checked."""
        site = site_of(self._url)
        place = layouts.find(site, self._root)
        known = () if place is None else cut(place)
        if place is None or not known or layouts.is_checked(known[0]):
            return self._long_way(layouts, site, place, known)
        if self._stated and not states(self._stated, known):
            return self._long_way(layouts, site, place, known)
        if is_enough(known):
            return known
        body = find_body(self._root, self._stated, self._described)
        # A few words: the page alone leaves doubt, and the other pages of the site decide.
        return body.paragraphs if body.sure else known

    def _long_way(self, layouts: Layouts, site: str, place: Element | None, known: Sequence[str]) -> Sequence[str]:
        body = self.by_itself()
        if place is not None and is_enough(body.paragraphs) and not agree(known, body.paragraphs):
            layouts.forget(site, place)
        if body.sure and body.container is not None:
            layouts.learn(site, body.container)
        return body.paragraphs


def site_of(url: str) -> str:
    """Return the host of an address, without www; empty where it has none."""
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def _address(base: str, address: str) -> str:
    """Return an absolute address, where the page's is known."""
    try:
        return urljoin(base, address) if base and address else address
    except ValueError:
        return address


def _text(paragraphs: Sequence[str], title: str, meta: PageMeta) -> str:
    headings = {title, tidy_line(meta.headline)}
    lines = tidy("\n".join(paragraphs)).split("\n")
    lines = [line for place, line in enumerate(lines) if place >= _TOP or line not in headings]
    return "\n".join(strip_boilerplate(lines, title=title))


def _full_extractor(html: str, url: str) -> list[str]:
    import trafilatura  # noqa: PLC0415 - half a second and 40 MB, needed by few pages

    try:
        text = trafilatura.extract(
            html, url=url or None, include_comments=False, include_tables=False, favor_precision=False
        )
    except Exception:  # noqa: BLE001 - a page that defeats it must not stop the others; the fast path's answer stands
        return []
    return text.split("\n") if text else []
