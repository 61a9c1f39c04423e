"""What the pipeline learned, from one start to the next."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from marsad.clock import FrozenClock
from marsad.taxonomy import load_taxonomy
from marsad.testing.factories import a_feed, an_entry
from marsad_app.learned import Learned
from processors.pipeline import Pipeline


@pytest.fixture(scope="module")
def blank() -> Pipeline:
    return Pipeline.build(load_taxonomy(None))


@pytest.fixture
def pipeline(blank: Pipeline) -> Pipeline:
    return Pipeline(blank.tagger, blank.locator)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(datetime(2026, 7, 14, tzinfo=UTC))


def learn(pipeline: Pipeline, title: str) -> None:
    pipeline.stateless(an_entry(title=title, content_html="<p>سطر من الخبر يكفي</p>"), a_feed())


def test_the_file_is_written_half_a_minute_apart_and_where_something_changed(
    tmp_path: Path, pipeline: Pipeline, clock: FrozenClock
) -> None:
    file = tmp_path / "learned.bin"
    learned = Learned(file, pipeline, clock)
    learn(pipeline, "عنوان أول")
    learned.keep()
    assert not file.exists()

    clock.advance(31)
    learned.keep()
    assert file.read_bytes() == pipeline.remembered()

    file.unlink()
    clock.advance(31)
    learned.keep()
    assert not file.exists()


def test_the_next_start_takes_up_the_file(tmp_path: Path, blank: Pipeline, clock: FrozenClock) -> None:
    first, second = (Pipeline(blank.tagger, blank.locator) for _ in range(2))
    learn(first, "عنوان")
    Learned(tmp_path / "learned.bin", first, clock).keep(now=True)

    Learned(tmp_path / "learned.bin", second, clock)

    assert second.remembered() == first.remembered()
    assert [path.name for path in tmp_path.iterdir()] == ["learned.bin"]


def test_a_damaged_file_is_passed_over_and_written_anew(tmp_path: Path, pipeline: Pipeline, clock: FrozenClock) -> None:
    file = tmp_path / "learned.bin"
    file.write_bytes(b"\xff" * 100)

    Learned(file, pipeline, clock).keep(now=True)

    assert pipeline.recall(file.read_bytes())


def test_a_file_that_cannot_be_read_or_written_stops_nothing(
    tmp_path: Path, pipeline: Pipeline, clock: FrozenClock
) -> None:
    folder = tmp_path / "learned.bin"
    folder.mkdir()
    file = tmp_path / "file"
    file.touch()

    Learned(folder, pipeline, clock).keep(now=True)
    Learned(file / "learned.bin", pipeline, clock).keep(now=True)

    assert sorted(tmp_path.iterdir()) == [file, folder]
