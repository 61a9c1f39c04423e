"""The names of topics and countries in messages."""

from functools import cache

from babel import Locale

from marsad.taxonomy import Taxonomy
from sinks.alerts.wording import Language

__all__ = ["CommonNames"]


class CommonNames:
    """``sinks.alerts.wording.Names``: topics by the taxonomy, countries by CLDR.

    Args:
        taxonomy: the topics.
    """

    def __init__(self, taxonomy: Taxonomy) -> None:
        self._taxonomy = taxonomy

    def topic(self, topic: str, language: Language) -> str:
        """The topic's name, or its id."""
        return self._taxonomy.name(topic, language)

    def country(self, code: str, language: Language) -> str:
        """The country's name, or its code."""
        return _territories(language).get(code, code)


@cache
def _territories(language: Language) -> dict[str, str]:
    return dict(Locale(language).territories)
