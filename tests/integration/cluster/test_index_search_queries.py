"""Elasticsearch and the predicate mean the same by the same query."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from marsad.config import ElasticsearchSettings
from marsad.query import MatchDoc, Node, compile_predicate, parse
from marsad.query.ast import And, Keyword, Not, Or, Phrase, Range, Wildcard, Word
from marsad.records import Article
from marsad.taxonomy.synonyms import other_names
from marsad.testing.factories import NOW, an_article
from marsad.testing.queries import QueryMaker, sample_articles
from marsad.testing.query_contracts import (
    no_page_is_deeper_than_the_deepest,
    queries_that_attack_are_words_and_nothing_more,
)
from marsad_app.embedded.testing import QueryIndex
from sinks.index.articles import ElasticArticles
from sinks.index.client import connect
from sinks.index.document import read_alias
from sinks.index.dsl import compile_query
from sinks.index.search import ElasticSearch

pytestmark = pytest.mark.cluster

SENTENCES = (Path(__file__).parents[2] / "recorded/query/sentences.txt").read_text(encoding="utf-8").splitlines()
ARTICLES = tuple(sample_articles(SENTENCES, 300, seed=7))
BATCH = 100


@pytest.fixture
def client(elastic: ElasticsearchSettings) -> Iterator[Elasticsearch]:
    with connect(elastic) as made:
        yield made


def index(client: Elasticsearch, settings: ElasticsearchSettings, articles: Sequence[Article]) -> None:
    ElasticArticles(client, settings).put_articles(articles)


def found(client: Elasticsearch, settings: ElasticsearchSettings, nodes: Sequence[Node]) -> Iterator[set[str]]:
    """The ids that each query finds, as the server says."""
    for at in range(0, len(nodes), BATCH):
        searches: list[dict[str, object]] = []
        for node in nodes[at : at + BATCH]:
            searches += [
                {"index": read_alias(settings.prefix)},
                {"query": compile_query(node), "size": 5_000, "_source": False},
            ]
        for answer in client.msearch(searches=searches)["responses"]:
            assert "error" not in answer, answer["error"]
            yield {hit["_id"] for hit in answer["hits"]["hits"]}


def meant(node: Node, docs: Sequence[MatchDoc]) -> set[str]:
    """The ids of those that the predicate takes."""
    predicate = compile_predicate(node)
    return {doc.article.article_id for doc in docs if predicate(doc)}


def test_elasticsearch_sqlite_and_the_predicate_agree_on_five_thousand_queries(
    client: Elasticsearch, elastic: ElasticsearchSettings
) -> None:
    articles = tuple(sample_articles(SENTENCES, 2_000, seed=7))
    index(client, elastic, articles)
    table = QueryIndex(articles)
    maker = QueryMaker(articles, seed=20264)
    texts = [maker.query(number % 4) for number in range(5_000)]
    nodes = [parse(text, now=NOW, names=other_names) for text in texts]
    some = none = 0

    for number, (text, node, ids) in enumerate(zip(texts, nodes, found(client, elastic, nodes), strict=True)):
        expected = table.expected(node)
        assert ids == {articles[row].article_id for row in expected}, text
        assert table.search(node, expand=number % 2 == 0) == expected, text
        some, none = some + bool(expected), none + (not expected)
    print(f"{len(texts)} queries over {len(articles)} articles: {some} find some, {none} none, 0 differ")
    assert some > 500
    assert none > 100


def test_phrases_stay_within_lead_and_text_and_repeat_their_words(
    client: Elasticsearch, elastic: ElasticsearchSettings
) -> None:
    articles = [
        an_article(article_id="1" * 32, title="خبر", lead="وصل وزير الدفاع", text="اجتمع بعد الوصول"),
        an_article(article_id="2" * 32, title="خبر", text="قال وقال ثم قال وزير قال"),
        an_article(article_id="3" * 32, title="وزير الدفاع", text="", lead=""),
        an_article(article_id="4" * 32, title="خبر", lead="وزير", text="وزير الدفاع"),
    ]
    index(client, elastic, articles)
    docs = [MatchDoc.of(article) for article in articles]
    texts = [
        '"الدفاع اجتمع"', '"الدفاع اجتمع"~50', '"وزير الدفاع"', 'title:"وزير الدفاع"', 'text:"وزير الدفاع"',
        '"قال قال"', '"قال قال"~1', '"قال قال قال"~2', '"قال قال قال قال"~9', '"قال وزير قال"', '"وزير قال"~0',
        "وصل", "text:وصل", "title:وصل", '"قال"', 'title:"قال"',
    ]  # fmt: skip
    nodes = [parse(text, now=NOW) for text in texts]

    for text, node, ids in zip(texts, nodes, found(client, elastic, nodes), strict=True):
        assert ids == meant(node, docs), text


def test_values_with_signs_long_values_and_instants_between_seconds_agree(
    client: Elasticsearch, elastic: ElasticsearchSettings
) -> None:
    long = "ب" * 1_900
    articles = [
        an_article(article_id="1" * 32, outlet='موقع "أ\\ب" = *', published_at=NOW.replace(microsecond=999_999)),
        an_article(article_id="2" * 32, outlet=long, published_at=NOW),
        an_article(article_id="3" * 32, outlet="", language="", published_at=NOW.replace(year=1969)),
        an_article(article_id="4" * 32, outlet="ف" * 40_000, text="ق" * 40_000 + " كلمة"),
    ]
    index(client, elastic, articles)
    docs = [MatchDoc.of(article) for article in articles]
    later = NOW.replace(microsecond=500_000)
    nodes: list[Node] = [
        Keyword("outlet", 'موقع "ا\\ب" = *'),
        Keyword("outlet", "*"),
        Keyword("lang", "*"),
        Keyword("outlet", long),
        Not(Keyword("outlet", "*")),
        Wildcard("قق*", "قق*"),
        Word("كلمة", "كلم"),
        *(
            Range("published", low, high, include_low, include_high)
            for low, high in ((NOW, None), (later, None), (None, NOW), (None, later), (NOW, NOW), (later, later))
            for include_low in (True, False)
            for include_high in (True, False)
        ),
        Range("score", None, None),
        Range("score", 0, 0.5, include_low=False),
    ]

    for node, ids in zip(nodes, found(client, elastic, nodes), strict=True):
        assert ids == meant(node, docs), node


@pytest.mark.parametrize(
    "contract", [queries_that_attack_are_words_and_nothing_more, no_page_is_deeper_than_the_deepest]
)
def test_what_means_harm_does_none(
    client: Elasticsearch, elastic: ElasticsearchSettings, contract: Callable[[Any], None]
) -> None:
    contract(SimpleNamespace(articles=ElasticArticles(client, elastic), search=ElasticSearch(client, elastic)))


def nested(levels: int, words: Sequence[str]) -> str:
    """A query of so many groups within each other, in turn of all and of any."""
    text = words[0]
    for level in range(levels):
        text = f"({words[level % len(words)]} {'AND' if level % 2 else 'OR'} -{words[-1 - level % len(words)]} {'AND' if level % 2 else 'OR'} {text})"
    return text


def test_queries_nested_as_deep_as_can_be_written_are_answered(
    client: Elasticsearch, elastic: ElasticsearchSettings
) -> None:
    index(client, elastic, ARTICLES)
    docs = [MatchDoc.of(article) for article in ARTICLES]
    words = ["روسيا", '"وزير الدفاع"~3', "النفط", "topic:sanctions", "الع*", "country:DZ", "score:>1", "مصر"]
    texts = [nested(levels, words) for levels in (20, 35, 50)] + ["NOT (" * 45 + "روسيا OR النفط" + ")" * 45]
    # «and» binds weaker than «or», so that each pair of parentheses can hold two levels.
    text = '"وزير الدفاع"'
    for level in range(38):
        text = f"({words[level % 8]} OR {text} {words[(level + 3) % 8]})"
    texts.append(text)
    nodes = [parse(text, now=NOW) for text in texts]

    for text, node, ids in zip(texts, nodes, found(client, elastic, nodes), strict=True):
        assert ids == meant(node, docs), text


def test_as_many_phrases_as_a_query_may_have_are_answered(
    client: Elasticsearch, elastic: ElasticsearchSettings
) -> None:
    index(client, elastic, ARTICLES[:20])
    keys = [("التعاون", f"كلمه{number}") for number in range(200)]
    node = Or(tuple(Phrase(" ".join(pair), pair) for pair in keys))
    wild = And(tuple(Wildcard(pattern, pattern) for pattern in ("ال*", "ال?*?*?*?*?", "ال*ا???????", "ال??????*ي")))

    assert list(found(client, elastic, [node])) == [set()]
    assert list(found(client, elastic, [wild])) == [meant(wild, [MatchDoc.of(article) for article in ARTICLES[:20]])]
