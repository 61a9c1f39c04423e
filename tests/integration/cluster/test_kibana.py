"""What the dashboards ask, asked of a real Elasticsearch: every panel and every saved search has something to show."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from marsad.config import ElasticsearchSettings
from marsad.progress import Progress
from marsad.records import FeedState, GapMark, Health, Standing, encode
from marsad.streams import Message
from marsad.testing.factories import NOW, a_feed, a_story, a_subscription, an_alert
from marsad.testing.queries import sample_articles
from sinks.index.boards import alert_reader, feed_reader
from sinks.index.bulk import BulkWriter
from sinks.index.client import connect
from sinks.index.document import board_index, story_index
from sinks.index.kibana.dashboards import DASHBOARDS, SEARCHES
from sinks.index.kibana.lens import aggregation, search_query
from sinks.index.kibana.parts import Panel, Search
from sinks.index.kibana.views import VIEWS
from sinks.index.operations import Change

pytestmark = pytest.mark.cluster

SENTENCES = (Path(__file__).parents[2] / "recorded/query/sentences.txt").read_text(encoding="utf-8").splitlines()
PANELS = [(board.since, panel) for board in DASHBOARDS for panel in board.panels if isinstance(panel, Panel)]


def state_of(number: int) -> FeedState:
    sick = number % 2 == 1
    return FeedState(
        feed_id=f"feed-{number}",
        health=Health.HTTP_5XX if sick else Health.OK,
        standing=Standing.FAILING if sick else Standing.STEADY,
        last_poll_at=NOW,
        last_new_at=NOW - timedelta(hours=number),
        failures=3 * sick,
        gaps=(GapMark(NOW, None, None, missed_at_least=4),) if sick else (),
        gap_count=int(sick),
    )


def fill(client: Elasticsearch, settings: ElasticsearchSettings) -> None:
    """Sample articles, stories, feeds and alerts, by the way that the index service takes."""
    writer = BulkWriter(client, settings, progress=Progress())
    articles = [*sample_articles(SENTENCES, 300, seed=3)]
    stories = [a_story(story_id=f"story-{n}", size=n + 1, last_seen_at=NOW - timedelta(minutes=n)) for n in range(6)]
    states = [
        Message(stream="feed-states.v1", key=f"feed-{n}", value=encode(state_of(n)), offset=n, at=NOW) for n in range(6)
    ]
    alerts = [
        Message(
            stream="alerts.v1",
            key=f"alert-{n}",
            value=encode(
                an_alert(
                    alert_id=f"alert-{n}", story_id=f"story-{n}", topics=("sanctions",), at=NOW - timedelta(hours=n)
                )
            ),
            offset=n,
            at=NOW,
        )
        for n in range(6)
    ]
    tickets = [
        writer.begin(
            [
                Change(article=article, story=story)
                for article, story in zip(articles, [*stories, *[None] * 294], strict=True)
            ]
        ),
        writer.begin(feed_reader(lambda key: a_feed(id=key, title=f"خلاصة {key}"))(states).changes),
        writer.begin(alert_reader(lambda key: a_subscription(id=key))(alerts).changes),
    ]
    while not all(ticket.done for ticket in tickets):
        writer.pump(0.1)
    writer.close()
    assert [ticket.outcomes().refused for ticket in tickets] == [(), (), ()]
    client.indices.refresh(index=f"{settings.prefix}-*")


@pytest.fixture
def client(elastic: ElasticsearchSettings) -> Iterator[Elasticsearch]:
    with connect(elastic) as made:
        fill(made, elastic)
        yield made


def within(view: str, since: str) -> dict[str, str]:
    """The range of time that the dashboard looks at, as if the present were that of the samples."""
    at = NOW.isoformat()
    return {"time": VIEWS[view].time, "since": f"{at}||{since.removeprefix('now')}", "until": f"{at}||+1m"}  # type: ignore[index]


def rows(answer: dict[str, Any], panel: Panel) -> list[dict[str, Any]]:
    """What a panel draws: its innermost groups, each with its numbers."""
    found = [{"doc_count": answer["hits"]["total"]["value"], **answer.get("aggregations", {})}]
    for at, _ in enumerate(panel.groups):
        found = [bucket for outer in found for bucket in outer[f"g{at}"]["buckets"] if bucket["doc_count"]]
    return found


def test_every_panel_has_rows_and_every_number_a_value(client: Elasticsearch, elastic: ElasticsearchSettings) -> None:
    for since, panel in PANELS:
        answer = client.search(
            index=f"{elastic.prefix}-{panel.view}",
            size=0,
            track_total_hits=True,
            query=search_query(panel.where, **within(panel.view, since)),
            aggs=aggregation(panel) or None,
        ).body
        found = rows(answer, panel)
        assert found, panel.title
        assert found[0]["doc_count"] > 0, panel.title
        for at, one in enumerate(panel.measures):
            if one.kind != "count":
                told = found[0][f"m{at}"]
                value = told["value"] if "value" in told else next(iter(told["values"].values()))
                assert value is not None, (panel.title, one.label)


@pytest.mark.parametrize("search", SEARCHES, ids=lambda search: search.id)
def test_every_saved_search_finds_documents_in_its_order(
    client: Elasticsearch, elastic: ElasticsearchSettings, search: Search
) -> None:
    if search.id == "partial":
        client.update_by_query(
            index=f"{elastic.prefix}-articles",
            query={"match_all": {}},
            script={"source": "ctx._source.partial = 'page-failed'", "lang": "painless"},
            refresh=True,
        )
    answer = client.search(
        index=f"{elastic.prefix}-{search.view}",
        size=50,
        query=search_query(search.where, **within(search.view, "now-30d")),
        sort=[{search.sort: "desc"}],
        fields=list(search.columns),
    )
    hits = answer["hits"]["hits"]
    assert hits
    assert all(first["sort"] >= second["sort"] for first, second in pairwise(hits))
    assert set(hits[0]["fields"]) >= {"title"} or "headline" in hits[0]["fields"]


def test_what_is_gone_from_the_streams_is_gone_from_the_boards(
    client: Elasticsearch, elastic: ElasticsearchSettings
) -> None:
    index = board_index("feeds", elastic.prefix)
    older = Message(stream="feed-states.v1", key="feed-1", value=encode(state_of(1)), offset=2, at=NOW)
    gone = Message(stream="feed-states.v1", key="feed-1", value=None, offset=9, at=NOW + timedelta(seconds=1))
    writer = BulkWriter(client, elastic, progress=Progress())
    for messages in ([gone], [older]):
        ticket = writer.begin(feed_reader(lambda key: a_feed(id=key))(messages).changes)
        while not ticket.done:
            writer.pump(0.1)
    writer.close()
    client.indices.refresh(index=index)

    assert client.count(index=index)["count"] == 5
    assert client.count(index=story_index(elastic.prefix))["count"] == 6
