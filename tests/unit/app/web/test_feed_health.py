"""What the page, the API, the metrics and the Atom feed say of the feeds' health."""

import random
import re
from datetime import timedelta

import feedparser
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from marsad.config import PollSettings
from marsad.records import FeedState, GapMark, Health, PollNote, Standing, Trigger
from marsad.testing.factories import NOW, a_feed, an_alert
from marsad.testing.fakes import InMemoryStore
from marsad_app.web.reasons import reason_in
from marsad_app.web.texts import Texts
from producers.hints import Hints
from producers.schedule import after_failure, after_success

ARABIC, ENGLISH = Texts("ar", NOW), Texts("en", NOW)
SETTINGS = PollSettings()
# What may stand in Latin letters in an Arabic reason: names of settings, and of states such as 4xx.
LATIN = re.compile(r"poll\.\w+|[45]xx")
HUB_REASONS = [
    "its hub announced news that the feed does not show yet",
    "its hub has announced its news 7 times in a row; asked every 12 h all the same",
    "its subscription at the hub is due",
]

hours = st.floats(min_value=0, max_value=5_000)
states = st.builds(
    lambda rate, interval, quiet, polls, failures, standing, down: FeedState(
        feed_id="f",
        rate=rate,
        interval=interval,
        polls=polls,
        failures=failures,
        standing=standing,
        last_ok_at=NOW - timedelta(hours=down),
        last_new_at=NOW - timedelta(hours=quiet),
        failing_since=NOW - timedelta(hours=down),
    ),
    st.sampled_from([0.0, 0.001, 0.2, 3.0, 400.0, 9_000.0]),
    st.floats(min_value=0, max_value=86_400),
    hours,
    st.integers(min_value=1, max_value=1_000),
    st.integers(min_value=1, max_value=200),
    st.sampled_from(list(Standing)),
    hours,
)
hints = st.builds(
    Hints,
    cache=st.sampled_from([0.0, 900.0, 86_400.0]),
    feed=st.sampled_from([0.0, 1_800.0, 86_400.0]),
    skip_hours=st.sampled_from([(), tuple(range(20))]),
)


def in_arabic(reason: str) -> None:
    assert not re.search("[A-Za-z]", LATIN.sub("", reason_in(reason, ARABIC))), reason
    assert reason_in(reason, ENGLISH) == reason


@given(states, hints, st.integers(min_value=0, max_value=50), st.booleans(), st.sampled_from([0.0, 900.0]))
def test_every_reason_of_the_schedule_is_said_in_arabic(
    state: FeedState, said: Hints, new: int, gap: bool, retry_after: float
) -> None:
    rng = random.Random(1)
    good = after_success(
        state, now=NOW, elapsed=600.0, new=new, total=50, gap=gap, hints=said, settings=SETTINGS, rng=rng
    )
    bad = after_failure(state, Health.DNS, now=NOW, retry_after=retry_after, settings=SETTINGS, rng=rng)

    in_arabic(good.reason)
    in_arabic(bad.reason)


@pytest.mark.parametrize("reason", HUB_REASONS)
def test_the_reasons_that_hubs_give_are_said_in_arabic(reason: str) -> None:
    in_arabic(reason)


def test_a_reason_of_an_unknown_kind_stays_as_it_is() -> None:
    assert reason_in("somebody wished it", ARABIC) == "somebody wished it"


@pytest.mark.parametrize("texts", [ARABIC, ENGLISH])
def test_every_state_has_a_name_and_advice_in_both_languages(texts: Texts) -> None:
    for health in Health:
        assert texts(f"health.{health.value}")
        assert texts(f"advice.{health.value}")


def test_every_wording_of_a_reason_reads_back_as_that_reason() -> None:
    samples = {"span": "14 min", "health": "dns", "count": 3, "total": 40, "rate": "5 entries a day"}
    for reason in (
        "nothing new for {span}",
        "{count} of its {total} entries were new",
        "it brings about {rate} in these quiet hours",
        "{count} polls failed in a row ({health})",
    ):
        in_arabic(reason.format(**samples))


async def test_the_page_of_a_feed_shows_its_polls_and_what_became_of_a_gap(
    client: httpx.AsyncClient, store: InMemoryStore
) -> None:
    remember(store, (Health.OK, 1), (Health.UNCHANGED, 5))
    page = (await client.get("/feeds/feed-1?lang=ar")).text
    english = (await client.get("/feeds/feed-1?lang=en")).text

    assert "آخر الاستطلاعات" in page
    assert "لا جديد منذ" in page
    assert "سُدّت جزئيا" in page
    assert "partly filled" in english
    assert "nothing new for 3 h" in english


async def test_the_page_and_the_api_tell_a_push_from_a_poll(client: httpx.AsyncClient, store: InMemoryStore) -> None:
    remember(store, (Health.OK, 1))
    state = store.polls.state("feed-1")
    assert state is not None
    assert "دفعها الموزّع" not in (await client.get("/feeds/feed-1?lang=ar")).text
    push = PollNote(at=int(NOW.timestamp()), health=Health.OK, new=2, pushed=True)
    store.polls.commit_poll(replace(state, history=(*state.history, push)), [])

    assert "دفعها الموزّع" in (await client.get("/feeds/feed-1?lang=ar")).text
    assert "pushed by the hub" in (await client.get("/feeds/feed-1?lang=en")).text
    polls = (await client.get("/api/v1/feeds/feed-1/history")).json()
    assert [(poll["pushed"], poll["new"]) for poll in polls] == [(False, 0), (True, 2)]


async def test_the_api_gives_the_polls_of_a_feed(client: httpx.AsyncClient, store: InMemoryStore) -> None:
    remember(store, (Health.OK, 1), (Health.DNS, 5))

    polls = (await client.get("/api/v1/feeds/feed-1/history")).json()

    assert [(poll["state"], poll["times"], poll["missed"]) for poll in polls] == [("ok", 1, 4), ("dns", 5, 0)]
    assert (await client.get("/api/v1/feeds/none/history")).status_code == 404


async def test_a_reader_can_follow_which_feeds_fall_ill_and_recover(
    client: httpx.AsyncClient, store: InMemoryStore
) -> None:
    remember(store, (Health.OK, 4), (Health.DNS, 2), (Health.OK, 1), (Health.NETWORK, 1), (Health.OK, 3))

    read = feedparser.parse((await client.get("/feeds/health.atom?lang=en")).content)
    about = [entry for entry in read.entries if entry.link.endswith("/feeds/feed-1")]

    assert not read.bozo
    assert [entry.title.partition(": ")[2] for entry in about] == ["has recovered", "DNS fault"]
    assert "spelling" in about[1].summary
    assert len({entry.id for entry in read.entries}) == len(read.entries)


async def test_metrics_have_a_row_for_each_state_and_for_gaps(client: httpx.AsyncClient, store: InMemoryStore) -> None:
    remember(store, (Health.OK, 1))

    text = (await client.get("/metrics")).text

    for health in Health:
        assert f'marsad_feeds{{health="{health.value}"}}' in text
    assert 'marsad_feed_gaps{fill="partly"} 1.0' in text
    assert "marsad_feed_entries_backfilled 3.0" in text


def remember(store: InMemoryStore, *polls: tuple[Health, int]) -> None:
    """Give a feed a history, the first poll with a gap."""
    state = store.polls.state("feed-1")
    assert state is not None
    start = int(NOW.timestamp()) - 36_000
    rows = tuple(
        PollNote(
            at=start + 600 * number,
            health=health,
            times=times,
            missed=4 if not number else 0,
            wait=600,
            reason="nothing new for 3 h",
            since=start + 600 * number,
        )
        for number, (health, times) in enumerate(polls)
    )
    gap = GapMark(NOW - timedelta(seconds=36_000), None, None, 4, fill="partly", found=3, source="pages")
    store.polls.commit_poll(replace(state, history=rows, gaps=(gap,), backfilled=3), [])


async def test_an_alert_about_a_feed_leads_to_its_page(client: httpx.AsyncClient, store: InMemoryStore) -> None:
    alert = an_alert(subscription_id="subscription-1", article_id="", story_id="feed:1", feed_id="feed-1")
    alert = replace(alert, alert_id="about-a-feed", reason=Trigger.FEED_HEALTH, at=NOW)
    store.alerts.record_alerts([alert], [])

    page = (await client.get("/subscriptions/subscription-1?lang=ar")).text
    listed = (await client.get("/subscriptions?lang=en")).text
    form = (await client.get("/subscriptions/subscription-1/edit?lang=ar")).text

    assert 'href="/feeds/feed-1"' in page
    assert "حال خلاصة" in page
    assert "/stories/feed" not in page
    assert 'href="/feeds/feed-1"' in listed
    assert 'value="feed-health"' in form


async def test_the_login_in_a_feeds_address_is_shown_nowhere(client: httpx.AsyncClient, store: InMemoryStore) -> None:
    feed = a_feed(id="behind-a-login", url="https://desk:s3cret@news.example/rss")
    store.feeds.put_feeds([feed])
    moved = FeedState(
        feed_id=feed.id, url="https://desk:s3cret@news.example/2", health=Health.HTTP_4XX, last_poll_at=NOW
    )
    store.polls.commit_poll(moved, ())

    for path in ("/feeds", f"/feeds/{feed.id}", "/api/v1/feeds", f"/api/v1/feeds/{feed.id}", "/feeds/health.atom"):
        answer = await client.get(path)
        assert answer.status_code == 200, path
        assert "s3cret" not in answer.text, path
    assert "https://news.example/rss" in (await client.get(f"/feeds/{feed.id}")).text
