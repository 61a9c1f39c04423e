"""Every kind of search that the page and the API make, over 100,000 articles, beside a bare match of the same words in the same run."""

import itertools
import random
import shutil
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from marsad.arabic.keyform import key_form
from marsad.clock import SystemClock
from marsad.ports import ArticleSearch
from marsad.query import Node, parse
from marsad.query.ast import MatchAll
from marsad.query.values import LEAST_PREFIX
from marsad.records import Article, FacetName
from marsad.taxonomy.synonyms import other_names
from marsad_app.bench.corpus import Filing, article_of, documents
from marsad_app.bench.speed import Row
from marsad_app.embedded.baseline import BareIndex
from marsad_app.embedded.store import Store, open_store
from marsad_app.switching import set_loaded_aside
from marsad_app.web.criteria import LAST_OFFSET

__all__ = ["SEARCHED", "WARM", "Way", "filed", "in_turn", "p95", "search_latency", "typed_queries", "ways", "words_of"]

Way = Callable[[str], object]
"""One kind of search, for a query as it was typed."""

SEARCHED: Final = Path("out/bench/searching")
"""Where the SQLite index of the bench is kept."""
WARM: Final = 100
"""Queries that are asked before any is counted."""
_FACETS: Final[tuple[FacetName, ...]] = ("topic", "country", "outlet", "day")


def ways(search: ArticleSearch, now: datetime) -> dict[str, Way]:
    """The kinds of searches by name."""

    def read(query: str) -> Node:
        return parse(query, now=now, names=other_names)

    def page(**asked: Any) -> Way:
        return lambda query: search.search(read(query), **asked)

    def everything(**asked: Any) -> Way:
        return lambda _: search.search(MatchAll(), **asked)

    def beginning(query: str) -> object:
        # Of the article, which nearly every text has, a letter more is asked for.
        word = key_form(words_of(query)[0])
        letters = LEAST_PREFIX + word.startswith("ال")
        return search.search(read(f"{word[:letters]}*"))

    return {
        "by relevance": page(),
        "by date": page(sort="date"),
        "by story size": page(sort="story"),
        "by relevance, one for each story": page(collapse=True),
        "by date, one for each story": page(sort="date", collapse=True),
        "by story size, one for each story": page(sort="story", collapse=True),
        "the last page by relevance": page(offset=LAST_OFFSET),
        "the last page by date": page(sort="date", offset=LAST_OFFSET),
        "the last page, one for each story": page(offset=LAST_OFFSET, collapse=True),
        "facets and days": lambda query: search.facets(read(query), _FACETS),
        "the shortest beginning of a word": beginning,
        "all articles by date": everything(sort="date"),
        "all articles by story size": everything(sort="story"),
        "all articles, one for each story": everything(sort="date", collapse=True),
        "facets and days of all articles": lambda _: search.facets(MatchAll(), _FACETS),
    }


def words_of(query: str) -> list[str]:
    """The words of a typed query without its field."""
    return query.partition(" AND ")[0].replace('"', "").split()


def in_turn(ways: dict[str, Way], queries: Sequence[str]) -> dict[str, list[tuple[float, float]]]:
    """Milliseconds by the clock and of this process's processor time, of each query in each way: in turn, so that all meet the same load."""
    for way in ways.values():
        for query in queries[:WARM]:
            way(query)
    set_loaded_aside()
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for query in queries:
        for name, way in ways.items():
            clock, processor = time.perf_counter(), time.process_time()
            way(query)
            times[name].append(((time.perf_counter() - clock) * 1_000, (time.process_time() - processor) * 1_000))
    return times


def p95(values: Sequence[float]) -> float:
    """The value that one in twenty exceeds."""
    return sorted(values)[int(len(values) * 0.95)]


def search_latency(data: Path, folder: Path, count: int = 100_000) -> list[Row]:
    """Milliseconds of searches (20 hits with highlights) in SQLite, after a hundred of each kind to warm the file's cache.

    The index is kept for the next run.
    """
    store, bare = _filled(data, folder, count)
    try:
        kinds: dict[str, Way] = {
            "bare match query": lambda query: bare.match(words_of(query)),
            **ways(store.search, SystemClock().now()),
        }
        return [_latency(name, found) for name, found in in_turn(kinds, typed_queries(data)).items()]
    finally:
        store.close()
        bare.close()


def _latency(name: str, times: Sequence[tuple[float, float]]) -> Row:
    """The 95th percentile by the clock; by processor time too, which other work on the machine does not disturb."""
    clock, processor = [wall for wall, _ in times], [cpu for _, cpu in times]
    detail = (
        f"p50 {statistics.median(clock):.1f} ms, max {max(clock):.1f} ms; processor p50 {statistics.median(processor):.1f}, "
        f"p95 {p95(processor):.1f} ms; {len(times)} queries"
    )
    return Row(f"SQLite, {name}: p95 ms", p95(clock), 50, at_most=True, detail=detail)


def filed(data: Path, count: int, filing: Filing) -> Iterator[Article]:
    """So many articles under stories, the corpus over and over, each time under ids of its own."""
    sample = list(documents(data))
    numbered = ((document, n, copy) for copy in itertools.count() for n, document in enumerate(sample))
    return (filing.file(article_of(*each)) for each in itertools.islice(numbered, count))


def _filled(data: Path, folder: Path, count: int) -> tuple[Store, BareIndex]:
    bare = folder / "bare.sqlite"
    if bare.is_file():
        store = open_store(folder)
        if store.search.count() >= count:
            return store, BareIndex(bare)
        store.close()
    shutil.rmtree(folder, ignore_errors=True)
    store = open_store(folder)
    index, filing = BareIndex(bare), Filing()
    articles = filed(data, count, filing)
    while pending := list(itertools.islice(articles, 1_000)):
        store.articles.put_articles(pending)
        index.write(pending)
    store.stories.put_stories(filing.stories())
    return store, index


def typed_queries(data: Path, count: int = 400) -> list[str]:
    """What people type: one to three words of real titles, some as phrases, some with a field."""
    chance = random.Random(7)  # noqa: S311 - a sample, no secret
    titles = [document.title.split() for document in documents(data, 8_000)]
    queries: list[str] = []
    while len(queries) < count:
        words = [word.strip('":«»،.!؟()[]{}~^*/\\+-') for word in chance.choice(titles)]
        words = [word for word in words if len(word) > 2 and word.isalpha()]
        if len(words) < 4:
            continue
        at = chance.randrange(len(words) - 2)
        kind = chance.random()
        some = words[at : at + chance.randint(1, 3)]
        queries.append(
            f'"{" ".join(some)}"' if kind < 0.2 else " ".join(some) + (" AND outlet:BBC" if kind > 0.8 else "")
        )
    return queries
