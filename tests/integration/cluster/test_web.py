"""The web page and the API over a real broker and a real Elasticsearch."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from marsad.config import DataSettings, ElasticsearchSettings, KafkaSettings, Settings
from marsad.records import Feed, Subscription, decode, encode
from marsad.taxonomy import Taxonomy, load_taxonomy
from marsad.testing.factories import a_quarantined, a_story, an_alert, an_article, an_entry
from marsad_app.cluster.store import ClusterStore, open_cluster
from marsad_app.cluster.web import opened_web
from marsad_app.web.access import CSRF_COOKIE
from marsad_app.web.app import create_app
from processors.transact import read_stream

pytestmark = pytest.mark.cluster


@cache
def taxonomy() -> Taxonomy:
    return load_taxonomy(None)


class Line:
    """The way to a server, which a test can cut."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._target = parts.hostname or "", parts.port or 80
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        self.flows = asyncio.Event()
        self.flows.set()

    async def join(self) -> None:
        """Let everything through."""
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Refuse, and break what is under way."""
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        there, back = await asyncio.open_connection(*self._target)
        try:
            await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
        except (asyncio.CancelledError, OSError):
            pass
        finally:
            back.close()
            writer.close()
            self._tasks.discard(task)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            await self.flows.wait()
            writer.write(data)
            await writer.drain()
        writer.close()


@pytest.fixture
async def line(elastic: ElasticsearchSettings) -> AsyncIterator[Line]:
    made = Line(elastic.url)
    await made.join()
    yield made
    await made.cut()


@pytest.fixture
def settings(kafka: KafkaSettings, elastic: ElasticsearchSettings, line: Line, tmp_path: Path) -> Settings:
    through = elastic.model_copy(update={"url": f"http://127.0.0.1:{line.port}"})
    return Settings(kafka=kafka, elasticsearch=through, data=DataSettings(dir=tmp_path / "web"))


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    with opened_web(settings) as services:
        app = create_app(await asyncio.to_thread(services, taxonomy))
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1:8080", cookies={CSRF_COOKIE: "f00d"}
        ) as made:
            await until(lambda: answers(made, "/readyz", 200))
            yield made


@pytest.fixture
def other(settings: Settings, elastic: ElasticsearchSettings, tmp_path: Path) -> Iterator[ClusterStore]:
    """Another process's store, on the same streams and index."""
    elsewhere = {"elasticsearch": elastic, "data": DataSettings(dir=tmp_path / "other")}
    store = open_cluster(settings.model_copy(update=elsewhere))
    yield store
    store.close()


async def until(holds: Callable[[], Awaitable[bool]], seconds: float = 20.0) -> None:
    limit = time.monotonic() + seconds
    while not await holds():
        assert time.monotonic() < limit, "waited in vain"
        await asyncio.sleep(0.02)


async def answers(client: httpx.AsyncClient, path: str, status: int) -> bool:
    return (await client.get(path)).status_code == status


async def test_what_is_added_through_the_api_is_in_the_streams(client: httpx.AsyncClient, kafka: KafkaSettings) -> None:
    made = await client.post("/api/v1/subscriptions", json={"name": "حدود", "query": "country:DZ"})
    feed = await client.post("/api/v1/feeds", json={"url": "https://news.example/rss", "title": "أخبار"})

    assert (made.status_code, feed.status_code) == (201, 201)
    (subscription,) = read_stream(kafka, "subscriptions.v1")
    assert subscription.key == made.json()["id"]
    assert decode(Subscription, subscription.value or b"").name == "حدود"
    (stored,) = read_stream(kafka, "feeds.v1")
    assert decode(Feed, stored.value or b"").url == "https://news.example/rss"

    assert (await client.delete(f"/api/v1/subscriptions/{made.json()['id']}")).status_code == 204
    assert (await client.get("/api/v1/subscriptions")).json() == []
    assert [message.value is None for message in read_stream(kafka, "subscriptions.v1")] == [False, True]


async def test_an_alert_that_another_process_raises_is_in_the_api_and_in_its_atom_feed(
    client: httpx.AsyncClient, other: ClusterStore
) -> None:
    made = (await client.post("/api/v1/subscriptions", json={"name": "س", "query": "country:DZ"})).json()
    alert = an_alert(subscription_id=made["id"], title="خبر عاجل من الحدود")

    await asyncio.to_thread(lambda: other.alerts.record_alerts([alert], []))

    async def listed() -> bool:
        return [one["title"] for one in (await client.get("/api/v1/alerts")).json()] == [alert.title]

    await until(listed)
    assert alert.title in (await client.get(made["feed"])).text


async def test_articles_and_stories_come_from_the_index(client: httpx.AsyncClient, other: ClusterStore) -> None:
    def index() -> None:
        other.articles.put_articles([an_article(article_id="a" * 32, title="اتفاق دفاعي جديد", story_id="s1")])
        other.stories.put_stories([a_story(story_id="s1", headline="اتفاق دفاعي")])

    await asyncio.to_thread(index)

    found = (await client.get("/api/v1/articles", params={"q": "دفاعي"})).json()
    assert [hit["article"]["title"] for hit in found["hits"]] == ["اتفاق دفاعي جديد"]
    assert "اتفاق دفاعي" in (await client.get("/stories/s1")).text


async def test_a_quarantined_entry_is_sent_to_the_processors_again(
    client: httpx.AsyncClient, other: ClusterStore, kafka: KafkaSettings
) -> None:
    entry = an_entry()
    item = a_quarantined(id="q1", stage="clean", payload=encode(entry))
    await asyncio.to_thread(lambda: other.quarantine.quarantine([item]))
    await until(lambda: answers(client, "/api/v1/quarantine/q1", 200))

    assert (await client.post("/api/v1/quarantine/q1/replay")).status_code == 200

    (sent,) = read_stream(kafka, "entries.v1")
    assert (sent.key, sent.value) == (entry.article_id, encode(entry))
    assert await answers(client, "/api/v1/quarantine/q1", 404)


async def test_while_elasticsearch_is_away_the_rest_goes_on_and_it_is_said(
    client: httpx.AsyncClient, line: Line
) -> None:
    await line.cut()
    await until(lambda: answers(client, "/readyz", 503))

    ready = (await client.get("/readyz")).json()
    health = await client.get("/healthz")
    assert ready["status"] == "elasticsearch"
    assert "elasticsearch.url" in ready["error"]
    assert (health.status_code, health.json()["kafka"]) == (200, "ok")
    assert "elasticsearch.url" in health.json()["elasticsearch"]

    page, answer = await client.get("/"), await client.get("/api/v1/articles", params={"q": "خبر"})
    assert (page.status_code, page.headers["content-type"].split(";")[0]) == (503, "text/html")
    assert answer.status_code == 503
    assert "elasticsearch.url" in answer.json()["error"]

    made = await client.post("/api/v1/subscriptions", json={"name": "س", "query": "country:DZ"})
    assert made.status_code == 201
    for path in ("/subscriptions", "/feeds", "/quarantine", made.json()["feed"]):
        assert await answers(client, path, 200), path
    figures = (await client.get("/metrics")).text
    assert 'marsad_up{part="elasticsearch"} 0.0' in figures
    assert 'marsad_up{part="kafka"} 1.0' in figures

    await line.join()
    await until(lambda: answers(client, "/readyz", 200))
    assert await answers(client, "/", 200)


async def test_while_elasticsearch_hangs_health_and_all_else_answer_at_once(
    client: httpx.AsyncClient, line: Line
) -> None:
    line.flows.clear()
    searches = [asyncio.create_task(client.get("/api/v1/articles", params={"q": "خبر"})) for _ in range(5)]
    await until(lambda: answers(client, "/readyz", 503))

    assert await answers(client, "/healthz", 200)
    assert await answers(client, "/api/v1/subscriptions", 200)
    assert not any(search.done() for search in searches)

    line.flows.set()
    assert [answer.status_code for answer in await asyncio.gather(*searches)] == [200] * 5
    await until(lambda: answers(client, "/readyz", 200))
