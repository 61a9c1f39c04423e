"""Asks the older pages that fill a gap; what to ask and what it means is decided in ``producers.backfill``."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from marsad.errors import FetchError
from marsad.records import Feed, FeedState, FetchRequest, FetchResponse
from producers.backfill import Filled, begin, end, next_request, open_gap, take
from producers.health import site_pause
from producers.means import Means
from producers.parse import ParsedFeed

__all__ = ["Filler"]


class Filler:
    """Fills gaps, one page after the other, each in its turn among all requests to the site.

    Args:
        means: what polls are made with.
        read: reads a document.
    """

    def __init__(self, means: Means, read: Callable[[FetchResponse], Awaitable[ParsedFeed]]) -> None:
        self._means = means
        self._read = read

    async def fill(self, feed: Feed, state: FeedState) -> Filled | None:
        """Try to fill the feed's first open gap; None where there is none. Nothing is stored."""
        mark = open_gap(state)
        if mark is None:
            return None
        walk = begin(feed, state, mark)
        while (request := next_request(walk, self._means.settings)) is not None:
            answer = await self._ask(request)
            parsed = None
            if isinstance(answer, FetchResponse) and answer.status == HTTPStatus.OK and request.purpose == "feed":
                parsed = await self._read(answer)
            walk = take(walk, request, answer, parsed, now=self._means.clock.now())
        return end(walk)

    async def _ask(self, request: FetchRequest) -> FetchResponse | FetchError:
        try:
            async with self._means.gate.slot(request.url):
                answer = await self._means.fetcher.fetch(request)
        except FetchError as error:
            return error
        if pause := site_pause(answer, self._means.clock.now()):
            self._means.gate.throttle(request.url, pause)
        return answer
