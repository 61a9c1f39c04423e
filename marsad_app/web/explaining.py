"""What went wrong, told in the reader's language. What raises it speaks English."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

import msgspec

from marsad_app.web.reasons import SPAN, seconds_of
from marsad_app.web.texts import Language, span_after

__all__ = ["Part", "explain", "parts_of", "whole_sentences"]

_PLACE: Final = re.compile(r"\{(\d?)\}")
_KIND: Final = re.compile(r"\{(\w*)\}")
_KINDS: Final = {
    "": "(.*)",
    "list": "(.*)",
    "span": f"({SPAN})",
    "url": r"(https?://\S+)",
    "error": r"([A-Z]\w*(?:Error|Exception|Group|Interrupt|Iteration|Warning): .*)",
    "refusal": r"([a-z_]+_exception(?:: .*)?|HTTP \d{3}.*)",
    "health": "(blocked|too-large)",
    "number": r"(\d+)",
}
"""What a sentence quotes: anything; sentences between commas; a length of time; an address; an error of Python; one of Elasticsearch;
a state of health that an article's page can have for good; a number, where what comes behind may be another sentence."""
_CATALOGUES: Final = ("queries", "faults", "bodies")


class Part(msgspec.Struct, frozen=True):
    """A piece of what is told: our own words, or those of somebody else (an address, a server, an operating system)."""

    text: str
    quoted: bool = False


class _Fault(msgspec.Struct, frozen=True):
    """A sentence as a pattern, and its translation."""

    pattern: re.Pattern[str]
    kinds: tuple[str, ...]
    ar: str
    within: bool
    """What it quotes may itself be a sentence that has a translation."""


@cache
def _faults() -> tuple[_Fault, ...]:
    """What stands around any other first; then those that say most themselves, since some begin alike."""
    known = [fault for name in _CATALOGUES for fault in _catalogue(name)]
    known.sort(key=lambda fault: (not fault.get("around", False), -len(_KIND.sub("{}", fault["en"]))))
    return tuple(_fault(fault["en"], fault["ar"], within=fault.get("within", False)) for fault in known)


def _catalogue(name: str) -> list[dict[str, Any]]:
    path = files("marsad_app.web") / "wording" / f"{name}.toml"
    faults: list[dict[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))["fault"]
    return faults


def whole_sentences(language: Language) -> Mapping[str, str]:
    """What records say of faults without quoting anything, each with what it is in the wanted language."""
    return {
        fault["en"]: fault[language]
        for name in ("faults", "bodies")
        for fault in _catalogue(name)
        if not _KIND.search(fault["en"])
    }


def _fault(en: str, ar: str, *, within: bool) -> _Fault:
    words = _KIND.split(en)
    pattern = "".join(_KINDS[part] if at % 2 else re.escape(part) for at, part in enumerate(words))
    return _Fault(re.compile(pattern, re.DOTALL), tuple(words[1::2]), ar, within)


def explain(reason: str, language: Language) -> tuple[str, Language]:
    """The reason in the wanted language, and the language it is in: English where there is no translation."""
    parts = parts_of(reason, language)
    translated = language != "en" and not all(part.quoted for part in parts)
    return "".join(part.text for part in parts), "ar" if translated else "en"


def parts_of(reason: str, language: Language) -> tuple[Part, ...]:
    """The reason in the wanted language; one quotation where there is no translation."""
    if language == "en":
        return (Part(reason),)
    for fault in _faults():
        found = fault.pattern.fullmatch(reason)
        if found:
            return tuple(_translated(fault, found.groups()))
    first, semicolon, rest = reason.partition("; ")
    told = parts_of(first, language) if semicolon else ()
    if any(not part.quoted for part in told):
        return (*told, Part("؛ "), *parts_of(rest, language))
    return (Part(reason, quoted=True),)


def _translated(fault: _Fault, quoted: tuple[str, ...]) -> Iterator[Part]:
    """The translation with what the sentence quotes, as much as it has places for: in order, or by number."""
    count = iter(range(len(quoted)))
    for at, part in enumerate(_PLACE.split(fault.ar)):
        if at % 2:
            place = int(part) if part else next(count)
            yield from _quotation(fault, fault.kinds[place], quoted[place])
        elif part:
            yield Part(part)


def _quotation(fault: _Fault, kind: str, text: str) -> Iterator[Part]:
    if kind == "span":
        yield Part(span_after(seconds_of(text), "ar"))
    elif kind == "list":
        for at, each in enumerate(text.split(", ")):
            if at:
                yield Part("، ")
            yield from parts_of(each, "ar")
    elif fault.within and text:
        yield from parts_of(text, "ar")
    elif text:
        yield Part(text, quoted=True)
