"""What the search page shows when the index has nothing, is slow or fails; and an export as it goes on."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from marsad.errors import StoreError
from marsad.testing.factories import an_article
from marsad.testing.fakes import InMemoryStore

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
WORDS = {"ar": ("لا نتائج", "بطيء", "متوقف"), "en": ("Nothing", "slow", "index is closed")}


class _Gate:
    """Holds searches up until it is opened."""

    def __init__(self, store: InMemoryStore) -> None:
        self.open = threading.Event()
        self._search = store.articles.search
        store.articles.search = self._held  # type: ignore[method-assign, assignment]

    def _held(self, *given: Any, **named: Any) -> Any:
        self.open.wait(60)
        return self._search(*given, **named)


@pytest.fixture
def gate(store: InMemoryStore) -> Iterator[_Gate]:
    made = _Gate(store)
    made.open.set()
    yield made
    made.open.set()


@pytest.mark.parametrize("language", ["ar", "en"])
def test_nothing_found_is_said_with_advice(reader: Any, language: str) -> None:
    reader.opens(f"/?q=لاشيءكهذا&lang={language}")

    assert WORDS[language][0] in reader.reads(".empty")[0]
    assert len(reader.reads(".empty p")) == 1


@pytest.mark.parametrize("language", ["ar", "en"])
def test_a_slow_index_is_told_while_it_is_waited_for(reader: Any, gate: _Gate, language: str) -> None:
    reader.opens(f"/?q=الجزائر&lang={language}")
    gate.open.clear()
    reader.presses(".facets a[href*='topic=sanctions']")

    reader.waits(lambda: WORDS[language][1] in reader.reads("#announce")[0])
    assert reader.runs("return document.getElementById('announce').offsetWidth") > 100
    assert reader.value("#live", "aria-busy") == "true"
    gate.open.set()
    reader.waits(lambda: len(reader.reads(".hits > li")) == 1)
    reader.waits(lambda: reader.runs("return document.getElementById('announce').offsetWidth") <= 1)


@pytest.mark.parametrize("language", ["ar", "en"])
def test_a_failing_index_is_told_in_place_of_results(reader: Any, store: InMemoryStore, language: str) -> None:
    reader.opens(f"/?q=الجزائر&lang={language}")

    def fail(*_: object, **__: object) -> None:
        raise StoreError("the index is closed")

    store.articles.search = fail  # type: ignore[method-assign, assignment]
    reader.clicks(".facets a[href*='topic=sanctions']")

    assert "the index is closed" in " ".join(reader.reads("main"))
    assert reader.reads(".hits") == []


@pytest.mark.parametrize(("link", "heads"), [("marsad.jsonl", 0), ("marsad.csv", 1)])
def test_an_export_tells_how_far_it_is_and_is_saved_whole(
    reader: Any, store: InMemoryStore, downloads: Path, link: str, heads: int
) -> None:
    store.articles.put_articles([an_article(title=f"خبر مرقم {n}") for n in range(450)])
    reader.opens("/?q=مرقم&lang=en")
    reader.presses(".menu summary")
    reader.presses(f"a[download='{link}']")

    reader.waits(lambda: reader.reads("[data-export]")[0].endswith(" 450"))
    reader.waits((downloads / link).is_file)
    assert (downloads / link).read_bytes().count(b"\n") == 450 + heads


def test_an_export_that_breaks_off_is_told(reader: Any, store: InMemoryStore) -> None:
    reader.opens("/?q=الجزائر&lang=en")

    def fail(*_: object, **__: object) -> None:
        raise StoreError("the index is closed")

    store.articles.export = fail  # type: ignore[method-assign, assignment]
    reader.presses(".menu summary")
    reader.presses("a[download='marsad.csv']")

    reader.waits(lambda: "broke off" in reader.reads("[data-export]")[0])
