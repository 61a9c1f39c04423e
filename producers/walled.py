"""Sites that answer with bot checks: asked for pages a few times more, then left alone for an hour at a time."""

from collections import OrderedDict
from typing import Final
from urllib.parse import urlsplit

from marsad.clock import Clock

__all__ = ["WalledSites"]

# A check may pass with the next request, or with none for days: more requests make it last.
_MOST_IN_A_ROW: Final = 3
_LEFT_ALONE_S: Final = 3_600.0
_MOST_SITES: Final = 2_000


class WalledSites:
    """Counts the bot checks in a row of each host.

    Args:
        clock: its monotonic seconds.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._met: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def is_left_alone(self, url: str) -> bool:
        """Tell whether pages of the address's host should not be asked for now."""
        count, at = self._met.get(_host(url), (0, 0.0))
        return count >= _MOST_IN_A_ROW and self._clock.monotonic() - at < _LEFT_ALONE_S

    def met(self, url: str) -> None:
        """A bot check came."""
        host = _host(url)
        count = self._met.pop(host, (0, 0.0))[0]
        self._met[host] = (count + 1, self._clock.monotonic())
        if len(self._met) > _MOST_SITES:
            self._met.popitem(last=False)

    def passed(self, url: str) -> None:
        """A page came."""
        self._met.pop(_host(url), None)


def _host(url: str) -> str:
    return urlsplit(url).netloc.lower()
