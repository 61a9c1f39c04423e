"""The topic editor in a real browser: edit, dry run, save, undo."""

from pathlib import Path
from typing import Any

import pytest

from marsad.clock import FrozenClock
from marsad.config import ProcessSettings
from marsad.testing.factories import NOW, TOPIC_FILE
from marsad.testing.fakes import InMemoryStore
from marsad_app.live_topics import LiveTopics
from marsad_app.web.services import Services
from marsad_app.web.testing import services_over

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(NOW)


@pytest.fixture
def services(store: InMemoryStore, tmp_path: Path, clock: FrozenClock) -> Services:
    process = ProcessSettings(topics_dir=tmp_path)
    return services_over(store, process=process, topics=LiveTopics(process, clock), clock=clock)


@pytest.mark.parametrize("language", ["ar", "en"])
def test_a_topic_is_written_tried_saved_and_taken_back(
    reader: Any, tmp_path: Path, clock: FrozenClock, language: str
) -> None:
    file = tmp_path / "bees.toml"
    reader.opens(f"/topics?lang={language}")
    reader.types("#id", "bees")
    reader.clicks(".fields.inline button")
    assert 'id = "bees"' in reader.runs("return document.getElementById('file').value")

    reader.types("#file", TOPIC_FILE.replace("2.0", "much", 1))
    reader.clicks("button[value=try]")
    told = "السطر 4: ليس TOML سليما: ليست قيمة" if language == "ar" else "Line 4: no TOML: Invalid value"
    assert told in reader.reads("[role=alert]")[0]

    reader.types("#file", TOPIC_FILE)
    reader.clicks("button[value=try]")
    assert len(reader.reads("#gained tbody tr")) == 2
    assert reader.runs("return document.getElementById('file').value").strip() == TOPIC_FILE.strip()
    assert not file.exists()

    reader.types("#note", "نحل")
    reader.clicks("button[value=save]")
    assert reader.reads(".notice")
    assert file.read_text("utf-8") == TOPIC_FILE
    clock.advance(3)

    reader.opens("/topics/bees")
    assert {"ar": "النحل", "en": "Bees"}[language] in reader.reads("h1")[0]
    reader.on_a_phone()
    assert reader.width_fits()
    reader.clicks("#changes form button")
    assert reader.reads(".notice")
    assert not file.exists()
    # The browser tells each answer of 400 in its console; there was one, for the file that could not be read.
    assert [line for line in reader.complaints() if "status of 400" not in line] == []
