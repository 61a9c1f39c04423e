"""Speed and memory, as ratios to a bare baseline of the same run where there is one."""

import tempfile
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import msgspec

from marsad.clock import SystemClock
from marsad.errors import PoisonError
from marsad.records import Article, Entry, Feed, FeedState, Health, Seen, Subscription
from marsad.records.ids import digest
from marsad.taxonomy import load_taxonomy
from marsad_app.bench.corpus import documents, entry_of, feed_of
from marsad_app.bench.replay import Marsad, free_port
from marsad_app.embedded.board import Board
from marsad_app.embedded.processor import Processor
from marsad_app.embedded.store import Store, open_store
from processors.group import Grouper
from processors.match import Matcher
from processors.merge import merge
from processors.pipeline import Pipeline
from producers.catalogue import load_catalogue

__all__ = ["Row", "memory_of_idle_feeds", "stages"]

_BATCH = 64
_PAGES = 512
_TURN = 128


class Row(msgspec.Struct, frozen=True):
    """One figure with its goal; ``at_most`` says on which side of the goal it should be."""

    measure: str
    value: float
    target: float
    at_most: bool = False
    detail: str = ""

    def ok(self) -> bool:
        """Whether the goal is reached."""
        return self.value <= self.target if self.at_most else self.value >= self.target


def stages(data: Path, count: int = 1_536) -> list[Row]:
    """Articles a second through the whole processor, against the bare stage functions in a loop over the same entries."""
    pipeline = Pipeline.build(load_taxonomy(None, learned=True))
    rows = []
    for page, label in ((True, "with article pages"), (False, "feed text only")):
        sample = list(documents(data, _PAGES if page else count))
        entries = [entry_of(document, number, page=page) for number, document in enumerate(sample)]
        feeds = {feed.id: feed for feed in map(feed_of, sample)}
        subscriptions = _subscriptions()
        for entry in entries[:50]:
            pipeline.stateless(entry, feeds[entry.feed_id])
        with tempfile.TemporaryDirectory(prefix="marsad-bench-") as name:
            store = open_store(Path(name))
            whole, bare = _Whole(store, pipeline, feeds, subscriptions), _Bare(pipeline, feeds, subscriptions)
            # In turn, a few batches each: what else the machine does then falls on both.
            for at in range(0, len(entries), _TURN):
                for engine in (whole, bare) if at // _TURN % 2 else (bare, whole):
                    engine.take(entries[at : at + _TURN])
            store.close()
        detail = (
            f"{len(entries) / whole.seconds:.0f} articles/s through all stages, {len(entries) / bare.seconds:.0f} bare"
        )
        rows.append(
            Row(f"stages, {label}: ratio to the bare functions", bare.seconds / whole.seconds, 0.8, detail=detail)
        )
    return rows


def _subscriptions() -> list[Subscription]:
    now = SystemClock().now()
    queries = ["topic:defense-cooperation", "topic:sanctions AND country:IR", "نفط", '"وزير الدفاع"', "topic:sport"]
    return [
        Subscription(id=f"s{number}", name=query, query=query, created_at=now) for number, query in enumerate(queries)
    ]


class _Bare:
    """The stage functions in a loop."""

    def __init__(self, pipeline: Pipeline, feeds: dict[str, Feed], subscriptions: Sequence[Subscription]) -> None:
        self._pipeline = pipeline
        self._feeds = feeds
        self._now = SystemClock().now()
        self._grouper = Grouper(days=7)
        self._matcher = Matcher(subscriptions, now=self._now)
        self._stored: dict[str, Article] = {}
        self.seconds = 0.0

    def take(self, entries: Sequence[Entry]) -> None:
        """Take entries through."""
        began = time.perf_counter()
        for entry in entries:
            try:
                self._one(self._pipeline.stateless(entry, self._feeds[entry.feed_id]))
            except PoisonError:
                continue
        self.seconds += time.perf_counter() - began

    def _one(self, article: Article) -> None:
        before = self._stored.get(article.article_id)
        merged = merge(before, article)
        grouping = self._grouper.assign(merged.article)
        result = msgspec.structs.replace(merged.article, story_id=grouping.story_id, duplicate_of=grouping.duplicate_of)
        self._matcher.match(result, grouping.story, before, self._now)
        self._stored[article.article_id] = result


class _Whole:
    """The processor over a real store."""

    def __init__(
        self, store: Store, pipeline: Pipeline, feeds: dict[str, Feed], subscriptions: Sequence[Subscription]
    ) -> None:
        clock = SystemClock()
        store.feeds.put_feeds(feeds.values())
        for subscription in subscriptions:
            store.subscriptions.put_subscription(subscription)
        self._store = store
        self._processor = Processor(
            store,
            pipeline,
            lambda: Grouper(days=7),
            lambda subscriptions, _: Matcher(subscriptions, now=clock.now()),
            clock,
            Board(),
            batch=_BATCH,
            group_days=7,
        )
        self.seconds = 0.0

    def take(self, entries: Sequence[Entry]) -> None:
        """Take entries through; queueing them, which polling does, is not counted."""
        with self._store.database.write():
            for entry in entries:
                self._store.queue.put(entry, wants_page=False)
        began = time.perf_counter()
        while self._processor.step():
            pass
        self.seconds += time.perf_counter() - began


def memory_of_idle_feeds(count: int = 10_000) -> list[Row]:
    """Resident memory of ``marsad run`` with the web page and that many feeds, none of them due."""
    clock = SystemClock()
    with tempfile.TemporaryDirectory(prefix="marsad-bench-") as name:
        folder = Path(name)
        opml = folder / "none.opml"
        marsad = Marsad(folder, opml)
        store = marsad.store()
        base = load_catalogue()[0]
        later = clock.now() + timedelta(hours=12)
        seen = {digest(str(n)): Seen("0" * 16, digest(str(n))) for n in range(40)}
        with store.database.write():
            store.feeds.put_feeds(
                msgspec.structs.replace(base, id=f"{n:032x}", url=f"http://f{n}.invalid/rss") for n in range(count)
            )
            for n in range(count):
                store.polls.commit_poll(
                    FeedState(feed_id=f"{n:032x}", next_poll_at=later, health=Health.OK, seen=seen), []
                )
        store.close()
        opml.write_text(
            f'<opml version="2.0"><body><outline type="rss" text="x" xmlUrl="http://127.0.0.1:{free_port()}/"/></body></opml>',
            "utf-8",
        )
        marsad.start()
        time.sleep(20)
        memory = marsad.memory_mb()
        alive = marsad.running()
        marsad.stop()
    return [Row(f"memory of {count} idle feeds, MB", memory if alive else float("inf"), 300, at_most=True)]
