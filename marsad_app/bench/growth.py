"""What grouping costs an article in ever larger windows: so many worlds side by side, each with a month of the corpus in a week.

A month of five outlets in a week is as if twenty told it. In each world every stem is exchanged for one that is as common, and
every country for another: reports of one event stay alike, those of two worlds are no more alike than chance makes them,
and a word is as common as it would be in as much news.
"""

import gc
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Final, NamedTuple
from zlib import crc32

import msgspec

from marsad.arabic import tokenize
from marsad.records import Article, CountryTag, Place
from marsad_app.bench.corpus import documents
from marsad_app.bench.matching import resident
from processors.group import Grouper
from processors.locate import Locator

__all__ = ["Growth", "Telling", "growth", "news", "tellings"]

_DAYS: Final = 7
_START: Final = datetime(2026, 1, 1, tzinfo=UTC)
_CHARS: Final = 8_000
"""Of a text that grouping reads."""
_MONTHS: Final = 6
"""Of the corpus."""
_MEASURED: Final = 100
"""Articles after which the bare baseline is measured again."""
_PEERS: Final = 32
"""Stems that are as common as each other, at least, and that part of the commoner ones: a stem is exchanged for one of these."""


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
    ratio: float
    """What one of the last took, as a multiple of counting the stems of a hundred articles meanwhile: what else the machine
    does makes both dearer."""
    memory_mb: float
    """By which the process has grown since the first one."""


class _Words:
    """The stems and countries of the corpus, each with others that are as common."""

    def __init__(self, corpus: Sequence[Telling]) -> None:
        articles = Counter(stem for each in corpus for stem in {*each.title, *each.text} if not stem.isdigit())
        mixed = sorted(articles)
        Random(1).shuffle(mixed)  # noqa: S311 - a sample, no secret; rare words of one article would stand together
        self._stems = sorted(mixed, key=lambda stem: -articles[stem])
        self._peers: dict[str, tuple[int, int, int]] = {}
        """Where the peers of a stem begin, how many they are, and its place among them."""
        first = 0
        while first < len(self._stems):
            peers = self._stems[first : first + max(_PEERS, first // _PEERS)]
            self._peers.update({stem: (first, len(peers), place) for place, stem in enumerate(peers)})
            first += len(peers)
        self._codes = sorted({country.code for each in corpus for country in each.countries})

    def stem(self, stem: str, world: int) -> str:
        """What a stem is called in another world; a number is what it is."""
        found = self._peers.get(stem)
        if found is None:
            return stem
        first, count, place = found
        return self._stems[first + (place + _turn(first, world)) % count]

    def country(self, code: str, world: int) -> str:
        """What a country is called in another world."""
        return self._codes[(self._codes.index(code) + _turn(0, world)) % len(self._codes)]


@lru_cache(maxsize=1 << 17)
def _turn(first: int, world: int) -> int:
    return crc32(f"{first} {world}".encode()) if world else 0


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
    grouper, used, yard, before = Grouper(days=_DAYS), 0.0, 0.0, resident()
    measured = min(_MEASURED, every)
    for number, article in enumerate(
        news(corpus, articles + every, days=_DAYS * (articles + every) / articles), start=1
    ):
        began = time.process_time()
        grouper.assign(article)
        used += time.process_time() - began
        if number % measured == 0:
            yard += _yard(corpus) * measured
        if number % every == 0:
            yield Growth(number, len(grouper), every / used, used / yard, resident() - before)
            used = yard = 0.0
    gc.unfreeze()


def _yard(corpus: Sequence[Telling]) -> float:
    """Seconds of plain counting."""
    began = time.process_time()
    counts: dict[str, int] = {}
    for each in corpus[:100]:
        for stem in each.text:
            counts[stem] = counts.get(stem, 0) + 1
    return time.process_time() - began


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


def news(corpus: Sequence[Telling], number: int, days: float) -> Iterator[Article]:
    """So many articles within so many days, of as many worlds as it takes.

    Args:
        corpus: in order of time.
        number: of articles.
        days: over which they are spread evenly.
    """
    step = timedelta(days=days) / number
    words, month = _Words(corpus), len(corpus) // _MONTHS
    worlds = -(-number // month)
    for place in range(number):
        index, world = divmod(place, worlds)
        yield _told(corpus[world % _MONTHS * month + index], words, world, _START + step * place)


def _told(each: Telling, words: _Words, world: int, at: datetime) -> Article:
    title, text = (" ".join(words.stem(stem, world) for stem in part) for part in (each.title, each.text))
    return Article(
        article_id=f"{world}-{each.id}",
        title=title,
        text=text,
        outlet=each.outlet,
        published_at=at,
        first_seen_at=at,
        countries=tuple(msgspec.structs.replace(one, code=words.country(one.code, world)) for one in each.countries),
        places=tuple(msgspec.structs.replace(one, name=f"{world} {one.name}") for one in each.places),
    )
