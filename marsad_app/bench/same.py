"""The same input through the embedded size: does the cluster say the same of every article, story and alert?

What the cluster's agents wrote is compared with the pipeline run here on the same entries. Then the tagged articles go, in the
order in which the cluster's grouper took them, through the embedded processor, and what it stores is compared with the
streams.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from marsad.clock import SystemClock
from marsad.config import KafkaSettings, ProcessSettings
from marsad.records import Alert, Article, Entry, Feed, Subscription, decode
from marsad.streams import Message
from marsad.taxonomy import load_taxonomy
from marsad.taxonomy.resolve import topic_resolver
from marsad_app.embedded.board import Board
from marsad_app.embedded.processor import Processor
from marsad_app.embedded.store import open_store
from processors.group import Grouper
from processors.match import Matcher
from processors.pipeline import Pipeline
from processors.transact import read_stream

__all__ = ["Difference", "same_as_embedded"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Difference(msgspec.Struct, frozen=True):
    """One thing of which the sizes say different things."""

    what: str
    key: str
    cluster: str
    embedded: str


class _Ready(Pipeline):
    """Gives each entry the article that the cluster's agents made of it."""

    def __init__(self, articles: dict[str, Article]) -> None:
        self._articles = articles

    def stateless(self, entry: Entry, feed: Feed, page: object | None = None) -> Article:
        """The article of that entry."""
        return self._articles[entry.entry_id]


def same_as_embedded(kafka: KafkaSettings, process: ProcessSettings, folder: Path) -> list[Difference]:
    """Compare; an empty list if the sizes agree.

    Args:
        kafka: the cluster, at rest.
        process: as its services had it.
        folder: for the embedded store; must be empty.
    """
    tagged = [decode(Article, message.value) for message in read_stream(kafka, "tagged.v1") if message.value]
    return [*_tags(kafka, process, tagged), *_groups(kafka, process, tagged, folder)]


def _latest(messages: Iterable[Message]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for message in messages:
        if message.value is None:
            found.pop(message.key, None)
        else:
            found[message.key] = message.value
    return found


def _tags(kafka: KafkaSettings, process: ProcessSettings, tagged: Sequence[Article]) -> Iterator[Difference]:
    """Every entry's article is among those that the agents wrote."""
    pipeline = Pipeline.build(load_taxonomy(process.topics_dir, learned=process.learned_topics))
    feeds = {key: decode(Feed, value) for key, value in _latest(read_stream(kafka, "feeds.v1")).items()}
    made = {msgspec.json.encode(article) for article in tagged}
    for message in read_stream(kafka, "entries.v1"):
        entry = decode(Entry, message.value or b"")
        feed = feeds.get(entry.feed_id) or Feed(id=entry.feed_id, url="", title="", outlet="")
        article = pipeline.stateless(entry, feed)
        if msgspec.json.encode(article) not in made:
            yield Difference("tagged", entry.entry_id, "absent", article.title)


def _groups(
    kafka: KafkaSettings, process: ProcessSettings, tagged: Sequence[Article], folder: Path
) -> Iterator[Difference]:
    store = open_store(folder)
    try:
        for value in _latest(read_stream(kafka, "subscriptions.v1")).values():
            store.subscriptions.put_subscription(decode(Subscription, value))
        articles = {}
        for number, article in enumerate(tagged):
            entry = Entry(
                entry_id=f"{number:08}",
                article_id=article.article_id,
                feed_id="",
                first_seen_at=_EPOCH,
                fetched_at=_EPOCH,
            )
            articles[entry.entry_id] = article
            store.queue.put(entry, wants_page=False)
        clock = SystemClock()
        resolve = topic_resolver(load_taxonomy(process.topics_dir))
        processor = Processor(
            store,
            _Ready(articles),
            lambda: Grouper(days=process.group_days),
            lambda subscriptions, before: Matcher(subscriptions, now=clock.now(), resolve=resolve, reuse=before),
            clock,
            Board(),
            batch=process.batch,
            group_days=process.group_days,
        )
        while processor.step():
            pass
        # As they are stored: an export gives those of an ended story the one that it has gone on in.
        ids = [article.article_id for article in store.search.export()]
        expected = {key: stored for key in ids if (stored := store.articles.article(key)) is not None}
        told = {alert.alert_id: alert for alert in store.alerts.alerts(limit=10_000_000)}
    finally:
        store.close()
    written = {key: decode(Article, value) for key, value in _latest(read_stream(kafka, "articles.v1")).items()}
    alerts = {key: decode(Alert, value) for key, value in _latest(read_stream(kafka, "alerts.v1")).items()}
    yield from _different("article", written, expected)
    yield from _different(
        "alert",
        {key: _timeless(one) for key, one in alerts.items()},
        {key: _timeless(one) for key, one in told.items()},
    )


def _timeless(alert: Alert) -> Alert:
    return msgspec.structs.replace(alert, at=_EPOCH)


def _different(
    what: str, cluster: Mapping[str, msgspec.Struct], embedded: Mapping[str, msgspec.Struct]
) -> Iterator[Difference]:
    for key in sorted(cluster.keys() | embedded.keys()):
        ours, theirs = cluster.get(key), embedded.get(key)
        if ours is None or theirs is None:
            yield Difference(what, key, "there" if ours else "absent", "there" if theirs else "absent")
        elif ours != theirs:
            for field in ours.__struct_fields__:
                if getattr(ours, field) != getattr(theirs, field):
                    yield Difference(
                        f"{what}.{field}", key, repr(getattr(ours, field))[:200], repr(getattr(theirs, field))[:200]
                    )
