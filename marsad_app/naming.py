"""The names of topics and countries in messages, and what went wrong in their language."""

from functools import cache

from babel import Locale

from marsad.arabic import isolated
from marsad_app.live_topics import Topics
from sinks.alerts.wording import Language

__all__ = ["CommonNames"]


class CommonNames:
    """``sinks.alerts.wording.Names``: topics by the taxonomy, countries by CLDR, faults as the web page tells them.

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

    def fault(self, error: str, language: Language) -> str:
        """What went wrong; in English where there is no translation."""
        from marsad_app.web.explaining import parts_of  # noqa: PLC0415 - patterns of all faults: seldom needed

        if language == "en":
            return error
        return "".join(isolated(part.text) if part.quoted else part.text for part in parts_of(error, language))


@cache
def _territories(language: Language) -> dict[str, str]:
    return dict(Locale(language).territories)
