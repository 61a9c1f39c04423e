"""The embedded store with made news: entries of the sample newsroom, a pipeline that can be rigged, a recorder of events."""

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from marsad.clock import FrozenClock
from marsad.config import ProcessSettings
from marsad.events import Event, ItemOutcome, Outcome, StageFailed
from marsad.query import MatchDoc, Node, compile_predicate
from marsad.records import Article, Entry, Feed, Subscription
from marsad.records.ids import article_id, content_hash, entry_id
from marsad.taxonomy import Taxonomy
from marsad.taxonomy.resolve import topic_resolver
from marsad.testing.factories import NOW
from marsad_app.embedded import fts
from marsad_app.embedded.processor import Processor
from marsad_app.embedded.store import Store
from marsad_app.newsroom.content import Newsroom, Sample
from processors.group import Grouper
from processors.match import Matcher
from processors.pipeline import Pipeline

__all__ = ["QueryIndex", "Recorder", "RiggedPipeline", "newsroom_entries", "newsroom_feeds", "processor_over"]


class Recorder:
    """An event sink that keeps what it was told."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def emit(self, event: Event) -> None:
        """Keep the event."""
        self.events.append(event)

    def outcomes(self) -> list[Outcome]:
        """The outcomes of entries, in order."""
        return [event.outcome for event in self.events if isinstance(event, ItemOutcome)]

    def failures(self) -> list[StageFailed]:
        """What stages said of their faults, in order."""
        return [event for event in self.events if isinstance(event, StageFailed)]


class RiggedPipeline:
    """The real steps, each entry taken through them once; entries whose title holds a rigged word raise instead.

    Args:
        pipeline: the real steps.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._known: dict[tuple[Entry, Feed], Article] = {}
        self.faults: dict[str, Exception] = {}

    def stateless(self, entry: Entry, feed: Feed) -> Article:
        """As ``Pipeline.stateless``.

        Raises:
            Exception: the one that was rigged for this entry.
        """
        for word, error in self.faults.items():
            if word in entry.title:
                raise error
        if (entry, feed) not in self._known:
            self._known[entry, feed] = self._pipeline.stateless(entry, feed)
        return self._known[entry, feed]


def processor_over(
    store: Store,
    pipeline: RiggedPipeline,
    taxonomy: Taxonomy,
    clock: FrozenClock,
    events: Recorder,
    *,
    batch: int = 32,
    extra_outlets: Sequence[str] = (),
) -> Processor:
    """A processor as ``make_processor`` makes it, over a pipeline that is made once for many."""

    def make_matcher(subscriptions: Sequence[Subscription], before: Matcher | None) -> Matcher:
        return Matcher(subscriptions, now=clock.now(), resolve=topic_resolver(taxonomy), reuse=before)

    days = ProcessSettings().group_days
    return Processor(
        store,
        pipeline,  # type: ignore[arg-type]  # has what the processor uses
        lambda: Grouper(days=days),
        make_matcher,
        clock,
        events,
        batch=batch,
        group_days=days,
        extra_outlets=extra_outlets,
    )


def newsroom_feeds(content: Newsroom) -> list[Feed]:
    """A feed for each outlet."""
    return [
        Feed(id=outlet.id, url=f"http://{outlet.id}.example/rss", title="", outlet=outlet.name, country=outlet.country)
        for outlet in content.outlets
    ]


def newsroom_entries(
    content: Newsroom, *, start: datetime = NOW, lasts: timedelta = timedelta(hours=6)
) -> Iterator[Entry]:
    """The newsroom's articles, copies and corrections as entries, in the order in which they appear."""
    for sample in content.articles:
        yield _entry(sample, start + sample.at * lasts)


def _entry(sample: Sample, at: datetime) -> Entry:
    url = f"http://{sample.outlet}.example/{sample.id}"
    body = "".join(f"<p>{paragraph}</p>" for paragraph in sample.paragraphs)
    return Entry(
        entry_id=entry_id(sample.outlet, sample.guid),
        article_id=article_id(url, sample.outlet, sample.guid),
        feed_id=sample.outlet,
        url=url,
        guid=sample.guid,
        guids=(sample.guid,),
        title=sample.title,
        summary_html=f"<p>{sample.lead}</p>",
        content_html=body,
        published_raw=at.isoformat(),
        first_seen_at=at,
        fetched_at=at,
        revision=sample.version,
        content_hash=content_hash(sample.title, body),
    )


class QueryIndex:
    """A database with nothing but what queries need.

    Args:
        articles: numbered in this order.
    """

    def __init__(self, articles: Sequence[Article]) -> None:
        self.connection = sqlite3.connect(":memory:")
        self.connection.execute(fts.CREATE)
        self.connection.execute(fts.CREATE_VOCABULARY)
        self.connection.execute("CREATE TABLE articles (docid INTEGER PRIMARY KEY, published INTEGER, best_score REAL)")
        self.docs = [MatchDoc.of(article) for article in articles]
        for number, doc in enumerate(self.docs):
            self.connection.execute(fts.INSERT, (number, *fts.index_row(doc.article)))
            self.connection.execute("INSERT INTO articles VALUES (?, ?, ?)", (number, doc.published, doc.score))
        self.expand = fts.expand_from(self._terms)

    def _terms(self, low: str, high: str, limit: int) -> list[str]:
        return [term for (term,) in self.connection.execute(fts.VOCABULARY_RANGE, (low, high, limit))]

    def rows(self, compiled: fts.CompiledQuery) -> set[int]:
        """The rows that SQLite finds, before any check."""
        sql = f"SELECT a.docid FROM articles a WHERE {compiled.where}"  # noqa: S608  # compiled from the query tree, values bound
        params: tuple[str | float, ...] = compiled.params
        if compiled.match is not None:
            sql = (
                f"SELECT a.docid FROM fts JOIN articles a ON a.docid = fts.rowid WHERE fts MATCH ? AND {compiled.where}"  # noqa: S608  # as above
            )
            params = (compiled.match, *params)
        return {docid for (docid,) in self.connection.execute(sql, params)}

    def search(self, node: Node, *, expand: bool = False) -> set[int]:
        """The rows that a query means, checked where SQLite cannot say it exactly."""
        compiled = fts.compile_query(node, expand=self.expand if expand else None)
        found = self.rows(compiled)
        if not compiled.needs_check:
            return found
        predicate = compile_predicate(node)
        assert self.expected(node) <= found, "before the check nothing may be missing"
        return {number for number in found if predicate(self.docs[number])}

    def expected(self, node: Node) -> set[int]:
        """What the predicate says, article by article."""
        predicate = compile_predicate(node)
        return {number for number, doc in enumerate(self.docs) if predicate(doc)}
