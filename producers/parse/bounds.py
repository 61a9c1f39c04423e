"""What no honest document has and what would take a parser hours or all memory: attributes without end, in number or in length."""

import re
from typing import Final

__all__ = ["LONGEST_BASE", "without_swollen_bases", "without_swollen_tags"]

# feedparser looks for each attribute among all of its tag: measured, 100,000 in one tag of 1 MB take minutes, and all other
# feeds wait. At forty a tag they cost what so many characters of other markup cost.
_MOST_ATTRIBUTES: Final = 40
# Each element and each link gets the address of what it is in. Measured: one of 390,000 characters around 25,000 open tags, in a document of
# 400 kB, took 11 s and 16 GB. Those of real feeds have less than a hundred.
LONGEST_BASE: Final = 500
_SWOLLEN: Final = (
    rf"=\s*+(?:\"[^\"]{{{LONGEST_BASE + 1}}}|'[^']{{{LONGEST_BASE + 1}}}|[^\s\"'>][^\s>]{{{LONGEST_BASE}}})"
)
# A sign is found faster than a name in any case, and hardly a document has such a value: 0.002 instead of 0.16 ms for a document of 8 kB.
_SWOLLEN_VALUE: Final = re.compile(_SWOLLEN)
_SWOLLEN_BASE: Final = re.compile(rf"(?<=[\s\"'])(xml:)?base(?=\s*+{_SWOLLEN})", re.IGNORECASE)
_SHORTEST: Final = 4 * _MOST_ATTRIBUTES
_LONG: Final = re.compile(rf"<[^<]{{{_SHORTEST},}}")
_ATTRIBUTE: Final = re.compile(r"\s++[^\s=<>\"'/]++\s*+=\s*+(?:\"[^\"<]*+\"|'[^'<]*+')")
_NAME: Final = re.compile(r"<[\w:.-]++")


def without_swollen_tags(text: str) -> str:
    """The document, where tags of more than forty attributes have lost them all. Takes time in proportion to its length."""
    return _LONG.sub(_slimmed, text)


def _slimmed(match: re.Match[str]) -> str:
    piece = match.group()
    name = _NAME.match(piece)
    if name is None or piece.count("=") <= _MOST_ATTRIBUTES:
        return piece
    count, at = 0, name.end()
    while (attribute := _ATTRIBUTE.match(piece, at)) is not None:
        count, at = count + 1, attribute.end()
    return name.group() + piece[at:] if count > _MOST_ATTRIBUTES else piece


def without_swollen_bases(text: str) -> str:
    """The document, where an attribute ``base`` of more than ``LONGEST_BASE`` characters bears a name that nobody asks for."""
    return _SWOLLEN_BASE.sub(r"\1swollen", text) if _SWOLLEN_VALUE.search(text) else text
