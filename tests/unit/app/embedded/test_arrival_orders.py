"""In whatever order the news arrives, no story mixes two events, and the demo comes to the same alerts."""

import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from marsad.clock import FrozenClock
from marsad.records import Article, Entry
from marsad.taxonomy import Taxonomy
from marsad.testing.factories import NOW
from marsad_app.embedded import open_store
from marsad_app.embedded.demo import verify
from marsad_app.embedded.testing import Recorder, RiggedPipeline, newsroom_entries, newsroom_feeds, processor_over
from marsad_app.newsroom.content import Newsroom, load
from processors.group import Grouper
from processors.pipeline import Pipeline

LATENESS = (timedelta(minutes=10), timedelta(hours=2), timedelta(days=30))
"""How late an article may come after it was published: polled in turn, after an outage, in no order at all."""
TOGETHER = timedelta(minutes=1)
"""All is published within it, as the demo does: time then tells nothing apart."""


@pytest.fixture(scope="module")
def newsroom() -> Newsroom:
    return load()


@pytest.fixture(scope="module")
def spread(newsroom: Newsroom) -> list[Entry]:
    return list(newsroom_entries(newsroom))


@pytest.fixture(scope="module")
def crowded(newsroom: Newsroom) -> list[Entry]:
    return list(newsroom_entries(newsroom, lasts=TOGETHER))


def in_some_order(entries: Sequence[Entry], lateness: timedelta, seed: int) -> list[Entry]:
    """The entries as they might come; corrections last, since what has not come cannot be corrected."""
    luck = random.Random(seed)
    due = {entry.entry_id: entry.fetched_at + luck.random() * lateness for entry in entries}
    return sorted(entries, key=lambda entry: (entry.revision, due[entry.entry_id]))


def stories_of(entries: Sequence[Entry], newsroom: Newsroom, pipeline: RiggedPipeline) -> dict[str, set[str]]:
    """The events of each story when the entries come in this order."""
    feeds = {feed.id: feed for feed in newsroom_feeds(newsroom)}
    grouper = Grouper()
    events: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        article: Article = pipeline.stateless(entry, feeds[entry.feed_id])
        events[grouper.assign(article).story_id].add(newsroom.event_of(entry.guid.partition(":")[2]))
    return events


@pytest.fixture(scope="module")
def steps(real_pipeline: Pipeline) -> RiggedPipeline:
    return RiggedPipeline(real_pipeline)


@pytest.mark.parametrize("lateness", LATENESS, ids=["polled in turn", "after an outage", "in no order"])
@pytest.mark.parametrize("seed", range(5))
def test_no_story_mixes_two_events_and_no_event_has_two_stories(
    lateness: timedelta,
    seed: int,
    newsroom: Newsroom,
    spread: list[Entry],
    crowded: list[Entry],
    steps: RiggedPipeline,
) -> None:
    for entries in (spread, crowded):
        events = stories_of(in_some_order(entries, lateness, seed), newsroom, steps)
        assert [sorted(those) for those in events.values() if len(those) > 1] == []
        assert len(events) == len({newsroom.event_of(sample) for sample in newsroom.distinct()})


@pytest.mark.parametrize("seed", range(4))
def test_the_demo_comes_to_the_same_alerts(
    seed: int, newsroom: Newsroom, crowded: list[Entry], steps: RiggedPipeline, taxonomy: Taxonomy, tmp_path: Path
) -> None:
    store = open_store(tmp_path)
    store.feeds.put_feeds(newsroom_feeds(newsroom))
    for subscription in newsroom.as_subscriptions(NOW, lambda: "5ec2e7"):
        store.subscriptions.put_subscription(subscription)
    for entry in in_some_order(crowded, timedelta(days=1), seed):
        store.queue.put(entry, wants_page=False)
    processor = processor_over(store, steps, taxonomy, FrozenClock(NOW), Recorder())
    while processor.step():
        pass
    checks = verify(newsroom, store)
    store.close()
    assert [(check.name, check.detail) for check in checks if not check.ok] == []
