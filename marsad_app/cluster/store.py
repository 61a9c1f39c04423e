"""The cluster as one store: what is state comes from the view of the streams, articles and stories from Elasticsearch."""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import msgspec

from marsad.clock import Clock, SystemClock
from marsad.config import Settings
from marsad.errors import CodecError, StoreError, TransientError
from marsad.ports import ArticleSearch, ArticleWriter, Stories
from marsad.records import Article, Entry, Feed, Quarantined, decode
from marsad.records.urls import shown_url
from marsad.streams import Message
from marsad_app.cluster.materialise import Materialiser
from marsad_app.cluster.ports import (
    ClusterAlerts,
    ClusterDeliveries,
    ClusterFeeds,
    ClusterOwners,
    ClusterPolls,
    ClusterQuarantine,
    ClusterSubscriptions,
    Link,
)
from marsad_app.cluster.view import View, open_view
from marsad_app.embedded.counts import StoreCounts, count_store
from producers.sizes import entry_message

if TYPE_CHECKING:
    from marsad_app.cluster.lag import StageLag

__all__ = ["ClusterStore", "message_again", "open_cluster", "stages"]

_FORGOTTEN_WITHIN_S: Final = 20.0
_LOOK_S: Final = 0.2
_GROUPS_WITHIN_S: Final = 5.0
_PAGE_WAITS_S: Final = 10.0


def _told(_: str) -> None:
    """Nobody wants to know."""


class ClusterStore:
    """Every port over Kafka and Elasticsearch; each of the two is first asked when something of it is wanted.

    Args:
        settings: everything that can be set.
        clock: the time.
        told: is given a sentence where reading the streams takes longer than a second.
    """

    def __init__(self, settings: Settings, clock: Clock, told: Callable[[str], None] = _told) -> None:
        self._settings = settings
        self._clock = clock
        self._told = told
        self._opened = ExitStack()
        self._live = False

    @cached_property
    def view(self) -> View:
        """The file, as far as it is."""
        view = open_view(self._settings.data.dir, self._settings.kafka.prefix)
        self._opened.callback(view.close)
        return view

    @cached_property
    def materialiser(self) -> Materialiser:
        """What fills the view."""
        materialiser = Materialiser(self._settings.kafka, self.view, self._clock, self._told)
        self._opened.callback(materialiser.close)
        return materialiser

    def follow(self) -> None:
        """Fill the view in a thread from now on, for a program that runs for long."""
        self._live = True
        self.materialiser.start()

    def sync(self) -> None:
        """Bring the view to the present end of the streams; for a program that does not ``follow``.

        Raises:
            StoreError: the broker does not answer, or a stream is missing.
        """
        self.materialiser.sync()

    @cached_property
    def _link(self) -> Link:
        self._up_to_date()
        link = Link(self._settings.kafka, self.materialiser)
        self._opened.callback(link.close)
        return link

    @cached_property
    def feeds(self) -> ClusterFeeds:
        """The feeds."""
        return ClusterFeeds(self.view.store.database, self._link)

    @cached_property
    def polls(self) -> ClusterPolls:
        """Feed states."""
        return ClusterPolls(self.view.store, self._link)

    @cached_property
    def subscriptions(self) -> ClusterSubscriptions:
        """The subscriptions."""
        return ClusterSubscriptions(self.view.store.database, self._link)

    @cached_property
    def owners(self) -> ClusterOwners:
        """Who has subscriptions of their own."""
        return ClusterOwners(self.view.store.database, self._link)

    @cached_property
    def alerts(self) -> ClusterAlerts:
        """The alert ledger."""
        return ClusterAlerts(self.view.store.database, self._link, self.view.alert)

    @cached_property
    def deliveries(self) -> ClusterDeliveries:
        """The delivery ledger."""
        return ClusterDeliveries(self.view.store.database, self._link, self.view.alert)

    @cached_property
    def quarantine(self) -> ClusterQuarantine:
        """The quarantine."""
        return ClusterQuarantine(self.view.store.database, self._link)

    @cached_property
    def _client(self) -> Any:
        from sinks.index.client import connect  # noqa: PLC0415 - 0.3 s that commands about feeds need not wait for

        elastic = self._settings.elasticsearch
        # Readers of the page are better served by an answer that says no than by half a minute of nothing, thrice.
        page = {"request_timeout": min(_PAGE_WAITS_S, elastic.timeout), "retry_on_timeout": False} if self._live else {}
        client = connect(elastic, **page)
        self._opened.callback(client.close)
        return client

    @cached_property
    def search(self) -> ArticleSearch:
        """The index, for reading."""
        from sinks.index.search import ElasticSearch  # noqa: PLC0415 - see above

        return ElasticSearch(self._client, self._settings.elasticsearch)

    @cached_property
    def stories(self) -> Stories:
        """The stories."""
        from sinks.index.stories import ElasticStories  # noqa: PLC0415 - see above

        return ElasticStories(self._client, self._settings.elasticsearch)

    @cached_property
    def articles(self) -> ArticleWriter:
        """The index, for writing single articles."""
        from sinks.index.articles import ElasticArticles  # noqa: PLC0415 - see above

        return ElasticArticles(self._client, self._settings.elasticsearch)

    def counts(self) -> StoreCounts:
        """How much of what there is; the size is the view's."""
        from sinks.index.document import story_index  # noqa: PLC0415 - see above
        from sinks.index.reading import Reader  # noqa: PLC0415 - see above

        self._up_to_date()
        elastic = self._settings.elasticsearch
        stories = Reader(self._client, elastic, story_index(elastic.prefix)).count()
        counted = count_store(self.view.store.database)
        return msgspec.structs.replace(counted, articles=self.search.count(), stories=stories)

    def waiting(self) -> Mapping[str, int]:
        """Messages that wait, by stage.

        Raises:
            StoreError: the broker does not answer.
        """
        return {stage.stage: stage.lag for stage in stages(self._settings, self._clock) if stage.stream}

    def outcomes(self) -> Mapping[str, int]:
        """Nothing: each service counts its own, in its metrics."""
        return {}

    def redo(self, item: Quarantined) -> str:
        """Send a quarantined item through its stage again and forget its row; why that is not possible, or nothing."""
        if item.stage == "index":
            problem = self._index_again(item)
            if problem:
                return problem
        else:
            message = message_again(item)
            if isinstance(message, str):
                return message
            self._link.publish(message)
        self.quarantine.drop_quarantined(item.id)
        return ""

    def _index_again(self, item: Quarantined) -> str:
        try:
            self.articles.put_articles([decode(Article, item.payload)])
        except (CodecError, StoreError) as error:
            return str(error)
        return ""

    def begin_anew(self, feed: Feed) -> None:
        """Watch a feed as if it had never been polled: it is taken away until its poller has forgotten what it knew.

        Raises:
            StoreError: no poller did, so that the feed is watched on as before.
        """
        until = self._clock.monotonic() + _FORGOTTEN_WITHIN_S
        self.feeds.remove_feed(feed.id)
        try:
            while self.view.store.polls.state(feed.id) is not None:
                if self._clock.monotonic() > until:
                    raise StoreError(
                        f"no poller has begun {shown_url(feed.url)} anew within {_FORGOTTEN_WITHIN_S:.0f} s: is `marsad poll` running?"
                    )
                time.sleep(_LOOK_S)
                self._up_to_date()
        finally:
            self.feeds.put_feeds([feed])

    def _up_to_date(self) -> None:
        if not self._live:
            self.sync()

    def close(self) -> None:
        """Let go of the file and the connections."""
        self._opened.close()


def stages(settings: Settings, clock: Clock) -> "list[StageLag]":
    """How far every stage is, with its members.

    Raises:
        StoreError: the broker does not answer.
    """
    from marsad_app.cluster.lag import measure  # noqa: PLC0415 - most commands do not ask

    until = clock.monotonic() + _GROUPS_WITHIN_S
    while True:
        try:
            return measure(settings.kafka, clock)
        except TransientError as error:
            # A new broker makes what it keeps groups in when it is first asked about one.
            if clock.monotonic() > until:
                raise StoreError(str(error)) from error
            time.sleep(_LOOK_S)


def message_again(item: Quarantined) -> Message | str:
    """What sends a quarantined item through its stage again; or why nothing can."""
    try:
        if item.stage == "group":
            article = decode(Article, item.payload)
            return Message(stream="tagged.v1", key=article.article_id, value=item.payload)
        message = entry_message(decode(Entry, item.payload))
    except CodecError:
        return f"what the {item.stage} stage kept cannot be read as what it takes; it can only be dropped"
    return (
        message
        if message.stream == "entries.v1"
        else "the entry is larger than its stream takes; it can only be dropped"
    )


def open_cluster(settings: Settings, told: Callable[[str], None] = _told) -> ClusterStore:
    """The cluster of the settings."""
    return ClusterStore(settings, SystemClock(), told)
