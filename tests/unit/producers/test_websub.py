"""Subscriptions at hubs, decided: whom to ask when, what pushes are worth, how long a poll may wait."""

import random
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from marsad.config import PollSettings, WebSubSettings
from marsad.records import FeedState, FetchResponse, HubLink, HubNews
from producers.parse import ParsedFeed
from producers.websub import HubOffer, HubRequest, Polled, after_poll, fold, offer_of

NOW = datetime(2026, 7, 14, 9, 30, tzinfo=UTC)
POLL = PollSettings()
SETTINGS = WebSubSettings(callback="https://news.example.org/")
OFFER = HubOffer(("https://hub.example/", "https://hub2.example/"), "https://news.example/feed")
FEED = "https://news.example/feed"


def answer(link: str = "", status: int = 200) -> FetchResponse:
    headers = {"link": link} if link else {}
    return FetchResponse(url=FEED, final_url=FEED, status=status, headers=headers)


class Desk:
    """One feed's subscription through the hours."""

    def __init__(self, settings: WebSubSettings = SETTINGS) -> None:
        self.settings = settings
        self.now = NOW
        self.state = FeedState(feed_id="f", interval=600.0, rate=1.0, window=40, next_poll_at=NOW)
        self.tokens = count()
        self.asked: list[HubRequest] = []

    @property
    def link(self) -> HubLink:
        assert self.state.hub is not None
        return self.state.hub

    def poll(
        self, minutes: float = 10, offer: HubOffer | None = OFFER, *news: HubNews, new: int = 0, failures: int = 0
    ) -> tuple[HubRequest, ...]:
        self.now += timedelta(minutes=minutes)
        found = self.now if new else self.state.last_new_at
        at = self.now + timedelta(seconds=self.state.interval)
        state = replace(
            self.state, last_poll_at=self.now, last_new_at=found, next_poll_at=at, failures=failures, reason="poll"
        )
        polled = Polled(state=state, news=news, offer=offer, new=new)
        self.state, requests = after_poll(
            polled,
            now=self.now,
            poll=POLL,
            settings=self.settings,
            rng=random.Random(1),
            new_token=lambda: f"t{next(self.tokens)}",
        )
        self.asked += requests
        return requests

    def said(self, kind: str, **fields: object) -> HubNews:
        return HubNews(feed_id="f", kind=kind, token=self.link.token, at=self.now, **fields)  # type: ignore[arg-type]

    def confirm(self, lease: int = 86_400) -> None:
        self.poll(1, OFFER, self.said("confirmed", lease_seconds=lease))

    def waits(self) -> float:
        assert self.state.next_poll_at is not None
        return (self.state.next_poll_at - self.now).total_seconds()


@pytest.mark.parametrize(
    ("link", "hubs", "topic"),
    [
        ('<https://hub.example/>; rel="hub", <https://news.example/f>; rel="self"', ("https://hub.example/",), "https://news.example/f"),
        ("<https://hub.example/>;rel=hub", ("https://hub.example/",), FEED),
        ("</hub>; rel=hub, <?x=1>; REL=Self", ("https://news.example/hub",), f"{FEED}?x=1"),
        ('<https://a.example/>; rel="next hub", <https://b.example/>; rel=hub', ("https://a.example/", "https://b.example/"), FEED),
        ('<https://a.example/,b>; title="x; rel=hub"; rel=hub', ("https://a.example/,b",), FEED),
        ("<javascript:alert(1)>; rel=hub", (), FEED),
        ("<https://hub.example/>; rel=preconnect", (), FEED),
    ],
)  # fmt: skip
def test_hubs_and_topic_are_read_from_the_headers(link: str, hubs: tuple[str, ...], topic: str) -> None:
    assert offer_of(answer(link), ParsedFeed(kind="rss")) == HubOffer(hubs, topic)


def test_hubs_and_topic_are_read_from_the_document_where_the_headers_name_none() -> None:
    parsed = ParsedFeed(kind="atom", hub="https://hub.example/", self_link="https://news.example/self")

    assert offer_of(answer(), parsed) == HubOffer(("https://hub.example/",), "https://news.example/self")
    headers = '<https://other.example/>; rel="hub"'
    assert offer_of(answer(headers), parsed) == HubOffer(("https://other.example/",), FEED)


def test_an_answer_without_a_document_says_nothing_of_hubs() -> None:
    assert offer_of(answer(status=304), None) is None
    assert offer_of(answer(), ParsedFeed()) is None


@given(st.text(alphabet='<>;=," relhubsfx:/\\'))
def test_any_link_header_is_read(text: str) -> None:
    offer_of(answer(text), ParsedFeed(kind="rss"))


def test_nothing_is_asked_without_a_callback_address() -> None:
    desk = Desk(WebSubSettings())

    assert desk.poll() == ()
    assert desk.state.hub is None


def test_a_hub_is_asked_with_a_callback_and_a_secret_of_the_feeds_own() -> None:
    desk = Desk()
    (request,) = desk.poll()

    assert dict(request.form()) == {
        "hub.mode": "subscribe",
        "hub.topic": "https://news.example/feed",
        "hub.callback": "https://news.example.org/websub/f/t0",
        "hub.secret": "t1",
        "hub.lease_seconds": "864000",
    }
    assert desk.poll(5) == ()


def test_a_hub_that_does_not_confirm_is_asked_again_later_each_time_and_then_the_next_hub() -> None:
    desk = Desk()
    times = [(desk.now, requests[0].link.hub) for _ in range(3_000) if (requests := desk.poll(10))]
    waits = [(b - a).total_seconds() for (a, _), (b, _) in pairwise(times)]

    assert waits[0] < 1_500 < waits[2] < 70_000 < waits[-1]
    assert max(waits) <= 86_400 * 1.2
    assert {hub for _, hub in times} == set(OFFER.hubs)


def test_a_lease_is_renewed_before_it_ends() -> None:
    desk = Desk()
    desk.poll()
    desk.confirm(lease=86_400)
    while not (requests := desk.poll(10)):
        assert desk.link.stage == "active"
    assert desk.link.lease_until is not None

    assert requests[0].link.callback == desk.link.callback
    assert timedelta(hours=4) < desk.link.lease_until - desk.now < timedelta(hours=10)


def test_a_renewal_that_fails_is_tried_several_times_while_the_lease_runs() -> None:
    desk = Desk()
    desk.poll()
    desk.confirm(lease=86_400)
    tries = 0
    while desk.link.stage == "active":
        tries += len(desk.poll(10, OFFER, *([desk.said("refused", reason="busy")] if desk.link.asked_at else [])))

    assert tries > 4


def test_a_denial_is_asked_about_again_after_a_week() -> None:
    desk = Desk()
    desk.poll()
    desk.poll(1, OFFER, desk.said("denied", reason="no"))
    since = desk.now
    while not desk.poll(60):
        assert desk.link.stage == "denied"

    assert timedelta(days=7) <= desk.now - since <= timedelta(days=7, hours=2)


def test_the_same_news_twice_changes_nothing() -> None:
    desk = Desk()
    desk.poll()
    news = [desk.said("confirmed", lease_seconds=900), desk.said("denied")]
    for one in news:
        once = fold(desk.link, [one], random.Random(1))
        assert fold(once, [one], random.Random(2)) == once


def test_what_another_subscription_was_told_changes_nothing() -> None:
    desk = Desk()
    desk.poll()
    foreign = replace(desk.said("confirmed", lease_seconds=900), token="other")

    assert fold(desk.link, [foreign], random.Random(1)) == desk.link


@pytest.mark.parametrize("offer", [HubOffer(), HubOffer(("https://new.example/",), OFFER.topic), HubOffer(OFFER.hubs, "https://x.example/")])  # fmt: skip
def test_a_feed_that_changes_its_hub_or_its_name_is_unsubscribed_and_subscribed_anew(offer: HubOffer) -> None:
    desk = Desk()
    desk.poll()
    desk.confirm()
    old = desk.link
    requests = desk.poll(10, offer)

    assert (requests[0].mode, requests[0].link.callback) == ("unsubscribe", old.callback)
    assert [request.mode for request in requests[1:]] == ["subscribe"] * bool(offer.hubs)
    assert all(request.link.token != old.token for request in requests[1:])


def test_an_answer_that_says_nothing_of_hubs_ends_nothing() -> None:
    desk = Desk()
    desk.poll()
    desk.confirm()

    assert desk.poll(10, None) == ()
    assert desk.link.stage == "active"


def test_polls_come_more_rarely_as_long_as_pushes_announce_the_news() -> None:
    desk = Desk()
    desk.poll()
    desk.confirm()
    waits = []
    for _ in range(8):
        desk.poll(10, OFFER, desk.said("pushed"), new=1)
        waits.append(desk.waits())

    assert waits[0] == 600
    assert 3_200 < waits[-1] <= SETTINGS.longest_wait


def test_news_that_no_push_announced_ends_all_credit() -> None:
    desk = Desk()
    desk.poll()
    desk.confirm()
    for _ in range(8):
        desk.poll(10, OFFER, desk.said("pushed"), new=1)
    desk.poll(10, OFFER, new=1)

    assert desk.waits() == 600


def test_a_push_whose_news_the_feed_does_not_show_yet_is_followed_by_another_poll_soon() -> None:
    desk = Desk()
    desk.poll()
    desk.confirm()
    desk.poll(10, OFFER, replace(desk.said("pushed"), at=desk.now + timedelta(minutes=9)))

    assert desk.waits() == POLL.min_interval


def test_a_small_window_is_not_let_roll_over_between_two_polls() -> None:
    desk = Desk()
    desk.state = replace(desk.state, window=10, rate=20.0)
    desk.poll()
    desk.confirm()
    for _ in range(8):
        desk.poll(10, OFFER, desk.said("pushed"), new=1)

    assert desk.waits() <= 10 * 0.5 / 20 * 3_600


def test_pushes_do_not_put_off_the_next_poll() -> None:
    desk = Desk()
    desk.poll()
    desk.confirm()
    for _ in range(8):
        desk.poll(10, OFFER, desk.said("pushed"), new=1)
    polled, due = desk.now, desk.state.next_poll_at
    for _ in range(20):
        desk.now += timedelta(minutes=5)
        news = desk.said("pushed")
        desk.state, _ = after_poll(
            Polled(state=desk.state, news=(news,), new=1),
            now=desk.now,
            poll=POLL,
            settings=SETTINGS,
            rng=random.Random(),
            new_token=lambda: "t",
        )
        assert desk.state.next_poll_at is not None
        assert desk.state.next_poll_at <= polled + timedelta(seconds=SETTINGS.longest_wait)
    assert due is not None


STEPS = st.tuples(
    st.sampled_from(["none", "confirmed", "denied", "refused", "pushed"]),
    st.sampled_from([OFFER, None, HubOffer(), HubOffer(("https://new.example/",), "https://n.example/")]),
    st.integers(0, 3),
    st.integers(0, 2),
    st.floats(0.1, 3_000),
)


@given(st.lists(STEPS, max_size=30))
def test_after_any_history_a_poll_is_never_further_off_than_the_safety_net_or_the_feeds_own_interval(
    steps: list[tuple[str, HubOffer | None, int, int, float]],
) -> None:
    desk = Desk()
    for kind, offer, new, failures, minutes in steps:
        news = [desk.said(kind, lease_seconds=900)] if kind != "none" and desk.state.hub else []
        desk.poll(minutes, offer, *news, new=new, failures=failures)

        assert 0 <= desk.waits() <= max(desk.state.interval, SETTINGS.longest_wait)
        if desk.state.hub is not None and desk.link.stage == "active":
            assert desk.link.lease_until is not None
