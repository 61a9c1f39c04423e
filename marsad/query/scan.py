"""The query's text made ready for the Lucene grammar, without losing positions.

People paste headlines: quotation marks of three alphabets, Arabic commas, dashes between spaces, invisible direction
marks. Here these become what the grammar knows, and whatever can be said well about an unfinished query is said here.
"""

import re
from typing import Final

import msgspec

from marsad.arabic.keyform import INVISIBLE
from marsad.errors import QueryError

__all__ = ["MAX_LENGTH", "MAX_NESTING", "Scanned", "scan"]

MAX_LENGTH: Final = 2_000
"""Characters in a query."""
MAX_NESTING: Final = 50
"""Parentheses within parentheses."""

_CLOSERS: Final = {'"': '"', "«": "»", "“": "”", "„": "“", "”": "”", "»": "«", "‟": "”", "❝": "❞"}
_QUOTES: Final = frozenset(_CLOSERS) | frozenset(_CLOSERS.values())
_INVISIBLE: Final = re.compile(f"[{INVISIBLE}]")
_PUNCTUATION: Final = frozenset("،؛؟…")
_BEFORE_A_TERM: Final = frozenset(' "()[]{}:+-<>=~^')
_APOSTROPHES: Final = frozenset("'\u2018\u2019")
_MODIFIER: Final = {
    "~": re.compile(r"~(?:[0-9]{1,4}(?![0-9.])|(?![0-9.]))"),
    "^": re.compile(r"\^[0-9]{1,4}(?:\.[0-9]{1,6})?(?![0-9.])"),
}
_SIGNS: Final = re.compile(r"[+\-]+")


class Scanned(msgspec.Struct, frozen=True):
    """A query that the grammar can read. ``places[i]`` is where its character ``i`` stands in the query as written."""

    text: str
    places: tuple[int, ...]


class _Scan:
    """One pass over a query; ``out`` and ``places`` grow together."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.out: list[str] = []
        self.places: list[int] = []
        self.open: list[int] = []

    def emit(self, chars: str, *, step: int = 1) -> None:
        """Put characters for the present position and go on by ``step``."""
        self.out.extend(chars)
        self.places.extend([self.at] * len(chars))
        self.at += step

    @property
    def starts_term(self) -> bool:
        """Nothing of a word stands right before the present position."""
        return not self.out or self.out[-1] in _BEFORE_A_TERM

    @property
    def escapes(self) -> bool:
        """The backslash here stands before a visible character, which it makes a plain one."""
        char = self.text[self.at + 1 : self.at + 2]
        return bool(char.strip()) and char.isprintable() and not _INVISIBLE.match(char)

    def blank(self, at: int) -> bool:
        """The position is at or past the end, or a space."""
        return at >= len(self.text) or self.text[at].isspace()


def scan(text: str) -> Scanned:
    """Make a query ready for the grammar.

    Args:
        text: the query as written.

    Raises:
        QueryError: too long or too deep; a quotation mark or parenthesis without its partner; a regular expression; a
            ``~`` or ``^`` without its number.
    """
    if len(text) > MAX_LENGTH:
        raise QueryError(f"the query is longer than {MAX_LENGTH} characters", MAX_LENGTH)
    state = _Scan(text)
    while state.at < len(text):
        char = text[state.at]
        if _INVISIBLE.match(char):
            state.at += 1
        elif char in _CLOSERS:
            _phrase(state)
        else:
            _HANDLERS.get(char, _other)(state)
    if state.open:
        raise QueryError('expected ")" for this "("', state.open[-1])
    return Scanned("".join(state.out), (*state.places, len(text)))


def _phrase(state: _Scan) -> None:
    """Copy a phrase up to the partner of its quotation mark."""
    text, opened = state.text, state.at
    closer = _CLOSERS[text[opened]]
    if not state.starts_term:
        state.emit(" ", step=0)
    state.emit('"')
    while state.at < len(text):
        char = text[state.at]
        if char == closer:
            state.emit('"')
            return
        if char == "\\" and state.escapes:
            _escaped(state)
        elif _INVISIBLE.match(char):
            state.at += 1
        elif char in {'"', "\\"} or not char.isprintable():
            state.emit(" ")
        else:
            state.emit(char)
    raise QueryError(f"expected {closer} for the quotation mark that opens here", opened)


def _escaped(state: _Scan) -> None:
    state.emit(state.text[state.at])
    state.emit(state.text[state.at])


def _backslash(state: _Scan) -> None:
    if state.escapes:
        _escaped(state)
    else:
        state.emit(" ")


def _opening(state: _Scan) -> None:
    if len(state.open) >= MAX_NESTING:
        raise QueryError(f"more than {MAX_NESTING} parentheses within each other", state.at)
    state.open.append(state.at)
    state.emit("(")


def _closing(state: _Scan) -> None:
    if not state.open:
        raise QueryError('this ")" closes nothing: expected "(" before it', state.at)
    state.open.pop()
    state.emit(")")


def _sign(state: _Scan) -> None:
    """A dash between spaces is punctuation; before a word it forbids it."""
    run = _SIGNS.match(state.text, state.at)
    assert run is not None
    lone = state.starts_term and state.blank(run.end()) and (not state.out or state.out[-1] in ' ("')
    state.emit(" " if lone else run.group()[0], step=run.end() - run.start() if lone else 1)


def _slash(state: _Scan) -> None:
    if state.starts_term and not state.blank(state.at + 1):
        raise QueryError('expected a word: regular expressions are not read; put "quotes" around a path', state.at)
    state.emit(" " if state.starts_term else "/")


def _apostrophe(state: _Scan) -> None:
    inside = not state.starts_term and not state.blank(state.at + 1)
    state.emit("'" if inside else " ")


def _bang(state: _Scan) -> None:
    after = len(state.text) - len(state.text[state.at :].lstrip("!"))
    forbids = state.starts_term and not state.blank(after)
    state.emit("NOT " if forbids else " ", step=1 if forbids else after - state.at)


def _double(state: _Scan) -> None:
    """``&&`` and ``||`` between words are operators; inside a word they are part of it."""
    pair = state.text[state.at : state.at + 2]
    if state.starts_term and pair in {"&&", "||"}:
        state.emit(" AND " if pair == "&&" else " OR ", step=2)
    else:
        state.emit(state.text[state.at])


def _modifier(state: _Scan) -> None:
    char = state.text[state.at]
    found = _MODIFIER[char].match(state.text, state.at)
    if found is None:
        wanted = '"…"~5' if char == "~" else "word^2"
        raise QueryError(f'expected a number after "{char}", as in {wanted}', state.at)
    for each in found.group():
        state.emit(each)


def _other(state: _Scan) -> None:
    char = state.text[state.at]
    plain = char.isprintable() and char not in _PUNCTUATION and char not in _QUOTES
    state.emit(char if plain else " ")


_HANDLERS: Final = {
    "\\": _backslash,
    "(": _opening,
    ")": _closing,
    "+": _sign,
    "-": _sign,
    "/": _slash,
    "!": _bang,
    "&": _double,
    "|": _double,
    "~": _modifier,
    "^": _modifier,
    **dict.fromkeys(_APOSTROPHES, _apostrophe),
}
