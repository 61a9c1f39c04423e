"""Every port in memory, as plainly as its contract allows: for tests, and as the standard that other adapters are held to."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec.structs import replace

from marsad.errors import FencedError
from marsad.outcome import outcome
from marsad.query import Node
from marsad.query.document import MatchDoc
from marsad.query.evidence import spans
from marsad.query.following import following, in_living, living
from marsad.query.predicate import compile_predicate
from marsad.records import (
    Article,
    Entry,
    Facet,
    FacetName,
    Feed,
    FeedState,
    Owner,
    Quarantined,
    SearchHit,
    SearchPage,
    Sort,
    Story,
    Subscription,
)
from marsad.testing.ledgers import InMemoryAlerts, InMemoryDeliveries

__all__ = [
    "InMemoryArticles",
    "InMemoryFeeds",
    "InMemoryPolls",
    "InMemoryQuarantine",
    "InMemoryStore",
    "InMemoryStories",
    "InMemorySubscriptions",
]

_MAX_LIMIT = 100
_MAX_OFFSET = 10_000


class InMemoryPolls:
    """``marsad.ports.PollLedger``; the entries handed on are in ``entries``, in order."""

    def __init__(self, quarantine: "InMemoryQuarantine") -> None:
        self._states: dict[str, FeedState] = {}
        self._quarantine = quarantine
        self.entries: dict[tuple[str, int], Entry] = {}

    def state(self, feed_id: str) -> FeedState | None:
        """What is known of the feed."""
        return self._states.get(feed_id)

    def states(self) -> Iterator[FeedState]:
        """All states, by feed id."""
        return iter([self._states[key] for key in sorted(self._states)])

    def commit_poll(self, state: FeedState, entries: Sequence[Entry], quarantined: Sequence[Quarantined] = ()) -> None:
        """Store the new state and hand on the entries."""
        self._states[state.feed_id] = state
        for entry in entries:
            self.entries.setdefault((entry.entry_id, entry.revision), entry)
        self._quarantine.quarantine(quarantined)

    def commit_polls(self, polls: Sequence[tuple[FeedState, Sequence[Entry]]]) -> Sequence[Exception | None]:
        """Commit one after the other."""
        return [outcome(self.commit_poll, state, entries) for state, entries in polls]

    def put_states(self, states: Sequence[FeedState]) -> Sequence[Exception | None]:
        """Store states, each with what was remembered before."""
        return [outcome(self._put_state, state) for state in states]

    def _put_state(self, state: FeedState) -> None:
        before = self._states.get(state.feed_id)
        if before is None:
            raise FencedError(f"nothing is stored of {state.feed_id}")
        self.commit_poll(replace(state, seen=before.seen), ())

    def forget(self, feed_id: str) -> None:
        """Drop the state of a feed that is removed."""
        self._states.pop(feed_id, None)


class InMemoryFeeds:
    """``marsad.ports.FeedRegistry``."""

    def __init__(self, polls: InMemoryPolls) -> None:
        self._feeds: dict[str, Feed] = {}
        self._polls = polls

    def feeds(self) -> Sequence[Feed]:
        """All feeds, by id."""
        return [self._feeds[key] for key in sorted(self._feeds)]

    def feed(self, feed_id: str) -> Feed | None:
        """One feed."""
        return self._feeds.get(feed_id)

    def put_feeds(self, feeds: Iterable[Feed]) -> int:
        """Add or replace; how many were not there before."""
        new = {feed.id: feed for feed in feeds}
        added = len(new.keys() - self._feeds.keys())
        self._feeds.update(new)
        return added

    def remove_feed(self, feed_id: str) -> bool:
        """Forget the feed and its state."""
        self._polls.forget(feed_id)
        return self._feeds.pop(feed_id, None) is not None


class InMemoryArticles:
    """``marsad.ports.ArticleWriter`` and ``marsad.ports.ArticleSearch``; every search reads every article."""

    def __init__(self) -> None:
        self._docs: dict[str, MatchDoc] = {}
        self.ended: dict[str, str] = {}
        """The stories that ended, with the one that each is forwarded to."""

    def put_articles(self, articles: Sequence[Article]) -> None:
        """Add or replace by id; an older revision changes nothing."""
        for article in articles:
            known = self._docs.get(article.article_id)
            if known is None or known.article.revision <= article.revision:
                self._docs[article.article_id] = MatchDoc.of(article)

    def article(self, article_id: str) -> Article | None:
        """One article."""
        doc = self._docs.get(article_id)
        return self._followed(doc.article) if doc else None

    def search(
        self, query: Node, *, sort: Sort = "relevance", limit: int = 20, offset: int = 0, collapse: bool = False
    ) -> SearchPage:
        """The articles that the query means; relevance is the number of matching places, those in the title thrice."""
        stories = (self._followed(doc.article).story_id for doc in self._docs.values())
        sizes = Counter(story for story in stories if story)
        hits = [self._hit(query, doc, sizes) for doc in self._matching(query)]
        hits.sort(key=_ORDERS[sort])
        if collapse:
            hits = list({hit.article.story_id or hit.article.article_id: hit for hit in reversed(hits)}.values())
            hits.sort(key=_ORDERS[sort])
        first = min(offset, _MAX_OFFSET)
        return SearchPage(hits=tuple(hits[first : first + min(limit, _MAX_LIMIT)]), total=len(hits))

    def _matching(self, query: Node) -> Iterator[MatchDoc]:
        return filter(compile_predicate(following(query, self.family)), list(self._docs.values()))

    def _followed(self, article: Article) -> Article:
        return in_living(article, self.living((article.story_id,)))

    def living(self, ids: Iterable[str]) -> dict[str, str]:
        """For each story the one in which it goes on."""
        return living(ids, lambda some: {each: self.ended[each] for each in some if each in self.ended})

    def family(self, story_id: str) -> list[str]:
        """The ids under which the articles of a story are filed."""
        now = self.living((story_id, *self.ended))
        return [now[story_id], *(each for each in self.ended if now[each] == now[story_id])]

    def _hit(self, query: Node, doc: MatchDoc, sizes: Counter[str]) -> SearchHit:
        marks = spans(query, doc)
        score = sum(3.0 if mark.field == "title" else 1.0 for mark in marks)
        article = self._followed(doc.article)
        return SearchHit(article=article, score=score, highlights=marks, story_size=sizes.get(article.story_id, 1))

    def facets(self, query: Node, names: Sequence[FacetName], *, size: int = 20) -> dict[FacetName, tuple[Facet, ...]]:
        """The commonest values among the matching articles; days in order."""
        articles = [doc.article for doc in self._matching(query)]
        return {name: _facet(name, articles, size) for name in names}

    def export(self, query: Node | None = None) -> Iterator[Article]:
        """All (matching) articles by first sight."""
        docs = iter(list(self._docs.values())) if query is None else self._matching(query)
        return iter(sorted((self._followed(doc.article) for doc in docs), key=lambda article: article.first_seen_at))

    def count(self) -> int:
        """Articles in the index."""
        return len(self._docs)


def _by_date(hit: SearchHit) -> tuple[float, str]:
    return -hit.article.published_at.timestamp(), hit.article.article_id


_ORDERS: dict[Sort, Callable[[SearchHit], tuple[float, float, str]]] = {
    "relevance": lambda hit: (-hit.score, *_by_date(hit)),
    "date": lambda hit: (0.0, *_by_date(hit)),
    "story": lambda hit: (-float(hit.story_size), *_by_date(hit)),
}


def _facet(name: FacetName, articles: Sequence[Article], size: int) -> tuple[Facet, ...]:
    counts: Counter[str] = Counter()
    for article in articles:
        counts.update(_facet_values(name, article))
    if name == "day":
        return tuple(Facet(day, counts[day]) for day in sorted(counts))
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Facet(value, count) for value, count in ranked[:size])


def _facet_values(name: FacetName, article: Article) -> set[str]:
    match name:
        case "topic":
            return {topic.id for topic in article.topics}
        case "country":
            return {country.code for country in article.countries}
        case "outlet":
            return {article.outlet} - {""}
        case "day":
            return {article.published_at.date().isoformat()}


class InMemoryStories:
    """``marsad.ports.Stories``."""

    def __init__(self, articles: InMemoryArticles) -> None:
        self._stories: dict[str, Story] = {}
        self._articles = articles

    def story(self, story_id: str) -> Story | None:
        """One story."""
        return self._stories.get(story_id)

    def put_stories(self, stories: Iterable[Story]) -> None:
        """Add or replace."""
        for story in stories:
            self._stories[story.story_id] = story
            if story.merged_into:
                self._articles.ended[story.story_id] = story.merged_into

    def latest_stories(self, *, limit: int = 20, offset: int = 0, min_size: int = 1) -> Sequence[Story]:
        """The most recently extended first."""
        fitting = [story for story in self._stories.values() if story.size >= min_size and not story.merged_into]
        fitting.sort(key=lambda story: (-story.last_seen_at.timestamp(), story.story_id))
        return fitting[offset : offset + limit]

    def story_articles(self, story_id: str) -> Sequence[Article]:
        """All articles of the story, or of the one that it went on in, under that one's id, oldest first."""
        now = self._articles.family(story_id)[0]
        found = [article for article in self._articles.export() if article.story_id == now]
        return sorted(found, key=lambda article: (article.published_at, article.article_id))


class InMemorySubscriptions:
    """``marsad.ports.Subscriptions``."""

    def __init__(self) -> None:
        self._subscriptions: dict[str, Subscription] = {}

    def subscriptions(self) -> Sequence[Subscription]:
        """All, oldest first."""
        return sorted(self._subscriptions.values(), key=lambda each: (each.created_at, each.id))

    def subscription(self, subscription_id: str) -> Subscription | None:
        """One subscription."""
        return self._subscriptions.get(subscription_id)

    def put_subscription(self, subscription: Subscription) -> None:
        """Add or replace."""
        self._subscriptions[subscription.id] = subscription

    def remove_subscription(self, subscription_id: str) -> bool:
        """Forget it; its alerts stay."""
        return self._subscriptions.pop(subscription_id, None) is not None


class InMemoryOwners:
    """``marsad.ports.Owners``."""

    def __init__(self) -> None:
        self._owners: dict[str, Owner] = {}

    def owners(self) -> Sequence[Owner]:
        """All, by name."""
        return [self._owners[name] for name in sorted(self._owners)]

    def put_owner(self, owner: Owner) -> None:
        """Add or replace."""
        self._owners[owner.name] = owner

    def remove_owner(self, name: str) -> bool:
        """Forget it."""
        return self._owners.pop(name, None) is not None


class InMemoryQuarantine:
    """``marsad.ports.QuarantineStore``."""

    def __init__(self) -> None:
        self._items: dict[str, Quarantined] = {}

    def quarantine(self, items: Iterable[Quarantined]) -> None:
        """Add; the same fault of the same item is one row."""
        for item in items:
            self._items.setdefault(item.id, item)

    def quarantined(self, *, stage: str | None = None, limit: int = 100, offset: int = 0) -> Sequence[Quarantined]:
        """Newest first."""
        fitting = [item for item in reversed(self._items.values()) if stage in {None, item.stage}]
        return fitting[offset : offset + limit]

    def quarantined_item(self, item_id: str) -> Quarantined | None:
        """One item."""
        return self._items.get(item_id)

    def drop_quarantined(self, item_id: str) -> bool:
        """Forget it."""
        return self._items.pop(item_id, None) is not None


class InMemoryStore:
    """One empty adapter of each port, over the same memory."""

    def __init__(self) -> None:
        self.quarantine = InMemoryQuarantine()
        self.polls = InMemoryPolls(self.quarantine)
        self.feeds = InMemoryFeeds(self.polls)
        self.articles = InMemoryArticles()
        self.search = self.articles
        self.stories = InMemoryStories(self.articles)
        self.subscriptions = InMemorySubscriptions()
        self.owners = InMemoryOwners()
        self.deliveries = InMemoryDeliveries()
        self.alerts = InMemoryAlerts(self.deliveries)
