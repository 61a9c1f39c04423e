"""What is wrong with a query, told in the reader's language. The query reader itself speaks English."""

import re
import tomllib
from functools import cache
from importlib.resources import files
from itertools import zip_longest

from marsad_app.web.texts import Language

__all__ = ["explain"]


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Each sentence as a pattern, with its translation; the longest first, since some begin alike."""
    text = (files("marsad_app.web") / "wording" / "queries.toml").read_text(encoding="utf-8")
    faults = sorted(tomllib.loads(text)["fault"], key=lambda fault: -len(fault["en"]))
    return tuple(
        (re.compile("(.*)".join(map(re.escape, fault["en"].split("{}"))), re.DOTALL), fault["ar"]) for fault in faults
    )


def explain(reason: str, language: Language) -> tuple[str, Language]:
    """The reason in the wanted language, and the language it is in: English where there is no translation."""
    if language == "en":
        return reason, "en"
    for pattern, translation in _patterns():
        found = pattern.fullmatch(reason)
        if found:
            # Of what the sentence quotes, the translation takes as much as it has places for.
            told = translation.split("{}")
            pieces = zip_longest(told, found.groups()[: len(told) - 1], fillvalue="")
            return "".join(piece for pair in pieces for piece in pair), "ar"
    return reason, "en"
