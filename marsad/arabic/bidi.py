"""Direction controls: dropped from keys and addresses, balanced before texts are joined, set around Latin names."""

import re
from typing import Final

CONTROLS: Final = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"

_CONTROL: Final = re.compile(f"[{CONTROLS}]")
_PDF: Final = "\u202c"
_PDI: Final = "\u2069"
_FSI: Final = "\u2068"
_EMBEDDINGS: Final = frozenset("\u202a\u202b\u202d\u202e")
_ISOLATES: Final = frozenset("\u2066\u2067\u2068")
# A paragraph's end closes every level (Unicode Standard Annex 9, rule X8); so do we, before it.
_PARAGRAPH_ENDS: Final = frozenset("\n\r\x1c\x1d\x1e\x85\u2029")
_STRUCTURE: Final = re.compile("[\u202a-\u202e\u2066-\u2069\n\r\x1c-\x1e\x85\u2029]")

_RTL: Final = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_LATIN: Final = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f"
# A name may hold hyphens, dots and numbers (KILDIN SSV-512, U.S., F-16); a number after a space is the sentence's own.
_LATIN_RUN: Final = re.compile(
    rf"(?<![{_LATIN}0-9])(?=[0-9]*+[{_LATIN}])[{_LATIN}0-9]++"
    rf"(?:[-./&'\u2019_:@]{{1,3}}[{_LATIN}0-9]++|[ \u00a0](?=[0-9]*+[{_LATIN}])[{_LATIN}0-9]++)*+\+{{0,2}}"
)


def strip_controls(text: str) -> str:
    """Return a text without direction controls."""
    return _CONTROL.sub("", text)


def balance(text: str) -> str:
    """Return a text in which every embedding and isolate is closed in its paragraph and nothing is closed twice.

    Such a text can be joined with others without turning them round.
    """
    if _STRUCTURE.search(text) is None or _CONTROL.search(text) is None:
        return text
    out: list[str] = []
    levels = _Levels()
    last = 0
    for match in _STRUCTURE.finditer(text):
        out.append(text[last : match.start()])
        out.append(levels.step(match.group()))
        last = match.end()
    out.append(text[last:])
    out.append(levels.close_all())
    return "".join(out)


class _Levels:
    """The levels that are open, as the stack of the closers due, and how many of them are isolates."""

    def __init__(self) -> None:
        self._due: list[str] = []
        self._isolates = 0

    def step(self, char: str) -> str:
        """Return what stands for one control or paragraph end."""
        if char in _PARAGRAPH_ENDS:
            return self.close_all() + char
        if char in _EMBEDDINGS:
            self._due.append(_PDF)
            return char
        if char in _ISOLATES:
            self._due.append(_PDI)
            self._isolates += 1
            return char
        return self._close_embedding() if char == _PDF else self._close_isolate()

    def close_all(self) -> str:
        """Return the closers of all levels, innermost first."""
        closers = "".join(reversed(self._due))
        self._due.clear()
        self._isolates = 0
        return closers

    def _close_embedding(self) -> str:
        return self._due.pop() if self._due and self._due[-1] == _PDF else ""

    def _close_isolate(self) -> str:
        # Counted, not searched: a text of stray closers must not cost its square.
        if not self._isolates:
            return ""
        self._isolates -= 1
        closers = self._due.pop()
        while closers[-1] != _PDI:
            closers += self._due.pop()
        return closers


def isolated(text: str) -> str:
    """Return a text that takes no direction from what is around it, and gives none to it."""
    return f"{_FSI}{balance(text)}{_PDI}"


def shown(text: str) -> str:
    """Return a text fit to be put beside others: its direction controls balanced, each Latin name in it isolated."""
    return isolate_latin(balance(text))


def isolate_latin(text: str) -> str:
    """Return a text with each Latin name in it isolated, so that its signs and numbers stay in order.

    A text without right-to-left letters, and a name that is isolated already, stay as they are.
    """
    if _RTL.search(text) is None:
        return text

    def wrap(match: re.Match[str]) -> str:
        before = text[match.start() - 1 : match.start()]
        after = text[match.end() : match.end() + 1]
        if before in _ISOLATES and after == _PDI:
            return match.group()
        return f"{_FSI}{match.group()}{_PDI}"

    return _LATIN_RUN.sub(wrap, text)
