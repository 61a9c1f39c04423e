"""From bytes to text: which encoding a page or feed is really in, whatever its labels say."""

import codecs
import math
import re
from collections.abc import Iterable, Sequence
from itertools import islice, pairwise
from typing import Final

from marsad.arabic.letterpairs import LOG_PAIR

_RARE_ARABIC: Final = -8.0
_OTHER: Final = -8.0
_MIXED: Final = -8.0
_BROKEN: Final = -14.0
_ACCENT_IN_LATIN: Final = -3.0
_PUNCTUATION: Final = -5.0
_DECLARED_BONUS: Final = 0.5
_SILENT: Final = frozenset("ـ،؛؟")

_CANDIDATES: Final = ("utf-8", "windows-1256", "iso8859-6")

# Labels as browsers read them (WHATWG Encoding Standard) where Python's own reading differs.
_LABELS: Final = {
    "iso-8859-1": "cp1252", "latin1": "cp1252", "latin-1": "cp1252", "us-ascii": "cp1252", "ascii": "cp1252",
    "x-cp1256": "cp1256", "arabic": "iso8859-6", "iso-8859-6-e": "iso8859-6", "iso-8859-6-i": "iso8859-6",
    "asmo-708": "iso8859-6", "unicode": "utf-16-le", "utf-16": "utf-16-le",
}  # fmt: skip

_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

# Codecs that are no charsets of pages, though Python calls them text encodings.
_NOT_CHARSETS: Final = frozenset(
    {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "utf_7", "utf-7"}
)

_HIGH_LINES: Final = re.compile(rb"[\x00-\x7f]{0,40}[\x80-\xff][^\n]{0,400}")
_SAMPLE_BYTES: Final = 1 << 14
_WIDE_SHARE: Final = 0.9
_ENOUGH_UTF8: Final = 3
_MULTIBYTE: Final = re.compile(rb"[\xc2-\xf4][\x80-\xbf]")


def decode(body: bytes, declared: Sequence[str] = ()) -> tuple[str, str]:
    """Decode a body by what its bytes say, with the declared charsets as hints.

    Args:
        body: The bytes, whole or cut at a limit.
        declared: Charset labels in the order in which they are believed (HTTP header, XML declaration, meta tag); unknown
            ones are passed over.

    Returns:
        The text, without byte order mark, and the Python name of the charset. Bytes that fit nowhere become U+FFFD.
    """
    for bom, name in _BOMS:
        if body.startswith(bom):
            return _decoded(body[len(bom) :], name), name
    wide = _wide(body)
    if wide:
        return _decoded(body, wide), wide
    names = _usable(declared)
    if body.isascii():
        name = next((name for name in names if not name.startswith(("utf-16", "utf-32"))), "utf-8")
        return _decoded(body, name), name
    if _is_utf8(body):
        return body.decode("utf-8"), "utf-8"
    best = _best(body, names)
    return _decoded(body, best), best


def _decoded(body: bytes, name: str) -> str:
    return body.decode(name, errors="replace")


def _wide(body: bytes) -> str | None:
    """Return the name of UTF-16 without byte order mark: every second byte is the block of its letter."""
    sample = body[:_SAMPLE_BYTES]
    half = len(sample) // 2
    if half < _ENOUGH_UTF8 or not (b"\x00" in sample or b"\x06" in sample):
        return None
    for name, place in (("utf-16-le", 1), ("utf-16-be", 0)):
        blocks = sample[place::2]
        if blocks.count(0) + blocks.count(6) >= _WIDE_SHARE * half and blocks.count(0) < half:
            return name
        if blocks.count(0) >= _WIDE_SHARE * half and sample[1 - place :: 2].count(0) == 0:
            return name
    return None


def _is_utf8(body: bytes) -> bool:
    """Tell whether a body is well-formed UTF-8 with enough letters that this is no accident."""
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return len(list(islice(_MULTIBYTE.finditer(body), _ENOUGH_UTF8))) == _ENOUGH_UTF8


def _usable(declared: Iterable[str]) -> list[str]:
    names: list[str] = []
    for label in declared:
        name = _codec_name(label)
        if name and name not in names:
            names.append(name)
    return names


def _codec_name(label: str) -> str | None:
    label = label.strip().strip("\"'").lower()
    label = _LABELS.get(label, label)
    try:
        info = codecs.lookup(label)
    except (LookupError, ValueError):
        return None
    if info.name in _NOT_CHARSETS or not getattr(info, "_is_text_encoding", True):
        return None
    return info.name


def _best(body: bytes, declared: list[str]) -> str:
    names = declared + [name for name in map(_codec_name, _CANDIDATES) if name and name not in declared]
    sample = _sample(body)
    scores = {name: arabic_score(_decoded(sample, name)) for name in names if not name.startswith(("utf-16", "utf-32"))}
    # Where two decodings give the same text, the one that was declared first stands.
    return max(scores, key=lambda name: scores[name] + (_DECLARED_BONUS if name in declared else 0.0))


def _sample(body: bytes) -> bytes:
    """Return pieces of a body that hold bytes above ASCII: a page may begin with megabytes of script."""
    pieces: list[bytes] = []
    size = 0
    for match in _HIGH_LINES.finditer(body):
        pieces.append(match.group())
        size += len(pieces[-1])
        if size >= _SAMPLE_BYTES:
            break
    return b"\n".join(pieces)


def arabic_score(text: str) -> float:
    """Return how probable a decoding is: the sum of the log probabilities of its characters above ASCII."""
    total = 0.0
    before = " "
    for place, char in enumerate(text):
        if char >= "\x80":
            total += _char_score(char, before, text[place + 1 : place + 2])
        before = char
    return total


def _pair(before: str, char: str) -> float:
    return LOG_PAIR.get(before + char, LOG_PAIR.get(" " + char, _RARE_ARABIC))


def _char_score(char: str, before: str, after: str) -> float:
    latin_beside = (before.isascii() and before.isalpha()) or (after.isascii() and after.isalpha())
    if char in _SILENT:
        return _PUNCTUATION
    if "\u0620" <= char <= "\u06ff":
        return _pair(before, char) + (_MIXED if latin_beside else 0.0)
    if char == "\ufffd" or char <= "\x9f":
        return _BROKEN
    if char.isalpha():
        return _ACCENT_IN_LATIN if latin_beside else _OTHER
    return _PUNCTUATION


def arabic_likelihood(text: str) -> float:
    """Return the mean log probability of the letters above ASCII, as letters of Arabic news.

    Marks, tatweel and punctuation are left out; a text without such letters gives ``-inf``.
    """
    scores = [
        _pair(before, char) if "\u0620" <= char <= "\u06ff" else _OTHER
        for before, char in pairwise(" " + text)
        if char >= "\x80" and char not in _SILENT and (char.isalpha() or char <= "\x9f")
    ]
    return sum(scores) / len(scores) if scores else -math.inf
