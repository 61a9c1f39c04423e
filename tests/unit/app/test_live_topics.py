from pathlib import Path

import msgspec
import pytest

from marsad.clock import FrozenClock
from marsad.config import ProcessSettings
from marsad.errors import TopicFileError
from marsad.taxonomy import load_taxonomy
from marsad.testing.factories import NOW, TOPIC_FILE, an_article
from marsad_app.live_topics import LiveTopics, unfitting
from processors.pipeline import Pipeline


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(NOW)


@pytest.fixture
def topics(folder: Path, clock: FrozenClock) -> LiveTopics:
    return LiveTopics(ProcessSettings(topics_dir=folder), clock)


def test_a_new_file_is_in_force_at_the_next_look(topics: LiveTopics, folder: Path, clock: FrozenClock) -> None:
    version = topics().version
    (folder / "bees.toml").write_text(TOPIC_FILE, "utf-8")
    assert topics().version == version
    clock.advance(3)
    assert topics().topic("bees") is not None
    assert topics().version != version
    assert topics.resolve("topic", "النحل") == "bees"


def test_a_file_that_went_away_is_no_longer_in_force(topics: LiveTopics, folder: Path, clock: FrozenClock) -> None:
    (folder / "bees.toml").write_text(TOPIC_FILE, "utf-8")
    clock.advance(3)
    assert topics().topic("bees") is not None
    (folder / "bees.toml").unlink()
    clock.advance(3)
    assert topics().topic("bees") is None


def test_a_file_that_cannot_be_read_leaves_the_topics_before_it_in_force(
    topics: LiveTopics, folder: Path, clock: FrozenClock
) -> None:
    (folder / "bees.toml").write_text(TOPIC_FILE, "utf-8")
    clock.advance(3)
    version = topics().version
    (folder / "bees.toml").write_text(TOPIC_FILE.replace("threshold = 2.0", "threshold = -2.0"), "utf-8")
    clock.advance(3)
    assert topics().version == version
    assert "bees.toml:4:" in topics.problem
    (folder / "bees.toml").write_text(TOPIC_FILE, "utf-8")
    clock.advance(3)
    topics()
    assert topics.problem == ""


def test_it_is_said_where_learned_weights_do_not_fit(folder: Path) -> None:
    (folder / "bees.toml").write_text(TOPIC_FILE, "utf-8")
    assert [text for text in unfitting(load_taxonomy(folder, learned=True)) if "rules alone" in text] == []
    (folder / "sport.toml").write_text(TOPIC_FILE.replace('"bees"', '"sport"'), "utf-8")
    changed = load_taxonomy(folder, learned=True)
    assert "sport: changed" in unfitting(changed)[-1]
    assert "make train" in unfitting(msgspec.structs.replace(changed, stale=True))[0]
    assert unfitting(load_taxonomy(folder)) == []


def test_a_wrong_file_at_the_start_is_an_error(folder: Path, clock: FrozenClock) -> None:
    (folder / "bees.toml").write_text("id = 3", "utf-8")
    with pytest.raises(TopicFileError):
        LiveTopics(ProcessSettings(topics_dir=folder), clock)


def test_a_pipeline_tags_by_the_topics_of_the_moment(topics: LiveTopics, folder: Path, clock: FrozenClock) -> None:
    pipeline = Pipeline.following(topics)
    article = an_article(title="موسم النحل", lead="", text="")
    assert pipeline.enrich(article).topics == ()
    (folder / "bees.toml").write_text(TOPIC_FILE, "utf-8")
    clock.advance(3)
    tagged = pipeline.enrich(article)
    assert [tag.id for tag in tagged.topics] == ["bees"]
    assert tagged.taxonomy_version == topics().version
