"""Owners see and change their own; who has the server's token all; and on a desk of one nothing is asked."""

from collections.abc import AsyncIterator, Callable

import httpx
import msgspec
import pytest

from marsad.config import WebSettings
from marsad.testing.factories import NOW, a_delivery, a_subscription, an_alert
from marsad.testing.fakes import InMemoryStore
from marsad_app.owners import made_owner

TOKEN = "0123456789abcdef"
LAYLA, OMAR = "layla-has-a-token-of-her-own", "omar-has-a-token-of-his-own"
Make = Callable[[InMemoryStore, WebSettings], httpx.AsyncClient]


@pytest.fixture
def shared(store: InMemoryStore) -> InMemoryStore:
    """Two owners with a subscription each, an alert and a delivery of both."""
    for name, token in (("layla", LAYLA), ("عمر", OMAR)):
        store.owners.put_owner(made_owner(name, token, NOW))
        one = a_subscription(id=f"of-{name}", name=f"desk of {name}", owner=name, outlets=("json://a.example/",))
        store.subscriptions.put_subscription(one)
        alert = an_alert(alert_id=f"alert-{name}", subscription_id=one.id, title=f"title for {name}")
        delivery = a_delivery(delivery_id=f"delivery-{name}", alert_id=alert.alert_id, subscription_id=one.id)
        store.alerts.record_alerts([alert], [delivery])
    return store


def bearing(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


@pytest.fixture
async def guarded_shared(shared: InMemoryStore, client_for: Make) -> AsyncIterator[httpx.AsyncClient]:
    async with client_for(shared, WebSettings(token=TOKEN)) as made:
        yield made


async def test_an_owner_sees_their_own_and_nobody_elses(guarded_shared: httpx.AsyncClient) -> None:
    get, layla = guarded_shared.get, bearing(LAYLA)

    assert [one["owner"] for one in (await get("/api/v1/subscriptions", headers=layla)).json()] == ["layla"]
    assert [one["alert_id"] for one in (await get("/api/v1/alerts", headers=layla)).json()] == ["alert-layla"]
    assert [one["delivery_id"] for one in (await get("/api/v1/deliveries", headers=layla)).json()] == ["delivery-layla"]
    assert {one["subscription_id"] for one in (await get("/api/v1/outlets", headers=layla)).json()} == {"of-layla"}
    assert (await get("/api/v1/alerts?subscription=of-عمر", headers=layla)).json() == []
    for path in ("/subscriptions", "/deliveries"):
        page = (await get(path, headers=layla)).text
        assert "desk of layla" in page
        assert "عمر" not in page


@pytest.mark.parametrize("token", [LAYLA, "", "nobody"])
async def test_what_is_anothers_is_not_there(
    guarded_shared: httpx.AsyncClient, shared: InMemoryStore, token: str
) -> None:
    headers = bearing(token) if token else {}
    before = shared.subscriptions.subscriptions()
    form = {"form_token": "f00d", "name": "x", "query": "x", "triggers": "new-story"}
    given = {"name": "x", "query": "x"}
    client = guarded_shared

    for answer in (
        await client.get("/api/v1/subscriptions/of-عمر", headers=headers),
        await client.put("/api/v1/subscriptions/of-عمر", json=given, headers=headers),
        await client.delete("/api/v1/subscriptions/of-عمر", headers=headers),
        await client.post("/api/v1/subscriptions/of-عمر/test", headers=headers),
        await client.post("/api/v1/alerts/alert-عمر/again", headers=headers),
        await client.get("/subscriptions/of-عمر", headers=headers),
        await client.get("/subscriptions/of-عمر/edit", headers=headers),
        await client.post("/subscriptions/of-عمر", data=form, headers=headers),
        await client.post("/subscriptions/of-عمر/delete", data=form, headers=headers),
        await client.post("/subscriptions/of-عمر/test", data=form, headers=headers),
        await client.post("/alerts/alert-عمر/again", data=form, headers=headers),
    ):
        assert answer.status_code in ({404} if token == LAYLA else {303, 401, 403, 404})
    assert shared.subscriptions.subscriptions() == before
    assert len(shared.alerts.alerts(subscription_id="of-عمر")) == 1


async def test_an_owner_makes_changes_and_removes_their_own(
    guarded_shared: httpx.AsyncClient, shared: InMemoryStore
) -> None:
    client, layla = guarded_shared, bearing(LAYLA)

    made = (await client.post("/api/v1/subscriptions", json={"name": "n", "query": "q"}, headers=layla)).json()
    assert (made["owner"], made["feed"][-5:], made["json_feed"][-5:]) == ("layla", ".atom", ".json")
    same = (await client.post("/api/v1/subscriptions", json={"name": "n", "query": "q"}, headers=bearing(OMAR))).json()
    assert same["owner"] == "عمر"
    assert same["id"] != made["id"]
    changed = await client.put(f"/api/v1/subscriptions/{made['id']}", json={"name": "m", "query": "q"}, headers=layla)
    assert (changed.json()["name"], changed.json()["owner"]) == ("m", "layla")
    assert (await client.delete(f"/api/v1/subscriptions/{made['id']}", headers=layla)).status_code == 204
    assert shared.subscriptions.subscription(made["id"]) is None


async def test_an_owner_may_not_change_what_belongs_to_all(guarded_shared: httpx.AsyncClient) -> None:
    feed = {"url": "https://new.example/rss"}

    assert (await guarded_shared.post("/api/v1/feeds", json=feed, headers=bearing(LAYLA))).status_code == 401
    assert (await guarded_shared.post("/api/v1/feeds", json=feed, headers=bearing(TOKEN))).status_code != 401


async def test_the_servers_token_sees_all(guarded_shared: httpx.AsyncClient) -> None:
    found = (await guarded_shared.get("/api/v1/subscriptions", headers=bearing(TOKEN))).json()

    assert {"layla", "عمر"} <= {one["owner"] for one in found}


async def test_without_a_token_only_what_is_nobodys_is_seen(guarded_shared: httpx.AsyncClient) -> None:
    assert {one["owner"] for one in (await guarded_shared.get("/api/v1/subscriptions")).json()} <= {""}
    assert "title for" not in (await guarded_shared.get("/api/v1/alerts")).text


async def test_an_owner_signs_in_and_is_out_when_the_token_is_revoked(
    guarded_shared: httpx.AsyncClient, shared: InMemoryStore
) -> None:
    client = guarded_shared
    answer = await client.post("/login", data={"form_token": "f00d", "token": OMAR, "next": "/subscriptions"})
    assert answer.status_code == 303
    assert OMAR not in answer.headers["set-cookie"]
    page = (await client.get("/subscriptions")).text
    assert "desk of عمر" in page
    assert "desk of layla" not in page
    made = await client.post(
        "/subscriptions", data={"form_token": "f00d", "name": "n", "query": "q", "triggers": "new-story"}
    )
    assert made.status_code == 303
    assert {one.owner for one in shared.subscriptions.subscriptions() if one.name == "n"} == {"عمر"}

    shared.owners.remove_owner("عمر")

    assert "desk of عمر" not in (await client.get("/subscriptions")).text
    assert (await client.get("/subscriptions/new")).headers["location"].startswith("/login")


@pytest.mark.parametrize("cookie", ["layla.", ".", "layla.0", "a" * 64, "%D8.x", "layla"])
async def test_a_made_up_session_is_none(guarded_shared: httpx.AsyncClient, cookie: str) -> None:
    guarded_shared.cookies.set("marsad_session", cookie)

    assert {one["owner"] for one in (await guarded_shared.get("/api/v1/subscriptions")).json()} <= {""}


async def test_on_a_desk_of_one_nothing_is_asked_but_a_revoked_token_opens_nothing(
    shared: InMemoryStore, client_for: Make
) -> None:
    async with client_for(shared, WebSettings()) as client:
        assert len((await client.get("/api/v1/subscriptions")).json()) == len(shared.subscriptions.subscriptions())
        scoped = (await client.get("/api/v1/subscriptions", headers=bearing(LAYLA))).json()
        assert [one["owner"] for one in scoped] == ["layla"]
        shared.owners.remove_owner("layla")
        given = {"name": "n", "query": "q"}
        assert (await client.post("/api/v1/subscriptions", json=given, headers=bearing(LAYLA))).status_code == 401


async def test_many_subscriptions_are_looked_through_at_once(shared: InMemoryStore, client_for: Make) -> None:
    for number in range(150):
        shared.subscriptions.put_subscription(a_subscription(id=f"more-{number}", owner="layla"))
    async with client_for(shared, WebSettings(token=TOKEN)) as client:
        found = (await client.get("/api/v1/alerts", headers=bearing(LAYLA))).json()

    assert [one["alert_id"] for one in found] == ["alert-layla"]


def test_a_token_is_kept_as_a_hash_only() -> None:
    assert LAYLA.encode() not in msgspec.json.encode(made_owner("layla", LAYLA, NOW))


async def test_an_owner_of_many_subscriptions_sees_all_that_was_sent_for_them_page_by_page(
    shared: InMemoryStore, guarded_shared: httpx.AsyncClient
) -> None:
    """Whatever else was sent since."""
    mine = [a_subscription(id=f"mine-{number}", name=f"mine {number}", owner="layla") for number in range(150)]
    others = a_subscription(id="others", name="others", owner="عمر")
    for one in (*mine, others):
        shared.subscriptions.put_subscription(one)
    for number, one in enumerate((*mine, *[others] * 11_000)):
        alert = an_alert(alert_id=f"x{number}", subscription_id=one.id, title=f"خبر {number}.")
        delivery = a_delivery(delivery_id=f"y{number}", alert_id=alert.alert_id, subscription_id=one.id)
        shared.alerts.record_alerts([alert], [delivery])
    get, layla = guarded_shared.get, bearing(LAYLA)

    found = [
        one["delivery_id"]
        for offset in (0, 100, 200)
        for one in (await get(f"/api/v1/deliveries?limit=100&offset={offset}", headers=layla)).json()
    ]
    assert found == [*(f"y{number}" for number in range(149, -1, -1)), "delivery-layla"]
    alerts = (await get("/api/v1/alerts?limit=100&offset=100", headers=layla)).json()
    assert [one["alert_id"] for one in alerts] == [*(f"x{number}" for number in range(49, -1, -1)), "alert-layla"]
    first, second = [(await get(f"/deliveries?page={page}", headers=layla)).text for page in (1, 2)]
    assert "خبر 149." in first
    assert "/deliveries?page=2" in first
    assert "خبر 0." in second
    assert "title for layla" in second
    assert "/deliveries?page=3" not in second
    assert (await get("/deliveries?page=101", headers=layla)).status_code == 422
