"""That an outlet is tried no more is told in the language of the subscription, on pages in that of the page."""

import httpx
from lxml import html

from marsad.arabic import strip_controls
from marsad.records import Trigger
from marsad.taxonomy import load_taxonomy
from marsad.testing.factories import NOW, a_delivery, a_subscription, an_alert
from marsad.testing.fakes import InMemoryStore
from marsad_app.naming import CommonNames
from sinks.alerts.links import Links
from sinks.alerts.losing import lost_notice
from sinks.alerts.render import render


async def test_a_lost_outlet_is_told_in_mails_and_feeds_in_the_language_of_the_subscription(
    client: httpx.AsyncClient, store: InMemoryStore
) -> None:
    names = CommonNames(lambda: load_taxonomy(None))
    told = {
        "ar": "عنوان إرسال توقّف: \u2068mailto://…\u2069 — ردّ خادم البريد: \u2068550 No such user\u2069",
        "en": "A delivery address was given up: mailto://… — the mail server answered 550 No such user",
    }
    for language, title in told.items():
        one = a_subscription(id=f"in-{language}", language=language, secret="s3cret")
        notice = lost_notice(one, "mailto:a@example.org", "the mail server answered 550 No such user", NOW, names)
        store.subscriptions.put_subscription(one)
        store.alerts.record_alerts([notice], [])
        message = render(one, [notice], Links(""), names)

        assert title == notice.title
        assert strip_controls(title) in strip_controls(message.title)
        assert strip_controls(title) in strip_controls(message.text)
        for kind in ("atom", "json"):
            feed = (await client.get(f"/feeds/subscriptions/in-{language}-s3cret.{kind}")).content
            assert title in feed.decode(), kind


async def test_a_notice_of_an_older_version_is_told_by_its_title(
    client: httpx.AsyncClient, store: InMemoryStore
) -> None:
    old = an_alert(alert_id="old", reason=Trigger.OUTLET_LOST, title="عنوان إرسال توقّف: tgram://… — Gone")
    store.alerts.record_alerts([old], [a_delivery(delivery_id="d7", alert_id="old")])

    assert old.title in html.fromstring((await client.get("/deliveries?lang=en")).content).text_content()


async def test_a_notice_leads_to_no_story(client: httpx.AsyncClient, store: InMemoryStore) -> None:
    one = store.subscriptions.subscriptions()[0]
    notice = lost_notice(one, "mailto:a@example.org", "the mail server answered 550 No such user", NOW)
    store.alerts.record_alerts([notice], [])

    page = html.fromstring((await client.get(f"/subscriptions/{one.id}")).content)

    assert page.xpath("//a[contains(@href, '/stories/')]")
    assert not page.xpath("//a[contains(@href, '/stories/outlet')]")
