"""Indices made anew on a real Elasticsearch while they are read and written."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from marsad.config import ElasticsearchSettings
from marsad.errors import StoreError
from marsad.progress import Progress
from marsad.query import parse
from marsad.records import Article
from marsad.testing.factories import NOW, a_story, an_article
from sinks.index import mapping
from sinks.index.bulk import BulkWriter
from sinks.index.client import connect
from sinks.index.operations import Change
from sinks.index.reindex import check_indices, reindex
from sinks.index.search import ElasticSearch

pytestmark = pytest.mark.cluster


@pytest.fixture
def client(elastic: ElasticsearchSettings) -> Iterator[Elasticsearch]:
    with connect(elastic) as made:
        yield made


def some(first: int, count: int, **fields: Any) -> list[Article]:
    return [an_article(article_id=f"{n:032x}", story_id=f"story-{n}", **fields) for n in range(first, first + count)]


def write(client: Elasticsearch, settings: ElasticsearchSettings, articles: list[Article]) -> None:
    writer = BulkWriter(client, settings, progress=Progress())
    ticket = writer.begin(
        [Change(article=one, story=a_story(story_id=one.story_id), story_version=7) for one in articles]
    )
    while not ticket.done:
        writer.pump(0.05)
    writer.close()
    assert ticket.outcomes().refused == ()


def older_shape(monkeypatch: pytest.MonkeyPatch, client: Elasticsearch, settings: ElasticsearchSettings) -> None:
    """Indices as an earlier version would have made them."""
    with monkeypatch.context() as patched:
        patched.setattr(mapping, "MAPPING_VERSION", 0)
        mapping.ensure_templates(client, settings)
        write(client, settings, [*some(0, 1_200), *some(1_200, 300, first_seen_at=NOW - timedelta(days=40))])


def test_nothing_is_lost_doubled_or_out_of_reach_while_indices_are_made_anew(
    client: Elasticsearch, elastic: ElasticsearchSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    older_shape(monkeypatch, client, elastic)
    client.indices.refresh(index=f"{elastic.prefix}-*")
    search = ElasticSearch(client, elastic)
    before = check_indices(client, elastic)
    assert {state.current for state in before} == {False}
    stop, counts = threading.Event(), []

    def read() -> None:
        while not stop.is_set():
            counts.append(search.count())

    def keep_writing() -> None:
        for at in range(20):
            write(client, elastic, some(5_000 + 20 * at, 20))
            write(client, elastic, some(10 * at, 10, title="خبر مصحح", revision=2))

    threads = [threading.Thread(target=each) for each in (read, keep_writing)]
    for thread in threads:
        thread.start()
    done = list(reindex(client, elastic, every=False, told=lambda *_: None))
    threads[1].join(60)
    stop.set()
    threads[0].join(60)
    client.indices.refresh(index=f"{elastic.prefix}-*")

    assert [one.name for one in done] == [state.name for state in before]
    assert {state.current for state in check_indices(client, elastic)} == {True}
    assert {state.problem for state in check_indices(client, elastic)} == {""}
    assert search.count() == 1_500 + 400
    assert search.search(parse("title:مصحح", now=NOW)).total == 200
    assert min(counts) >= 1_500
    assert max(counts) <= 1_900
    assert client.count(index=f"{elastic.prefix}-stories")["count"] == 1_900


def test_an_index_from_before_stories_had_numbers_is_searched_and_says_what_it_needs_for_the_rest(
    client: Elasticsearch, elastic: ElasticsearchSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    properties = mapping._ARTICLE["search"]["properties"]
    with monkeypatch.context() as patched:
        for name in ("order", "story"):
            patched.delitem(properties, name)
        mapping.ensure_templates(client, elastic)
        write(client, elastic, some(0, 3))
        write(client, elastic, [an_article(article_id="f" * 32, story_id="story-1")])
    client.indices.refresh(index=f"{elastic.prefix}-*")
    search, query = ElasticSearch(client, elastic), parse("*", now=NOW)

    assert search.search(query, sort="date").total == 4
    with pytest.raises(StoreError, match="marsad index reindex"):
        search.search(query, sort="date", collapse=True)
    list(reindex(client, elastic, every=False, told=lambda *_: None))
    client.indices.refresh(index=f"{elastic.prefix}-*")
    assert search.search(query, sort="date", collapse=True).total == 3


def test_what_was_deleted_meanwhile_stays_deleted_and_a_second_time_changes_nothing(
    client: Elasticsearch, elastic: ElasticsearchSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    older_shape(monkeypatch, client, elastic)
    months = [state for state in check_indices(client, elastic) if state.kind == "articles"]
    gone: list[str] = []

    def told(name: str, copied: int, count: int) -> None:
        if name == months[0].name and not gone:
            client.delete(index=name, id=f"{1_250:032x}", refresh=True)
            gone.append(name)

    assert len(list(reindex(client, elastic, every=False, told=told))) == 3
    assert list(reindex(client, elastic, every=False, told=told)) == []
    again = list(reindex(client, elastic, every=True, told=told))

    client.indices.refresh(index=f"{elastic.prefix}-*")
    assert [one.name for one in again] == [state.name for state in check_indices(client, elastic)]
    assert ElasticSearch(client, elastic).count() == 1_499
    assert ElasticSearch(client, elastic).article(f"{1_250:032x}") is None


def test_the_next_month_is_made_in_the_new_shape_beside_those_that_were_made_anew(
    client: Elasticsearch, elastic: ElasticsearchSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    older_shape(monkeypatch, client, elastic)
    list(reindex(client, elastic, every=False, told=lambda *_: None))
    write(client, elastic, some(9_000, 5, first_seen_at=NOW + timedelta(days=40)))
    client.indices.refresh(index=f"{elastic.prefix}-*")

    assert {state.current for state in check_indices(client, elastic)} == {True}
    assert ElasticSearch(client, elastic).count() == 1_505
