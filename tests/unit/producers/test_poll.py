"""What is asked, and what each kind of answer means, over short histories of a feed."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.config import PollSettings
from marsad.errors import FetchError
from marsad.records import FeedState, FetchResponse, Health
from marsad.testing.factories import a_feed, an_entry
from producers.moves import VOTES_NEEDED
from producers.parse import ParsedFeed
from producers.poll import explain, needs_parse, request_for, wants_page
from producers.testing import START, History, entries_of, entry

SETTINGS = PollSettings()
FEED = a_feed()


def test_the_first_poll_is_unconditional_and_the_second_carries_the_validators() -> None:
    history = History()
    history.poll(entries_of(1), etag='"1"', last_modified="then")
    request = request_for(FEED, history.state, START + timedelta(hours=1), SETTINGS)

    assert (request.etag, request.last_modified) == ('"1"', "then")


def test_an_early_304_is_checked_by_an_unconditional_poll() -> None:
    history = History()
    history.poll(entries_of(1), etag='"1"')
    history.poll(status=304)
    assert history.conditional

    result = history.poll(entries_of(1), etag='"1"')

    assert not history.conditional
    assert result.state.validators_trusted == 1
    assert result.state.health is Health.UNCHANGED


def test_an_etag_that_stays_while_the_feed_changes_is_never_believed_again() -> None:
    history = History()
    history.poll(entries_of(1), etag='"frozen"')
    history.poll(status=304)
    result = history.poll(entries_of(1, 2), etag='"frozen"')

    assert result.new == 1
    assert result.state.validators_trusted == -1
    for _ in range(5):
        history.poll(entries_of(1, 2), etag='"other"')
        assert not history.conditional


def test_an_etag_that_changes_with_the_feed_is_proven() -> None:
    history = History()
    history.poll(entries_of(1), etag='"1"')

    assert history.poll(entries_of(1, 2), etag='"2"').state.validators_trusted == 1


def test_a_proven_validator_is_checked_when_its_304_becomes_implausible() -> None:
    history = History()
    for number in range(2, 40):
        history.poll(entries_of(*range(number)), etag=f'"{number}"')
    believed = 0
    while request_for(FEED, history.state, history.now + timedelta(minutes=10), SETTINGS).etag:
        history.poll(status=304)
        believed += 1

    assert 1 <= believed <= 5
    assert history.poll(entries_of(*range(40)), etag='"39"').state.validators_trusted == -1


def test_every_feed_is_asked_unconditionally_after_the_set_time() -> None:
    history = History()
    history.poll(entries_of(1), etag='"1"')
    history.poll(entries_of(1, 2), etag='"2"')
    history.poll(status=304, minutes=60)
    assert history.conditional

    history.poll(entries_of(1, 2), etag='"2"', minutes=SETTINGS.unconditional_every / 60)
    assert not history.conditional


def test_a_304_that_nobody_asked_for_is_a_failure() -> None:
    history = History()

    assert history.poll(status=304).state.failures == 1


def test_the_same_bytes_are_unchanged_and_not_read_again() -> None:
    history = History()
    history.poll(entries_of(1))
    answer = FetchResponse(url="u", final_url="u", status=200, body=repr(entries_of(1)).encode())

    assert not needs_parse(history.state, answer, now=history.now)
    assert history.poll(entries_of(1)).state.health is Health.UNCHANGED


def test_a_permanent_redirect_is_stored_after_agreeing_polls() -> None:
    history = History()
    for number in range(VOTES_NEEDED - 1):
        assert history.poll(entries_of(number), permanent="http://new.example/feed").state.url == ""

    result = history.poll(entries_of(9), permanent="http://new.example/feed")

    assert result.state.health is Health.MOVED
    assert request_for(FEED, result.state, history.now, SETTINGS).url == "http://new.example/feed"
    assert history.poll(entries_of(10)).state.url == "http://new.example/feed"


@pytest.mark.parametrize("other", ["http://elsewhere.example/feed", ""])
def test_a_disagreeing_poll_starts_the_count_anew(other: str) -> None:
    history = History()
    history.poll(entries_of(1), permanent="http://new.example/feed")
    history.poll(entries_of(2), permanent="http://new.example/feed")
    history.poll(entries_of(3), permanent=other)

    assert history.poll(entries_of(4), permanent="http://new.example/feed").state.url == ""


def test_a_redirect_to_a_page_is_never_stored() -> None:
    history = History()
    for number in range(10):
        page = ParsedFeed(problems=("not-a-feed",))
        result = history.poll(body=str(number).encode(), parsed=page, permanent="http://new.example/login")

    assert result.state.url == ""
    assert result.state.health is Health.NOT_A_FEED


def test_a_stored_address_that_fails_is_doubted() -> None:
    history = History(state=FeedState(feed_id=FEED.id, url="http://new.example/feed", failures=3))

    assert request_for(FEED, history.state, START, SETTINGS).url == FEED.url


@pytest.mark.parametrize(
    ("status", "headers", "body", "health"),
    [
        (404, {}, b"", Health.HTTP_4XX),
        (401, {}, b"", Health.HTTP_4XX),
        (403, {}, b"<title>Just a moment...</title>", Health.BOT_WALL),
        (503, {}, b"<title>Just a moment...</title>", Health.BOT_WALL),
        (410, {}, b"", Health.GONE),
        (429, {}, b"", Health.THROTTLED),
        (503, {"retry_after": "60"}, b"", Health.THROTTLED),
        (503, {}, b"busy", Health.HTTP_5XX),
        (500, {}, b"", Health.HTTP_5XX),
        (204, {}, b"", Health.NOT_A_FEED),
        (301, {}, b"", Health.NOT_A_FEED),
        (999, {}, b"", Health.HTTP_5XX),
    ],
)  # fmt: skip
def test_each_status_is_its_own_state(status: int, headers: dict[str, str], body: bytes, health: Health) -> None:
    state = History().poll(status=status, body=body, **headers).state

    assert (state.health, state.failures) == (health, 1)
    assert str(status) in state.detail


@pytest.mark.parametrize("health", ["dns", "tls", "slow", "network", "blocked", "too-large"])
def test_each_failure_is_its_own_state(health: str) -> None:
    result = History().poll(error=FetchError("http://x: broken", health=health))

    assert result.state.health == health
    assert result.event.reason.startswith("next poll in")


@pytest.mark.parametrize(
    ("problems", "health"),
    [
        (("not-a-feed",), Health.NOT_A_FEED),
        (("bot-wall", "not-a-feed"), Health.BOT_WALL),
        (("empty-document", "not-a-feed"), Health.EMPTY),
    ],
)
def test_documents_that_are_no_feed_are_told_apart(problems: tuple[str, ...], health: Health) -> None:
    assert History().poll(parsed=ParsedFeed(problems=problems), body=b"x").state.health is health


def test_a_feed_without_entries_is_empty_and_no_failure() -> None:
    state = History().poll([]).state

    assert (state.health, state.failures) == (Health.EMPTY, 0)


def test_a_slow_answer_is_used_and_said() -> None:
    result = History().poll(entries_of(1), elapsed=2.5)

    assert (result.new, result.state.health) == (1, Health.SLOW)


def test_dates_that_stand_still_while_news_comes_are_frozen() -> None:
    history = History()
    old = START - timedelta(days=3)
    history.poll([entry(n, published_at=old) for n in range(5)])

    result = history.poll([entry(n, published_at=old) for n in range(6)])

    assert (result.new, result.state.health) == (1, Health.FROZEN_DATES)


def test_entries_of_one_moment_just_now_are_not_frozen() -> None:
    history = History()
    history.poll([entry(n, published_at=history.now) for n in range(5)])

    assert history.poll([entry(n, published_at=history.now) for n in range(6)]).state.health is Health.OK


def test_entries_that_bear_the_time_of_each_request_say_nothing_and_are_marked() -> None:
    history = History()
    first = history.poll([entry(n, published_at=history.now) for n in range(5)], minutes=0)
    history.now += timedelta(hours=1)

    result = history.poll([entry(n, published_at=history.now) for n in range(6)], minutes=0)

    assert (result.state.health, "time of the request" in result.state.detail) == (Health.FROZEN_DATES, True)
    assert [one.date_doubt for one in (*first.entries, *result.entries)] == [*[""] * 5, "always now"]


def test_twenty_entries_of_the_moment_of_the_first_request_are_marked() -> None:
    history = History()

    result = history.poll([entry(n, published_at=history.now) for n in range(20)], minutes=0)

    assert {one.date_doubt for one in result.entries} == {"always now"}


def test_a_new_entry_with_the_one_old_date_of_all_is_marked() -> None:
    history = History()
    old = START - timedelta(days=3)
    first = history.poll([entry(n, published_at=old) for n in range(5)])

    later = history.poll([entry(n, published_at=old) for n in range(6)])

    assert {one.date_doubt for one in first.entries} == {""}
    assert [one.date_doubt for one in later.entries] == ["frozen"]


def test_one_old_date_that_all_entries_bore_before_is_doubted_where_all_are_new() -> None:
    history = History()
    old = START - timedelta(days=3)
    history.poll([entry(n, published_at=old) for n in range(5)])

    result = history.poll([entry(n, published_at=old) for n in range(10, 15)])

    assert {one.date_doubt for one in result.entries} == {"frozen"}


@pytest.mark.parametrize("hours", [5, 50])
def test_an_edition_of_one_date_is_believed(hours: float) -> None:
    history = History()
    history.poll([entry(n) for n in range(5)])
    history.now += timedelta(days=3)

    issued = history.now - timedelta(hours=hours)
    result = history.poll([entry(n, published_at=issued) for n in range(10, 20)])

    assert {one.date_doubt for one in result.entries} == {""}


def test_a_feed_far_below_its_rhythm_is_silent_until_it_speaks() -> None:
    history = History()
    history.now = START + timedelta(days=20)
    assert history.poll(entries_of(*range(90, 100)), etag='"1"').state.health is Health.SILENT
    assert history.poll(status=304).state.health is Health.SILENT

    history.poll([entry(200, published_at=history.now), *entries_of(*range(91, 100))])
    assert history.state is not None
    assert history.state.health is Health.OK


def test_a_feed_that_stops_is_silent_by_its_own_weeks_and_one_that_rests_at_night_is_not() -> None:
    history, numbers = History(), list(range(5))
    history.poll([entry(n, published_at=history.now) for n in numbers])
    told = set()
    for hour in range(24 * 21):
        if 6 <= hour % 24 < 18:
            numbers = [*numbers, numbers[-1] + 1, numbers[-1] + 2][-20:]
        told.add(history.poll([entry(n, published_at=history.now) for n in numbers], minutes=60).state.health)
    same = [entry(n, published_at=history.now) for n in numbers]
    after = [history.poll(same, minutes=60).state for _ in range(30)]

    assert told == {Health.OK}
    assert after[5].health is not Health.SILENT
    assert after[-1].health is Health.SILENT
    assert "in which it used to bring" in after[-1].detail


def test_a_feed_that_was_away_while_entries_rolled_over_keeps_its_rate() -> None:
    history = History()
    for number in range(20, 60):
        history.poll([entry(n, published_at=history.now) for n in range(number - 10, number)], minutes=30)
    before = history.state
    history.poll([entry(n, published_at=history.now + timedelta(days=7)) for n in range(300, 310)], minutes=7 * 1_440)

    assert before is not None
    assert history.state is not None
    assert (history.state.gap_count, history.state.rate) == (1, before.rate)


def test_each_decision_says_why() -> None:
    history = History()
    for number in range(2, 40):
        history.poll([entry(n, published_at=history.now) for n in range(number)], minutes=30)
    assert history.state is not None

    assert explain(history.state, history.now) == "next poll in 11 min because it brings about 2 entries an hour"


def test_gone_mutes_and_any_feed_that_answers_again_is_unmuted() -> None:
    history = History()
    gone = history.poll(status=410, body=b"")
    assert gone.state.muted
    assert "unmutes" in gone.event.reason

    assert not history.poll(entries_of(1)).state.muted


def test_a_wall_between_two_polls_loses_nothing_and_changes_no_validator() -> None:
    history = History()
    history.poll(entries_of(1), etag='"1"')
    wall = history.poll(parsed=ParsedFeed(problems=("bot-wall", "not-a-feed")), body=b"wall", etag='"wall"')
    assert (wall.state.etag, len(wall.state.seen)) == ('"1"', 1)

    assert history.poll(entries_of(1, 2), etag='"2"').new == 1


def test_failures_are_counted_and_forgotten_with_the_first_success() -> None:
    history = History()
    for _ in range(30):
        history.poll(error=FetchError("x", health="dns"))
    assert history.state is not None
    assert history.state.failures == 30
    assert history.state.next_poll_at is not None

    assert history.poll(entries_of(1)).state.failures == 0


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {}, 30),
        (429, {"retry_after": "40"}, 40),
        (503, {"retry_after": "60"}, 60),
        (503, {}, 0),
        (500, {"retry_after": "60"}, 0),
    ],
)
def test_throttling_pauses_the_whole_site(status: int, headers: dict[str, str], seconds: float) -> None:
    assert History().poll(status=status, body=b"", **headers).site_pause == seconds


def test_a_change_of_health_is_dated() -> None:
    history = History()
    history.poll(entries_of(1))
    since = history.now
    history.poll(entries_of(1, 2))
    assert history.state is not None
    assert history.state.health_since == since


def test_the_next_poll_explains_itself() -> None:
    history = History()
    result = history.poll(entries_of(1))

    assert result.event.reason == explain(result.state, history.now)
    assert result.event.reason.startswith("next poll in ")
    assert " because " in result.event.reason


ANSWERS = st.one_of(
    st.tuples(st.just("entries"), st.lists(st.integers(0, 30), unique=True, max_size=20)),
    st.tuples(st.just("status"), st.sampled_from([200, 204, 304, 404, 410, 429, 500, 503])),
    st.tuples(st.just("error"), st.sampled_from(["dns", "slow", "nonsense"])),
)


@given(st.lists(st.tuples(ANSWERS, st.integers(1, 5_000)), max_size=12))
def test_after_any_history_the_feed_is_asked_again(steps: list[tuple[tuple[str, object], int]]) -> None:
    history = History()
    for (kind, what), minutes in steps:
        if kind == "entries":
            history.poll([entry(n) for n in what], minutes=minutes, etag='"1"')  # type: ignore[attr-defined]
        elif kind == "status":
            history.poll(status=what, minutes=minutes, body=b"")  # type: ignore[arg-type]
        else:
            history.poll(error=FetchError("x", health=str(what)), minutes=minutes)
        assert history.state is not None
        assert history.state.next_poll_at is not None
        wait = (history.state.next_poll_at - history.now).total_seconds()
        assert SETTINGS.min_interval <= wait <= SETTINGS.max_interval * 1.1


@pytest.mark.parametrize(
    ("full_text", "content", "url", "wanted"),
    [
        (None, "", "https://news.example/1", True),
        (None, "<p>" + "كلمة " * 200 + "</p>", "https://news.example/1", False),
        (None, "<p " + "x" * 2_000 + ">قصير</p>", "https://news.example/1", True),
        (False, "<p>" + "كلمة " * 200 + "</p>", "https://news.example/1", True),
        (True, "", "https://news.example/1", False),
        (False, "", "", False),
    ],
)
def test_a_page_is_wanted_where_the_feed_gives_a_teaser(
    full_text: bool | None, content: str, url: str, wanted: bool
) -> None:
    assert wants_page(a_feed(full_text=full_text), an_entry(content_html=content, url=url)) is wanted
