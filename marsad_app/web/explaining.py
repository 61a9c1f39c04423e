"""What went wrong, told in the reader's language. What raises it speaks English."""

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec

from marsad_app.web.texts import Language

__all__ = ["explain"]

_PLACE: Final = re.compile(r"\{(\d?)\}")


class _Fault(msgspec.Struct, frozen=True):
    """A sentence as a pattern, and its translation."""

    pattern: re.Pattern[str]
    ar: str
    within: bool
    """What it quotes may itself be a sentence that has a translation."""


@cache
def _faults() -> tuple[_Fault, ...]:
    """The longest first, since some begin alike."""
    folder = files("marsad_app.web") / "wording"
    known = [
        fault
        for name in ("queries", "faults")
        for fault in tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8"))["fault"]
    ]
    known.sort(key=lambda fault: -len(fault["en"]))
    return tuple(
        _Fault(
            re.compile("(.*)".join(map(re.escape, fault["en"].split("{}"))), re.DOTALL),
            fault["ar"],
            fault.get("within", False),
        )
        for fault in known
    )


def explain(reason: str, language: Language) -> tuple[str, Language]:
    """The reason in the wanted language, and the language it is in: English where there is no translation."""
    if language == "en":
        return reason, "en"
    for fault in _faults():
        found = fault.pattern.fullmatch(reason)
        if found:
            return _translated(fault, found.groups()), "ar"
    return reason, "en"


def _translated(fault: _Fault, quoted: tuple[str, ...]) -> str:
    """The translation with what the sentence quotes, as much as it has places for: in order, or by number."""
    parts = tuple(explain(each, "ar")[0] for each in quoted) if fault.within else quoted
    count = iter(range(len(parts)))
    return _PLACE.sub(lambda place: parts[int(place[1]) if place[1] else next(count)], fault.ar)
