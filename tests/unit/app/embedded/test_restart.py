"""The window of stories is rebuilt from what is stored: where a process was started anew changes nothing."""

import tempfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marsad.clock import FrozenClock
from marsad.records import Entry, Trigger
from marsad.taxonomy import Taxonomy
from marsad.testing.factories import NOW, a_subscription
from marsad_app.embedded import open_store
from marsad_app.embedded.testing import (
    Recorder,
    RiggedPipeline,
    newsroom_entries,
    newsroom_feeds,
    processor_over,
)
from marsad_app.newsroom.content import Newsroom, load
from processors.pipeline import Pipeline

pytestmark = pytest.mark.timeout(300)


class Result(msgspec.Struct, frozen=True):
    """What can be seen from outside."""

    stories: dict[str, str]
    originals: dict[str, str]
    sizes: dict[str, int]
    alerts: frozenset[str]


class Runs:
    """Processes the same entries again and again; each goes through the stateless steps once."""

    def __init__(self, pipeline: Pipeline, taxonomy: Taxonomy) -> None:
        self._pipeline = RiggedPipeline(pipeline)
        self._taxonomy = taxonomy
        self.content: Newsroom = load()

    def run(self, entries: Sequence[Entry], cuts: Sequence[int], *, restart: bool) -> Result:
        """Take entries through in batches that end at ``cuts``, with a new processor for each batch or one for all."""
        with tempfile.TemporaryDirectory() as folder:
            store = open_store(Path(folder))
            try:
                store.feeds.put_feeds(newsroom_feeds(self.content))
                for number, query in enumerate(("topic:energy", "country:DZ", "*:*")):
                    store.subscriptions.put_subscription(
                        a_subscription(id=f"s{number}", query=query, triggers=tuple(Trigger))
                    )
                clock = FrozenClock(entries[0].first_seen_at)
                processor = None
                for low, high in zip((0, *cuts), (*cuts, len(entries)), strict=True):
                    for entry in entries[low:high]:
                        store.queue.put(entry, wants_page=False)
                        clock.advance(max((entry.first_seen_at - clock.now()).total_seconds(), 0))
                    if processor is None or restart:
                        processor = processor_over(store, self._pipeline, self._taxonomy, clock, Recorder(), batch=1000)
                    processor.step()
                articles = list(store.search.export())
                return Result(
                    {one.article_id: one.story_id for one in articles},
                    {one.article_id: one.duplicate_of for one in articles},
                    {story.story_id: story.size for story in store.stories.latest_stories(limit=1000)},
                    frozenset(alert.alert_id for alert in store.alerts.alerts(limit=10_000)),
                )
            finally:
                store.close()


@pytest.fixture(scope="module")
def runs(real_pipeline: Pipeline, taxonomy: Taxonomy) -> Runs:
    return Runs(real_pipeline, taxonomy)


def late(entries: Sequence[Entry], hours: Sequence[int]) -> list[Entry]:
    """The entries, each published some hours before it was first seen: what comes in is not in order of publication."""
    return [
        msgspec.structs.replace(entry, published_raw=(entry.first_seen_at - timedelta(hours=delay)).isoformat())
        for entry, delay in zip(entries, hours * len(entries), strict=False)
    ]


DELAYS = st.lists(st.integers(0, 48), min_size=1, max_size=7)


def cuts_of(size: int) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(1, size - 1), min_size=1, max_size=8, unique=True).map(sorted)


@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_a_restart_after_any_batch_gives_the_same_stories_copies_and_alerts(runs: Runs, data: st.DataObject) -> None:
    entries = late(list(newsroom_entries(runs.content)), data.draw(DELAYS))
    cuts = data.draw(cuts_of(len(entries)))

    straight = runs.run(entries, [], restart=False)
    restarted = runs.run(entries, cuts, restart=True)

    assert restarted == straight
    assert any(straight.originals.values())
    assert max(straight.sizes.values()) > 2


@settings(max_examples=2, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_it_does_so_over_weeks_as_well_when_the_window_moves(runs: Runs, data: st.DataObject) -> None:
    entries = late(list(newsroom_entries(runs.content, start=NOW, lasts=timedelta(days=20))), data.draw(DELAYS))
    cuts = data.draw(cuts_of(len(entries)))

    straight = runs.run(entries, cuts, restart=False)
    restarted = runs.run(entries, cuts, restart=True)

    assert restarted == straight


def test_the_size_of_a_batch_changes_nothing(runs: Runs) -> None:
    entries = list(newsroom_entries(runs.content))

    whole = runs.run(entries, [], restart=False)
    single = runs.run(entries, range(1, len(entries)), restart=False)

    assert single == whole
