"""Lines that an outlet hangs on its articles: learned where the same line comes again and again, and dropped.

A memory for each outlet counts its lines over its latest articles. A label (a call to subscribe, a section's name) is dropped
when a third of the articles have it, a whole sentence only when most have it, since newsrooms repeat a sentence of background
for weeks; words in quotation marks are never dropped. An article that comes again, by its title, is not counted again.
"""

import re
from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

import msgspec

from marsad.records import Article
from processors.headline import lead_of

__all__ = ["RecurringLines"]

_LINES: Final = 128
"""Lines of an outlet that are remembered: those of its last dozen articles, and those that came again since."""
_LINES_OF_ARTICLE: Final = 60
_TITLES: Final = 64
_WINDOW: Final = 200
"""Articles after which what was counted counts half."""
_LONGEST: Final = 400
_LABEL: Final = 100
"""Characters; a longer line is a sentence, whatever it ends with."""
_LABEL_ARTICLES, _LABEL_SHARE = 4, 0.3
_SENTENCE_ARTICLES, _SENTENCE_SHARE = 6, 0.6
_QUOTED: Final = re.compile(r"[\"«“”„]")
_ENDED: Final = re.compile(r"[.!؟?…]\W*$")
_EDGES: Final = re.compile(r"^\W+|\W+$")


class _Line(msgspec.Struct):
    """How often a line came, and the place of the first article that had it."""

    count: int
    first: int


class _Outlet(msgspec.Struct):
    """What is remembered of an outlet; the lines and titles that came last stand last."""

    articles: int = 0
    lines: dict[int, _Line] = {}
    titles: dict[int, None] = {}


class RecurringLines:
    """The memories of all outlets, with a bound on each and on their number. Used by one thread.

    Args:
        outlets: How many outlets are remembered; those that were not heard of for longest are forgotten.
    """

    def __init__(self, outlets: int = 2_000) -> None:
        self._outlets: dict[str, _Outlet] = {}
        self._limit = outlets

    def strip(self, article: Article) -> Article:
        """Return an article without the lines that its outlet repeats; its lead is taken anew where it was one of them."""
        lines = article.text.split("\n")
        kept = self.without(article.outlet, article.title, lines)
        if len(kept) == len(lines):
            return article
        text = "\n".join(kept)
        dropped = set(lines) - set(kept)
        begins = any(article.lead.startswith(line) for line in dropped if line)
        lead = lead_of("", text) if begins else article.lead
        return msgspec.structs.replace(article, text=text, lead=lead)

    def without(self, outlet: str, title: str, lines: Sequence[str]) -> list[str]:
        """Learn from an article's lines, and return those that are its own; all of them if none would be left.

        Args:
            outlet: Whose article it is; nothing is learned or dropped where that is not known.
            title: Its title: the same again is the same article.
            lines: Its paragraphs.
        """
        if not outlet:
            return list(lines)
        memory = self._memory(outlet)
        keys = [_key(line) for line in lines]
        if _is_new(memory, _digest(title)):
            _count(memory, {key for key in keys[:_LINES_OF_ARTICLE] if key is not None})
        kept = [
            line
            for line, key in zip(lines, keys, strict=True)
            if key is None or not _recurs(memory, memory.lines.get(key), line)
        ]
        return kept or list(lines)

    def _memory(self, outlet: str) -> _Outlet:
        memory = self._outlets.pop(outlet, None) or _Outlet()
        self._outlets[outlet] = memory
        if len(self._outlets) > self._limit:
            del self._outlets[next(iter(self._outlets))]
        return memory


def _is_new(memory: _Outlet, title: int) -> bool:
    known = title in memory.titles
    memory.titles.pop(title, None)
    memory.titles[title] = None
    if len(memory.titles) > _TITLES:
        del memory.titles[next(iter(memory.titles))]
    return not known


def _count(memory: _Outlet, keys: set[int]) -> None:
    memory.articles += 1
    for key in sorted(keys):
        line = memory.lines.pop(key, None) or _Line(0, memory.articles)
        line.count += 1
        memory.lines[key] = line
    while len(memory.lines) > _LINES:
        del memory.lines[next(iter(memory.lines))]
    if memory.articles % _WINDOW == 0:
        for line in memory.lines.values():
            line.count = (line.count + 1) // 2
            line.first = memory.articles - (memory.articles - line.first) // 2


def _recurs(memory: _Outlet, found: _Line | None, line: str) -> bool:
    if found is None:
        return False
    whole = len(line) > _LABEL or _ENDED.search(line) is not None
    articles, share = (_SENTENCE_ARTICLES, _SENTENCE_SHARE) if whole else (_LABEL_ARTICLES, _LABEL_SHARE)
    return found.count >= articles and found.count >= share * (memory.articles - found.first + 1)


def _key(line: str) -> int | None:
    """Return what a line is known by; None for what is never dropped."""
    if not line or len(line) > _LONGEST or _QUOTED.search(line):
        return None
    return _digest(_EDGES.sub("", line).lower())


def _digest(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "big")
