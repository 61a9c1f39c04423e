"""The tokens of an article, computed once for topics and places, and the zones by which position counts."""

from enum import IntEnum
from functools import cached_property, lru_cache
from itertools import accumulate, chain
from math import inf, sqrt
from typing import Final, NamedTuple

import msgspec
import numpy as np

from marsad.arabic.tokens import Tokens, numbered, tokenize
from marsad.arabic.vocabulary import Vocabulary
from marsad.records import TextField
from marsad.taxonomy.columns import Numbers

__all__ = ["AnalysedText", "Weighing", "Zone", "ZoneKind", "analyse"]

_LONGEST_LEAD = 80
"""Tokens. Without a lead the first paragraph stands for it; feeds' leads are shorter than this but for one in 50."""

_SAME_LEAD = 0.8
"""The share of the lead's words with which the body must begin to be taken to begin with the lead."""


_REMEMBERED: Final = 4
"""Articles: the steps that follow each other on one article split it once. Saves a sixth of tagging and locating."""


class ZoneKind(IntEnum):
    """Where in the article a word stands."""

    TITLE = 0
    LEAD = 1
    BODY = 2


class Weighing(NamedTuple):
    """What a zone makes of a hit's weight."""

    kind: ZoneKind
    left: float
    """The share that is left of it in a long body."""
    late: float
    """The token after which a hit stands in the later half of a body."""


class Zone(msgspec.Struct, frozen=True, dict=True):
    """A stretch of a field: the tokens ``first`` up to, not including, ``end``."""

    kind: ZoneKind
    field: TextField
    source: str
    """The whole field; offsets of ``tokens`` point into it."""
    tokens: Tokens
    first: int
    end: int

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The key forms of the zone's tokens."""
        return self.tokens.keys[self.first : self.end]

    def span(self, first: int, end: int) -> tuple[int, int]:
        """Return where tokens of the zone, counted from its beginning, stand in the field."""
        return self.tokens.starts[self.first + first], self.tokens.ends[self.first + end - 1]

    def weighing(self, usual: int) -> "Weighing":
        """Return what becomes of a hit's weight, where bodies longer than usual are weighed down."""
        if self.kind is not ZoneKind.BODY:
            return Weighing(self.kind, 1.0, inf)
        length = self.end - self.first
        return Weighing(self.kind, min(1.0, sqrt(usual / length)), max(length, usual) / 2)


class AnalysedText(msgspec.Struct, frozen=True, dict=True):
    """An article's title, lead and text as tokens. No word of the article is in two zones."""

    title: Tokens
    lead: Tokens
    text: Tokens
    zones: tuple[Zone, ...]

    @cached_property
    def numbered(self) -> tuple[Vocabulary, Numbers]:
        """The numbers of the words of all zones in their vocabulary, and after each zone number nought."""
        parts = [zone.tokens.numbered for zone in self.zones]
        if len({id(part.words) for part in parts}) != 1:
            # A field was split before the others, by an older vocabulary.
            words, each = numbered([key for zone in self.zones for key in (*zone.keys, "")])
        else:
            words = parts[0].words
            each = tuple(
                chain.from_iterable(
                    (*part.numbers[zone.first : zone.end], 0) for zone, part in zip(self.zones, parts, strict=True)
                )
            )
        numbers = np.array(each, dtype=np.intp)
        if words.met:
            np.frombuffer(words.met, dtype=np.int32)[numbers] = len(words)
        return words, numbers

    @cached_property
    def begins(self) -> tuple[int, ...]:
        """By zone, where its words begin among those that are numbered."""
        return tuple(accumulate((zone.end - zone.first + 1 for zone in self.zones), initial=0))[: len(self.zones)]

    @property
    def length(self) -> int:
        """The number of tokens in all zones."""
        return sum(zone.end - zone.first for zone in self.zones)


@lru_cache(maxsize=_REMEMBERED)
def analyse(title: str, lead: str, text: str) -> AnalysedText:
    """Split the fields of an article into tokens and zones.

    Args:
        title: the headline.
        lead: the first paragraph or the feed's summary; may be empty, and may be the beginning of ``text``.
        text: the whole body.
    """
    tokens = (tokenize(title), tokenize(lead), tokenize(text))
    zones = [Zone(ZoneKind.TITLE, "title", title, tokens[0], 0, len(tokens[0]))]
    if tokens[1]:
        body = _repeated(tokens[1].keys, tokens[2].keys)
        zones.append(Zone(ZoneKind.LEAD, "lead", lead, tokens[1], 0, len(tokens[1])))
    else:
        body = _first_paragraph(text, tokens[2])
        zones.append(Zone(ZoneKind.LEAD, "text", text, tokens[2], 0, body))
    zones.append(Zone(ZoneKind.BODY, "text", text, tokens[2], body, len(tokens[2])))
    return AnalysedText(*tokens, zones=tuple(zone for zone in zones if zone.end > zone.first))


def _repeated(lead: tuple[str, ...], text: tuple[str, ...]) -> int:
    """Return how many tokens at the beginning of the text are the lead once more."""
    if text[: len(lead)] == lead:
        return len(lead)
    same = 0
    for ours, theirs in zip(lead, text, strict=False):
        if ours != theirs:
            break
        same += 1
    return same if same >= _SAME_LEAD * len(lead) else 0


def _first_paragraph(text: str, tokens: Tokens) -> int:
    stop = text.find("\n", tokens.starts[0]) if tokens else -1
    stop = len(text) if stop < 0 else stop
    count = 0
    for start in tokens.starts[:_LONGEST_LEAD]:
        if start >= stop:
            break
        count += 1
    return count
