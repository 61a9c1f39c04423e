import asyncio
from datetime import datetime, timedelta
from typing import Any

import httpx
import msgspec
from lxml import html

from marsad.records import DeliveryState
from marsad.testing.factories import NOW, a_delivery, an_alert
from marsad.testing.fakes import InMemoryStore
from marsad_app.web.api.ledger import _stream
from marsad_app.web.scope import Scope, Viewer

HUSH = "json://user:hush@hooks.example/in"


def failed(store: InMemoryStore, title: str = "خبر <script>x</script>") -> None:
    alert = an_alert(alert_id="lost", title=title, story_id="story-9")
    delivery = a_delivery(
        delivery_id="d", alert_id="lost", outlet=HUSH, state=DeliveryState.FAILED, attempts=19, last_error="503 <b>"
    )
    store.alerts.record_alerts([alert], [delivery])


async def test_the_ledger_says_what_was_sent_where_how_often_and_what_went_wrong(
    client: httpx.AsyncClient, store: InMemoryStore
) -> None:
    failed(store)
    answer = await client.get("/deliveries?state=failed&lang=en")

    page = html.fromstring(answer.content)
    row = " ".join(page.xpath("//table[@id='ledger']/tbody/tr")[0].text_content().split())
    assert "json://…" in row
    assert "19" in row
    assert "503 <b>" in row
    assert "hush" not in answer.text
    assert not page.xpath("//script[not(@src)] | //table//b")
    assert page.xpath("//table[@id='outlets']/tbody/tr")


async def test_an_alert_is_sent_again_once_a_minute_at_most(client: httpx.AsyncClient, store: InMemoryStore) -> None:
    failed(store)
    before = len(store.alerts.alerts(limit=100))
    for _ in range(2):
        answer = await client.post("/alerts/lost/again", data={"form_token": "f00d"})
        assert answer.headers["location"] == "/deliveries?notice=sent-again"

    assert len(store.alerts.alerts(limit=100)) == before + 1
    assert store.deliveries.deliveries()[0].state is DeliveryState.PENDING
    assert (await client.post("/alerts/nothing/again", data={"form_token": "f00d"})).status_code == 404


async def test_sending_again_needs_a_page_of_ours_and_the_token(
    client: httpx.AsyncClient, guarded: httpx.AsyncClient, store: InMemoryStore
) -> None:
    failed(store)

    assert (await client.post("/alerts/lost/again", data={"form_token": "wrong"})).status_code == 403
    assert (await guarded.post("/api/v1/alerts/lost/again")).status_code == 401
    assert (await guarded.post("/api/v1/subscriptions/subscription-1/test")).status_code == 401


async def test_the_api_tells_how_each_outlet_does(client: httpx.AsyncClient, store: InMemoryStore) -> None:
    failed(store)
    worst: dict[str, Any] = (await client.get("/api/v1/outlets")).json()[0]

    assert (worst["outlet"], worst["last_error"], worst["counts"]) == ("json://…", "503 <b>", {"failed": 1})


async def test_a_test_message_says_of_each_outlet_what_became_of_it(client: httpx.AsyncClient) -> None:
    tried = (await client.post("/api/v1/subscriptions/subscription-1/test")).json()
    page = await client.post("/subscriptions/subscription-1/test", data={"form_token": "f00d"})

    assert [each["problem"] for each in tried] == ["nothing is delivered from here"] * len(tried)
    assert html.fromstring(page.content).xpath("//ul[@id='tried']/li")


async def test_an_estimate_has_examples_near_misses_and_warnings(client: httpx.AsyncClient) -> None:
    answer = (await client.post("/api/v1/subscriptions/estimate", json={"query": "الجزائر غواصةلاتوجد"})).json()

    assert (answer["total"], answer["warnings"]) == (0, ["nothing"])
    assert [miss["lacks"] for miss in answer["near"]] == ["غواصةلاتوجد"]
    assert answer["near"][0]["more"] > 0
    found = (await client.post("/api/v1/subscriptions/estimate", json={"query": "الجزائر"})).json()
    assert found["examples"]
    assert sum(found["days"].values()) == found["total"]


async def test_alerts_come_as_events_from_the_last_one_seen_on(store: InMemoryStore) -> None:
    failed(store)
    newest = store.alerts.alerts(limit=1)[0]

    class Reader:
        async def is_disconnected(self) -> bool:
            return False

    scope = Scope(Viewer(admin=True), store.subscriptions, store.alerts, store.deliveries)
    stream = _stream(scope, None, newest.alert_id, Reader())  # type: ignore[arg-type]
    assert await anext(stream) == b"retry: 3000\n\n"
    store.alerts.record_alerts([msgspec.structs.replace(newest, alert_id="next", title="سطر\nآخر")], [])
    event = await asyncio.wait_for(anext(stream), 10)
    await stream.aclose()

    assert event.startswith(b"id: next\nevent: alert\ndata: {")
    assert event.count(b"\n") == 4


async def test_each_outlet_has_figures_that_do_not_give_it_away(
    client: httpx.AsyncClient, store: InMemoryStore
) -> None:
    due = NOW - timedelta(minutes=5)
    alert = an_alert(alert_id="one", story_id="story-7")
    resting = NOW + timedelta(minutes=3)
    deliveries = [
        a_delivery(delivery_id="a", alert_id="one", outlet=HUSH, state=DeliveryState.SENT, attempts=1,
                   next_try_at=due, sent_at=due + timedelta(seconds=2)),
        a_delivery(delivery_id="b", alert_id="one", outlet=HUSH, state=DeliveryState.SENT, attempts=3,
                   first_tried_at=due, next_try_at=due + timedelta(seconds=9), sent_at=due + timedelta(seconds=10)),
        a_delivery(delivery_id="c", alert_id="one", outlet=HUSH, state=DeliveryState.PENDING, attempts=3,
                   first_tried_at=due + timedelta(minutes=1), next_try_at=resting, last_error="503"),
    ]  # fmt: skip
    store.alerts.record_alerts([alert], deliveries)

    (one,) = [each for each in (await client.get("/api/v1/outlets")).json() if each["counts"].get("sent") == 2]
    assert (one["retried"], one["latency"]) == (4, 6.0)
    assert datetime.fromisoformat(one["open_until"]) == resting
    page = await client.get("/deliveries?lang=en")
    assert "left alone, next try" in page.text
    figures = (await client.get("/metrics")).text
    outlet, whose = f'{{outlet="json:{one["key"]}"', f'subscription="{alert.subscription_id}"}}'
    label = f"{outlet},{whose}"
    assert f'marsad_outlet_deliveries{outlet},state="sent",{whose} 2.0' in figures
    assert f"marsad_outlet_retries{label} 4.0" in figures
    assert f"marsad_outlet_latency_seconds{label} 6.0" in figures
    assert f"marsad_outlet_circuit_open{label} 1.0" in figures
    assert "hush" not in figures + page.text


async def test_the_ledger_is_in_the_navigation(reader: httpx.AsyncClient) -> None:
    page = html.fromstring((await reader.get("/deliveries")).content)

    assert page.xpath("//nav//a[@href='/deliveries' and @aria-current='page']")
