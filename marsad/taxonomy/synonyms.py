"""Names of the same country, organisation or person in Arabic, English and French, for queries: each finds them all."""

from collections.abc import Iterator
from functools import cache
from typing import Final

from babel import Locale

from marsad.arabic.tokens import tokenize
from marsad.query.fields import SHORT_NAMES, country_code
from marsad.taxonomy.names import load_gazetteer

__all__ = ["MOST_NAMES", "other_names"]

MOST_NAMES: Final = 12
"""Names of one thing that a word is widened to."""
_LANGUAGES: Final = ("ar", "en", "fr")
_ALPHA_2: Final = 2

Keys = tuple[str, ...]


def other_names(keys: Keys) -> tuple[str, ...]:
    """What else the thing is called that these words name; nothing where they name nothing, or several things.

    Args:
        keys: the words in key form.
    """
    return tuple(name for name, own in _groups().get(keys, ()) if own != keys)


@cache
def _groups() -> dict[Keys, tuple[tuple[str, Keys], ...]]:
    """By each name the names of its thing, each with its key form. A name of two things stands for neither."""
    found: dict[Keys, tuple[tuple[str, Keys], ...]] = {}
    ambiguous: set[Keys] = set()
    for names in (*_countries(), *_entities()):
        group = tuple({keys: name for name in reversed(names) if (keys := tokenize(name).keys)}.items())
        members = tuple((name, keys) for keys, name in reversed(group))[:MOST_NAMES]
        for _, keys in members:
            if keys in found:
                ambiguous.add(keys)
            found[keys] = members
    return {keys: members for keys, members in found.items() if keys not in ambiguous}


def _countries() -> Iterator[list[str]]:
    """Names as Unicode CLDR has them: the gazetteer's own also lists what merely stands for the country."""
    territories = [Locale(language).territories for language in _LANGUAGES]
    for code in map(str, territories[0]):
        if len(code) == _ALPHA_2 and country_code(code) == code:
            short = [name for name, meant in SHORT_NAMES.items() if meant == code]
            yield [*(str(names[code]) for names in territories if code in names), *short]


def _entities() -> Iterator[list[str]]:
    for entity in load_gazetteer().entity:
        yield [entity.name_ar, entity.name_en, *(text for text in entity.spellings if text not in entity.unsure)]
