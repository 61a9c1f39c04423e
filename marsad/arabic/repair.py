"""Repair of text that was decoded with the wrong charset before it reached us.

Three accidents make nearly all of the broken Arabic in feeds: UTF-8 read as windows-1256 ("ط§ظ„"), UTF-8 read as Latin-1
or windows-1252 ("Ø±Ùˆ"), windows-1256 read as one of these ("ÑæÓíÇ"). Each leaves its own mark; without it a text stays.
"""

import re
from typing import Final

from marsad.arabic.charset import arabic_likelihood, arabic_score

_LETTER: Final = re.compile("[\u0620-\u064a\u0671-\u06d3]")
_HIGH_PAIR: Final = re.compile("[\u00c0-\u00ff][\u0080-\u00ff\u0152-\u02dc\u060c\u2013-\u2122\u20ac]")
_WORD: Final = re.compile(r"[^\W\d_]+")
# A word of accented letters only: no European language has words of three.
_HIGH_WORD: Final = re.compile("[\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u00ff\u00d7\u00f7]{3,}")

# Of well-formed Arabic, ط and ظ are 1 to 3 %; of UTF-8 read as windows-1256, nearly every Arabic letter is one of them.
_LEAD_SHARE: Final = 0.6
_FEWEST: Final = 3
# One lead character for every two bytes: fewer than one in eight characters is no broken text but a word with ط.
_LEAD_DENSITY: Final = 8
_UNIT_SHARE: Final = 0.6
_HIGH_WORDS: Final = 2
_HIGH_SHARE: Final = 0.5
# Arabic news has a mean log probability of -3.0 a letter, an odd title -4.2; the letters of other languages, read so, -5.5.
_LIKELY: Final = -4.3
_PASSES: Final = 2


# The bytes D8 to DB begin a letter of Arabic script in UTF-8; as letters of Latin-1 they are C3 98 to C3 9B themselves.
_ARABIC_LEADS: Final = frozenset("ØÙÚÛ")
_TWICE_BROKEN: Final = range(0x98, 0x9C)


def _images(charset: str) -> list[str]:
    """Return what each byte becomes when read in a charset; bytes it lacks become C1 controls, as in browsers."""
    return [bytes([byte]).decode(charset, errors="ignore") or chr(byte) for byte in range(256)]


def _bytes_of(*charsets: str) -> dict[str, int]:
    table: dict[str, int] = {}
    for charset in charsets:
        for byte, char in enumerate(_images(charset)):
            table.setdefault(char, byte)
    return table


_FROM_1256: Final = _bytes_of("cp1256")
_FROM_WESTERN: Final = _bytes_of("cp1252", "latin-1")


def _unit_pattern(table: dict[str, int]) -> re.Pattern[str]:
    """Return the pattern of one UTF-8 sequence as it looks when its bytes were read in another charset."""

    def image(first: int, last: int) -> str:
        return "[" + "".join(re.escape(char) for char, byte in table.items() if first <= byte <= last) + "]"

    tail = image(0x80, 0xBF)
    return re.compile(f"{image(0xC2, 0xDF)}{tail}|{image(0xE0, 0xEF)}{tail}{{2}}|{image(0xF0, 0xF4)}{tail}{{3}}")


_UNIT_1256: Final = _unit_pattern(_FROM_1256)
_UNIT_WESTERN: Final = _unit_pattern(_FROM_WESTERN)


def repair(text: str) -> str:
    """Undo a wrong decoding where the evidence is strong; return any other text unchanged.

    Args:
        text: A title or text as it was received.

    Returns:
        The repaired text, or ``text`` itself. A part that does not fit the accident is kept as it is.

    The ratios are measured on Arabic news; ftfy knows the second of the three accidents only.
    """
    for _ in range(_PASSES):
        repaired = _repair_once(text)
        if repaired == text:
            break
        text = repaired
    return text


def _repair_once(text: str) -> str:
    if text.isascii():
        return text
    leads = text.count("ط") + text.count("ظ")
    if leads >= _FEWEST and leads * _LEAD_DENSITY >= len(text):
        return _from_1256(text, leads)
    if _HIGH_PAIR.search(text) is None:
        return text
    units = [match.group() for match in _UNIT_WESTERN.finditer(text)]
    arabic = sum(_leads_arabic(unit) for unit in units)
    if arabic >= _FEWEST and sum(map(len, units)) >= _UNIT_SHARE * sum(char >= "\x80" for char in text):
        return _UNIT_WESTERN.sub(lambda unit: _reread(unit.group(), _FROM_WESTERN), text)
    return _from_western(text)


def _leads_arabic(unit: str) -> bool:
    """Tell whether a sequence is a letter of Arabic script, or the first half of one that was broken twice."""
    return unit[0] in _ARABIC_LEADS or (unit[0] == "Ã" and _FROM_WESTERN[unit[1]] in _TWICE_BROKEN)


def _from_1256(text: str, leads: int) -> str:
    """Repair UTF-8 read as windows-1256, judged by the share of ط and ظ among Arabic letters."""
    letters = len(_LETTER.findall(text))
    if leads < _LEAD_SHARE * letters:
        return text
    repaired = _UNIT_1256.sub(lambda unit: _reread(unit.group(), _FROM_1256), text)
    return repaired if arabic_likelihood(repaired) >= _LIKELY else text


def _reread(unit: str, table: dict[str, int]) -> str:
    try:
        return bytes(table[char] for char in unit).decode("utf-8")
    except UnicodeDecodeError:
        return unit


def _from_western(text: str) -> str:
    """Repair windows-1256 (or ISO-8859-6) read as Latin-1: whole words are accented letters, and as Arabic they read well."""
    high = len(_HIGH_WORD.findall(text))
    enough = high >= _HIGH_WORDS or high >= _HIGH_SHARE * len(_WORD.findall(text))
    if not high or not enough or _LETTER.search(text):
        return text
    readings = [_as_charset(text, charset) for charset in ("cp1256", "iso8859-6")]
    best = max(readings, key=arabic_score)
    return best if arabic_likelihood(best) >= _LIKELY else text


def _as_charset(text: str, charset: str) -> str:
    images = _images(charset)
    return "".join(images[_FROM_WESTERN[char]] if char in _FROM_WESTERN else char for char in text)
