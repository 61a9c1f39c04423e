"""``marsad pipe tag``: topics, countries, places and entities of one article as a filter over JSON records."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec

from marsad.errors import PoisonError
from marsad.taxonomy import analyse, load_taxonomy
from processors.locate import Locator
from processors.tag import Tagger

__all__ = ["TagFilter", "pipe_tag"]

_MAX_TEXT: Final = 5_000_000


class TagFilter:
    """The filter with its taxonomy and names.

    Args:
        tagger: topics.
        locator: countries, places and entities.
    """

    def __init__(self, tagger: Tagger, locator: Locator) -> None:
        self._tagger = tagger
        self._locator = locator

    def __call__(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Tag one article: id, title, text[, lead] to id, topics, countries, places, entities.

        Raises:
            PoisonError: no article: a field is no string, too long, or there are no words at all.
        """
        identity = record.get("id", "")
        if not isinstance(identity, str | int):
            raise PoisonError("id: expected a string")
        title, lead, text = (_text(record, name) for name in ("title", "lead", "text"))
        analysed = analyse(title, lead, text)
        if not analysed.zones:
            raise PoisonError("no text: neither title, lead nor text holds a word")
        located = self._locator.locate_analysed(analysed)
        topics = self._tagger.tag_analysed(analysed)
        return {
            "id": identity,
            "topics": msgspec.to_builtins(topics),
            "countries": [
                {"code": country.code, "mentions": country.mentions, "role": country.role}
                for country in located.countries
            ],
            "places": msgspec.to_builtins(located.places),
            "entities": [
                {"id": entity.id, "kind": entity.kind, "name_ar": entity.name_ar, "name_en": entity.name_en,
                 "mentions": entity.mentions}
                for entity in located.entities
            ],
        }  # fmt: skip


@lru_cache(maxsize=1)
def _shipped() -> TagFilter:
    return TagFilter(Tagger(load_taxonomy(learned=True)), Locator())


def pipe_tag(record: Mapping[str, Any]) -> dict[str, Any]:
    """Tag one article with the shipped topics and names; they are compiled at the first call.

    Raises:
        PoisonError: no article.
    """
    return _shipped()(record)


def _text(record: Mapping[str, Any], name: str) -> str:
    value = record.get(name, "")
    if value is None:
        return ""
    if not isinstance(value, str):
        raise PoisonError(f"{name}: expected a string, found {type(value).__name__}")
    if len(value) > _MAX_TEXT:
        raise PoisonError(f"{name}: longer than {_MAX_TEXT} characters")
    return value
