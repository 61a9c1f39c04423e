"""Lines that an outlet hangs on its articles: learned where the same line comes again and again, and dropped.

A memory for each outlet counts the labels in its articles and the sentences at their beginning and end. In 22,000 articles
of five outlets no sentence of news stood in more than eight articles, and the lines that were none in up to four hundred;
newsrooms repeat background for days, so what few articles have must go on for hundreds of them. Words in quotation marks are
never dropped. An article that comes again, by its title, is not counted again.
"""

import re
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from itertools import islice
from typing import Any, Final

import msgspec

from marsad.records import Article
from processors.headline import lead_of

__all__ = ["OutletLines", "RecurringLines"]

_ONCE: Final = 384
"""Lines of an outlet that came once and are remembered: those of its last fifty articles or so."""
_AGAIN: Final = 64
"""Lines of an outlet that came again and are counted."""
_LINES_OF_ARTICLE: Final = 20
_HEAD, _TAIL = 2, 3
"""Paragraphs at the beginning and the end in which sentences are counted."""
_TITLES: Final = 64
_WINDOW: Final = 1_000
"""Articles after which what was counted counts half."""
_LONGEST: Final = 400
_LABEL: Final = 100
"""Characters; a longer line is a sentence, whatever it ends with."""


class _Rule(msgspec.Struct, frozen=True):
    """When a line is dropped: the articles that have it, their share, and over how many articles it has gone on."""

    articles: int
    share: float
    span: int = 0


_LABEL_RULES: Final = (_Rule(4, 0.3), _Rule(12, 0.01, 100))
_SENTENCE_RULES: Final = (_Rule(6, 0.6), _Rule(20, 0.02, 300))
_QUOTED: Final = re.compile(r"[\"«“”„]")
_ENDED: Final = re.compile(r"[.!؟?…]\W*$")
_EDGES: Final = re.compile(r"^\W+|\W+$")


class _Line(msgspec.Struct, array_like=True):
    """How often a line came, and the place of the first article that had it."""

    count: int
    first: int


class OutletLines(msgspec.Struct, array_like=True):
    """What is remembered of an outlet; the lines and titles that came last stand last."""

    articles: int = 0
    once: dict[int, int] = {}
    """Lines that came once, with the place of the article."""
    again: dict[int, _Line] = {}
    titles: dict[int, None] = {}


class RecurringLines:
    """The memories of all outlets, with a bound on each and on their number. Used by one thread.

    Args:
        outlets: How many outlets are remembered; those that were not heard of for longest are forgotten.
    """

    def __init__(self, outlets: int = 1_000) -> None:
        self._outlets: dict[str, OutletLines] = {}
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
        keys = _keys(lines)
        if _is_new(memory, _digest(title)):
            _count(memory, tuple(dict.fromkeys(keys.values()))[:_LINES_OF_ARTICLE])
        kept = [
            line for place, line in enumerate(lines) if not _recurs(memory, memory.again.get(keys.get(place, 0)), line)
        ]
        return kept or list(lines)

    def remembered(self) -> dict[str, OutletLines]:
        """Return the memories, for a file; they go on changing."""
        return self._outlets

    def recall(self, outlets: dict[str, OutletLines]) -> None:
        """Take up the memories of an earlier run, in place of what is remembered."""
        self._outlets = dict(islice(outlets.items(), self._limit))

    def _memory(self, outlet: str) -> OutletLines:
        memory = self._outlets.pop(outlet, None) or OutletLines()
        self._outlets[outlet] = memory
        if len(self._outlets) > self._limit:
            del self._outlets[next(iter(self._outlets))]
        return memory


def _keys(lines: Sequence[str]) -> dict[int, int]:
    """Return what lines are known by, for the places of those that may be dropped."""
    last = len(lines) - _TAIL
    return {
        place: _digest(_EDGES.sub("", line).lower())
        for place, line in enumerate(lines)
        if line
        and len(line) <= _LONGEST
        and (place < _HEAD or place >= last or not _is_sentence(line))
        and _QUOTED.search(line) is None
    }


def _is_sentence(line: str) -> bool:
    return len(line) > _LABEL or _ENDED.search(line) is not None


def _is_new(memory: OutletLines, title: int) -> bool:
    known = title in memory.titles
    memory.titles.pop(title, None)
    memory.titles[title] = None
    _bound(memory.titles, _TITLES)
    return not known


def _count(memory: OutletLines, keys: Iterable[int]) -> None:
    memory.articles += 1
    for key in keys:
        first = memory.once.pop(key, None)
        line = memory.again.pop(key, None) or (None if first is None else _Line(1, first))
        if line is None:
            memory.once[key] = memory.articles
        else:
            line.count += 1
            memory.again[key] = line
    _bound(memory.once, _ONCE)
    _bound(memory.again, _AGAIN)
    if memory.articles % _WINDOW == 0:
        for line in memory.again.values():
            line.count = (line.count + 1) // 2
            line.first = memory.articles - (memory.articles - line.first) // 2


def _bound(remembered: dict[int, Any], limit: int) -> None:
    while len(remembered) > limit:
        del remembered[next(iter(remembered))]


def _recurs(memory: OutletLines, found: _Line | None, line: str) -> bool:
    if found is None:
        return False
    span = memory.articles - found.first + 1
    rules = _SENTENCE_RULES if _is_sentence(line) else _LABEL_RULES
    return any(found.count >= max(rule.articles, rule.share * span) and span >= rule.span for rule in rules)


def _digest(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "big")
