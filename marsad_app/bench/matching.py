"""What matching costs: processor time an article with 1 to 100,000 subscriptions, beside a loop over all queries."""

import gc
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Final

import msgspec

from marsad.arabic import tokenize
from marsad.query import MatchDoc, compile_predicate
from marsad.records import Article, CountryTag, Story, Subscription, TopicTag
from marsad.taxonomy import load_taxonomy
from marsad_app.bench.corpus import documents, entry_of, feed_of
from marsad_app.bench.speed import Row
from processors.match import Matcher
from processors.pipeline import Pipeline

__all__ = ["COUNTS", "Cost", "a_query", "cost", "matching", "resident", "sample", "with_made_tags"]

COUNTS: Final = (1, 1_000, 10_000, 100_000)
_GOAL_MS: Final = 5.0
_ARTICLES: Final = 3_000
_MATCHED: Final = 10
"""One article in so many is matched; people subscribe before it comes: what they look for is in the headlines of the others."""
_LOOPED: Final = 12
_TOPICS: Final = (
    "sanctions",
    "energy",
    "elections",
    "diplomacy",
    "armed-conflict",
    "sport",
    "economy",
    "health",
    "justice",
    "migration",
)
_COUNTRIES: Final = (
    "SA", "RU", "DZ", "EG", "US", "SY", "IR", "YE", "LY", "TN", "MA", "IQ", "LB", "JO", "TR", "FR", "CN", "QA"
)  # fmt: skip


class Cost(msgspec.Struct, frozen=True):
    """What matching took; milliseconds of processor time are those of one article."""

    subscriptions: int
    compile_s: float
    match_ms: float
    """Everything: making the article ready, finding the queries, the alerts with their evidence."""
    finding_ms: float
    """Finding the queries that match an article that is ready."""
    loop_ms: float
    """Evaluating every subscription's query on an article that is ready, without alerts."""
    candidates: float
    alerts: float
    change_ms: float
    """Taking over one changed subscription."""
    memory_mb: float
    """Of the matcher, once it has matched all articles."""


def matching(data: Path) -> list[Row]:
    """Milliseconds of processor time an article; the alerts of the loop are not made, so it is cheaper than it would be."""
    random = Random(11)  # noqa: S311 - a sample, no secret
    articles, titles = sample(data)
    rows = []
    for count in COUNTS:
        found = cost(articles, [a_query(titles, random) for _ in range(count)])
        detail = (
            f"{found.alerts:.1f} alerts an article; finding alone {found.finding_ms:.2f} ms; loop over all queries "
            f"{found.loop_ms:.2f} ms; {found.memory_mb:.0f} MB"
        )
        rows.append(
            Row(
                f"matching, {count} subscriptions: ms an article", found.match_ms, _GOAL_MS, at_most=True, detail=detail
            )
        )
    rows.append(
        Row(
            f"matching, {count} subscriptions: times faster than the loop",
            found.loop_ms / found.match_ms,
            10.0,
            detail="the loop evaluates every query and makes no alert",
        )
    )
    return rows


def sample(data: Path, count: int = _ARTICLES) -> tuple[list[Article], list[str]]:
    """Articles of the corpus as the pipeline tags them, and headlines of others.

    Raises:
        ConfigError: the corpus is not there.
    """
    some = list(documents(data))
    some = some[:: max(1, len(some) // count)]
    pipeline = Pipeline.build(load_taxonomy(None))
    matched = [(document, number) for number, document in enumerate(some) if number % _MATCHED == 0]
    articles = [
        pipeline.stateless(entry_of(document, number, page=False), feed_of(document)) for document, number in matched
    ]
    return articles, [document.title for number, document in enumerate(some) if number % _MATCHED]


def with_made_tags(articles: Sequence[Article], random: Random) -> list[Article]:
    """Articles with two of ten topics and two of eighteen countries each, more than they have: queries for these match often."""
    return [
        msgspec.structs.replace(
            article,
            topics=tuple(TopicTag(topic, 1.0) for topic in random.sample(_TOPICS, 2)),
            countries=tuple(CountryTag(code, 1) for code in random.sample(_COUNTRIES, 2)),
        )
        for article in articles
    ]


def a_query(titles: Sequence[str], random: Random) -> str:
    """A query as people subscribe to: words, a phrase, a topic with a country, words of a title with an exception."""
    title = random.choice(titles)
    tokens = tokenize(title)
    words = [title[start:end] for start, end in zip(tokens.starts, tokens.ends, strict=True) if end - start > 3] or [
        "روسيا"
    ]
    kind = random.random()
    if kind < 0.3:
        return " ".join(random.sample(words, min(2, len(words))))
    if kind < 0.5:
        return f'"{" ".join(words[:2])}"'
    if kind < 0.7:
        return f"topic:{random.choice(_TOPICS)} country:{random.choice(_COUNTRIES)} {random.choice(words)}"
    if kind < 0.85:
        return f"({words[0]} OR {words[-1]}) topic:{random.choice(_TOPICS)} -topic:sport"
    return f"title:{words[0]} published:>now-7d"


def cost(articles: Sequence[Article], queries: Sequence[str]) -> Cost:
    """Match all articles against so many subscriptions."""
    now = max(article.first_seen_at for article in articles) + timedelta(seconds=1)
    subscriptions = [
        Subscription(id=f"{number:032x}", name=query, query=query, created_at=now)
        for number, query in enumerate(queries)
    ]
    stories = [
        Story(
            story_id=article.story_id,
            headline=article.title,
            first_seen_at=article.first_seen_at,
            last_seen_at=article.first_seen_at,
            outlets=(article.outlet,),
        )
        for article in articles
    ]
    before, began = resident(), time.process_time()
    matcher = Matcher(subscriptions, now=now)
    compiled = time.process_time() - began
    gc.collect()
    gc.freeze()  # as the services do once they have loaded

    def match() -> int:
        return sum(len(matcher.match(each, story, None, now)) for each, story in zip(articles, stories, strict=True))

    match_ms, alerts = _milliseconds(match)
    memory = resident() - before
    match_ms = min(match_ms, _milliseconds(match)[0])  # the first time compiles what speaks for each query
    docs = [MatchDoc.of(article) for article in articles[:_LOOPED]]
    once = {query: compile_predicate(matcher.queries[query].node) for query in matcher.queries}
    predicates = [once[query] for query in queries]
    loop_ms, _ = _milliseconds(lambda: sum(predicate(doc) for doc in docs for predicate in predicates))
    candidates = sum(len(matcher.candidates(doc)) for doc in docs)
    finding_ms, _ = _milliseconds(lambda: sum(len(matcher.matching(doc)) for doc in docs))
    new = Subscription(id="new", name="", query="سفينة ميناء", created_at=now)
    change_ms, _ = _milliseconds(lambda: len(Matcher([*subscriptions[1:], new], now=now, reuse=matcher).problems))
    gc.unfreeze()
    return Cost(
        subscriptions=len(queries),
        compile_s=compiled,
        match_ms=match_ms / len(articles),
        finding_ms=finding_ms / len(docs),
        loop_ms=loop_ms / len(docs),
        candidates=candidates / len(docs),
        alerts=alerts / len(articles),
        change_ms=change_ms,
        memory_mb=memory,
    )


def _milliseconds(work: Callable[[], int]) -> tuple[float, int]:
    began = time.process_time()
    done = work()
    return (time.process_time() - began) * 1_000, done


def resident() -> float:
    """Megabytes in memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4_096 / 1e6
