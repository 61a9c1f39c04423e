"""Unicode normal forms in time that grows with the text.

Python sorts a run of combining marks by insertion: a million marks in the wrong order, which any page may hold, take
hours. A run is cut at the thirty marks that Unicode allows a letter (UAX 15, stream-safe text); no writing needs more.
"""

import re
import unicodedata
from typing import Final

__all__ = ["nfc", "nfkc"]

_MOST_MARKS: Final = 30
# Marks are no word characters: only in such a run can there be too many of them.
_RUN: Final = re.compile(rf"[^\w\s!-~]{{{_MOST_MARKS + 1},}}")


def nfc(text: str) -> str:
    """Return a text in NFC; of more than thirty combining marks in a row the rest is dropped."""
    return text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", _bounded(text))


def nfkc(text: str) -> str:
    """Return a text in NFKC; of more than thirty combining marks in a row the rest is dropped."""
    return unicodedata.normalize("NFKC", text if len(text) <= _MOST_MARKS else _bounded(text))


def _bounded(text: str) -> str:
    return _RUN.sub(_cut, text)


def _cut(match: re.Match[str]) -> str:
    kept: list[str] = []
    marks = 0
    for char in match.group():
        marks = marks + 1 if unicodedata.combining(char) else 0
        if marks <= _MOST_MARKS:
            kept.append(char)
    return "".join(kept)
