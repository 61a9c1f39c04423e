"""Relevance of search: queries with known answers, made by rule from real articles, asked of four engines.

- *title*: any of the words of an article's title, in bodies only; the answer is the article.
- *phrase*: three to five words in a row from the middle of a text, as words; the answer is the article.
- *entity*: a name of the gazetteer; the answers are the articles that have it in their title. Searched in bodies.
- *topic*: a topic's Arabic name; the answers are the labelled articles that a reader gave the topic.

Three parts of the queries are told apart. *chosen on*: those that weights are chosen by. *held out*: the half of the queries whose hash says so
(``part_of``), which nothing may be chosen by. *fresh*: articles and names of the gazetteer that were not asked for at all before the weights
stood. Other weights are tried on the first part alone.

Elasticsearch is the one that MARSAD_TEST_ELASTICSEARCH names, or one that is started; without either, only SQLite is measured.
"""

import contextlib
import json
import math
import secrets
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from random import Random
from typing import Any, Final
from unittest import mock

import msgspec

from marsad.arabic import tokenize
from marsad.arabic.forms import proclitic_forms
from marsad.arabic.stem import stem
from marsad.config import ElasticsearchSettings, test_servers
from marsad.errors import ConfigError
from marsad.query.ast import Node, Or, TextScope, Word
from marsad.records import Article
from marsad.taxonomy import load_taxonomy
from marsad.taxonomy.names import load_gazetteer
from marsad_app.bench.corpus import article_of, documents
from marsad_app.bench.servers import servers
from marsad_app.embedded.store import open_store
from sinks.index import dsl
from sinks.index.analysis import analysis
from sinks.index.articles import ElasticArticles
from sinks.index.client import connect
from sinks.index.search import ElasticSearch

DEPTH: Final = 20
KNOWN_ITEMS: Final = 300
NAMES: Final = 60
FEWEST: Final = 3
SHARE: Final = 1.05
HALF: Final = 128
PARTS: Final = ("chosen on", "held out", "fresh")
TRIED: Final = (
    (0.0, 0.0),
    (0.0, 0.5),
    (0.3, 0.0),
    (0.15, 0.5),
    (0.3, 0.25),
    (0.3, 0.5),
    (0.3, 1.0),
    (0.6, 0.5),
    (0.6, 1.0),
)
"""Weights of the written form and of neighbours."""
BATCH: Final = 500


class Case(msgspec.Struct, frozen=True):
    """A query and its answers; ``among`` is what it is asked of where not all articles were judged."""

    kind: str
    text: str
    answers: frozenset[str]
    scope: TextScope = "any"
    among: str = "all"
    fresh: bool = False


def part_of(case: Case) -> str:
    """Which part a query belongs to; a rule, so that nobody chooses."""
    if case.fresh:
        return "fresh"
    told = blake2b(f"{case.kind}:{case.text}".encode(), digest_size=1).digest()[0]
    return "held out" if told < HALF else "chosen on"


Ask = Callable[[Case], Sequence[str]]
"""The ids that an engine gives, best first."""
Answered = tuple[Case, Sequence[str]]


def run(data: Path) -> list[dict[str, object]]:
    """MRR and nDCG of every engine, overall and for each kind of query."""
    articles, ids = [], {}
    for number, document in enumerate(documents(data)):
        articles.append(article_of(document, number))
        ids[document.id] = articles[-1].article_id
    labelled, topics = judged(data / "topics" / "labelled.jsonl", ids)
    cases = [*known_items(articles), *entities(articles), *topic_cases(topics)]
    asked_before = {(case.kind, case.text) for case in cases}
    fresh = [*known_items(articles, seed=10), *entities(articles, after=NAMES)]
    cases += [msgspec.structs.replace(one, fresh=True) for one in fresh if (one.kind, one.text) not in asked_before]
    with contextlib.ExitStack() as held:
        engines: dict[str, Ask] = {"SQLite": held.enter_context(sqlite(articles, labelled))}
        url = test_servers()[1]
        if not url:
            with contextlib.suppress(ConfigError):
                url = held.enter_context(servers(kafka=False))[1].address
        if url:
            engines |= held.enter_context(elasticsearch(url, articles, labelled))
        found = {name: [ask(case) for case in cases] for name, ask in engines.items()}
    return list(rows(cases, found))


def rows(cases: Sequence[Case], found: dict[str, list[Sequence[str]]]) -> Iterator[dict[str, object]]:
    """The table, for each part of the queries."""
    for part in PARTS:
        means: dict[str, float] = {}
        for name, lists in found.items():
            if name.startswith("Marsad ") and part != "chosen on":
                continue
            answered = [pair for pair in zip(cases, lists, strict=True) if part_of(pair[0]) == part]
            yield from by_kind(f"{name}, {part}", answered)
            means[name] = mean_of_kinds(answered)
            yield row(f"{name}, {part}: MRR, mean of the kinds", means[name], len(answered))
        ours = means.pop("Marsad", None)
        others = [value for name, value in means.items() if not name.startswith("Marsad ")]
        if ours is not None:
            told = f"Marsad's MRR over the best other's, {part}"
            yield {
                "measure": told,
                "value": ours / max(others),
                "target": SHARE,
                "n": sum(part_of(c) == part for c in cases),
            }


def kinds_of(answered: Sequence[Answered]) -> dict[str, list[Answered]]:
    kinds: dict[str, list[Answered]] = defaultdict(list)
    for case, ids in answered:
        kinds[case.kind].append((case, ids))
    return dict(sorted(kinds.items()))


def by_kind(name: str, answered: Sequence[Answered]) -> Iterator[dict[str, object]]:
    for kind, some in kinds_of(answered).items():
        yield row(f"{name}, {kind}: MRR", mean(reciprocal_rank(case, ids) for case, ids in some), len(some))
        yield row(f"{name}, {kind}: nDCG@{DEPTH}", mean(gain(case, ids) for case, ids in some), len(some))


def mean_of_kinds(answered: Sequence[Answered]) -> float:
    """Each kind of query weighs the same."""
    return mean(mean(reciprocal_rank(case, ids) for case, ids in some) for some in kinds_of(answered).values())


def row(measure: str, value: float, count: int) -> dict[str, object]:
    return {"measure": measure, "value": value, "target": None, "n": count}


def mean(values: Iterator[float]) -> float:
    found = list(values)
    return sum(found) / len(found)


def reciprocal_rank(case: Case, ids: Sequence[str]) -> float:
    return next((1 / (at + 1) for at, found in enumerate(ids) if found in case.answers), 0.0)


def gain(case: Case, ids: Sequence[str]) -> float:
    got = sum(1 / math.log2(at + 2) for at, found in enumerate(ids) if found in case.answers)
    return got / sum(1 / math.log2(at + 2) for at in range(min(DEPTH, len(case.answers))))


def known_items(articles: Sequence[Article], *, seed: int = 9) -> Iterator[Case]:
    random = Random(seed)
    for article in random.sample(articles, KNOWN_ITEMS):
        if len(tokenize(article.title)) > FEWEST:
            yield Case("title", article.title, frozenset({article.article_id}), "text")
    for article in random.sample(articles, KNOWN_ITEMS):
        words = article.text.split()
        if len(words) > BATCH // 10:
            at, count = random.randrange(10, len(words) - 10), random.randint(3, 5)
            yield Case("phrase", " ".join(words[at : at + count]), frozenset({article.article_id}))


def entities(articles: Sequence[Article], *, after: int = 0) -> Iterator[Case]:
    """The commonest names of the gazetteer, each as it is written there; some of the commonest passed over."""
    titles = [(article.article_id, tokenize(article.title).keys) for article in articles]
    places: dict[str, set[int]] = defaultdict(set)
    for number, (_, keys) in enumerate(titles):
        for key in keys:
            places[key].add(number)
    found: Counter[str] = Counter()
    answers: dict[str, frozenset[str]] = {}
    for entity in load_gazetteer().entity:
        keys = tokenize(entity.name_ar).keys
        numbers = {number for form in proclitic_forms(keys[0]) for number in places.get(form, ())}
        hits = frozenset(titles[number][0] for number in numbers if holds(titles[number][1], keys))
        if len(hits) >= FEWEST:
            found[entity.name_ar], answers[entity.name_ar] = len(hits), hits
    for name, _ in found.most_common(after + NAMES)[after:]:
        yield Case("entity", name, answers[name], "text")


def holds(text: tuple[str, ...], keys: tuple[str, ...]) -> bool:
    """Whether the words stand in a row, the first one with any proclitic."""
    firsts = proclitic_forms(keys[0])
    return any(text[at] in firsts and text[at + 1 : at + len(keys)] == keys[1:] for at in range(len(text)))


def judged(path: Path, known: dict[str, str]) -> tuple[frozenset[str], dict[str, frozenset[str]]]:
    """The labelled articles, and for each topic those that have it."""
    topics: dict[str, set[str]] = defaultdict(set)
    ids = set()
    for line in path.read_text(encoding="utf-8").splitlines():
        label = json.loads(line)
        ids.add(known[label["id"]])
        for topic in label["topics"]:
            topics[topic].add(known[label["id"]])
    return frozenset(ids), {topic: frozenset(found) for topic, found in topics.items()}


def topic_cases(topics: dict[str, frozenset[str]]) -> Iterator[Case]:
    for topic in load_taxonomy().topics:
        if len(topics.get(topic.id, ())) >= FEWEST:
            yield Case("topic", topic.names.ar, topics[topic.id], among="labelled")


def node_of(case: Case) -> Node:
    """Any of the words, as the language reads them."""
    keys = tuple(dict.fromkeys(tokenize(case.text).keys))
    words = tuple(Word(key, stem(key), case.scope) for key in keys)
    return words[0] if len(words) == 1 else Or(words)


@contextlib.contextmanager
def sqlite(articles: Sequence[Article], labelled: frozenset[str]) -> Iterator[Ask]:
    with contextlib.ExitStack() as held:
        stores = {}
        for name, some in pools(articles, labelled).items():
            folder = Path(held.enter_context(tempfile.TemporaryDirectory()))
            stores[name] = store = open_store(folder)
            held.callback(store.close)
            for at in range(0, len(some), BATCH):
                store.articles.put_articles(some[at : at + BATCH])
        yield lambda case: [
            hit.article.article_id for hit in stores[case.among].search.search(node_of(case), limit=DEPTH).hits
        ]


def pools(articles: Sequence[Article], labelled: frozenset[str]) -> dict[str, Sequence[Article]]:
    return {"all": articles, "labelled": [article for article in articles if article.article_id in labelled]}


@contextlib.contextmanager
def elasticsearch(url: str, articles: Sequence[Article], labelled: frozenset[str]) -> Iterator[dict[str, Ask]]:
    """Ours; Elasticsearch's own ``arabic`` analyser and key forms without stems, title and text weighing the same: their best."""
    run_id = secrets.token_hex(3)
    searches: dict[str, ElasticSearch] = {}
    names: list[str] = []
    with connect(ElasticsearchSettings(url=url)) as client:
        try:
            for pool, some in pools(articles, labelled).items():
                settings = ElasticsearchSettings(url=url, prefix=f"eval{run_id}{pool}", refresh="1s")
                names += [f"{settings.prefix}-articles-*", f"{settings.prefix}-plain"]
                writer = ElasticArticles(client, settings)
                for at in range(0, len(some), BATCH):
                    writer.put_articles(some[at : at + BATCH])
                searches[pool] = ElasticSearch(client, settings)
                plain(client, f"{settings.prefix}-plain", some)
            yield {
                "Marsad": lambda case: [
                    hit.article.article_id for hit in searches[case.among].search(node_of(case), limit=DEPTH).hits
                ],
                "arabic analyser": lambda case: asked(client, f"eval{run_id}{case.among}-plain", case, "arabic"),
                "key form": lambda case: asked(client, f"eval{run_id}{case.among}-plain", case, "key"),
                **{f"Marsad {weights}": with_weights(client, f"eval{run_id}", weights) for weights in TRIED},
            }
        finally:
            for name in names:
                for index in client.indices.get(index=name, ignore_unavailable=True).body:
                    client.indices.delete(index=index)
            client.options(ignore_status=404).indices.delete_index_template(name=f"eval{run_id}*")


def with_weights(client: Any, prefix: str, weights: tuple[float, float]) -> Ask:
    """Ours with other weights, asked of the queries that weights are chosen by and of no others."""

    def ask(case: Case) -> Sequence[str]:
        if part_of(case) != "chosen on":
            return ()
        with mock.patch.multiple(dsl, KEY_WEIGHT=weights[0], PAIR_WEIGHT=weights[1]):
            query = dsl.compile_query(node_of(case))
        order = [{"_score": "desc"}, {"search.order": "desc"}]
        index = f"{prefix}{case.among}-articles"
        answer = client.search(index=index, query=query, size=DEPTH, source=False, sort=order)
        return [hit["_id"] for hit in answer["hits"]["hits"]]

    return ask


def plain(client: Any, index: str, articles: Sequence[Article]) -> None:
    """An index with title and body under both analysers."""
    field = {
        "type": "text",
        "analyzer": "arabic",
        "fields": {"key": {"type": "text", "analyzer": "marsad_key"}},
    }
    client.indices.create(
        index=index,
        settings={"number_of_shards": 1, "number_of_replicas": 0, "analysis": analysis()},
        mappings={"properties": {"title": field, "text": field}},
    )
    for at in range(0, len(articles), BATCH):
        lines: list[dict[str, Any]] = []
        for article in articles[at : at + BATCH]:
            body = article.text if article.lead in article.text else f"{article.lead}\n{article.text}"
            lines += [{"index": {"_id": article.article_id}}, {"title": article.title, "text": body}]
        client.bulk(index=index, operations=lines)
    client.indices.refresh(index=index)


def asked(client: Any, index: str, case: Case, analyser: str) -> list[str]:
    ending = ".key" if analyser == "key" else ""
    fields = [f"text{ending}"] if case.scope == "text" else [f"title{ending}", f"text{ending}"]
    query = {"multi_match": {"query": case.text, "fields": fields, "type": "most_fields"}}
    answer = client.search(index=index, query=query, size=DEPTH, source=False)
    return [hit["_id"] for hit in answer["hits"]["hits"]]
