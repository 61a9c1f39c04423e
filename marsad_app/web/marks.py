"""Text with marked stretches: cut into pieces that a template writes out, escaped, one by one. Pure."""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

import msgspec

from marsad.records import Article, Highlight, TextField

__all__ = ["Mark", "Piece", "cut", "paragraphs", "snippet", "title_pieces"]

_SNIPPET: Final = 260
_LEAD_IN: Final = 60
_SPACES: Final = re.compile(r"\s+")
_BREAK: Final = re.compile(r"\n\s*")


class Mark(msgspec.Struct, frozen=True, order=True):
    """A stretch to be marked, as code-point offsets; ``kind`` says how."""

    start: int
    end: int
    kind: str = "found"


class Piece(msgspec.Struct, frozen=True):
    """A run of text under the same marks; ``kinds`` is empty for plain text."""

    text: str
    kinds: tuple[str, ...] = ()


def cut(text: str, marks: Iterable[Mark], start: int = 0, end: int | None = None) -> tuple[Piece, ...]:
    """Cut ``text[start:end]`` at the edges of its marks.

    Args:
        text: the whole text.
        marks: in any order; they may overlap; what lies outside of the text is passed over.
        start: where to begin.
        end: where to stop; None is the end.

    Returns:
        Pieces whose texts together are ``text[start:end]``.
    """
    stop = len(text) if end is None else min(end, len(text))
    inside = [
        Mark(max(mark.start, start), min(mark.end, stop), mark.kind)
        for mark in sorted(set(marks))
        if mark.start < mark.end and mark.start < stop and mark.end > start
    ]
    edges = sorted({start, stop, *(mark.start for mark in inside), *(mark.end for mark in inside)})
    return tuple(
        Piece(
            text[low:high],
            tuple(dict.fromkeys(mark.kind for mark in inside if mark.start <= low and mark.end >= high)),
        )
        for low, high in pairwise(edges)
    )


def paragraphs(text: str, marks: Sequence[Mark]) -> tuple[tuple[Piece, ...], ...]:
    """The text as paragraphs of pieces; empty lines are left out."""
    found: list[tuple[Piece, ...]] = []
    start = 0
    for match in [*_BREAK.finditer(text), None]:
        stop = match.start() if match else len(text)
        if text[start:stop].strip():
            found.append(cut(text, marks, start, stop))
        start = match.end() if match else len(text)
    return tuple(found)


def title_pieces(article: Article, highlights: Sequence[Highlight]) -> tuple[Piece, ...]:
    """The title with what matched in it."""
    return cut(article.title, _in(highlights, "title"))


def snippet(article: Article, highlights: Sequence[Highlight], length: int = _SNIPPET) -> tuple[Piece, ...]:
    """The stretch of the body that shows most of what matched; the beginning where nothing did.

    Args:
        article: the article.
        highlights: what matched.
        length: code points at most, not counting the ellipses.
    """
    field: TextField = "text" if article.text else "lead"
    if article.lead and not _in(highlights, "text"):
        field = "lead"
    text = article.lead if field == "lead" else article.text
    marks = _in(highlights, field)
    start = _best_start(marks, length) if marks else 0
    start = _word_start(text, max(0, start - _LEAD_IN)) if start > _LEAD_IN else 0
    end = _word_end(text, start + length)
    pieces = [Piece(_SPACES.sub(" ", piece.text), piece.kinds) for piece in cut(text, marks, start, end)]
    before = [Piece("… ")] if start else []
    after = [Piece("\u00a0…")] if end < len(text.rstrip()) else []
    return (*before, *pieces, *after)


def _in(highlights: Sequence[Highlight], field: TextField) -> list[Mark]:
    return [Mark(each.start, each.end) for each in highlights if each.field == field]


def _best_start(marks: Sequence[Mark], length: int) -> int:
    """The start of the window with the most marks; the first such."""
    ordered = sorted(marks)
    best, best_count, last = ordered[0].start, 0, 0
    for first, mark in enumerate(ordered):
        last = max(last, first)
        while last < len(ordered) and ordered[last].end <= mark.start + length - _LEAD_IN:
            last += 1
        if last - first > best_count:
            best, best_count = mark.start, last - first
    return best


def _word_start(text: str, at: int) -> int:
    """The next start of a word from ``at``, within 40 code points."""
    match = _SPACES.search(text, at, at + 40)
    return match.end() if match else at


def _word_end(text: str, at: int) -> int:
    """The last end of a word before ``at``, within 40 code points."""
    if at >= len(text):
        return len(text)
    spaces = list(_SPACES.finditer(text, max(0, at - 40), at))
    return spaces[-1].start() if spaces else at
