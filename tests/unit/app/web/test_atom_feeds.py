import feedparser
import httpx
import pytest

from marsad.testing.desk import PORT_CALL
from marsad.testing.factories import a_subscription, an_alert, an_article
from marsad.testing.fakes import InMemoryStore
from producers.parse import parse

FEED = "/feeds/subscriptions/subscription-1-5ec2e7.atom"
FEEDS = [FEED, "/feeds/topics/defense-cooperation.atom", "/feeds/search.atom?q=الجزائر", "/feeds/search.atom"]


@pytest.mark.parametrize("path", FEEDS)
async def test_a_feed_reader_understands_each_feed(reader: httpx.AsyncClient, path: str) -> None:
    answer = await reader.get(path)
    parsed = feedparser.parse(answer.content, response_headers={"content-type": answer.headers["content-type"]})

    assert not parsed.bozo
    assert parsed.version == "atom10"
    assert parsed.feed.id.startswith("urn:marsad:")
    assert parsed.feed.updated_parsed
    assert parsed.entries
    for entry in parsed.entries:
        assert entry.id.startswith("urn:marsad:")
        assert entry.link.startswith("http://127.0.0.1:8080/articles/")
        assert entry.updated_parsed


async def test_an_alert_says_why_it_came_and_what_matched(reader: httpx.AsyncClient) -> None:
    entry = feedparser.parse((await reader.get(FEED)).content).entries[-1]

    assert entry.link.endswith(PORT_CALL)
    assert "التعاون العسكري" in entry.summary
    assert "قصة جديدة" in entry.summary
    assert {tag.term for tag in entry.tags} == {"defense-cooperation", "military-exercise"}


async def test_an_unchanged_feed_is_not_sent_again(reader: httpx.AsyncClient) -> None:
    first = await reader.get(FEED)
    again = await reader.get(FEED, headers={"if-none-match": first.headers["etag"]})

    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "name",
    ["subscription-1-", "subscription-1-wrong", "subscription-1", "subscription", "none-5ec2e7", "-", "x" * 5_000],
)
async def test_the_secret_is_needed(reader: httpx.AsyncClient, name: str) -> None:
    assert (await reader.get(f"/feeds/subscriptions/{name}.atom")).status_code == 404


async def test_a_subscription_without_a_secret_has_no_feed(client: httpx.AsyncClient, store: InMemoryStore) -> None:
    store.subscriptions.put_subscription(a_subscription(id="bare", secret=""))

    assert (await client.get("/feeds/subscriptions/bare-.atom")).status_code == 404
    assert "subscriptions/bare-" not in (await client.get("/subscriptions/bare")).text


async def test_characters_that_xml_forbids_do_not_break_a_feed(client: httpx.AsyncClient, store: InMemoryStore) -> None:
    title = "خبر \x00\x0b\ufffe\ud800 <b>&amp; \u202e مقلوب"
    store.articles.put_articles([an_article(title=title, url="https://x.example/\x00a b", outlet="\x1f")])
    parsed = feedparser.parse((await client.get("/feeds/search.atom")).content)

    assert not parsed.bozo
    assert any("مقلوب" in entry.title for entry in parsed.entries)


async def test_a_bad_query_makes_no_feed(reader: httpx.AsyncClient) -> None:
    assert (await reader.get("/feeds/search.atom?q=(x")).status_code == 400
    assert (await reader.get("/feeds/topics/none.atom")).status_code == 404


async def test_a_search_page_names_its_feed(reader: httpx.AsyncClient) -> None:
    page = (await reader.get("/?q=الجزائر&country=DZ")).text

    assert 'href="/feeds/search.atom?q=' in page


async def test_a_subscription_has_a_json_feed_with_the_same_entries_under_the_same_secret(
    reader: httpx.AsyncClient,
) -> None:
    answer = await reader.get(FEED.removesuffix("atom") + "json")
    feed = answer.json()
    atom = feedparser.parse((await reader.get(FEED)).content)

    assert answer.headers["content-type"].startswith("application/feed+json")
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["feed_url"].endswith(".json")
    assert [item["id"] for item in feed["items"]] == [entry.id for entry in atom.entries]
    assert "قصة جديدة" in feed["items"][-1]["content_text"]
    assert all(item["date_published"].endswith("Z") for item in feed["items"])
    again = await reader.get(str(answer.url), headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304
    assert (await reader.get("/feeds/subscriptions/subscription-1-wrong.json")).status_code == 404


async def test_our_own_parser_reads_the_json_feed(reader: httpx.AsyncClient) -> None:
    answer = await reader.get(FEED.removesuffix("atom") + "json")
    parsed = parse(answer.content, content_type=answer.headers["content-type"], url=str(answer.url))

    assert len(parsed.entries) == len(answer.json()["items"])


async def test_addresses_that_run_and_text_that_utf8_cannot_say_do_not_break_the_json_feed(
    client: httpx.AsyncClient, store: InMemoryStore
) -> None:
    alert = an_alert(alert_id="odd", title="خبر \ud800 \x00", url="javascript:alert(1)", story_id="odd")
    store.alerts.record_alerts([alert], [])

    item = (await client.get(FEED.removesuffix("atom") + "json")).json()["items"][0]
    assert "external_url" not in item
    assert item["title"].startswith("خبر ?")


async def test_a_feed_leads_to_the_page_of_its_search(client: httpx.AsyncClient) -> None:
    address = "/?q=%D8%A7%D9%84%D8%AC%D8%B2%D8%A7%D8%A6%D8%B1&country=DZ"
    of_search = feedparser.parse((await client.get(f"/feeds/search.atom{address[1:]}&page=3")).content)
    of_topic = feedparser.parse((await client.get("/feeds/topics/defense-cooperation.atom")).content)

    assert of_search.feed.link.endswith(address)
    assert of_topic.feed.link.endswith("/?topic=defense-cooperation")
    assert (await client.get(of_topic.feed.link)).status_code == 200
