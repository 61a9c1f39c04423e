"""Which feeds are this process's: those of the shards that it owns. All feeds of one site are in one shard."""

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final, Protocol

from marsad.errors import StoreError
from marsad.records import Feed
from marsad.streams import partition_of
from producers.politeness import site_of

__all__ = ["FeedTable", "Placement", "ShardedRegistry"]

_REFRESH_S: Final = 5.0


class FeedTable(Protocol):
    """All feeds, as they are known at the moment."""

    @property
    def version(self) -> int:
        """Grows whenever anything has changed."""
        ...

    def all(self) -> Sequence[Feed]:
        """All feeds, by id."""
        ...

    def get(self, key: str) -> Feed | None:
        """One feed."""
        ...

    def refresh(self, timeout: float = ...) -> None:
        """Wait until everything is in that was committed before the call.

        Raises:
            TransientError: that cannot be told at the moment.
        """
        ...


class Placement:
    """The shard of each feed. Safe to use from several threads.

    Args:
        table: the feeds.
        shards: how many shards there are.
    """

    def __init__(self, table: FeedTable, shards: int) -> None:
        self._table = table
        self._shards = shards
        self._lock = threading.Lock()
        self._version = -1
        self._by_feed: dict[str, int] = {}
        self._by_url: dict[str, int] = {}

    @property
    def version(self) -> int:
        """Grows whenever a feed has changed."""
        return self._table.version

    def shard_of(self, feed_id: str) -> int | None:
        """The shard of a feed; None if there is no such feed."""
        return self._current().get(feed_id)

    def strangers(self, shard: int, feed_ids: Iterable[str]) -> list[str]:
        """Which of these feeds have no place in the shard, as sure as can be: the table is refreshed before one is named.

        Raises:
            TransientError: the table cannot be refreshed.
        """
        found = [feed_id for feed_id in feed_ids if self.shard_of(feed_id) != shard]
        if found:
            self._table.refresh(_REFRESH_S)
        return [feed_id for feed_id in found if self.shard_of(feed_id) != shard]

    def _current(self) -> Mapping[str, int]:
        with self._lock:
            version = self._table.version
            if version != self._version:
                feeds = self._table.all()
                before = self._by_url
                self._by_url = {
                    feed.url: before[feed.url] if feed.url in before else self._shard_of_url(feed.url) for feed in feeds
                }
                self._by_feed = {feed.id: self._by_url[feed.url] for feed in feeds}
                self._version = version
            return self._by_feed

    def _shard_of_url(self, url: str) -> int:
        return partition_of(site_of(url), self._shards)


class ShardedRegistry:
    """``marsad.ports.FeedRegistry`` of one poller: the enabled feeds of its shards, to be read only.

    Args:
        table: all feeds.
        placement: the shard of each.
        owned: the shards that are this process's at the moment.
    """

    def __init__(self, table: FeedTable, placement: Placement, owned: Callable[[], Collection[int]]) -> None:
        self._table = table
        self._placement = placement
        self._owned = owned

    def feeds(self) -> Sequence[Feed]:
        """The feeds to be polled here, by id."""
        owned = self._owned()
        return [feed for feed in self._table.all() if feed.enabled and self._placement.shard_of(feed.id) in owned]

    def feed(self, feed_id: str) -> Feed | None:
        """One feed, if it is to be polled here."""
        feed = self._table.get(feed_id)
        if feed is None or not feed.enabled or self._placement.shard_of(feed_id) not in self._owned():
            return None
        return feed

    def put_feeds(self, feeds: Iterable[Feed]) -> int:
        """Not here.

        Raises:
            StoreError: always.
        """
        raise StoreError("a poller changes no feeds; `marsad feeds` and the API do")

    def remove_feed(self, feed_id: str) -> bool:
        """Not here.

        Raises:
            StoreError: always.
        """
        raise StoreError("a poller removes no feeds; `marsad feeds` and the API do")
