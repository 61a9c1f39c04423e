import csv
import io
import json
from datetime import timedelta

import httpx
import pytest

from marsad.testing.desk import PORT_CALL
from marsad.testing.factories import NOW, an_article
from marsad.testing.fakes import InMemoryStore

READS = [
    "/api/v1/articles?q=الجزائر&facets=topic&facets=day&sort=date&collapse=true&limit=1",
    f"/api/v1/articles/{PORT_CALL}",
    "/api/v1/stories?min_size=2",
    "/api/v1/stories/port-call",
    "/api/v1/topics",
    "/api/v1/subscriptions",
    "/api/v1/subscriptions/subscription-1",
    "/api/v1/alerts?subscription=subscription-1",
    "/api/v1/deliveries",
    "/api/v1/feeds?health=http-5xx",
    "/api/v1/feeds/feed-1",
    "/api/v1/quarantine?stage=poll",
    "/api/v1/quarantine/q2",
    "/api/v1/status",
    "/healthz",
    "/readyz",
]


@pytest.mark.parametrize("path", READS)
async def test_everything_that_can_be_read_answers_in_json(reader: httpx.AsyncClient, path: str) -> None:
    answer = await reader.get(path)

    assert answer.status_code == 200
    assert answer.json()


async def test_search_answers_with_hits_highlights_and_facets(reader: httpx.AsyncClient) -> None:
    found = (await reader.get("/api/v1/articles", params={"q": "الغاز", "facets": ["topic", "country"]})).json()

    (hit,) = found["hits"]
    assert found["total"] == 1
    marks = {hit["article"][mark["field"]][mark["start"] : mark["end"]] for mark in hit["highlights"]}
    assert marks == {"الغاز"}
    assert found["facets"]["topic"] == [{"value": "energy", "count": 1}]
    assert hit["article"]["topics"][0]["evidence"][0]["term"] == "الغاز المسال"


async def test_picks_narrow_the_search_as_on_the_page(reader: httpx.AsyncClient) -> None:
    found = (await reader.get("/api/v1/articles?country=QA&country=TN&until=2026-07-10")).json()

    assert [hit["article"]["outlet"] for hit in found["hits"]] == ["راديو الواحة"]


async def test_a_query_fault_carries_its_position(reader: httpx.AsyncClient) -> None:
    answer = await reader.get("/api/v1/articles", params={"q": "روسيا nofield:x"})

    assert answer.status_code == 400
    assert answer.json()["position"] == 6
    assert "nofield" in answer.json()["error"]


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "offset=-1", "offset=10001", "sort=random", "facets=text", "q=" + "x" * 2_001, "limit=x"],
)
async def test_bounds_are_kept_and_told(reader: httpx.AsyncClient, query: str) -> None:
    answer = await reader.get(f"/api/v1/articles?{query}")

    assert answer.status_code == 422
    assert set(answer.json()) == {"error"}


@pytest.mark.parametrize("path", ["/articles/x", "/stories/x", "/subscriptions/x", "/feeds/x", "/quarantine/x", "/x"])
async def test_what_is_missing_answers_404_in_json(reader: httpx.AsyncClient, path: str) -> None:
    answer = await reader.get(f"/api/v1{path}")

    assert answer.status_code == 404
    assert answer.json()["error"]


async def test_a_subscription_lives_from_post_to_delete(client: httpx.AsyncClient, store: InMemoryStore) -> None:
    given = {
        "name": "طاقة",
        "query": "topic:energy",
        "triggers": ["new-article"],
        "quiet": {"start": "22:00", "end": "07:00", "zone": "Asia/Riyadh"},
        "outlets": ["json://hooks.example/a"],
    }
    made = (await client.post("/api/v1/subscriptions", json=given)).json()

    assert made["outlets"] == ["json://hooks.example/a"]
    assert (await client.get(made["feed"])).status_code == 200
    path = f"/api/v1/subscriptions/{made['id']}"
    changed = (await client.put(path, json={**given, "name": "غاز", "enabled": False})).json()
    assert (changed["id"], changed["name"], changed["enabled"]) == (made["id"], "غاز", False)
    assert changed["feed"] == made["feed"]
    assert (await client.delete(path)).status_code == 204
    assert (await client.delete(path)).status_code == 404
    assert len(store.subscriptions.subscriptions()) == 1


async def test_posting_a_subscription_again_makes_no_second_one(client: httpx.AsyncClient) -> None:
    given = {"name": "طاقة", "query": "topic:energy"}
    first = (await client.post("/api/v1/subscriptions", json=given)).json()

    assert (await client.post("/api/v1/subscriptions", json=given)).json() == first


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"query": "(x"}, 400),
        ({"query": ""}, 422),
        ({"triggers": []}, 422),
        ({"story_outlets": 1}, 422),
        ({"unknown": 1}, 422),
        ({"quiet": {"start": "22:00", "end": "07:00", "zone": "/etc/passwd"}}, 400),
        ({"quiet": {"start": "x", "end": "07:00"}}, 422),
    ],
)
async def test_a_wrong_subscription_is_refused(
    client: httpx.AsyncClient, store: InMemoryStore, wrong: dict[str, object], status: int
) -> None:
    answer = await client.post("/api/v1/subscriptions", json={"name": "x", "query": "x", **wrong})

    assert answer.status_code == status
    assert answer.json()["error"]
    assert len(store.subscriptions.subscriptions()) == 1


async def test_a_body_that_is_no_json_is_refused(client: httpx.AsyncClient) -> None:
    headers = {"content-type": "text/plain"}
    answer = await client.post("/api/v1/subscriptions", content='{"name":"x","query":"x"}', headers=headers)

    assert answer.status_code == 422


async def test_feeds_are_added_muted_and_removed(client: httpx.AsyncClient, store: InMemoryStore) -> None:
    made = (await client.post("/api/v1/feeds", json={"url": "https://feeds.example/n.xml", "country": "DZ"})).json()

    path = f"/api/v1/feeds/{made['id']}"
    assert (made["health"], made["outlet"], made["muted"]) == ("new", "feeds.example", False)
    assert (await client.put(f"{path}/mute")).json()["muted"]
    assert not (await client.delete(f"{path}/mute")).json()["muted"]
    assert (await client.delete(path)).status_code == 204
    assert store.feeds.feed(made["id"]) is None
    assert (await client.post("/api/v1/feeds", json={"url": "file:///etc/passwd"})).status_code == 400


async def test_export_streams_every_matching_article_as_json_lines(
    client: httpx.AsyncClient, store: InMemoryStore
) -> None:
    store.articles.put_articles([an_article(title=f"خبر {n}") for n in range(450)])
    lines = (await client.get("/api/v1/export")).text.splitlines()
    records = [json.loads(line) for line in lines]

    assert len({record["article_id"] for record in records}) == store.articles.count()
    wanted = {"article_id", "url", "guids", "title", "text", "topics", "countries", "story_id", "duplicate_of"}
    assert wanted <= records[0].keys()
    port_call = next(record for record in records if record["article_id"] == PORT_CALL)
    assert port_call["topics"] == ["defense-cooperation", "military-exercise"]
    assert port_call["countries"] == ["DZ", "RU"]
    assert len((await client.get("/api/v1/export?q=الغاز")).text.splitlines()) == 1


async def test_csv_opens_in_a_spreadsheet_and_runs_no_formula(client: httpx.AsyncClient, store: InMemoryStore) -> None:
    store.articles.put_articles([an_article(title='=HYPERLINK("http://evil")', published_at=NOW + timedelta(1))])
    answer = await client.get("/api/v1/export?format=csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))

    assert len(rows) == store.articles.count()
    assert '\'=HYPERLINK("http://evil")' in {row["title"] for row in rows}
    assert answer.headers["content-disposition"] == 'attachment; filename="marsad.csv"'


async def test_the_openapi_document_describes_the_whole_api(reader: httpx.AsyncClient) -> None:
    document = (await reader.get("/api/v1/openapi.json")).json()

    paths = document["paths"]
    assert all(path.startswith("/api/v1/") or path in {"/healthz", "/readyz", "/metrics"} for path in paths)
    assert "/api/v1/export" in paths
    assert all(operation["summary"] for operations in paths.values() for operation in operations.values())
    assert document["components"]["schemas"]["ArticleOut"]["properties"]["duplicate_of"]


async def test_metrics_count_requests_and_show_the_stages(client: httpx.AsyncClient) -> None:
    await client.get("/nope")
    text = (await client.get("/metrics")).text

    assert 'marsad_http_requests_total{method="GET",status="404"} 1.0' in text
    assert 'marsad_stage_outcomes{kind="indexed"} 160.0' in text
    assert 'marsad_feeds{health="http-5xx"} 1.0' in text
