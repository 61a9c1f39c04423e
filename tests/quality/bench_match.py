"""What matching costs: milliseconds of processor time an article with 1 to 100,000 subscriptions, beside a loop over all queries.

Run as ``python tests/quality/bench_match.py [articles.jsonl.gz]``; without a file, articles are put together from the
recorded sentences.
"""

import gc
import gzip
import json
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from random import Random

import msgspec

from marsad.arabic import tokenize
from marsad.query import MatchDoc, compile_predicate, parse
from marsad.records import Article, CountryTag, Subscription, TopicTag
from marsad.testing.factories import NOW, a_story, a_subscription
from marsad.testing.queries import sample_articles
from processors.match import Matcher
from processors.pipe_match import article_from_json

_TOPICS = (
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
_COUNTRIES = (
    "SA",
    "RU",
    "DZ",
    "EG",
    "US",
    "SY",
    "IR",
    "YE",
    "LY",
    "TN",
    "MA",
    "IQ",
    "LB",
    "JO",
    "TR",
    "FR",
    "CN",
    "QA",
)
_SENTENCES = Path(__file__).parents[1] / "recorded/query/sentences.txt"


def load(path: Path | None, count: int, random: Random) -> list[Article]:
    """Articles with two random topics and countries each, so that queries for these cost what they would."""
    if path is None:
        articles = list(sample_articles(_SENTENCES.read_text(encoding="utf-8").splitlines(), count))
    else:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            records = [json.loads(line) for line in lines]
        articles = [article_from_json(record) for record in records[:: max(1, len(records) // count)]]
    return [
        msgspec.structs.replace(
            article,
            topics=tuple(TopicTag(topic, 1.0) for topic in random.sample(_TOPICS, 2)),
            countries=tuple(CountryTag(code, 1) for code in random.sample(_COUNTRIES, 2)),
        )
        for article in articles
    ]


def a_query(articles: Sequence[Article], random: Random) -> str:
    """A query as people subscribe to: words, a phrase, a topic with a country, words of a title with an exception."""
    title = random.choice(articles).title
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


def main() -> None:
    """Print the table."""
    random = Random(11)
    everything = load(Path(sys.argv[1]) if len(sys.argv) > 1 else None, 3_000, random)
    # People subscribe before an article comes: what they look for is in the headlines of others.
    articles, others = everything[::10], [each for at, each in enumerate(everything) if at % 10]
    began = time.process_time()
    for article in articles:
        doc = MatchDoc.of(article)
        assert doc.stems["any"] is not None
    bare = (time.process_time() - began) / len(articles) * 1_000
    print(f"{len(articles)} articles; making one ready for matching: {bare:.2f} ms")
    print(
        f"{'subscriptions':>13} {'compile s':>9} {'ms/article':>10} {'loop ms':>9} {'finding ms':>10} {'candidates':>10} {'alerts':>7} {'change ms':>9} {'MB':>6}"
    )
    for count in (1, 1_000, 10_000, 100_000):
        print_row(articles, [a_query(others, random) for _ in range(count)])
    print("no two queries alike:")
    distinct: dict[str, None] = {}
    for _ in range(4_000_000):
        distinct[a_query(others, random)] = None
        if len(distinct) == 100_000:
            break
    print_row(articles, list(distinct))


def _resident() -> float:
    """Megabytes in memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4_096 / 1e6


def print_row(articles: Sequence[Article], queries: Sequence[str]) -> None:
    """Match all articles against so many subscriptions and print what it took."""
    subscriptions: list[Subscription] = [a_subscription(id=str(n), query=query) for n, query in enumerate(queries)]
    before = _resident()
    began = time.process_time()
    matcher = Matcher(subscriptions, now=NOW)
    compiled = time.process_time() - began
    memory = _resident() - before
    gc.collect()
    gc.freeze()  # as the services do once they have loaded
    began = time.process_time()
    alerts = sum(len(matcher.match(article, a_story(), None, NOW + timedelta(seconds=1))) for article in articles)
    took = (time.process_time() - began) / len(articles) * 1_000
    predicates = [compile_predicate(parse(query, now=NOW)) for query in queries]
    few = [MatchDoc.of(article) for article in articles[:20]]
    began = time.process_time()
    for doc in few:
        sum(predicate(doc) for predicate in predicates)
    loop = (time.process_time() - began) / len(few) * 1_000
    candidates = sum(len(matcher.candidates(doc)) for doc in few) / len(few)
    began = time.process_time()
    for doc in few:
        matcher.matching(doc)
    finding = (time.process_time() - began) / len(few) * 1_000
    began = time.process_time()
    Matcher([*subscriptions[1:], a_subscription(id="new", query="سفينة ميناء")], now=NOW, reuse=matcher)
    change = (time.process_time() - began) * 1_000
    print(
        f"{len(queries):>13,} {compiled:>9.2f} {took:>10.2f} {loop:>9.2f} {finding:>10.2f} {candidates:>10.1f} {alerts / len(articles):>7.1f} {change:>9.1f} {memory:>6.0f}"
    )


if __name__ == "__main__":
    main()
