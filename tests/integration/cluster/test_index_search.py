"""Articles and stories in a real Elasticsearch: the contracts of the ports, and the same pages as in the embedded size."""

import inspect
import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, cast

import msgspec
import pytest
from elasticsearch import Elasticsearch

from marsad.config import ElasticsearchSettings
from marsad.errors import StoreError
from marsad.query import MatchDoc, compile_predicate, parse
from marsad.query.ast import MatchAll, Or, Phrase, Word
from marsad.records import Article, CountryTag, EntityTag, Evidence, Place, Sort, Story, TopicTag
from marsad.records.ids import article_id
from marsad.testing.contracts import CONTRACTS, Adapters
from marsad.testing.factories import NOW, a_story, an_article
from marsad.testing.queries import QueryMaker, sample_articles
from marsad_app.embedded.articles import SqliteArticles, SqliteStories
from marsad_app.embedded.database import Database
from marsad_app.embedded.search import SqliteSearch
from sinks.index.articles import ElasticArticles, put_documents
from sinks.index.client import connect
from sinks.index.document import document_of, index_of, read_alias, version_of
from sinks.index.mapping import ensure_templates
from sinks.index.search import ElasticSearch
from sinks.index.stories import ElasticStories

pytestmark = pytest.mark.cluster

SENTENCES = (Path(__file__).parents[2] / "recorded/query/sentences.txt").read_text(encoding="utf-8").splitlines()
OF_THE_INDEX: Final = ("articles", "search", "stories")


class Index(SimpleNamespace):
    """The adapters over one empty index."""

    client: Elasticsearch
    settings: ElasticsearchSettings
    articles: ElasticArticles
    search: ElasticSearch
    stories: ElasticStories


@pytest.fixture
def index(elastic: ElasticsearchSettings) -> Iterator[Index]:
    with connect(elastic) as client:
        yield Index(
            client=client,
            settings=elastic,
            articles=ElasticArticles(client, elastic),
            search=ElasticSearch(client, elastic),
            stories=ElasticStories(client, elastic),
        )


def is_of_the_index(contract: Callable[[Adapters], None]) -> bool:
    """It asks nothing of the other ports."""
    text = inspect.getsource(contract)
    return set(re.findall(r"store\.(\w+)", text)) <= set(OF_THE_INDEX)


@pytest.mark.parametrize("contract", list(filter(is_of_the_index, CONTRACTS)), ids=lambda each: each.__name__)
def test_elasticsearch_keeps_the_contract(contract: Callable[[Adapters], None], index: Index) -> None:
    contract(cast("Adapters", index))


def a_full_article() -> Article:
    """An article with something in every field."""
    evidence = (Evidence("تعاون", "title", 0, 5, 0.1), Evidence("دفاع", "text", 3, 9))
    return an_article(
        article_id="e" * 32,
        title="عنوان\u200f فيه «علامات» \x00 و😀 وتَشكيل",
        lead="مقدمة ليست في النص",
        authors=("كاتب",),
        outlet_country="DZ",
        sections=("سياسة", "politics"),
        image="https://news.example/1.jpg",
        published_at=NOW.replace(microsecond=123_457),
        published_precision="minute",
        published_zone="+03:00",
        published_raw="الثلاثاء",
        date_problem="frozen",
        updated_at=NOW + timedelta(microseconds=1),
        topics=(TopicTag("energy", 0.1 + 0.2, evidence), TopicTag("sanctions", 1e-7)),
        countries=(CountryTag("DZ", 3, "actor", evidence),),
        places=(Place("الجزائر", "DZ", 36.73225, 3.08746, 2507480, 2), Place("بلا", "DZ", 91.0, 200.0)),
        entities=(EntityTag("Q1", "organisation", "أوبك", "OPEC", 2, evidence),),
        story_id="5" * 32,
        duplicate_of="d" * 32,
        revision=3,
        edition=9,
        taxonomy_version="2026-07",
        pipeline_version="1",
        partial="page: timeout",
    )


def test_an_article_comes_back_exactly_as_it_was_put(index: Index) -> None:
    article = a_full_article()

    index.articles.put_articles([article])

    assert index.search.article(article.article_id) == article
    assert next(index.search.export()) == article
    assert index.search.search(parse("علامات", now=NOW)).hits[0].article == article


def test_of_one_revision_an_older_edition_never_replaces_a_later_one(index: Index) -> None:
    later = an_article(article_id="a" * 32, edition=7, title="الأحدث")
    index.articles.put_articles([later])

    index.articles.put_articles([msgspec.structs.replace(later, edition=6, title="الأقدم")])

    assert index.search.article("a" * 32) == later


def test_articles_lie_in_the_month_of_their_first_sight_and_are_found_in_all(index: Index) -> None:
    months = ["2025-12", "2026-01", "2026-07"]
    articles = [
        an_article(article_id=str(at) * 32, first_seen_at=NOW.replace(year=int(month[:4]), month=int(month[5:]), day=1))
        for at, month in enumerate(months)
    ]

    index.articles.put_articles(articles)

    names = sorted(index.client.indices.get(index=read_alias(index.settings.prefix)).body)
    assert names == [f"{index.settings.prefix}-articles-{month}" for month in months]
    assert index.search.count() == 3
    assert [index.search.article(each.article_id) for each in articles] == articles


def test_an_article_left_behind_in_another_month_is_read_in_its_later_edition(index: Index) -> None:
    old = an_article(article_id="a" * 32, first_seen_at=NOW)
    new = msgspec.structs.replace(old, first_seen_at=NOW - timedelta(days=40), revision=2, title="مصحح")

    index.articles.put_articles([old, new])

    assert index.search.article("a" * 32) == new


def test_before_the_first_article_there_is_nothing(elastic: ElasticsearchSettings) -> None:
    with connect(elastic) as client:
        search, stories = ElasticSearch(client, elastic), ElasticStories(client, elastic)

        assert search.count() == 0
        assert search.article("x") is None
        assert list(search.export()) == []
        for sort in ("relevance", "date", "story"):
            for collapse in (True, False):
                page = search.search(parse("خبر", now=NOW), sort=cast("Sort", sort), collapse=collapse)
                assert (page.hits, page.total, page.exact) == ((), 0, True)
        assert search.facets(MatchAll(), ["topic", "day"]) == {"topic": (), "day": ()}
        assert stories.story("x") is None
        assert list(stories.latest_stories()) == []
        assert list(stories.story_articles("x")) == []


def made_articles(count: int) -> list[Article]:
    """Articles whose ids tell nothing of their order."""
    return [
        msgspec.structs.replace(article, article_id=article_id("", "f", str(number)))
        for number, article in enumerate(sample_articles(SENTENCES, count, seed=11))
    ]


def made_stories(articles: list[Article]) -> list[Story]:
    """Their stories, of sizes that are all different."""
    names = sorted({article.story_id for article in articles})
    return [a_story(story_id=name, size=size) for size, name in enumerate(names, start=1)]


def test_pages_and_facets_are_those_of_the_embedded_size(index: Index, tmp_path: Path) -> None:
    articles = made_articles(150)
    stories = made_stories(articles)
    database = Database(tmp_path / "store.db")
    SqliteArticles(database).put_articles(articles)
    SqliteStories(database).put_stories(stories)
    index.articles.put_articles(articles)
    index.stories.put_stories(stories)
    embedded = SqliteSearch(database)
    maker = QueryMaker(articles, seed=5)
    for number in range(30):
        text = maker.query(number % 3)
        node = parse(text, now=NOW)
        for sort in ("date", "story"):
            asked: dict[str, Any] = {"sort": sort, "limit": 7, "offset": number % 5, "collapse": number % 2 == 0}
            here, there = index.search.search(node, **asked), embedded.search(node, **asked)
            assert here.hits == there.hits, (text, asked)
            assert (here.total, here.exact) == (there.total, there.exact), (text, asked)
        collapse = number % 2 == 1
        here, there = (each.search(node, limit=100, collapse=collapse) for each in (index.search, embedded))
        assert here.total == there.total, text
        if not collapse and here.total <= 100:
            marks = ({hit.article.article_id: hit.highlights for hit in page.hits} for page in (here, there))
            assert next(marks) == next(marks), text
        names = ("topic", "country", "outlet", "day")
        assert index.search.facets(node, names, size=5) == embedded.facets(node, names, size=5), text
    database.close()


def test_relevance_puts_titles_first_and_ties_newest_first(index: Index) -> None:
    text = "نص عن أمور أخرى"
    index.articles.put_articles(
        [
            an_article(article_id="1" * 32, title="أمر", text=f"النفط {text}", published_at=NOW - timedelta(hours=1)),
            an_article(article_id="2" * 32, title="النفط", text=text, published_at=NOW - timedelta(days=9)),
            an_article(article_id="3" * 32, title="أمر", text=f"النفط {text}", published_at=NOW),
        ]
    )

    page = index.search.search(parse("النفط", now=NOW))

    assert [hit.article.article_id[0] for hit in page.hits] == ["2", "3", "1"]
    assert page.hits[0].score > page.hits[1].score > 0


def test_a_rare_word_weighs_the_same_in_a_young_month(index: Index) -> None:
    """Months are indices of their own; frequencies are counted over all of them."""
    old = [an_article(article_id=f"{n:032x}", title=f"خبر {n}", text="النفط") for n in range(1, 30)]
    young = an_article(
        article_id="f" * 32, title="خبر 99", text="النفط", first_seen_at=NOW + timedelta(days=30), published_at=NOW
    )
    index.articles.put_articles([*old, young])

    scores = {round(hit.score, 4) for hit in index.search.search(parse("النفط", now=NOW), limit=100).hits}

    assert len(scores) == 1


def test_the_export_comes_by_first_sight_and_in_parts(index: Index) -> None:
    articles = made_articles(600)
    index.articles.put_articles(articles)
    node = parse("روسيا OR country:DZ", now=NOW)
    fits = compile_predicate(node)

    exported = list(index.search.export())
    matching = list(index.search.export(node))

    assert exported == sorted(articles, key=lambda each: (each.first_seen_at, each.article_id))
    assert matching == [article for article in exported if fits(MatchDoc.of(article))]


def test_a_story_with_more_articles_than_one_answer_is_listed_whole(index: Index) -> None:
    articles = [
        an_article(article_id=f"{n:032x}", story_id="s", published_at=NOW + timedelta(seconds=n)) for n in range(600)
    ]
    index.articles.put_articles(articles)

    assert list(index.stories.story_articles("s")) == articles


def test_what_was_indexed_is_found_without_anybody_asking_for_a_refresh(elastic: ElasticsearchSettings) -> None:
    settings = elastic.model_copy(update={"refresh": "100ms"})
    article = an_article(title="عاجل")
    with connect(settings) as client:
        ensure_templates(client, settings)
        name = index_of(article, settings.prefix)
        # A shard is idle a moment after the last search instead of after 30 s: refreshing must go on all the same.
        client.indices.create(index=name, settings={"index": {"search": {"idle": {"after": "1ms"}}}})
        target = {"_index": name, "_id": article.article_id, "version": version_of(article)}
        lines: list[Any] = [{"index": {**target, "version_type": "external_gte"}}, document_of(article)]
        client.bulk(operations=lines)

        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            stats = client.indices.stats(index=name, metric="docs,refresh")["_all"]["primaries"]
            if stats["docs"]["count"] == 1:
                break
            time.sleep(0.02)

        assert stats["docs"]["count"] == 1


def test_templates_are_put_once_and_again_when_a_setting_changed(elastic: ElasticsearchSettings) -> None:
    names = [f"{elastic.prefix}-{name}" for name in ("articles", "stories", "feeds", "alerts")]
    with connect(elastic) as client:
        assert ensure_templates(client, elastic) == names
        assert ensure_templates(client, elastic) == []
        assert ensure_templates(client, elastic.model_copy(update={"replicas": 1})) == names


def test_words_are_found_by_what_people_write_in_kibana(index: Index) -> None:
    index.articles.put_articles([an_article(title="زيارة", text="بحث الجانبان وبالتعاونِ العسكريّ سبل الدعم")])
    asked: list[dict[str, Any]] = [
        {"query_string": {"query": "تعاون عسكرية"}},
        {"multi_match": {"query": "التعاون", "lenient": True}},
        {"match": {"text.stem": "التعاون"}},
        {"match_phrase": {"text": "العسكرى سبل"}},
        {"match": {"title": "زياره"}},
        {"term": {"outlet": "وكالة المثال"}},
    ]
    for query in asked:
        found = index.client.search(index=read_alias(index.settings.prefix), query=query)
        assert found["hits"]["total"]["value"] == 1, query


def test_a_query_with_too_many_phrases_is_told_apart_from_an_outage(index: Index) -> None:
    index.articles.put_articles([an_article()])
    phrases = tuple(Phrase("a b", (f"كلمه{n}", "b")) for n in range(3_000))

    with pytest.raises(StoreError, match="too large"):
        index.search.search(Or((Word("a", "a"), *phrases)))


def test_a_refused_document_is_named(index: Index) -> None:
    target = {"_index": f"{index.settings.prefix}-articles-2026-07", "_id": "bad"}

    with pytest.raises(StoreError, match=r"elasticsearch\.url.*refused bad"):
        put_documents(index.client, index.settings, [({"index": target}, b'{"published_at":"yesterday"}')])
