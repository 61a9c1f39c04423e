"""Output: tables for people, tab-separated lines for pipes, JSON lines for programs.

Titles come from anybody's feed: control characters in them never reach the terminal, and right-to-left cells are
isolated, so that they turn neither their neighbours nor the line around.
"""

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

import msgspec
import typer

from marsad.arabic import isolate_latin

__all__ = ["JsonOption", "cell", "instant", "json_line", "note", "one_line", "progress", "table", "to_json"]

_CONTROLS: Final = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+")
_SURROGATES: Final = re.compile("[\ud800-\udfff]")
_RTL: Final = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_EVERY: Final = 500
_ERASED_LINE: Final = "\r\x1b[K"
_FSI, _PDI = "\u2068", "\u2069"

_T = TypeVar("_T")

JsonOption = typer.Option("--json", help="JSON lines instead of a table.")


def one_line(text: str) -> str:
    """The text without line breaks, terminal controls and direction controls."""
    return " ".join(_CONTROLS.sub(" ", text).split())


def cell(text: str, *, longest: int = 0) -> str:
    """The text for one line of output, cut to ``longest`` characters (0: never).

    On a terminal, right-to-left text and the Latin names in it are isolated; elsewhere a program reads, which wants the text alone.
    """
    text = one_line(text)
    if longest and len(text) > longest:
        text = text[: longest - 1].rstrip() + "…"
    return f"{_FSI}{isolate_latin(text)}{_PDI}" if sys.stdout.isatty() and _RTL.search(text) else text


def instant(at: datetime | None) -> str:
    """An instant to the minute, UTC; a dash for none."""
    return at.strftime("%Y-%m-%d %H:%M") if at else "-"


def to_json(value: Any) -> str:
    """One line of JSON, valid UTF-8 whatever is in it: lone surrogates become U+FFFD."""
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        return msgspec.json.encode(_sound(msgspec.to_builtins(value))).decode()


def _sound(value: Any) -> Any:
    if isinstance(value, str):
        return _SURROGATES.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_sound(key): _sound(item) for key, item in value.items()}
    return [_sound(item) for item in value] if isinstance(value, (list, tuple)) else value


def json_line(value: Any) -> None:
    """Write one line of JSON."""
    sys.stdout.write(to_json(value) + "\n")


def note(text: str) -> None:
    """A remark for the person, on standard error, so that it never mixes with the data."""
    sys.stdout.flush()
    typer.echo(text, err=True)


def progress(items: Iterable[_T], what: str, total: int = 0) -> Iterator[_T]:
    """The items again, counted on standard error where that is a terminal.

    Args:
        items: passed on one by one.
        what: they are, in the plural.
        total: how many there are, if that is known.
    """
    if not sys.stderr.isatty():
        yield from items
        return
    for number, item in enumerate(items, start=1):
        yield item
        if number % _EVERY == 0:
            sys.stderr.write(f"\r{number}{f' of {total}' if total else ''} {what}")
    sys.stderr.write(_ERASED_LINE)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table on a terminal; elsewhere a header and tab-separated lines, uncut, without isolates."""
    if not sys.stdout.isatty():
        typer.echo("\t".join(columns))
        for row in rows:
            typer.echo("\t".join(one_line(text) for text in row))
        return
    from rich.console import Console  # noqa: PLC0415 - 50 ms that lines for pipes and JSON need not wait for
    from rich.table import Table  # noqa: PLC0415 - the same
    from rich.text import Text  # noqa: PLC0415 - the same

    drawn = Table(*columns, box=None, header_style="bold", padding=(0, 2, 0, 0))
    for row in rows:
        drawn.add_row(*(Text(cell(text), overflow="fold") for text in row))
    Console().print(drawn)
