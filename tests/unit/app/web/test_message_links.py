import httpx
import pytest
from lxml import html

from marsad.records import Subscription
from marsad.testing.factories import an_alert
from marsad.testing.fakes import InMemoryStore
from sinks.alerts.links import Links

LINKS = Links("http://127.0.0.1:8080")
OUTLET = "json://hooks.example/in"


@pytest.fixture
def one(store: InMemoryStore) -> Subscription:
    known = store.subscriptions.subscription("subscription-1")
    assert known is not None
    return known


def now(store: InMemoryStore) -> Subscription:
    known = store.subscriptions.subscription("subscription-1")
    assert known is not None
    return known


async def test_one_click_ends_the_mails_to_one_address_without_a_form_token_or_signing_in(
    guarded: httpx.AsyncClient, store: InMemoryStore, one: Subscription
) -> None:
    assert one.outlets
    link = LINKS.unsubscribe(one, one.outlets[0])

    guarded.cookies.clear()
    answer = await guarded.post(link, data={"List-Unsubscribe": "One-Click"})

    assert (answer.status_code, answer.text) == (200, "Unsubscribed.\n")
    assert now(store).outlets == one.outlets[1:]
    assert (await guarded.post(link, data={"List-Unsubscribe": "One-Click"})).status_code == 200


async def test_a_scanner_that_follows_links_changes_nothing(
    client: httpx.AsyncClient, store: InMemoryStore, one: Subscription
) -> None:
    alert = an_alert(subscription_id=one.id, article_id=next(iter(store.articles.export())).article_id)
    for link in (LINKS.unsubscribe(one, one.outlets[0]), LINKS.mute(one, alert), LINKS.fewer(one, alert)):
        assert (await client.get(link)).status_code == 200

    assert now(store) == one


async def test_a_muted_story_is_told_no_more(
    client: httpx.AsyncClient, store: InMemoryStore, one: Subscription
) -> None:
    link = LINKS.mute(one, an_alert(story_id="story-9"))
    form = html.fromstring((await client.get(link)).content).xpath("//form[@class='fields']")

    assert form
    assert (await client.post(link)).status_code == 200
    assert now(store).muted == ("story-9",)


async def test_fewer_like_this_leaves_out_what_is_chosen(
    client: httpx.AsyncClient, store: InMemoryStore, one: Subscription
) -> None:
    article = next(each for each in store.articles.export() if each.topics)
    link = LINKS.fewer(one, an_alert(article_id=article.article_id))
    offered = html.fromstring((await client.get(link)).content).xpath(
        "//input[@name='choice']/following-sibling::code/text()"
    )

    await client.post(link, data={"choice": "1"})

    assert offered[0].startswith("NOT outlet:")
    assert offered[1] == f"NOT topic:{article.topics[0].id}"
    assert now(store).query == f"{one.query} AND NOT topic:{article.topics[0].id}"


async def test_a_link_is_good_for_its_own_subscription_purpose_and_subject_alone(
    client: httpx.AsyncClient, store: InMemoryStore, one: Subscription
) -> None:
    link = LINKS.mute(one, an_alert(story_id="story-9"))
    *_, purpose, subject, proof = link.split("/")
    assert (purpose, subject) == ("mute", "story-9")
    for wrong in (
        f"/m/{one.id}/mute/story-8/{proof}",
        f"/m/{one.id}/unsubscribe/story-9/{proof}",
        f"/m/{one.id}/nonsense/story-9/{proof}",
        f"/m/other/mute/story-9/{proof}",
        f"/m/{one.id}/mute/story-9/{'0' * 32}",
        f"/m/{one.id}/mute/story-9/é",
    ):
        assert (await client.post(wrong)).status_code == 404

    assert now(store) == one


async def test_another_site_cannot_make_a_browser_follow_a_link(client: httpx.AsyncClient, one: Subscription) -> None:
    link = LINKS.mute(one, an_alert(story_id="story-9"))

    assert (await client.post(link, headers={"origin": "https://evil.example"})).status_code == 403
