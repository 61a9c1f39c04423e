"""A temporary store, and the real steps made once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from marsad.clock import FrozenClock
from marsad.taxonomy import Taxonomy, load_taxonomy
from marsad.testing.factories import NOW
from marsad_app.embedded import open_store
from marsad_app.embedded.store import Store
from marsad_app.embedded.testing import Recorder, RiggedPipeline
from processors.pipeline import Pipeline


@pytest.fixture(scope="session")
def taxonomy() -> Taxonomy:
    return load_taxonomy(None)


@pytest.fixture(scope="session")
def real_pipeline(taxonomy: Taxonomy) -> Pipeline:
    return Pipeline.build(taxonomy)


@pytest.fixture
def pipeline(real_pipeline: Pipeline) -> RiggedPipeline:
    return RiggedPipeline(real_pipeline)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(NOW)


@pytest.fixture
def events() -> Recorder:
    return Recorder()
