"""Speed of the pure steps on one core, with a profile of each: clean, and tag with locate."""

import cProfile
import pstats
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from marsad.errors import PoisonError
from marsad.records import Article, Entry, Feed
from marsad.taxonomy import load_taxonomy
from marsad_app.bench.corpus import documents, entry_of, feed_of
from marsad_app.bench.speed import Row
from processors.clean import clean
from processors.pipeline import Pipeline

__all__ = ["steps"]

_PROFILED = 2_000
_TAGGED = 4_000
_COSTLIEST = 6


def steps(data: Path, count: int | None = None) -> list[Row]:
    """Articles a second of processor time through clean (feed text only), and through tag and locate.

    Processor time, so that what else the machine does counts little. The goals are absolute: these steps have no bare
    baseline, they are it.
    """
    sample = [
        (entry_of(document, n, page=False), feed_of(document)) for n, document in enumerate(documents(data, count))
    ]
    pipeline = Pipeline.build(load_taxonomy(None))
    articles = list(_cleaned(sample[:_TAGGED]))
    for article in articles[: _PROFILED // 10]:
        pipeline.enrich(article)

    def cleaning(size: int) -> int:
        return sum(1 for _ in _cleaned(sample[:size]))

    def enriching(size: int) -> int:
        return sum(1 for _ in map(pipeline.enrich, articles[:size]))

    return [
        _row("clean, feed text only: articles/s of one core", cleaning, len(sample), 1_500),
        _row("tag and locate: articles/s of one core", enriching, len(articles), 800),
    ]


def _cleaned(sample: Iterable[tuple[Entry, Feed]]) -> Iterable[Article]:
    for entry, feed in sample:
        try:
            yield clean(entry, feed)
        except PoisonError:
            continue


def _row(measure: str, take: Callable[[int], int], size: int, goal: float) -> Row:
    began = time.process_time()
    done = take(size)
    seconds = time.process_time() - began
    return Row(measure, done / seconds, goal, detail=f"{done} articles; own time: {_costliest(take)}")


def _costliest(take: Callable[[int], int]) -> str:
    """The functions that take most time themselves, with their shares."""
    with cProfile.Profile() as profile:
        take(_PROFILED)
    stats = pstats.Stats(profile).get_stats_profile()
    functions = sorted(stats.func_profiles.items(), key=lambda each: -each[1].tottime)[:_COSTLIEST]
    return ", ".join(f"{name} {each.tottime / stats.total_tt:.0%}" for name, each in functions)
