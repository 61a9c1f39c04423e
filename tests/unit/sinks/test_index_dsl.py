"""Queries in Elasticsearch's language, and made shallow enough for it."""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from marsad.query import MatchDoc, Node, compile_predicate, parse
from marsad.query.ast import And, Keyword, MatchAll, Not, Or, Word
from marsad.testing.factories import NOW
from marsad.testing.queries import QueryMaker, sample_articles
from sinks.index.dsl import compile_query, ranks
from sinks.index.nesting import depth, shallow

SENTENCES = (Path(__file__).parents[2] / "recorded/query/sentences.txt").read_text(encoding="utf-8").splitlines()
ARTICLES = tuple(sample_articles(SENTENCES, 65, seed=3))
MOST_LEVELS = 30
"""Of the server: ``indices.query.bool.max_nested_depth``."""


def compiled(text: str) -> dict[str, Any]:
    return compile_query(parse(text, now=NOW))


def levels(dsl: object) -> int:
    """Queries within queries, as the server counts them."""
    if isinstance(dsl, list):
        return max(map(levels, dsl), default=0)
    if not isinstance(dsl, dict):
        return 0
    own = {"bool", "term", "span_near", "span_or", "span_term", "range", "match_all", "prefix", "wildcard"}
    return max((levels(value) + (name in own) for name, value in dsl.items()), default=0)


def test_words_count_by_their_stem_and_a_little_more_in_the_form_that_was_written() -> None:
    title, text = compiled("النفط^2")["bool"]["should"]

    assert title["bool"]["must"] == [{"term": {"title.stem": {"value": "نفط", "boost": 2.0}}}]
    assert title["bool"]["should"] == [{"term": {"title": {"value": "النفط", "boost": 0.6}}}]
    assert text["bool"]["must"] == [{"term": {"text.stem": {"value": "نفط", "boost": 2.0}}}]


def test_words_side_by_side_only_add_to_the_rank() -> None:
    found = compiled("أسعار النفط العالمية")["bool"]

    assert set(found) == {"must", "should"}
    assert len(found["should"]) == 2
    assert compiled("title:أسعار text:النفط")["bool"].keys() == {"must"}


def test_keywords_and_ranges_filter_and_what_is_forbidden_does_not_rank() -> None:
    found = compiled("نفط topic:energy published:>=2026-07-01 -country:DZ")["bool"]

    assert found["filter"][0] == {"term": {"search.tags": "topic=energy"}}
    assert found["filter"][1] == {"range": {"search.order": {"gte": 1782864000 << 20, "lte": 1 << 62}}}
    assert found["must_not"] == [{"term": {"search.tags": "country=dz"}}]
    assert len(found["must"]) == 1


def test_a_plain_prefix_is_no_wildcard() -> None:
    assert compiled("title:الن*") == {"prefix": {"title": {"value": "الن", "boost": 1.0}}}
    assert compiled("text:الن?ط") == {"wildcard": {"text": {"value": "الن?ط", "boost": 1.0}}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [("نفط", True), ("topic:energy", False), ("*", False), ("topic:energy (نفط OR xy*)", True), ("-نفط", False)],
)
def test_only_words_that_are_asked_for_rank(text: str, expected: bool) -> None:
    assert ranks(parse(text, now=NOW)) is expected


def deep(random: Random, height: int, leaves: list[Node]) -> Node:
    """A query of that height whose groups alternate, with short branches beside the long one."""
    node: Node = random.choice(leaves)
    for level in range(height):
        kind = And if level % 2 else Or
        others = tuple(random.choice(leaves) for _ in range(random.randint(1, 2)))
        node = kind((*others, Not(node) if random.random() < 0.2 else node))
    return node


def queries(count: int) -> Iterator[Node]:
    random = Random(17)
    maker = QueryMaker(ARTICLES, seed=17)
    leaves = [parse(maker.query(0), now=NOW) for _ in range(50)]
    for number in range(count):
        one = deep(random, 20 + number, leaves)
        yield (
            Or((one, And((deep(random, 20 + number // 2, leaves), random.choice(leaves))))) if number % 3 == 0 else one
        )


def test_a_shallow_query_means_the_same() -> None:
    docs = [MatchDoc.of(article) for article in ARTICLES]
    for node in queries(60):
        flat = shallow(node, 20)
        assert depth(flat) <= 20 < depth(node)
        before, after = compile_predicate(node), compile_predicate(flat)
        assert [before(doc) for doc in docs] == [after(doc) for doc in docs]


def test_no_query_is_deeper_than_the_server_takes() -> None:
    assert max(levels(compile_query(node)) for node in queries(80)) + 2 <= MOST_LEVELS


def test_a_bushy_query_becomes_shallow_enough_too() -> None:
    node: Node = Word("a", "a")
    for level in range(60):
        other: Node = Word("b", "b")
        for inner in range(level % 3):
            other = (And if (level + inner) % 2 else Or)((Keyword("topic", str(inner)), other))
        node = (And if level % 2 else Or)((other, node))

    assert levels(compile_query(node)) + 2 <= MOST_LEVELS


def test_a_query_that_is_shallow_already_stays_as_it_is() -> None:
    node = parse("NOT (a OR NOT b) c", now=NOW)

    assert shallow(node, 20) is node


def test_everything_and_nothing_are_kept_apart() -> None:
    deep_all: Node = MatchAll()
    for _ in range(41):
        deep_all = Not(deep_all)

    assert shallow(deep_all, 20) == Not(MatchAll())
