"""Which feed is next: in order of time, fair over sites. Pure data structure."""

import heapq
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from marsad.records import FeedState

__all__ = ["ReadyQueue", "due_at", "light"]

_MUTED_RECHECK: Final = timedelta(hours=24)


def due_at(state: FeedState, now: datetime) -> datetime:
    """When the feed is polled next; a muted one is asked once a day whether it has come back."""
    if state.muted:
        return now + _MUTED_RECHECK
    return state.next_poll_at or now


def light(state: FeedState) -> FeedState:
    """A state without its memory of entries: at start the times of all feeds are read, not what they contained."""
    return FeedState(feed_id=state.feed_id, next_poll_at=state.next_poll_at, muted=state.muted)


class ReadyQueue:
    """Feeds by their next poll; those that are due take turns site by site, each site only as often as it may be asked.

    A site with a thousand feeds thus holds up no other one. Holds one small tuple for each feed.

    Args:
        limit: how many polls of a site may run at once.
    """

    def __init__(self, limit: Callable[[str], int]) -> None:
        self._limit = limit
        self._heap: list[tuple[datetime, str]] = []
        self._due_at: dict[str, datetime] = {}
        self._site: dict[str, str] = {}
        self._running: dict[str, str | None] = {}
        self._busy: dict[str, int] = {}
        self._waiting: dict[str, deque[str]] = {}
        self._turns: deque[str] = deque()

    def __contains__(self, feed_id: object) -> bool:
        return feed_id in self._site

    def __len__(self) -> int:
        return len(self._site)

    def ids(self) -> frozenset[str]:
        """All feeds in the queue, running ones too."""
        return frozenset(self._site)

    def add(self, feed_id: str, site: str, at: datetime) -> None:
        """Watch a feed, or give it another time; one that runs gets its time when it is done."""
        self._site[feed_id] = site
        if feed_id not in self._running:
            self._schedule(feed_id, at)

    def hasten(self, feed_id: str, at: datetime) -> None:
        """Poll a feed at ``at`` if it would be later; one that runs or waits for its site is left as it is."""
        due = self._due_at.get(feed_id)
        if due is not None and at < due:
            self._schedule(feed_id, at)

    def remove(self, feed_id: str) -> None:
        """Watch a feed no more; a poll that runs goes on to its end."""
        self._site.pop(feed_id, None)
        self._due_at.pop(feed_id, None)

    def _schedule(self, feed_id: str, at: datetime) -> None:
        self._due_at[feed_id] = at
        heapq.heappush(self._heap, (at, feed_id))

    def is_running(self, feed_id: str) -> bool:
        """Tell whether a poll of the feed is under way."""
        return feed_id in self._running

    def free_site(self, feed_id: str) -> None:
        """The poll that runs asks the feed's site no more: another feed may take its place there."""
        site = self._running.get(feed_id)
        if site is not None:
            self._leave(site)
            self._running[feed_id] = None

    def next_due(self) -> datetime | None:
        """When the next feed falls due; None if nothing is scheduled."""
        while self._heap and self._due_at.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def take(self, now: datetime) -> str | None:
        """The next feed to poll now; None if none is due, or all that are due must wait for their site."""
        self._collect(now)
        for _ in range(len(self._turns)):
            site = self._turns.popleft()
            waiting = self._waiting[site]
            feed_id = None
            if self._busy.get(site, 0) < self._limit(site):
                feed_id = self._pop_watched(waiting)
            if waiting:
                self._turns.append(site)
            else:
                del self._waiting[site]
            if feed_id is not None:
                self._running[feed_id] = site
                self._busy[site] = self._busy.get(site, 0) + 1
                return feed_id
        return None

    def done(self, feed_id: str, at: datetime) -> None:
        """A poll ended; poll the feed again at ``at`` if it is still watched."""
        site = self._running.pop(feed_id)
        if site is not None:
            self._leave(site)
        if feed_id in self._site:
            self._schedule(feed_id, at)

    def _leave(self, site: str) -> None:
        self._busy[site] -= 1
        if not self._busy[site]:
            del self._busy[site]

    def _pop_watched(self, waiting: deque[str]) -> str | None:
        while waiting:
            feed_id = waiting.popleft()
            if feed_id in self._site and feed_id not in self._running:
                return feed_id
        return None

    def _collect(self, now: datetime) -> None:
        """Move what is due from the order of time to the turns of the sites."""
        while (at := self.next_due()) is not None and at <= now:
            feed_id = heapq.heappop(self._heap)[1]
            del self._due_at[feed_id]
            site = self._site[feed_id]
            if site not in self._waiting:
                self._waiting[site] = deque()
                self._turns.append(site)
            self._waiting[site].append(feed_id)
