"""Asks the older pages that fill a gap; what to ask and what it means is decided in ``producers.backfill``."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from marsad.clock import Clock
from marsad.config import PollSettings
from marsad.errors import FetchError
from marsad.ports import Fetcher
from marsad.records import Feed, FeedState, FetchRequest, FetchResponse
from producers.backfill import Filled, begin, end, next_request, open_gap, take
from producers.health import site_pause
from producers.parse import ParsedFeed
from producers.politeness import HostGate

__all__ = ["Filler"]


class Filler:
    """Fills gaps, one page after the other, each in its turn among all requests to the site.

    Args:
        fetcher: makes the requests, within its limits and only to addresses that may be asked.
        gate: keeps requests to one site apart; the same one that the poller uses.
        settings: bounds.
        clock: dates what is found.
        read: reads a document.
    """

    def __init__(
        self,
        fetcher: Fetcher,
        gate: HostGate,
        settings: PollSettings,
        clock: Clock,
        read: Callable[[FetchResponse], Awaitable[ParsedFeed]],
    ) -> None:
        self._fetcher = fetcher
        self._gate = gate
        self._settings = settings
        self._clock = clock
        self._read = read

    async def fill(self, feed: Feed, state: FeedState) -> Filled | None:
        """Try to fill the feed's first open gap; None where there is none. Nothing is stored."""
        mark = open_gap(state)
        if mark is None:
            return None
        walk = begin(feed, state, mark)
        while (request := next_request(walk, self._settings)) is not None:
            answer = await self._ask(request)
            parsed = None
            if isinstance(answer, FetchResponse) and answer.status == HTTPStatus.OK and request.purpose == "feed":
                parsed = await self._read(answer)
            walk = take(walk, request, answer, parsed, now=self._clock.now())
        return end(walk)

    async def _ask(self, request: FetchRequest) -> FetchResponse | FetchError:
        try:
            async with self._gate.slot(request.url):
                answer = await self._fetcher.fetch(request)
        except FetchError as error:
            return error
        if pause := site_pause(answer, self._clock.now()):
            self._gate.throttle(request.url, pause)
        return answer
