"""The analysers of Elasticsearch, as data: the same tokens as ``marsad.arabic.tokenize`` gives.

Elasticsearch has no Unicode normalisation of its own without a plugin, so that the key form of every character is
written down as a mapping that ``marsad.arabic.key_form`` fills. What follows is Lucene's: a pattern tells words apart,
and its ``arabic`` stemmer, held back from words that do not begin with an Arabic letter and helped with the stacked
prefixes that it does not know, gives ``marsad.arabic.stem``.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from marsad.arabic.keyform import COMBINING, INVISIBLE, key_form

__all__ = ["KEY", "STEM", "analysis"]

KEY: Final = "marsad_key"
"""The analyser that gives key forms."""
STEM: Final = "marsad_stem"
"""The analyser that gives light stems."""

# Left out, since no Arabic news has them and each would lengthen every index's settings: ideographs and kana of
# compatibility, jamo, letters for formulas, and what casefolding does to Cherokee.
_MAPPED: Final = (
    (0x0000, 0x10FF),
    (0x1C80, 0x2BFF),
    (0x2C60, 0x2C7F),
    (0xA640, 0xA7FF),
    (0xFB00, 0xFF5E),
    (0x1F100, 0x1F1FF),
)
# Letters that are also written as a letter and a mark after it (é as e and U+0301).
_COMPOSED: Final = ((0x00C0, 0x0233), (0x0386, 0x04FF), (0x1E00, 0x1EFF))

# In UTF-16 units, each at most three bytes of a term's 32,766. A run of letters that long is no word.
_LONGEST: Final = 10_000

_LETTER: Final = r"\p{L}\p{N}"
_WORD: Final = re.compile(r"[^\W_]")
_JOINING: Final = re.compile(f"[{COMBINING}{INVISIBLE}]")


def analysis() -> dict[str, Any]:
    """The ``analysis`` section of an index's settings."""
    key = ["lowercase", "marsad_longest"]
    return {
        "char_filter": {"marsad_fold": {"type": "mapping", "mappings": list(_mappings())}},
        "tokenizer": {
            "marsad_words": {"type": "pattern", "pattern": f"[{_LETTER}][{_LETTER}{COMBINING}]*", "group": 0}
        },
        "filter": {
            "marsad_longest": {"type": "truncate", "length": _LONGEST},
            "marsad_foreign": {"type": "keyword_marker", "keywords_pattern": r"[^\u0600-\u06ff].*"},
            # وبالتعاون becomes بالتعاون, which the stemmer knows; what would leave a single letter stays.
            "marsad_stacked": {"type": "pattern_replace", "pattern": "^[وف](?=(?:بال|كال|لل)..)", "replacement": ""},
            "marsad_light": {"type": "stemmer", "language": "arabic"},
        },
        "analyzer": {
            KEY: _analyzer(*key),
            STEM: _analyzer(*key, "marsad_foreign", "marsad_stacked", "marsad_light"),
        },
    }


def _analyzer(*filters: str) -> dict[str, Any]:
    return {
        "type": "custom",
        "char_filter": ["marsad_fold"],
        "tokenizer": "marsad_words",
        "filter": list(filters),
    }


@cache
def _mappings() -> tuple[str, ...]:
    single = {chr(code): folded for code in _codes(_MAPPED) if (folded := _folded(chr(code))) is not None}
    pairs = {pair: key_form(pair) for code in _codes(_COMPOSED) for pair in _decompositions(chr(code))}
    return tuple(f"{_escaped(source)}=>{_escaped(target)}" for source, target in sorted((single | pairs).items()))


def _codes(ranges: tuple[tuple[int, int], ...]) -> Iterator[int]:
    for first, last in ranges:
        yield from (code for code in range(first, last + 1) if not 0xD800 <= code <= 0xDFFF)  # noqa: PLR2004  # surrogates


def _folded(char: str) -> str | None:
    """What stands for a character; None where lower case is enough."""
    key = key_form(char)
    if not _WORD.match(char) and not _JOINING.match(char):
        # A sign such as ™ or ℃ separates words; its letters would become one.
        return " " if _WORD.search(key) else None
    # Lucene's lower case is one character for one: that of İ is i, without the dot that Python keeps.
    return None if key == char.lower() and len(key) == 1 else key


def _decompositions(char: str) -> Iterator[str]:
    """The spellings of a character as a letter and the marks after it."""
    for form in {unicodedata.normalize("NFD", char), _first_step(char)}:
        if len(form) > 1:
            yield form


def _first_step(char: str) -> str:
    parts = unicodedata.decomposition(char).split()
    return "" if not parts or parts[0].startswith("<") else "".join(chr(int(part, 16)) for part in parts)


def _escaped(text: str) -> str:
    """As the mapping's rules are written: UTF-16 units in hexadecimal."""
    units = text.encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
