"""The reader's text made clean without folding a letter of it.

Unicode NFC, presentation forms to letters, tatweel, bidi controls and other invisible characters off, odd spaces to
spaces, entities resolved, double-encoded text repaired. Vowel marks stay, and so do أ, ة and ى: folding is for matching.
"""

import html
import re
import unicodedata
from typing import Final

from marsad.arabic import repair

__all__ = ["tidy", "tidy_line"]

_SPACES: Final = "\t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_LINES: Final = "\r\x0b\x0c\x85\u2028\u2029"
_DELETED: Final = "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u061c\u0640\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
_ANY: Final = re.compile(f"[{_SPACES}{_LINES}{_DELETED}\u200c\u200d\ud800-\udfff\ufb50-\ufdff\ufe70-\ufefc]")
_ODD_SPACES: Final = re.compile(f"[{_SPACES}]")
_ODD_LINES: Final = re.compile(f"\r\n|[{_LINES}]")
_JUNK: Final = re.compile(f"[{_DELETED}]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
# Joiners do nothing between Arabic letters that join by themselves and digits; Persian and emoji need them.
_FORMS: Final = re.compile("[\ufb50-\ufdf1\ufdf2-\ufdf9\ufdfc\ufe70-\ufefc]+")
_LONE_MARKS: Final = {
    0xFE70: "\u064b", 0xFE71: "\u064b", 0xFE72: "\u064c", 0xFE74: "\u064d", 0xFE76: "\u064e", 0xFE77: "\u064e",
    0xFE78: "\u064f", 0xFE79: "\u064f", 0xFE7A: "\u0650", 0xFE7B: "\u0650", 0xFE7C: "\u0651", 0xFE7D: "\u0651",
    0xFE7E: "\u0652", 0xFE7F: "\u0652",
    0xFC5E: "\u064c\u0651", 0xFC5F: "\u064d\u0651", 0xFC60: "\u064e\u0651", 0xFC61: "\u064f\u0651",
    0xFC62: "\u0650\u0651", 0xFC63: "\u0651\u0670",
}  # fmt: skip
_ENTITY: Final = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,8});")
_ESCAPED: Final = 4
"""Times that feeds were seen to escape a text; once too often is common, three times was seen in list files."""
_BLANKS: Final = re.compile(r" {2,}")
_EDGES: Final = re.compile(r" ?\n[ \n]*")


def tidy(text: str) -> str:
    """Return a text in the form in which it is kept; paragraphs stay on lines of their own. Idempotent."""
    for _ in range(_ESCAPED):
        if "&" not in text or not _ENTITY.search(text):
            break
        text = _ENTITY.sub(lambda match: html.unescape(match[0]), text)
    text = repair(text)
    if _ANY.search(text):
        text = _clean_characters(text)
    if not unicodedata.is_normalized("NFC", text):
        text = unicodedata.normalize("NFC", text)
    if "  " in text:
        text = _BLANKS.sub(" ", text)
    if "\n" in text:
        text = _EDGES.sub("\n", text)
    return text.strip()


def tidy_line(text: str) -> str:
    """Return a text as ``tidy`` does, on one line."""
    return " ".join(tidy(text).split())


def _clean_characters(text: str) -> str:
    if _SURROGATE.search(text):
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    text = _ODD_LINES.sub("\n", text)
    text = _ODD_SPACES.sub(" ", text)
    text = _JUNK.sub("", text)
    return _FORMS.sub(_to_letters, text)


def _to_letters(match: re.Match[str]) -> str:
    return unicodedata.normalize("NFKC", match[0].translate(_LONE_MARKS))
