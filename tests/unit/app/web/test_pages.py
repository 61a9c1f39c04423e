import re

import httpx
import msgspec
import pytest
from lxml import html
from structlog.testing import capture_logs

from marsad.errors import StoreError
from marsad.records import Article, CountryTag, EntityTag, Evidence, Health, SearchPage, TopicTag
from marsad.records.ids import split_story_id
from marsad.testing.desk import PORT_CALL
from marsad.testing.factories import a_feed, a_quarantined, a_story, a_subscription, an_alert, an_article
from marsad.testing.fakes import InMemoryStore

PAGES = [
    "/",
    "/?q=الجزائر",
    "/?q=الجزائر&topic=sanctions&country=DZ&sort=story&collapse=1",
    "/?since=2026-07-10&until=2026-07-14",
    "/?q=لا_شيء_كهذا",
    f"/articles/{PORT_CALL}",
    f"/articles/{PORT_CALL}?show=none",
    f"/articles/{PORT_CALL}?show=country:DZ",
    "/stories",
    "/stories?several=0",
    "/stories/port-call",
    "/subscriptions",
    "/subscriptions/new?q=topic:energy",
    "/subscriptions/subscription-1",
    "/subscriptions/subscription-1/edit",
    "/topics",
    "/topics/sanctions",
    "/topics/new?id=bees",
    "/feeds",
    "/feeds?state=http-5xx",
    "/feeds/feed-1",
    "/feeds/feed-0",
    "/quarantine",
    "/quarantine?stage=poll",
    "/quarantine/q1",
    "/quarantine/q2",
    "/status",
    "/login",
    "/api",
]
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&{{7*7}}"


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(("language", "direction"), [("ar", "rtl"), ("en", "ltr")])
async def test_each_page_answers_in_both_languages(
    reader: httpx.AsyncClient, page: str, language: str, direction: str
) -> None:
    answer = await reader.get(page + ("&" if "?" in page else "?") + f"lang={language}")

    assert answer.status_code == 200
    root = html.fromstring(answer.content)
    assert (root.get("lang"), root.get("dir")) == (language, direction)
    assert root.findtext(".//title")
    assert len(root.findall(".//h1")) == 1


@pytest.mark.parametrize("page", PAGES)
async def test_no_page_asks_anyone_else_for_anything_or_carries_code_of_its_own(
    reader: httpx.AsyncClient, page: str
) -> None:
    answer = await reader.get(page)
    root = html.fromstring(answer.content)

    loaded = [*root.xpath("//@src"), *root.xpath("//link[not(@rel='alternate')]/@href")]
    assert all(address.startswith("/static/") for address in loaded)
    assert root.xpath("//style | //script[not(@src)] | //@style | //iframe | //img | //*[@onclick]") == []
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("page", PAGES)
async def test_every_input_has_a_label_and_every_id_is_there_once(reader: httpx.AsyncClient, page: str) -> None:
    root = html.fromstring((await reader.get(page)).content)

    ids = root.xpath("//@id")
    assert len(ids) == len(set(ids))
    labelled = set(root.xpath("//label/@for"))
    for field in root.xpath("//input[not(@type='hidden') and not(@hidden)] | //select | //textarea"):
        assert field.get("id") in labelled or field.getparent().tag == "label"


async def test_the_chosen_language_is_remembered(reader: httpx.AsyncClient) -> None:
    await reader.get("/?lang=en")

    assert html.fromstring((await reader.get("/stories")).content).get("lang") == "en"


async def test_arabic_is_shown_where_nothing_was_chosen(reader: httpx.AsyncClient) -> None:
    answer = await reader.get("/", headers={"accept-language": "en"})

    assert html.fromstring(answer.content).get("lang") == "ar"


def _hostile_article() -> Article:
    evidence = (Evidence(HOSTILE, "text", 0, 20, 1.0), Evidence("x", "title", 5, 9_999, 2.0))
    return an_article(
        article_id="h" * 32,
        title=f"خبر {HOSTILE}",
        lead=HOSTILE,
        text=f"{HOSTILE}\nخبر {HOSTILE}",
        outlet=HOSTILE,
        url="javascript:alert(1)",
        authors=(HOSTILE,),
        sections=(HOSTILE,),
        date_problem=HOSTILE,
        published_raw=HOSTILE,
        partial=HOSTILE,
        language='x" onload="alert(1)',
        story_id="../../<b>",
        topics=(TopicTag(HOSTILE, 1.0, evidence),),
        countries=(CountryTag("<i>", 1, "actor", evidence),),
        entities=(EntityTag(HOSTILE, "person", HOSTILE, HOSTILE, 1, evidence),),
    )


async def test_what_feeds_and_people_write_is_shown_as_text_everywhere(
    client: httpx.AsyncClient, store: InMemoryStore
) -> None:
    article = _hostile_article()
    store.articles.put_articles([article, msgspec.structs.replace(article, article_id="i" * 32, duplicate_of="h" * 32)])
    store.stories.put_stories([a_story(story_id="s<", headline=HOSTILE, outlets=(HOSTILE,), topics=(HOSTILE,), size=2)])
    store.subscriptions.put_subscription(
        a_subscription(id="s2", name=HOSTILE, query=HOSTILE, outlets=(f"x:{HOSTILE}",))
    )
    store.alerts.record_alerts(
        [an_alert(alert_id="h", subscription_id="s2", title=HOSTILE, outlet=HOSTILE, evidence=(HOSTILE,))], []
    )
    store.feeds.put_feeds([a_feed(id="f<", url="javascript:alert(1)", outlet=HOSTILE, title=HOSTILE)])
    store.quarantine.quarantine([a_quarantined(id="q<", reason=HOSTILE, key=HOSTILE, payload=HOSTILE.encode())])
    pages = [
        "/",
        f"/?q={HOSTILE}",
        "/?q=خبر",
        f"/?outlet={HOSTILE}&topic={HOSTILE}&country={HOSTILE}",
        f"/?lang={HOSTILE}&notice={HOSTILE}&sort={HOSTILE}&page={HOSTILE}",
        "/articles/" + "h" * 32,
        "/articles/" + "h" * 32 + f"?show={HOSTILE}",
        "/stories",
        "/stories/s%3C",
        "/subscriptions",
        "/subscriptions/s2",
        "/subscriptions/s2/edit",
        f"/subscriptions/new?q={HOSTILE}&name={HOSTILE}",
        "/feeds",
        f"/feeds?state={HOSTILE}",
        "/feeds/f%3C",
        "/quarantine",
        "/quarantine/q%3C",
        f"/login?next={HOSTILE}",
        f"/nope/{HOSTILE}",
    ]

    for page in pages:
        answer = await client.get(page)
        assert answer.status_code in {200, 400, 404}, page
        assert "<script>alert" not in answer.text, page
        root = html.fromstring(answer.content)
        assert root.xpath("//img | //@onerror | //@onload | //*[starts-with(@href, 'javascript:')]") == [], page
        assert "49" not in root.xpath("string(//title)"), page


async def test_results_show_what_matched(reader: httpx.AsyncClient) -> None:
    root = html.fromstring((await reader.get("/?q=الغاز")).content)

    assert root.xpath("//ol[@class='hits']/li//mark/text()") == ["الغاز", "الغاز"]
    assert root.xpath("//aside//a[contains(@href, 'topic=energy')]")


async def test_where_only_the_newest_matches_were_put_in_order_the_page_says_so(
    client: httpx.AsyncClient, store: InMemoryStore
) -> None:
    page = SearchPage(hits=(), total=10_000, exact=False, ordered=3_000)
    store.articles.search = lambda *_, **__: page  # type: ignore[assignment, method-assign]

    assert "only the newest 3,000 were put in order" in (await client.get("/?lang=en&q=x")).text


async def test_a_picked_facet_narrows_the_results_and_can_be_removed(reader: httpx.AsyncClient) -> None:
    root = html.fromstring((await reader.get("/?q=الجزائر&topic=sanctions")).content)

    assert len(root.xpath("//ol[@class='hits']/li")) == 1
    removing = root.xpath("//ul[@class='chips']//a/@href")[0]
    everything = html.fromstring((await reader.get(removing)).content)
    assert len(everything.xpath("//ol[@class='hits']/li")) == 3


async def test_a_facet_counts_what_else_of_it_could_be_picked(reader: httpx.AsyncClient) -> None:
    root = html.fromstring((await reader.get("/?topic=sanctions")).content)

    assert root.xpath("//aside//a[contains(@href, 'topic=energy')]")


async def test_a_query_fault_is_shown_at_its_place_with_advice(reader: httpx.AsyncClient) -> None:
    answer = await reader.get("/?q=روسيا AND (الجزائر")

    assert answer.status_code == 400
    root = html.fromstring(answer.content)
    assert root.xpath("//section[@role='alert']//mark/text()") == ["("]
    assert root.xpath("//input[@name='q']/@value") == ["روسيا AND (الجزائر"]


@pytest.mark.parametrize(
    "page",
    ["/?q=" + "ا" * 2_001, "/?q=" + "(" * 2_000, "/?q=" + "a OR " * 390 + "b", "/?since=gestern", "/?until=0001-01-01"],
)
async def test_queries_beyond_all_bounds_are_refused_and_not_run(reader: httpx.AsyncClient, page: str) -> None:
    assert (await reader.get(page)).status_code == 400


@pytest.mark.parametrize("page", ["0", "-1", "x", "999999999999999999", "1" * 300, "²"])
async def test_a_page_number_out_of_bounds_is_brought_into_them(reader: httpx.AsyncClient, page: str) -> None:
    assert (await reader.get("/", params={"page": page})).status_code == 200


@pytest.mark.parametrize("page", ["/stories?page=0", "/stories?page=501", "/quarantine?page=x"])
async def test_lists_have_bounds(reader: httpx.AsyncClient, page: str) -> None:
    assert (await reader.get(page)).status_code == 422


async def test_pages_of_results_do_not_overlap(client: httpx.AsyncClient, store: InMemoryStore) -> None:
    store.articles.put_articles([an_article(title=f"خبر مرقم {n}") for n in range(45)])
    seen: list[str] = []
    for page in (1, 2, 3):
        root = html.fromstring((await client.get(f"/?q=مرقم&page={page}")).content)
        seen += root.xpath("//ol[@class='hits']/li//h3/a/@href")

    assert len(seen) == len(set(seen)) == 45
    assert not root.xpath("//a[@rel='next']")


async def test_evidence_of_one_topic_is_marked_in_its_colour(reader: httpx.AsyncClient) -> None:
    root = html.fromstring((await reader.get(f"/articles/{PORT_CALL}?show=military-exercise")).content)

    assert root.xpath("//div[@class='body']//mark[@class='c1']/text()") == ["مناورات مشتركة"]
    assert root.xpath("//h1/mark") == []


async def test_latin_names_are_isolated_from_the_arabic_around_them(reader: httpx.AsyncClient) -> None:
    root = html.fromstring((await reader.get(f"/articles/{PORT_CALL}")).content)

    assert "KILDIN SSV-512" in root.xpath("//div[@class='body']//bdi/text()")


async def test_the_original_is_linked_and_not_loaded(reader: httpx.AsyncClient) -> None:
    root = html.fromstring((await reader.get(f"/articles/{PORT_CALL}")).content)

    (link,) = root.xpath("//article//a[starts-with(@href, 'https://news.example')]")
    assert "noopener" in link.get("rel")


async def test_copies_are_folded_under_what_they_copy(reader: httpx.AsyncClient) -> None:
    root = html.fromstring((await reader.get("/stories/port-call")).content)

    assert len(root.xpath("//div[@class='timeline']/ol/li")) == 2
    assert len(root.xpath("//details[@class='copies']//li")) == 1


async def test_every_feed_state_has_a_name_and_advice(reader: httpx.AsyncClient) -> None:
    root = html.fromstring((await reader.get("/feeds?lang=en")).content)

    states = root.xpath("//td//span[starts-with(@class, 'health')]/text()")
    assert len(set(states)) == len(Health)
    for health in Health:
        assert (await reader.get(f"/feeds?state={health.value}")).status_code == 200


async def test_a_delivery_address_shows_only_its_scheme(reader: httpx.AsyncClient) -> None:
    answer = await reader.get("/subscriptions/subscription-1")

    assert "mailto://…" in answer.text
    assert "password" not in answer.text


async def test_binary_payloads_are_shown_in_hexadecimal(reader: httpx.AsyncClient) -> None:
    answer = await reader.get("/quarantine/q2")

    assert "00 01 ff fe 3c 73" in answer.text


@pytest.mark.parametrize(
    "page",
    ["/nope", "/articles/none", "/stories/none", "/subscriptions/none", "/feeds/none", "/quarantine/none", "/static/x"],
)
async def test_what_is_not_there_is_said_to_be_missing(reader: httpx.AsyncClient, page: str) -> None:
    answer = await reader.get(page)

    assert answer.status_code == 404


async def test_a_failing_store_is_told_in_one_sentence(client: httpx.AsyncClient, store: InMemoryStore) -> None:
    def fail(*_: object, **__: object) -> None:
        raise StoreError("the disk is full")

    store.articles.search = fail  # type: ignore[assignment, method-assign]
    with capture_logs():
        answer = await client.get("/?lang=en")

    assert answer.status_code == 503
    assert "the disk is full" in answer.text
    assert "Traceback" not in answer.text
    assert (await client.get("/api/v1/articles")).json() == {"error": "the disk is full"}


async def test_an_unexpected_fault_shows_no_trace(client: httpx.AsyncClient, store: InMemoryStore) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    store.stories.latest_stories = fail  # type: ignore[assignment, method-assign]
    with capture_logs() as logs:
        answer = await client.get("/stories")

    assert [log["event"] for log in logs] == ["a page failed"]
    assert answer.status_code == 500
    assert "secret detail" not in answer.text
    assert re.search(r'<html lang="ar"', answer.text)


async def test_times_are_told_in_the_readers_zone(client: httpx.AsyncClient) -> None:
    client.cookies.set("marsad_zone", "Africa%2FAlgiers")
    answer = await client.get(f"/articles/{PORT_CALL}?lang=en")

    assert "14 July 2026, 08:30 UTC+0100" in answer.text


async def test_an_arabic_date_carries_both_names_of_the_month(reader: httpx.AsyncClient) -> None:
    assert "14 يوليو/تموز 2026" in (await reader.get(f"/articles/{PORT_CALL}")).text


async def test_many_feeds_are_shown_page_by_page(client: httpx.AsyncClient, store: InMemoryStore) -> None:
    store.feeds.put_feeds([a_feed(id=f"many-{n:03}") for n in range(450)])
    seen: list[str] = []
    for page in (1, 2, 3):
        root = html.fromstring((await client.get(f"/feeds?page={page}")).content)
        seen += root.xpath("//td/a/@href")

    assert len(set(seen)) == len(seen) == len(store.feeds.feeds())


@pytest.mark.parametrize("by", ["page", "api"])
async def test_a_removed_feed_can_be_restored_on_the_page(
    client: httpx.AsyncClient, store: InMemoryStore, by: str
) -> None:
    before = store.feeds.feed("feed-1")
    if by == "page":
        await client.post("/feeds/feed-1/delete", data={"form_token": "f00d"})
    else:
        await client.delete("/api/v1/feeds/feed-1")
    assert store.feeds.feed("feed-1") is None
    root = html.fromstring((await client.get("/feeds?lang=en")).content)
    assert root.xpath("//form/@action[contains(., '/restore')]") == ["/feeds/feed-1/restore"]

    answer = await client.post("/feeds/feed-1/restore", data={"form_token": "f00d"})

    assert (answer.status_code, answer.headers["location"]) == (303, "/feeds/feed-1?notice=undone")
    assert store.feeds.feed("feed-1") == before
    assert "/restore" not in (await client.get("/feeds")).text
    assert (await client.post("/feeds/feed-1/restore", data={"form_token": "f00d"})).status_code == 404


@pytest.mark.parametrize(
    ("language", "words"), [("ar", ("جزءا من قصة أخرى", "انفصلت")), ("en", ("was part of", "split off"))]
)
async def test_both_parts_of_a_story_that_was_split_lead_to_each_other(
    client: httpx.AsyncClient, store: InMemoryStore, language: str, words: tuple[str, str]
) -> None:
    part = split_story_id("port-call")
    store.stories.put_stories([a_story(story_id=part, headline="حكم المحكمة", split_from="port-call")])
    for path, link, said in ((part, "port-call", words[0]), ("port-call", part, words[1])):
        answer = await client.get(f"/stories/{path}?lang={language}")
        remarks = html.fromstring(answer.content).xpath("//p[@class='remark'][a]")
        assert [each.xpath("a/@href") for each in remarks] == [[f"/stories/{link}"]]
        assert said in remarks[0].text_content()
