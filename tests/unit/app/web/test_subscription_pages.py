from datetime import timedelta

import httpx
import msgspec
import pytest
from lxml import html

from marsad.records import Trigger
from marsad.testing.factories import an_alert
from marsad.testing.fakes import InMemoryStore

SENT = {
    "form_token": "f00d",
    "name": "عقوبات",
    "query": "topic:sanctions",
    "triggers": ["new-story", "correction"],
    "story_outlets": "3",
    "cadence": "daily",
    "quiet_start": "22:00",
    "quiet_end": "07:00",
    "quiet_zone": "Africa/Algiers",
    "outlets": "json://hooks.example/a\n\njson://hooks.example/b\njson://hooks.example/a",
    "language": "en",
    "enabled": "1",
}


async def test_a_subscription_is_made_from_a_search(client: httpx.AsyncClient, store: InMemoryStore) -> None:
    search = html.fromstring((await client.get("/?q=الجزائر روسيا&topic=sanctions&country=DZ&lang=en")).content)
    (form,) = search.xpath("//form[@id='subscribe']")
    sent = dict(form.form_values())
    assert sent["query"] == "(الجزائر روسيا) AND topic:sanctions AND country:DZ"

    answer = await client.post(form.action, data=sent)
    (made,) = (one for one in store.subscriptions.subscriptions() if one.query == sent["query"])
    assert (made.name, made.language, len(made.secret)) == ("الجزائر روسيا · Sanctions · Algeria", "en", 32)
    assert answer.headers["location"] == f"/subscriptions/{made.id}?notice=subscribed"
    page = html.fromstring((await client.get(answer.headers["location"])).content)
    assert page.xpath("//*[@id='estimate']/text()") == ["1 article matched in the last thirty days."]


async def test_subscribing_again_leaves_what_was_changed_since(client: httpx.AsyncClient, store: InMemoryStore) -> None:
    sent = {"form_token": "f00d", "query": "topic:sanctions", "name": "عقوبات"}
    first = (await client.post("/subscriptions/at-once", data=sent)).headers["location"]
    made = first.removeprefix("/subscriptions/").partition("?")[0]
    await client.post(f"/subscriptions/{made}", data=SENT)

    assert (await client.post("/subscriptions/at-once", data=sent)).headers["location"] == first
    kept = store.subscriptions.subscription(made)
    assert kept is not None
    assert kept.outlets == ("json://hooks.example/a", "json://hooks.example/b")


@pytest.mark.parametrize("query", ["", "روسيا AND (", "nofield:x", "ا" * 2_001])
async def test_no_subscription_is_made_of_a_query_that_cannot_be_read(
    client: httpx.AsyncClient, store: InMemoryStore, query: str
) -> None:
    before = store.subscriptions.subscriptions()
    answer = await client.post("/subscriptions/at-once", data={"form_token": "f00d", "query": query})

    assert answer.status_code == 400
    assert html.fromstring(answer.content).xpath("//section[@role='alert']//li")
    assert store.subscriptions.subscriptions() == before


async def test_who_may_not_change_things_is_led_to_the_form(guarded: httpx.AsyncClient) -> None:
    search = html.fromstring((await guarded.get("/?q=الجزائر")).content)

    assert search.xpath("//a[starts-with(@href, '/subscriptions/new')]")
    assert not search.xpath("//form[@id='subscribe']")
    sent = {"form_token": "f00d", "query": "x"}
    assert (await guarded.post("/subscriptions/at-once", data=sent)).status_code in {303, 401}


async def test_all_fields_of_the_form_are_kept(client: httpx.AsyncClient, store: InMemoryStore) -> None:
    await client.post("/subscriptions", data=SENT)

    made = next(one for one in store.subscriptions.subscriptions() if one.id != "subscription-1")
    assert (made.name, made.query, made.cadence, made.language, made.enabled) == (
        "عقوبات", "topic:sanctions", "daily", "en", True,
    )  # fmt: skip
    assert made.triggers == (Trigger.NEW_STORY, Trigger.CORRECTION)
    assert made.story_outlets == 3
    assert made.outlets == ("json://hooks.example/a", "json://hooks.example/b")
    assert made.quiet is not None
    assert (made.quiet.start.hour, made.quiet.end.hour, made.quiet.zone) == (22, 7, "Africa/Algiers")
    assert len(made.secret) == 32


async def test_changing_keeps_the_address_of_the_atom_feed(client: httpx.AsyncClient, store: InMemoryStore) -> None:
    before = store.subscriptions.subscription("subscription-1")
    await client.post("/subscriptions/subscription-1", data={**SENT, "enabled": ""})

    after = store.subscriptions.subscription("subscription-1")
    assert before is not None
    assert after is not None
    assert (after.name, after.enabled) == ("عقوبات", False)
    assert (after.secret, after.created_at) == (before.secret, before.created_at)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": " "},
        {"query": ""},
        {"query": "(روسيا"},
        {"triggers": []},
        {"triggers": ["nonsense"]},
        {"story_outlets": "1"},
        {"story_outlets": "²"},
        {"story_outlets": "9" * 5_000},
        {"quiet_start": "25:00"},
        {"quiet_end": ""},
        {"quiet_start": "22:00+01:00"},
        {"quiet_zone": "../../etc/passwd"},
        {"quiet_zone": "Mars/Olympus"},
        {"outlets": "\n".join(f"json://hooks.example/{n}" for n in range(21))},
    ],
)
async def test_what_is_wrong_is_said_and_nothing_typed_is_lost(
    client: httpx.AsyncClient, store: InMemoryStore, wrong: dict[str, object]
) -> None:
    sent = {**SENT, **wrong}
    answer = await client.post("/subscriptions", data=sent)

    assert answer.status_code == 400
    root = html.fromstring(answer.content)
    assert root.xpath("//*[@role='alert']//li")
    assert root.xpath("//input[@name='name']/@value") == [str(sent["name"]).strip()]
    assert len(store.subscriptions.subscriptions()) == 1


async def test_checking_tells_how_much_would_have_matched_and_saves_nothing(
    client: httpx.AsyncClient, store: InMemoryStore
) -> None:
    answer = await client.post("/subscriptions", data={**SENT, "query": "الجزائر", "check": "1"})

    assert answer.status_code == 200
    assert "طابقته 3 أخبار" in answer.text
    assert len(store.subscriptions.subscriptions()) == 1


async def test_a_deleted_subscription_is_gone(client: httpx.AsyncClient, store: InMemoryStore) -> None:
    await client.post("/subscriptions/subscription-1/delete", data={"form_token": "f00d"})

    assert list(store.subscriptions.subscriptions()) == []
    assert (await client.post("/subscriptions/subscription-1/delete", data={"form_token": "f00d"})).status_code == 404


async def test_feeds_are_added_stopped_resumed_and_removed(client: httpx.AsyncClient, store: InMemoryStore) -> None:
    token = {"form_token": "f00d"}
    added = await client.post("/feeds", data={**token, "url": "https://feeds.example/new.xml", "outlet": "جديدة"})
    path = added.headers["location"].partition("?")[0]
    feed_id = path.rpartition("/")[2]

    assert store.feeds.feed(feed_id)
    await client.post(f"{path}/enabled", data={**token, "enabled": "0"})
    assert not store.feeds.feed(feed_id).enabled  # type: ignore[union-attr]  # it is there
    await client.post(f"{path}/enabled", data={**token, "enabled": "1"})
    assert store.feeds.feed(feed_id).enabled  # type: ignore[union-attr]  # it is there
    await client.post(f"{path}/delete", data=token)
    assert store.feeds.feed(feed_id) is None


@pytest.mark.parametrize("url", ["", "feeds.example/x", "javascript:alert(1)", "file:///etc/passwd", "http://"])
async def test_only_addresses_of_the_web_become_feeds(
    client: httpx.AsyncClient, store: InMemoryStore, url: str
) -> None:
    before = len(store.feeds.feeds())

    assert (await client.post("/feeds", data={"form_token": "f00d", "url": url})).status_code == 400
    assert len(store.feeds.feeds()) == before


async def test_quarantined_items_are_replayed_or_dropped(client: httpx.AsyncClient, store: InMemoryStore) -> None:
    token = {"form_token": "f00d"}

    assert "replayed" in (await client.post("/quarantine/q1/replay", data=token)).headers["location"]
    assert "dropped" in (await client.post("/quarantine/q2/drop", data=token)).headers["location"]
    assert list(store.quarantine.quarantined()) == []
    assert (await client.post("/quarantine/q1/replay", data=token)).status_code == 404


async def test_the_form_offers_spikes_and_the_page_tells_their_figures(
    client: httpx.AsyncClient, store: InMemoryStore
) -> None:
    sent = {**SENT, "triggers": ["spike"], "spike_hours": "6"}
    answer = await client.post("/subscriptions", data=sent)
    made = next(one for one in store.subscriptions.subscriptions() if one.query == SENT["query"])
    assert (made.triggers, made.spike_hours, made.spike_since) == ((Trigger.SPIKE,), 6, made.created_at)
    alert = an_alert(subscription_id=made.id, reason=Trigger.SPIKE, hits=12, usual=1.5, hours=6)
    store.alerts.record_alerts([alert], [])

    for language, said in (("ar", "12 مقالا في آخر 6 ساعات"), ("en", "12 articles within 6 hours")):
        assert said in (await client.get(f"/subscriptions/{made.id}?lang={language}")).text
    assert answer.status_code == 303
    assert (await client.post("/subscriptions", data={**sent, "spike_hours": "25"})).status_code == 400


async def test_another_query_counts_its_hits_anew(client: httpx.AsyncClient, store: InMemoryStore) -> None:
    known = store.subscriptions.subscription("subscription-1")
    assert known is not None
    long_ago = known.created_at - timedelta(days=9)
    old = msgspec.structs.replace(known, triggers=(Trigger.SPIKE,), spike_since=long_ago)
    sent = {**SENT, "triggers": ["spike"], "query": known.query}

    for query, kept in ((known.query, True), ("topic:energy", False)):
        store.subscriptions.put_subscription(old)
        await client.post(f"/subscriptions/{known.id}", data={**sent, "query": query})
        after = store.subscriptions.subscription(known.id)
        assert after is not None
        assert (after.spike_since == long_ago) is kept
