"""The article out of a page: title, text, date, author, image. The only module that knows trafilatura.

A page that leaves no doubt where its article stands is read by ``processors.body`` in a few milliseconds; the others go
through trafilatura, which takes about twenty times as long (``tests/quality/eval_extract.py`` measures both).
"""

from typing import Final

import msgspec

from processors.body import find_body
from processors.boilerplate import strip_boilerplate
from processors.html_text import parse_html
from processors.page_meta import PageMeta, page_meta
from processors.tidy import tidy, tidy_line

__all__ = ["Extracted", "extract"]

_MAX_FULL: Final = 2_000_000
"""Characters above which the full extractor is not asked: its time grows faster than the page."""
_MAX_FULL_TAGS: Final = 20_000


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


def extract(html: str, url: str = "") -> Extracted:
    """Read the article from a page; whatever the page is, this returns, in bounded time and memory.

    Args:
        html: The page, decoded.
        url: Its address, for the full extractor.
    """
    parsed = parse_html(html)
    if parsed.root is None:
        return Extracted(problems=parsed.problems)
    meta = page_meta(parsed.root)
    problems = list(parsed.problems)
    title = tidy_line(meta.title)
    body = find_body(parsed.root, meta.body)
    paragraphs = list(body.paragraphs)
    if not body.sure and not parsed.problems and len(html) <= _MAX_FULL and html.count("<") <= _MAX_FULL_TAGS:
        paragraphs = _full_extractor(html, url) or paragraphs
    text = _text(paragraphs, title, meta)
    if not text and meta.body:
        text = _text(meta.body.splitlines(), title, meta)
    if not text:
        problems.append("no article text found on the page")
    return Extracted(
        title=title,
        text=text,
        published_raw=meta.published_raw[:200],
        author=tidy_line(meta.author)[:200],
        language=meta.language,
        image=meta.image[:2_000],
        section=tidy_line(meta.section)[:200],
        problems=tuple(problems),
    )


def _text(paragraphs: list[str], title: str, meta: PageMeta) -> str:
    kept = strip_boilerplate(tidy("\n".join(paragraphs)).split("\n"), title=title)
    if kept and meta.headline and kept[0] == tidy_line(meta.headline):
        kept = kept[1:]
    return "\n".join(kept)


def _full_extractor(html: str, url: str) -> list[str]:
    import trafilatura  # noqa: PLC0415 - half a second and 40 MB, needed by few pages

    try:
        text = trafilatura.extract(
            html, url=url or None, include_comments=False, include_tables=False, favor_precision=False
        )
    except Exception:  # noqa: BLE001 - a page that defeats it must not stop the others; the fast path's answer stands
        return []
    return text.split("\n") if text else []
