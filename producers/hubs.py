"""Talks with the hubs of feeds: keeps what they tell until its feed's turn, and asks them what was decided."""

import asyncio
import random
import secrets
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final

import structlog
from msgspec.structs import replace

from marsad.clock import Clock
from marsad.config import PollSettings, WebSubSettings
from marsad.errors import FetchError
from marsad.ports import Fetcher
from marsad.records import Feed, FeedState, FetchRequest, FetchResponse, HubLink, HubNews
from producers.parse import ParsedFeed
from producers.politeness import HostGate
from producers.push import Pushed, take_in
from producers.websub import HubRequest, Polled, after_poll, offer_of, parting

__all__ = ["Hubs", "NewsBox"]

_log = structlog.get_logger(__name__)
_MOST_NEWS: Final = 10_000
_MOST_BYTES: Final = 32_000_000
_ANSWER_BYTES: Final = 10_000
_SAID: Final = 200


class NewsBox:
    """``marsad.ports.HubInbox`` in memory: what hubs told, by feed. Bounded; safe to use from several threads.

    Where there is no room a push is kept without its document: its feed is then asked for it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._news: dict[str, list[HubNews]] = {}
        self._count = 0
        self._bytes = 0
        self._wake: Callable[[str], None] = lambda _: None

    def listen(self, wake: Callable[[str], None]) -> None:
        """Have ``wake`` called with the feed of each news, in whichever thread it comes."""
        self._wake = wake

    def tell(self, news: HubNews) -> None:
        """Keep it until its feed's turn."""
        with self._lock:
            if self._count >= _MOST_NEWS:
                return
            if self._bytes + len(news.body) > _MOST_BYTES:
                news = replace(news, body=b"")
            self._news.setdefault(news.feed_id, []).append(news)
            self._count += 1
            self._bytes += len(news.body)
        self._wake(news.feed_id)

    def __contains__(self, feed_id: object) -> bool:
        return feed_id in self._news

    def take(self, feed_id: str) -> tuple[HubNews, ...]:
        """What there is of a feed, in order; it is then no more here."""
        with self._lock:
            found = self._news.pop(feed_id, [])
            self._count -= len(found)
            self._bytes -= sum(len(news.body) for news in found)
        return tuple(found)


class Hubs:
    """The poller's side of WebSub.

    Args:
        box: what hubs tell.
        fetcher: makes the requests to hubs.
        gate: keeps requests to one site apart.
        poll: bounds of the interval.
        settings: of WebSub.
        clock: the time.
        rng: jitter.
        is_watched: whether a feed is still watched by anybody; of those that are not, hubs are told.
        new_token: unguessable text, another each time.
    """

    def __init__(
        self,
        box: NewsBox,
        fetcher: Fetcher,
        gate: HostGate,
        poll: PollSettings,
        settings: WebSubSettings,
        clock: Clock,
        rng: random.Random,
        *,
        is_watched: Callable[[str], bool],
        new_token: Callable[[], str] = lambda: secrets.token_urlsafe(32),
    ) -> None:
        self.box = box
        self._fetcher = fetcher
        self._gate = gate
        self._poll = poll
        self._settings = settings
        self._clock = clock
        self._rng = rng
        self._is_watched = is_watched
        self._new_token = new_token
        self._links: dict[str, HubLink] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def heard(
        self, feed: Feed, state: FeedState, pushes: Sequence[tuple[HubNews, ParsedFeed | None]], told: Sequence[HubNews]
    ) -> tuple[Pushed, tuple[HubRequest, ...]] | None:
        """What news between two polls leads to; None where the feed is to be asked now.

        Args:
            feed: the feed.
            state: what is known of it.
            pushes: those of the news that are pushes, with their documents as read.
            told: all news.
        """
        now = self._clock.now()
        taken = take_in(feed, state, pushes, now)
        if taken.left and not taken.used:
            return None
        news = tuple(one for one in told if one not in taken.left)
        polled = Polled(state=taken.state, news=news, new=taken.new, revised=taken.revised)
        final, asks = self._decided(polled, now)
        for push in taken.left:
            self.box.tell(replace(push, body=b""))
        return replace(taken, state=final), asks

    def polled(
        self,
        state: FeedState,
        told: Sequence[HubNews],
        answer: FetchResponse | FetchError,
        parsed: ParsedFeed | None,
        *,
        new: int,
        revised: int,
    ) -> tuple[FeedState, tuple[HubRequest, ...]]:
        """What a poll means for the subscription: the state with it, and what the hub is asked once that is stored."""
        offer = None if isinstance(answer, FetchError) else offer_of(answer, parsed)
        polled = Polled(state=state, news=tuple(told), offer=offer, new=new, revised=revised)
        return self._decided(polled, self._clock.now())

    def _decided(self, polled: Polled, now: datetime) -> tuple[FeedState, tuple[HubRequest, ...]]:
        state, asks = after_poll(
            polled, now=now, poll=self._poll, settings=self._settings, rng=self._rng, new_token=self._new_token
        )
        if state.hub is not None:
            self._links[state.feed_id] = state.hub
        else:
            self._links.pop(state.feed_id, None)
        return state, asks

    def let_go(self, feed_id: str) -> None:
        """The feed is not polled here any more; where nobody watches it, its hub is told."""
        link = self._links.pop(feed_id, None)
        self.box.take(feed_id)
        if link is not None and not self._is_watched(feed_id):
            self.ask(parting(feed_id, link))

    def ask(self, requests: Iterable[HubRequest]) -> None:
        """Ask hubs, each in a task of its own; what a hub refuses is news of its feed."""
        for request in requests:
            task = asyncio.create_task(self._ask(request))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _ask(self, request: HubRequest) -> None:
        link = request.link
        _log.info("asking hub", mode=request.mode, feed=request.feed_id, hub=link.hub)
        reason = await self._posted(link.hub, request.form())
        if not reason:
            return
        _log.warning("hub refused", mode=request.mode, feed=request.feed_id, hub=link.hub, reason=reason)
        if request.mode == "subscribe":
            at = self._clock.now()
            refused = HubNews(feed_id=request.feed_id, kind="refused", token=link.token, at=at, reason=reason)
            self.box.tell(refused)

    async def _posted(self, hub: str, form: tuple[tuple[str, str], ...]) -> str:
        """Why the hub did not take the request, or nothing."""
        try:
            async with self._gate.slot(hub):
                answer = await self._fetcher.fetch(
                    FetchRequest(url=hub, purpose="hub", form=form, max_bytes=_ANSWER_BYTES)
                )
        except FetchError as error:
            return str(error)
        except Exception as error:  # noqa: BLE001 - a hub must never end more than its own request
            return f"{type(error).__name__}: {error}"
        if 200 <= answer.status < 300:  # noqa: PLR2004  # any success (WebSub section 5.1.2)
            return ""
        said = " ".join(answer.body.decode("utf-8", "replace").split())[:_SAID]
        return f"the hub answered {answer.status}{f': {said}' if said else ''}"

    async def close(self) -> None:
        """Drop the requests under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
