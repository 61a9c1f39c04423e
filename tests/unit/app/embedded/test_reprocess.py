from datetime import timedelta
from pathlib import Path

import pytest

from marsad.clock import FrozenClock
from marsad.config import DataSettings, ProcessSettings, Settings
from marsad.errors import StoreError
from marsad.taxonomy import Taxonomy, load_taxonomy
from marsad.testing.factories import NOW
from marsad_app.embedded.reprocess import reprocess, tag_again
from marsad_app.embedded.store import Store
from marsad_app.embedded.testing import Recorder, RiggedPipeline, newsroom_entries, newsroom_feeds, processor_over
from marsad_app.newsroom.content import load
from processors.pipeline import Pipeline

TOPIC = """id = "everything"
names = { ar = "كل شيء", en = "Everything", fr = "Tout" }
definition = "Every article with a common word."
threshold = 1.0

[[term]]
weight = 5.0
any = ["في", "من", "على"]
"""


@pytest.fixture
def filled(store: Store, real_pipeline: Pipeline, taxonomy: Taxonomy) -> Store:
    newsroom = load()
    store.feeds.put_feeds(newsroom_feeds(newsroom))
    with store.database.write():
        for entry in newsroom_entries(newsroom):
            store.queue.put(entry, wants_page=False)
    processor = processor_over(store, RiggedPipeline(real_pipeline), taxonomy, FrozenClock(NOW), Recorder())
    while processor.step():
        pass
    return store


def test_stored_articles_are_tagged_by_the_present_topics_and_nothing_else_of_them_changes(
    filled: Store, tmp_path: Path
) -> None:
    folder = tmp_path / "topics"
    folder.mkdir()
    (folder / "everything.toml").write_text(TOPIC, "utf-8")
    present = load_taxonomy(folder)
    before = {article.article_id: article for article in filled.search.export()}
    alerts = len(filled.alerts.alerts(limit=10_000))

    assert tag_again(filled, Pipeline.build(present), NOW - timedelta(days=900)) == len(before)

    after = {article.article_id: article for article in filled.search.export()}
    assert list(after) == list(before)
    gained = [article for article in after.values() if "everything" in {tag.id for tag in article.topics}]
    assert len(gained) > len(after) / 2
    for key, article in after.items():
        assert article.taxonomy_version == present.version
        assert (article.text, article.story_id, article.revision) == (
            before[key].text, before[key].story_id, before[key].revision,
        )  # fmt: skip
    assert len(filled.alerts.alerts(limit=10_000)) == alerts
    story = filled.stories.story(gained[0].story_id)
    assert story is not None
    assert "everything" in story.topics


def test_tagging_again_a_second_time_changes_nothing(filled: Store, tmp_path: Path) -> None:
    folder = tmp_path / "topics"
    folder.mkdir()
    (folder / "everything.toml").write_text(TOPIC, "utf-8")
    pipeline = Pipeline.build(load_taxonomy(folder))
    tag_again(filled, pipeline, NOW - timedelta(days=900))
    once = list(filled.search.export())
    tag_again(filled, pipeline, NOW - timedelta(days=900))
    assert list(filled.search.export()) == once


def test_only_what_came_in_the_period_is_tagged_again(filled: Store, real_pipeline: Pipeline) -> None:
    moments = sorted(article.first_seen_at for article in filled.search.export())
    middle = moments[len(moments) // 2]
    assert tag_again(filled, real_pipeline, middle) == sum(moment >= middle for moment in moments)
    assert tag_again(filled, real_pipeline, moments[0], middle) == sum(moment < middle for moment in moments)


def test_without_a_store_it_says_so(tmp_path: Path) -> None:
    settings = Settings.model_construct(data=DataSettings(dir=tmp_path), process=ProcessSettings())
    with pytest.raises(StoreError, match="no store at"):
        reprocess(settings, NOW)
