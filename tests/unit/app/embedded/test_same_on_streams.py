"""The same news through the embedded size and through the streams, whatever blows these get: the same of everything."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from marsad.clock import FrozenClock
from marsad.config import ProcessSettings
from marsad.events import Event, ItemOutcome
from marsad.ports import Journal
from marsad.records import Alert, Article, Entry, Story, Subscription, Trigger, decode, encode
from marsad.streams import Message
from marsad.taxonomy import Taxonomy
from marsad.taxonomy.resolve import topic_resolver
from marsad.testing.factories import NOW, a_subscription
from marsad.testing.journal import Blow, InMemoryStreams, drive
from marsad_app.cluster.shelf import open_shelf
from marsad_app.cluster.view import Span
from marsad_app.embedded import open_store
from marsad_app.embedded.testing import Recorder, RiggedPipeline, newsroom_entries, newsroom_feeds, processor_over
from marsad_app.newsroom.content import load
from processors.article_stream import ARTICLES, story_in
from processors.group_shard import GroupShard
from processors.match import Matcher
from processors.match_shard import Matching, MatchShard
from processors.pipeline import Pipeline
from processors.story_window import StoryWindow

pytestmark = pytest.mark.timeout(300)

DAYS = ProcessSettings().group_days


@pytest.fixture(autouse=True)
def logs() -> Iterator[None]:
    with capture_logs():
        yield


class Result(msgspec.Struct, frozen=True):
    """What can be seen from outside."""

    articles: Mapping[str, Article]
    stories: Mapping[str, Story]
    alerts: Mapping[str, Alert]
    outcomes: tuple[str, ...]


class Listed:
    """Subscriptions that do not change."""

    version = 1

    def __init__(self, subscriptions: Sequence[Subscription]) -> None:
        self._subscriptions = subscriptions

    def all(self) -> Sequence[Subscription]:
        return self._subscriptions

    def refresh(self, timeout: float = 10.0) -> None:
        return None


class News:
    """The newsroom's entries; each goes through the stateless steps once."""

    def __init__(self, pipeline: Pipeline, taxonomy: Taxonomy) -> None:
        self.pipeline = RiggedPipeline(pipeline)
        self.taxonomy = taxonomy
        self.feeds = newsroom_feeds(load())
        self.subscriptions = [
            a_subscription(id=f"s{number}", query=query, triggers=tuple(Trigger))
            for number, query in enumerate(("topic:energy", "country:DZ", "*:*"))
        ]

    def entries(self, lasts: timedelta, late: Sequence[int]) -> list[Entry]:
        """In the order in which they came, each published some hours before."""
        entries = newsroom_entries(load(), lasts=lasts)
        hours = list(late) * 100
        return [
            msgspec.structs.replace(entry, published_raw=(entry.first_seen_at - timedelta(hours=delay)).isoformat())
            for entry, delay in zip(entries, hours, strict=False)
        ]

    def timely(self, entries: Sequence[Entry]) -> list[Entry]:
        """Without corrections that come when their story has ended: only the streams' group puts them into it."""
        first = {entry.article_id: entry.first_seen_at for entry in reversed(entries)}
        return [entry for entry in entries if entry.first_seen_at - first[entry.article_id] < timedelta(days=DAYS - 3)]

    def articles(self, entries: Sequence[Entry]) -> list[Article]:
        """Cleaned and tagged."""
        feeds = {feed.id: feed for feed in self.feeds}
        return [self.pipeline.stateless(entry, feeds[entry.feed_id]) for entry in entries]


@pytest.fixture(scope="module")
def news(real_pipeline: Pipeline, taxonomy: Taxonomy) -> News:
    return News(real_pipeline, taxonomy)


def embedded(news: News, entries: Sequence[Entry]) -> Result:
    events = Recorder()
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder))
        try:
            store.feeds.put_feeds(news.feeds)
            for subscription in news.subscriptions:
                store.subscriptions.put_subscription(subscription)
            for entry in entries:
                store.queue.put(entry, wants_page=False)
            processor = processor_over(store, news.pipeline, news.taxonomy, FrozenClock(NOW), events, batch=64)
            while processor.step():
                pass
            return Result(
                {article.article_id: article for article in store.search.export()},
                {story.story_id: story for story in store.stories.latest_stories(limit=1000)},
                {alert.alert_id: alert for alert in store.alerts.alerts(limit=10_000)},
                outcomes(events.events),
            )
        finally:
            store.close()


def outcomes(events: Sequence[Event]) -> tuple[str, ...]:
    return tuple(event.outcome.value for event in events if isinstance(event, ItemOutcome))


class OnStreams:
    """Group, and match for each partition, over streams in memory."""

    def __init__(self, news: News, folder: Path, blows: Mapping[int, Blow]) -> None:
        self._news = news
        self._path = folder / "group.db"
        self.events = Recorder()
        self.streams = InMemoryStreams(partitions=3)
        self.streams.blows = blows
        self._matching = Matching(Listed(news.subscriptions), self._make_matcher)

    def _make_matcher(self, subscriptions: Sequence[Subscription], before: Matcher | None) -> Matcher:
        return Matcher(subscriptions, now=NOW, resolve=topic_resolver(self._news.taxonomy), reuse=before)

    def group(self, journal: Journal) -> GroupShard:
        spans = {number: Span("one", 0, end) for number, end in self.streams.ends(ARTICLES).items()}
        return GroupShard(
            journal,
            open_shelf(self._path, journal, spans),
            lambda: StoryWindow(days=DAYS),
            FrozenClock(NOW),
            self.events,
            partitions=self.streams.partitions,
            group_days=DAYS,
        )

    def match(self, journal: Journal) -> MatchShard:
        return MatchShard(journal, self._matching, FrozenClock(NOW), Recorder())

    def run(self, articles: Sequence[Article], sizes: Sequence[int]) -> Result:
        for article in articles:
            self.streams.write([Message(stream="tagged.v1", key=article.article_id, value=encode(article))])
        drive(self.streams, "group", "tagged.v1", 0, self.group, sizes=sizes)
        for partition in range(self.streams.partitions):
            drive(self.streams, "match", ARTICLES, partition, self.match, sizes=sizes)
        written = self.streams.read(ARTICLES)
        alerts = [decode(Alert, message.value or b"") for message in self.streams.read("alerts.v1")]
        assert len({alert.alert_id for alert in alerts}) == len(alerts)
        return Result(
            {message.key: decode(Article, message.value or b"") for message in written},
            {story.story_id: story for story in map(story_in, written)},
            {alert.alert_id: alert for alert in alerts},
            outcomes(self.events.events),
        )


def on_streams(
    news: News, articles: Sequence[Article], sizes: Sequence[int] = (64,), blows: Mapping[int, Blow] | None = None
) -> Result:
    with tempfile.TemporaryDirectory() as folder:
        return OnStreams(news, Path(folder), blows or {}).run(articles, sizes)


def costly(max_examples: int) -> settings:
    """A failing example is shown as it is: to look for a smaller one took minutes."""
    return settings(
        max_examples=max_examples,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


@costly(max_examples=3)
@given(lasts=st.sampled_from([6, 24 * 20]), late=st.lists(st.integers(0, 48), min_size=1, max_size=7))
def test_articles_stories_alerts_and_outcomes_are_those_of_the_embedded_size(
    news: News, lasts: int, late: Sequence[int]
) -> None:
    entries = news.timely(news.entries(timedelta(hours=lasts), late))

    expected = embedded(news, entries)

    assert on_streams(news, news.articles(entries)) == expected
    assert {"indexed", "duplicate"} | ({"revised"} if lasts == 6 else set()) <= set(expected.outcomes)
    assert len(expected.alerts) > 20


@costly(max_examples=5)
@given(data=st.data())
def test_blows_at_any_commit_change_nothing(news: News, data: st.DataObject) -> None:
    lasts = data.draw(st.sampled_from([6, 24 * 20]))
    articles = news.articles(news.entries(timedelta(hours=lasts), data.draw(st.lists(st.integers(0, 48), min_size=1))))
    sizes = data.draw(st.lists(st.integers(1, 20), min_size=1, max_size=4))
    blows = data.draw(st.dictionaries(st.integers(1, 30), st.sampled_from(Blow), min_size=1, max_size=8))

    calm, stormy = on_streams(news, articles, sizes), on_streams(news, articles, sizes, blows)

    assert (stormy.articles, stormy.stories, stormy.alerts) == (calm.articles, calm.stories, calm.alerts)


def test_what_the_stage_before_hands_on_again_changes_nothing(news: News) -> None:
    articles = news.articles(news.entries(timedelta(hours=6), [0]))
    again = [
        article
        for first in range(0, len(articles), 15)
        for article in [*articles[:first], *articles[first : first + 15]]
    ]

    once, often = on_streams(news, articles), on_streams(news, again)

    assert (often.articles, often.stories, often.alerts) == (once.articles, once.stories, once.alerts)
