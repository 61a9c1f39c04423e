"""What the stages need of the world.

Each port has at least two adapters (the fakes of ``marsad.testing`` and a real one) and one contract suite that all pass.

All instants are aware UTC. Calls are synchronous but for the network; every call may raise ``marsad.errors.StoreError``.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Protocol

from marsad.query import Node
from marsad.records import (
    Alert,
    Article,
    Delivery,
    DeliveryState,
    Entry,
    Facet,
    FacetName,
    Feed,
    FeedState,
    FetchRequest,
    FetchResponse,
    HubNews,
    Owner,
    Quarantined,
    SearchPage,
    Sort,
    Story,
    Subscription,
)
from marsad.streams import Message

__all__ = [
    "AlertLedger",
    "ArticleSearch",
    "ArticleWriter",
    "DeliveryLedger",
    "FeedRegistry",
    "Fetcher",
    "HubInbox",
    "Journal",
    "Outlet",
    "Owners",
    "PollLedger",
    "QuarantineStore",
    "Stories",
    "Subscriptions",
]


class Fetcher(Protocol):
    """Makes requests. Called by the poller and the page reader."""

    async def fetch(self, request: FetchRequest) -> FetchResponse:
        """GET the address within all limits of the settings.

        Raises:
            FetchError: no answer that could be read; ``health`` says which kind of failure. Any HTTP status is an answer.
        """
        ...


class FeedRegistry(Protocol):
    """The feeds that are watched. Written by CLI and API, read by the producers."""

    def feeds(self) -> Sequence[Feed]:
        """All feeds, by id."""
        ...

    def feed(self, feed_id: str) -> Feed | None:
        """One feed."""
        ...

    def put_feeds(self, feeds: Iterable[Feed]) -> int:
        """Add or replace; the number of feeds that were not there before."""
        ...

    def remove_feed(self, feed_id: str) -> bool:
        """Forget the feed and its state (its articles stay); False if it was not there."""
        ...


class PollLedger(Protocol):
    """What polling remembers. Written by the producers alone."""

    def state(self, feed_id: str) -> FeedState | None:
        """What is known of the feed; None before its first poll."""
        ...

    def states(self) -> Iterator[FeedState]:
        """All states, by feed id."""
        ...

    def commit_poll(self, state: FeedState, entries: Sequence[Entry], quarantined: Sequence[Quarantined] = ()) -> None:
        """Store the new state and hand on the entries: both or neither. An entry revision that is known already changes nothing."""
        ...

    def commit_polls(self, polls: Sequence[tuple[FeedState, Sequence[Entry]]]) -> Sequence[Exception | None]:
        """Commit the polls of several feeds, each as ``commit_poll`` would: one that fails ends no other.

        Returns:
            of each None, or the error that ``commit_poll`` would raise.
        """
        ...

    def put_states(self, states: Sequence[FeedState]) -> Sequence[Exception | None]:
        """Store what polls without entries lead to; what is remembered of entries stays as it is, whatever ``seen`` says.

        Returns:
            of each None, or why it was not stored: ``FencedError`` where nothing is stored of the feed, since it was removed
            or begins anew.
        """
        ...


class HubInbox(Protocol):
    """The way of what hubs tell to the producers. Called by the web page; what is lost on the way is found by the next poll."""

    def tell(self, news: HubNews) -> None:
        """Hand it on; waits for nobody to read it."""
        ...


class ArticleWriter(Protocol):
    """The index, from the writer's side. Called by the index sink."""

    def put_articles(self, articles: Sequence[Article]) -> None:
        """Add or replace by ``article_id``. An older revision than the stored one changes nothing."""
        ...


class ArticleSearch(Protocol):
    """The index, from the reader's side. Called by web, API, CLI and digests.

    An article comes under the story that it is part of now: where its own ended in another, under that one. ``story:`` finds
    all articles of the story that is meant, by the id of any of the stories that became it.
    """

    def article(self, article_id: str) -> Article | None:
        """One article."""
        ...

    def search(
        self, query: Node, *, sort: Sort = "relevance", limit: int = 20, offset: int = 0, collapse: bool = False
    ) -> SearchPage:
        """The articles that the query means, with highlights.

        Args:
            query: parsed by ``marsad.query.parse``.
            sort: by relevance, newest first, or biggest story first; ties newest first, then by article id.
            limit: hits on the page, at most 100.
            offset: hits passed over, at most 10,000.
            collapse: only the best hit of each story.
        """
        ...

    def facets(self, query: Node, names: Sequence[FacetName], *, size: int = 20) -> dict[FacetName, tuple[Facet, ...]]:
        """For each facet its commonest values among the matching articles; ``day`` is every UTC day, in order."""
        ...

    def export(self, query: Node | None = None) -> Iterator[Article]:
        """All (matching) articles by first sight, without holding them in memory."""
        ...

    def count(self) -> int:
        """Articles in the index."""
        ...


class Stories(Protocol):
    """The stories. Written by the grouping step."""

    def story(self, story_id: str) -> Story | None:
        """One story."""
        ...

    def put_stories(self, stories: Iterable[Story]) -> None:
        """Add or replace."""
        ...

    def latest_stories(self, *, limit: int = 20, offset: int = 0, min_size: int = 1) -> Sequence[Story]:
        """The most recently extended first, without those that ended in another one."""
        ...

    def story_articles(self, story_id: str) -> Sequence[Article]:
        """All articles of the story, or of the one that it went on in, under that one's id, oldest first."""
        ...


class Subscriptions(Protocol):
    """Saved queries. Written by CLI and API, read by the matching step."""

    def subscriptions(self) -> Sequence[Subscription]:
        """All, oldest first."""
        ...

    def subscription(self, subscription_id: str) -> Subscription | None:
        """One subscription."""
        ...

    def put_subscription(self, subscription: Subscription) -> None:
        """Add or replace."""
        ...

    def remove_subscription(self, subscription_id: str) -> bool:
        """Forget it; its alerts stay in the ledger. False if it was not there."""
        ...


class Owners(Protocol):
    """Who has subscriptions of their own. Written by the CLI, read by the web."""

    def owners(self) -> Sequence[Owner]:
        """All, by name."""
        ...

    def put_owner(self, owner: Owner) -> None:
        """Add or replace."""
        ...

    def remove_owner(self, name: str) -> bool:
        """Forget it, and its token with it. False if it was not there."""
        ...


class AlertLedger(Protocol):
    """Every alert ever raised: what makes that none is raised twice."""

    def record_alerts(self, alerts: Sequence[Alert], deliveries: Sequence[Delivery]) -> Sequence[Alert]:
        """Enter alerts that are not there yet, with their deliveries; the ones that were new."""
        ...

    def alerts(
        self,
        *,
        subscription_id: str | None = None,
        among: Collection[str] | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> Sequence[Alert]:
        """Newest first.

        Args:
            subscription_id: those of one subscription.
            among: those of any of these; None: of any at all.
            limit: how many at most.
            offset: how many of the newest are left out.
        """
        ...

    def alert(self, alert_id: str) -> Alert | None:
        """One alert."""
        ...


class DeliveryLedger(Protocol):
    """What was sent, where, and what is still to be sent."""

    def due(self, now: datetime, *, limit: int = 100) -> Sequence[tuple[Delivery, Alert]]:
        """Deliveries whose time has come and that are neither sent nor given up, oldest first."""
        ...

    def put_delivery(self, delivery: Delivery) -> None:
        """Replace by id. Durable against a power cut when it returns."""
        ...

    def deliveries(
        self,
        *,
        subscription_id: str | None = None,
        among: Collection[str] | None = None,
        state: DeliveryState | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> Sequence[Delivery]:
        """Newest first.

        Args:
            subscription_id: those of one subscription.
            among: those of any of these; None: of any at all.
            state: those that are in it.
            limit: how many at most.
            offset: how many of the newest are left out.
        """
        ...


class QuarantineStore(Protocol):
    """What could not be processed. Written by every stage."""

    def quarantine(self, items: Iterable[Quarantined]) -> None:
        """Add; the same fault of the same item is one row."""
        ...

    def quarantined(self, *, stage: str | None = None, limit: int = 100, offset: int = 0) -> Sequence[Quarantined]:
        """Newest first."""
        ...

    def quarantined_item(self, item_id: str) -> Quarantined | None:
        """One item."""
        ...

    def drop_quarantined(self, item_id: str) -> bool:
        """Forget it; False if it was not there."""
        ...


class Journal(Protocol):
    """All writing of one stage for one partition: transactions that a later owner of the partition ends for ever.

    Not safe to use from two threads at once.
    """

    @property
    def partition(self) -> int:
        """Which one."""
        ...

    def commit(self, messages: Sequence[Message], *, upto: int | None = None) -> Sequence[int]:
        """Write all messages and move the stage's place in its input to ``upto``, both or neither; durable when it returns.

        Returns:
            The offsets of the messages.

        Raises:
            FencedError: another process owns the partition now; nothing was written.
            TransientError: it is not known whether it was written; what rests on it must be read anew.
        """
        ...

    def read(self, stream: str, partition: int | None = None, *, start: int = 0) -> Iterator[Message]:
        """What is committed in a stream, from an offset to its present end; one partition after the other."""
        ...


class Outlet(Protocol):
    """One way to hand an alert to a person."""

    def send(self, key: str, subscription: Subscription, alerts: Sequence[Alert]) -> None:
        """Hand over one message: one alert, or the alerts of a digest, oldest first.

        Args:
            key: the idempotency key; the same after a crash that left the answer unknown.
            subscription: whose alerts they are.
            alerts: at least one.

        Raises:
            TransientError: try again later.
            PoisonError: this outlet can never take it.
        """
        ...
