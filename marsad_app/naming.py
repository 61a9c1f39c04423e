"""The names of topics and countries in messages."""

from functools import cache

from babel import Locale

from marsad_app.live_topics import Topics
from sinks.alerts.wording import Language

__all__ = ["CommonNames"]


class CommonNames:
    """``sinks.alerts.wording.Names``: topics by the taxonomy, countries by CLDR.

    Args:
        topics: those in force.
    """

    def __init__(self, topics: Topics) -> None:
        self._topics = topics

    def topic(self, topic: str, language: Language) -> str:
        """The topic's name, or its id."""
        return self._topics().name(topic, language)

    def country(self, code: str, language: Language) -> str:
        """The country's name, or its code."""
        return _territories(language).get(code, code)


@cache
def _territories(language: Language) -> dict[str, str]:
    return dict(Locale(language).territories)
