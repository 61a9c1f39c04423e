"""The reader's text made clean without folding a letter of it.

Unicode NFC, presentation forms to letters, tatweel, bidi controls and other invisible characters off, odd spaces to
spaces, entities resolved, double-encoded text repaired. Vowel marks stay, and so do أ, ة and ى: folding is for matching.
"""

import html
import re
import unicodedata
from typing import Final

from marsad.arabic import repair
from marsad.normalform import nfc

__all__ = ["tidy", "tidy_line"]

_LONE_MARKS: Final = {
    0xFE70: "\u064b", 0xFE71: "\u064b", 0xFE72: "\u064c", 0xFE74: "\u064d", 0xFE76: "\u064e", 0xFE77: "\u064e",
    0xFE78: "\u064f", 0xFE79: "\u064f", 0xFE7A: "\u0650", 0xFE7B: "\u0650", 0xFE7C: "\u0651", 0xFE7D: "\u0651",
    0xFE7E: "\u0652", 0xFE7F: "\u0652",
    0xFC5E: "\u064c\u0651", 0xFC5F: "\u064d\u0651", 0xFC60: "\u064e\u0651", 0xFC61: "\u064f\u0651",
    0xFC62: "\u0650\u0651", 0xFC63: "\u0651\u0670",
}  # fmt: skip
"""Presentation forms of marks that stand alone: NFKC would put a space before them."""

# Two honorifics stay ligatures: as letters they are whole sentences.
_HONORIFICS: Final = {0xFDFA, 0xFDFB, 0xFDFD}


def _replacements() -> dict[str, str]:
    """Map each character that is not kept as it is to what stands for it."""
    deleted = [
        *range(9),
        *range(0x0E, 0x20),
        *range(0x7F, 0x85),
        *range(0x86, 0xA0),
        0xAD,
        0x61C,
        0x640,
        0x200B,
        0x200E,
    ]
    deleted += [0x200F, *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF, 0xFFF9, 0xFFFA, 0xFFFB]
    spaces = [0x09, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000]
    lines = [0x0B, 0x0C, 0x0D, 0x85, 0x2028, 0x2029]
    forms = [code for code in (*range(0xFB50, 0xFE00), *range(0xFE70, 0xFEFD)) if code not in _HONORIFICS]
    letters = {
        code: _LONE_MARKS.get(code) or unicodedata.normalize("NFKC", chr(code)).replace("\u0640", "") for code in forms
    }
    table = {code: text for code, text in letters.items() if text != chr(code)}
    table |= dict.fromkeys(deleted, "") | dict.fromkeys(spaces, " ") | dict.fromkeys(lines, "\n")
    return {chr(code): text for code, text in table.items()}


_REPLACED: Final = _replacements()
_ODD: Final = re.compile(f"[{re.escape(''.join(_REPLACED))}]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_ENTITY: Final = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,8});")
_ESCAPED: Final = 4
"""Times that feeds were seen to escape a text; once too often is common, three times was seen in list files."""
_BLANKS: Final = re.compile(r" {2,}")


def tidy(text: str) -> str:
    """Return a text in the form in which it is kept; paragraphs stay on lines of their own. Idempotent."""
    for _ in range(_ESCAPED):
        if "&" not in text or not _ENTITY.search(text):
            break
        text = _ENTITY.sub(lambda match: html.unescape(match[0]), text)
    text = repair(text)
    if _SURROGATE.search(text):
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    text = _ODD.sub(_replace, text)
    text = nfc(text)
    if "  " in text:
        text = _BLANKS.sub(" ", text)
    if "\n" in text:
        # Half the time of a pattern that tries each character for an edge.
        text = "\n".join(filter(None, (line.strip(" ") for line in text.split("\n"))))
    return text.strip()


def tidy_line(text: str) -> str:
    """Return a text as ``tidy`` does, on one line."""
    return " ".join(tidy(text).split())


def _replace(match: re.Match[str]) -> str:
    return _REPLACED[match[0]]
