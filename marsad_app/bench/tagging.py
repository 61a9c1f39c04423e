"""Tagging and locating with everything in memory that a large desk has: speed, time to build, memory."""

import gc
import multiprocessing
import resource
import time
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

from marsad.records import Article
from marsad.taxonomy import Automaton, analyse, load_taxonomy
from marsad.taxonomy.matcher import Entry, forms_of
from marsad.taxonomy.schema import Inflected
from marsad_app.bench.corpus import article_of, documents
from marsad_app.bench.speed import Row
from processors.pipeline import Pipeline

__all__ = ["tagging"]

_SUBSCRIPTIONS: Final = 10_000
_AT_ONCE: Final = 500
"""Articles that are read and then timed: the corpus as a whole would be counted as memory."""


class _Figures(NamedTuple):
    build_s: float
    memory_mb: float
    per_second: float
    articles: int


def tagging(data: Path, count: int | None = None) -> list[Row]:
    """Articles a second, seconds to build, and megabytes, in a process of its own.

    Memory is by how much the process has grown at its highest, the modules that it imports apart. In memory are all topics with their learned weights, the gazetteer, and the terms of ten thousand subscriptions, which
    are looked for in every article as well. Times are of the processor.

    Args:
        data: the folder of the corpus.
        count: articles; by default all.
    """
    ours, theirs = multiprocessing.get_context("spawn").Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=_measure, args=(theirs, data, count))
    process.start()
    theirs.close()
    figures: _Figures = ours.recv()
    process.join()
    detail = f"{figures.articles} articles, {_SUBSCRIPTIONS} subscriptions' terms, by processor time"
    return [
        Row("tag and locate, all terms: articles/s of one core", figures.per_second, 800, detail=detail),
        Row("building topics, gazetteer and 10,000 terms: s", figures.build_s, 3, at_most=True),
        Row(
            "memory of topics, gazetteer, 10,000 terms and what is remembered, MB",
            figures.memory_mb,
            200,
            at_most=True,
            detail=detail,
        ),
    ]


def _measure(told: Connection, data: Path, count: int | None) -> None:
    terms = list(_terms(data))
    before = _memory_mb()
    began = time.process_time()
    pipeline = Pipeline.build(load_taxonomy(None, learned=True))
    subscriptions = _automaton(terms)
    gc.collect()
    gc.freeze()
    build = time.process_time() - began
    seconds, done = 0.0, 0
    for articles in _by_hundreds(data, count):
        began = time.process_time()
        for article in articles:
            pipeline.enrich(article)
            # As the pipeline has split it a moment ago, so the matcher of subscriptions finds it split.
            subscriptions.scan_zones(analyse(article.title, article.lead, article.text))
        seconds += time.process_time() - began
        done += len(articles)
    told.send(_Figures(build, _memory_mb() - before, done / seconds, done))


def _memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024


def _by_hundreds(data: Path, count: int | None) -> Iterator[Sequence[Article]]:
    pending: list[Article] = []
    for number, document in enumerate(documents(data, count)):
        pending.append(article_of(document, number))
        if len(pending) == _AT_ONCE:
            yield pending
            pending = []
    yield pending


def _terms(data: Path) -> Iterator[str]:
    """Pairs of words from headlines: what people subscribe to."""
    chance = Random(11)  # noqa: S311 - a sample, no secret
    found: set[str] = set()
    for document in documents(data):
        words = [word for word in document.title.split() if len(word) > 2 and word.isalpha()]
        if len(words) > 2:
            at = chance.randrange(len(words) - 1)
            term = " ".join(words[at : at + 2])
            if term not in found:
                found.add(term)
                yield term
        if len(found) == _SUBSCRIPTIONS:
            return


def _automaton(terms: Sequence[str]) -> Automaton:
    how = Inflected(definite=False)
    return Automaton(Entry(forms_of((term,), how), number) for number, term in enumerate(terms))
