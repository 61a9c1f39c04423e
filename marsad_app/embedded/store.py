"""The embedded store: every port over one SQLite file."""

from collections.abc import Callable, Mapping
from pathlib import Path

from marsad.errors import CodecError
from marsad.records import Entry, Feed, FeedState, Quarantined, decode
from marsad_app.embedded.alerts import SqliteAlertLedger, SqliteDeliveryLedger, SqliteSubscriptions
from marsad_app.embedded.articles import SqliteArticles, SqliteStories
from marsad_app.embedded.counts import StoreCounts, count_store
from marsad_app.embedded.database import Database
from marsad_app.embedded.feeds import SqliteFeeds, SqlitePollLedger
from marsad_app.embedded.hits import SqliteHits
from marsad_app.embedded.owners import SqliteOwners
from marsad_app.embedded.quarantine import SqliteQuarantine
from marsad_app.embedded.queue import EntryQueue
from marsad_app.embedded.search import SqliteSearch
from marsad_app.feed_alerts import FeedAlerts
from sinks.alerts.plan import deliveries_for

__all__ = ["FILE_NAME", "Store", "open_store"]

FILE_NAME = "marsad.db"


def _no_page(feed: Feed, entry: Entry) -> bool:
    return False


class Store:
    """The adapters, sharing one file; ``with store.database.write():`` makes several calls one transaction.

    Args:
        path: the file.
        wants_page: whether an entry's article page is read before it goes on.
    """

    def __init__(self, path: Path, wants_page: Callable[[Feed, Entry], bool] = _no_page) -> None:
        self.database = Database(path)
        self.quarantine = SqliteQuarantine(self.database)
        self.queue = EntryQueue(self.database)
        self.feeds = SqliteFeeds(self.database)
        self.polls = SqlitePollLedger(self.database, self.queue, self.quarantine, wants_page, self._tell)
        self.articles = SqliteArticles(self.database)
        self.search = SqliteSearch(self.database)
        self.stories = SqliteStories(self.database)
        self.subscriptions = SqliteSubscriptions(self.database)
        self.owners = SqliteOwners(self.database)
        self.alerts = SqliteAlertLedger(self.database)
        self.hits = SqliteHits(self.database)
        self.deliveries = SqliteDeliveryLedger(self.database)
        self._feed_alerts = FeedAlerts(self.feeds.feed, self.subscriptions.subscriptions)

    def _tell(self, state: FeedState) -> None:
        """Enter the alerts about a feed's health that a poll raises."""
        raised = self._feed_alerts.raised(state)
        if not raised:
            return
        deliveries = [delivery for alert, whose in raised for delivery in deliveries_for(alert, whose)]
        self.alerts.record_alerts([alert for alert, _ in raised], deliveries)

    def counts(self) -> StoreCounts:
        """How much of what it holds."""
        return count_store(self.database)

    def waiting(self) -> Mapping[str, int]:
        """Entries that wait, by what for."""
        return self.queue.waiting()

    def outcomes(self) -> Mapping[str, int]:
        """Entries that ended, by how."""
        return self.queue.outcomes()

    def redo(self, item: Quarantined) -> str:
        """Queue a quarantined item's entry again and forget its row, both or neither; why that is not possible, or nothing."""
        try:
            entry = decode(Entry, item.payload)
        except CodecError:
            return f"what the {item.stage} stage kept is no entry; the feed is asked for it again at its next poll"
        with self.database.write():
            self.queue.redo(entry.entry_id, entry)
            self.quarantine.drop_quarantined(item.id)
        return ""

    def begin_anew(self, feed: Feed) -> None:
        """Watch a feed as if it had never been polled; entries known already change nothing."""
        with self.database.write():
            self.feeds.remove_feed(feed.id)
            self.feeds.put_feeds([feed])

    def close(self) -> None:
        """Close the file."""
        self.database.close()


def open_store(folder: Path, wants_page: Callable[[Feed, Entry], bool] = _no_page) -> Store:
    """Open (or make) the store in a folder.

    Raises:
        StoreError: it cannot be opened; the sentence says why and what to do.
    """
    return Store(folder / FILE_NAME, wants_page)
