"""Small readings of HTML inside feeds: titles as text, and the first picture."""

import html
import re
from html.entities import html5
from typing import Final

__all__ = ["first_image", "plain_text", "title_text"]

_TAG: Final = re.compile(
    r"</?(?:a|abbr|b|bdi|bdo|big|br|center|cite|code|del|div|em|font|h[1-6]|i|img|ins|li|mark|p|q|s|small|span|strike|strong"
    r"|sub|sup|u|ul|wbr)\b[^<>]*>",
    re.IGNORECASE,
)
# Linear: what a script holds is looked at up to its next angle bracket alone.
_CODE: Final = re.compile(
    r"<(script|style)\b[^<>]*>[^<]*</\1\s*>|</?(?:applet|embed|iframe|object)\b[^<>]*>", re.IGNORECASE
)
_ANY_TAG: Final = re.compile(r"<[^<>]*>")
_SPACE: Final = re.compile(r"\s+")
_IMG: Final = re.compile(r"<img\b[^<>]{0,2000}?\bsrc\s*=\s*[\"']?([^\"'\s<>]+)", re.IGNORECASE)
_REFERENCE: Final = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]\w{1,31});")
_UNESCAPES: Final = 3
_LONGEST_TITLE: Final = 10_000


def title_text(markup: str) -> str:
    """A title as text: entities resolved however often they were escaped, markup dropped, white space single.

    Only tags of inline HTML go: a title may speak of ``a < b``.
    """
    text = _CODE.sub("", markup[:_LONGEST_TITLE])
    for _ in range(_UNESCAPES):
        unescaped = _CODE.sub("", _unescape(_TAG.sub(" " if "<br" in text.lower() else "", text)))
        if unescaped == text:
            break
        text = unescaped
    return _SPACE.sub(" ", text).strip()


def _unescape(text: str) -> str:
    """Entities with their semicolon alone: HTML's older rule would read ``&copy`` in ``?a=1&copy=2`` as a sign."""
    return _REFERENCE.sub(_resolved, text)


def _resolved(match: re.Match[str]) -> str:
    reference = match.group()
    return html.unescape(reference) if reference[1] == "#" else html5.get(reference[1:], reference)


def plain_text(markup: str) -> str:
    """The text of a piece of HTML, for comparing and measuring; not for readers."""
    return _SPACE.sub(" ", html.unescape(_ANY_TAG.sub(" ", markup))).strip()


def first_image(markup: str) -> str:
    """The address of the first picture, as written; empty if there is none."""
    match = _IMG.search(markup)
    return html.unescape(match[1]) if match else ""
