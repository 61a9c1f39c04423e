"""Outlets as commands need them: apprise takes 0.3 s to import, and most commands need none."""

from functools import cache
from typing import TYPE_CHECKING

from marsad.clock import SystemClock
from marsad.config import Settings, load_settings
from sinks.alerts.plan import TERMINAL

if TYPE_CHECKING:
    from sinks.alerts.outlets import Outlets

__all__ = ["lazily_accepted", "outlets_for"]


def outlets_for(settings: Settings) -> "Outlets":
    """The outlets that the settings reach.

    Raises:
        ConfigError: ``alerts.key`` is none.
    """
    from marsad_app.live_topics import LiveTopics  # noqa: PLC0415 - see above
    from marsad_app.naming import CommonNames  # noqa: PLC0415 - see above
    from sinks.alerts.outlets import Outlets  # noqa: PLC0415 - see above

    names = CommonNames(LiveTopics(settings.process, SystemClock()))
    return Outlets(settings.alerts, SystemClock(), settings.web.base_url.rstrip("/"), names=names)


@cache
def _outlets() -> "Outlets":
    return outlets_for(load_settings())


def lazily_accepted(address: str) -> str:
    """An outlet's address as it is to be stored.

    Raises:
        ConfigError: it names no outlet.
    """
    return TERMINAL if address == TERMINAL else _outlets().accept(address)
