"""What grouping costs an article in ever larger windows: the corpus in order of time, told again in other words until the window is full.

Each telling after the first is of other events: a common stem is exchanged for one that is as common, a rare one gets an ending
of that telling, a country stands for another. So reports of one event stay alike, no two tellings are, and common words
become as common as they would be in as much news.
"""

import gc
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

import msgspec

from marsad.arabic import tokenize
from marsad.records import Article, CountryTag, Place
from marsad_app.bench.corpus import documents
from marsad_app.bench.matching import resident
from processors.group import Grouper
from processors.locate import Locator

__all__ = ["Growth", "Telling", "growth", "tellings"]

_DAYS: Final = 7
_START: Final = datetime(2026, 1, 1, tzinfo=UTC)
_CHARS: Final = 8_000
"""Of a text that grouping reads."""
_COMMON: Final = 0.001
"""Share of articles from which a stem is common."""
_NEIGHBOURS: Final = 32
"""Common stems among which one is exchanged: those beside it by how common they are."""
_ENDINGS: Final = "بثجحخدذرزسشصضطظعغفقكلم"
"""Letters that no ending begins or ends with, so that the stem of a word so lengthened is its own."""


class Telling(NamedTuple):
    """One article of the corpus by its stems, ready to be told again."""

    id: str
    outlet: str
    title: tuple[str, ...]
    text: tuple[str, ...]
    countries: tuple[CountryTag, ...]
    places: tuple[Place, ...]


class Growth(msgspec.Struct, frozen=True):
    """What the last articles took."""

    articles: int
    """Grouped until now."""
    window: int
    """Of them in the window."""
    per_second: float
    """Of the last ones, by processor time."""
    memory_mb: float
    """By which the process has grown since the first one."""


class _OtherWords(dict[str, str]):
    """The words of one telling for those of the corpus."""

    def __init__(self, corpus: Sequence[Telling], again: int) -> None:
        super().__init__()
        self._ending = _ENDINGS[again % len(_ENDINGS)] * (1 + again // len(_ENDINGS))
        random = Random(again)  # noqa: S311 - a sample, no secret
        articles = Counter(stem for each in corpus for stem in {*each.title, *each.text} if not stem.isdigit())
        common = [stem for stem, count in articles.most_common() if count >= _COMMON * len(corpus)]
        for first in range(0, len(common), _NEIGHBOURS):
            block = common[first : first + _NEIGHBOURS]
            self.update(zip(block, random.sample(block, len(block)), strict=True))
        codes = sorted({country.code for each in corpus for country in each.countries})
        self.countries: Final = dict(zip(codes, random.sample(codes, len(codes)), strict=True))

    def __missing__(self, stem: str) -> str:
        word = self[stem] = stem if stem.isdigit() else stem + self._ending
        return word


def growth(data: Path, articles: int, every: int) -> Iterator[Growth]:
    """Group so many articles within the days of a window, and ``every`` more, for each of which one falls out.

    Args:
        data: the folder of the corpus.
        articles: in the window at most.
        every: articles of one figure.
    """
    corpus = tellings(data)
    gc.collect()
    gc.freeze()  # as the services do once they have loaded; and the corpus is no part of what is measured
    grouper, used, before = Grouper(days=_DAYS), 0.0, resident()
    step = timedelta(days=_DAYS) / articles
    for number, article in enumerate(_news(corpus, articles + every, step), start=1):
        began = time.process_time()
        grouper.assign(article)
        used += time.process_time() - began
        if number % every == 0:
            yield Growth(number, len(grouper), every / used, resident() - before)
            used = 0.0
    gc.unfreeze()


def tellings(data: Path, count: int | None = None) -> list[Telling]:
    """The corpus in order of time, with the countries and places that it names."""
    locator = Locator()
    found = []
    for document in documents(data, count):
        at = parsedate_to_datetime(document.time)
        named = locator.locate(document.title, "", document.text)
        title, text = (tokenize(part[:_CHARS]).stems for part in (document.title, document.text))
        countries = tuple(msgspec.structs.replace(each, evidence=()) for each in named.countries)
        found.append((at, document.id, Telling(document.id, document.source, title, text, countries, named.places)))
    return [telling for _, _, telling in sorted(found, key=lambda each: each[:2])]


def _news(corpus: Sequence[Telling], number: int, step: timedelta) -> Iterator[Article]:
    words: _OtherWords | None = None
    for place in range(number):
        again, index = divmod(place, len(corpus))
        if again and not index:
            words = _OtherWords(corpus, again)
        yield _told(corpus[index], words, again, _START + step * place)


def _told(each: Telling, words: "_OtherWords | None", again: int, at: datetime) -> Article:
    title, text, countries, places = each.title, each.text, each.countries, each.places
    if words is not None:
        title, text = (tuple(map(words.__getitem__, part)) for part in (title, text))
        countries = tuple(msgspec.structs.replace(one, code=words.countries[one.code]) for one in countries)
        places = tuple(msgspec.structs.replace(one, name=words[one.name]) for one in places)
    return Article(
        article_id=f"{again}-{each.id}",
        title=" ".join(title),
        text=" ".join(text),
        outlet=each.outlet,
        published_at=at,
        first_seen_at=at,
        countries=countries,
        places=places,
    )
