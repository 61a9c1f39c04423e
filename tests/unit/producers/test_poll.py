"""What is asked, and what an answer means: the two decisions of a poll, over short histories of a feed."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.config import PollSettings
from marsad.errors import FetchError
from marsad.records import Entry, Feed, FeedState, FetchResponse, Health
from marsad.testing.factories import a_feed, an_entry
from producers.moves import VOTES_NEEDED
from producers.parse import ParsedEntry, ParsedFeed
from producers.poll import PollResult, decide, explain, needs_parse, request_for, wants_page

START = datetime(2026, 7, 14, 9, 30, tzinfo=UTC)
SETTINGS = PollSettings()
FEED = a_feed()


def entry(number: int, **fields: object) -> ParsedEntry:
    default: dict[str, object] = {
        "guid": f"g{number}",
        "url": f"https://news.example/{number}",
        "title": f"خبر رقم {number}",
        "summary": f"ملخص {number}",
        "published_at": START - timedelta(hours=100 - number),
    }
    return ParsedEntry(**{**default, **fields})  # type: ignore[arg-type]


class History:
    """A feed polled again and again; each call of :meth:`poll` is one poll, some time after the one before."""

    def __init__(self, feed: Feed = FEED, state: FeedState | None = None) -> None:
        self.feed = feed
        self.state = state
        self.now = START
        self.entries: list[Entry] = []
        self.conditional = False

    def poll(
        self,
        entries: Sequence[ParsedEntry] | None = None,
        *,
        minutes: float = 10,
        status: int = 200,
        body: bytes | None = None,
        parsed: ParsedFeed | None = None,
        error: FetchError | None = None,
        permanent: str = "",
        elapsed: float = 0.1,
        **headers: str,
    ) -> PollResult:
        self.now += timedelta(minutes=minutes)
        request = request_for(self.feed, self.state, self.now, SETTINGS)
        self.conditional = bool(request.etag or request.last_modified)
        answer: FetchResponse | FetchError = error or FetchResponse(
            url=request.url,
            final_url=permanent or request.url,
            status=status,
            headers={key.replace("_", "-"): value for key, value in headers.items()},
            body=body if body is not None else repr(entries).encode(),
            permanent_url=permanent,
            elapsed=elapsed,
        )
        read = None
        if isinstance(answer, FetchResponse) and needs_parse(self.state, answer, now=self.now):
            read = parsed or ParsedFeed(kind="rss", link="https://news.example/", entries=tuple(entries or ()))
        result = decide(
            self.feed, self.state, request, answer, read, now=self.now, settings=SETTINGS, rng=random.Random(1)
        )
        self.state = result.state
        self.entries += result.entries
        return result


def entries_of(*numbers: int) -> list[ParsedEntry]:
    return [entry(number) for number in reversed(numbers)]


# --- entries -------------------------------------------------------------------------------------------------------


def test_the_first_poll_brings_every_entry_oldest_first() -> None:
    history = History()

    result = history.poll(entries_of(1, 2, 3))

    assert [one.guid for one in result.entries] == ["g1", "g2", "g3"]
    assert (result.new, result.revised, result.state.health) == (3, 0, Health.OK)
    assert all(one.first_seen_at == history.now and one.revision == 1 for one in result.entries)


def test_a_known_entry_is_not_new_again() -> None:
    history = History()
    history.poll(entries_of(1, 2))

    assert [one.guid for one in history.poll(entries_of(1, 2, 3)).entries] == ["g3"]


def test_an_entry_that_left_for_a_poll_is_known_when_it_returns() -> None:
    history = History()
    history.poll(entries_of(1, 2))
    history.poll(entries_of(2, 3))

    assert history.poll(entries_of(1, 2, 3)).new == 0


def test_an_edited_entry_is_a_revision_of_the_same_article() -> None:
    history = History()
    first = history.poll([entry(1), entry(2)]).entries[1]

    second = history.poll([entry(1, title="خبر رقم 1: تصحيح"), entry(2)]).entries[0]

    assert (second.entry_id, second.article_id, second.revision) == (first.entry_id, first.article_id, 2)
    assert second.content_hash != first.content_hash


def test_new_dates_markup_and_white_space_are_no_revision() -> None:
    history = History()
    history.poll([entry(1, summary="ملخص الخبر")])

    later = history.poll([entry(1, summary="<p>ملخص \n الخبر</p>", published="later", published_at=START)])

    assert (later.new, later.revised) == (0, 0)


def test_two_guids_of_one_link_are_one_entry() -> None:
    history = History()

    result = history.poll(
        [entry(1), entry(1, guid="g1#2"), entry(1, guid="g1#3", url="https://www.news.example/1?utm_source=rss")]
    )

    assert result.new == 1
    assert result.entries[0].guids == ("g1", "g1#2", "g1#3")


def test_a_feed_that_gives_all_its_entries_new_guids_does_not_flood() -> None:
    history = History()
    history.poll(entries_of(1, 2, 3))

    again = history.poll([entry(number, guid=f"other-{number}") for number in (1, 2, 3)])

    assert (again.new, again.revised) == (0, 0)


def test_a_feed_that_gives_all_its_entries_new_guids_and_links_does_not_flood() -> None:
    history = History()
    history.poll(entries_of(*range(8)))

    again = history.poll([entry(n, guid=f"o{n}", url=f"https://news.example/{n}?sid=77") for n in range(9)])

    assert [one.title for one in again.entries] == ["خبر رقم 8"]


def test_a_link_that_changed_under_the_same_guid_keeps_the_article() -> None:
    history = History()
    first = history.poll([entry(1), entry(2)]).entries[1]

    moved = history.poll([entry(1, url="https://news.example/new-slug", title="عنوان جديد"), entry(2)]).entries[0]

    assert moved.article_id == first.article_id
    assert moved.url == "https://news.example/new-slug"


def test_guids_that_are_reused_for_other_news_hide_nothing() -> None:
    history = History()
    history.poll([entry(n, guid=f"slot-{n}") for n in range(4)])

    fresh = history.poll([entry(n + 10, guid=f"slot-{n}") for n in range(4)])

    assert (fresh.new, fresh.revised) == (4, 0)
    assert len({one.article_id for one in history.entries}) == 8


def test_one_guid_for_all_entries_tells_nothing_apart() -> None:
    history = History()

    assert history.poll([entry(n, guid="0") for n in range(5)]).new == 5
    assert history.poll([entry(n, guid="0") for n in range(6)]).new == 1


def test_one_link_for_all_entries_tells_nothing_apart() -> None:
    history = History()

    assert history.poll([entry(n, url="https://news.example/live") for n in range(5)]).new == 5
    assert history.poll([entry(n, url="https://news.example/") for n in range(6)]).new == 1
    assert len({one.article_id for one in history.entries}) == 6


def test_entries_without_guid_and_link_are_known_by_their_content() -> None:
    history = History()
    history.poll([entry(1, guid="", url=""), entry(2, guid="", url="")])

    assert history.poll([entry(1, guid="", url=""), entry(3, guid="", url="")]).new == 1


def test_entries_without_anything_are_left_out() -> None:
    assert History().poll([ParsedEntry(guid="x"), entry(1)]).new == 1


def test_the_same_article_in_two_feeds_has_one_article_id_and_two_entry_ids() -> None:
    one = History().poll([entry(1)]).entries[0]
    other = (
        History(a_feed(id="feed-2"))
        .poll([entry(1, guid="x", url="http://m.news.example/1/?utm_medium=rss")])
        .entries[0]
    )

    assert one.article_id == other.article_id
    assert one.entry_id != other.entry_id


@given(st.lists(st.lists(st.integers(0, 60), unique=True, min_size=1, max_size=40), min_size=1, max_size=8))
def test_whatever_a_feed_shows_when_each_entry_comes_out_once(polls: list[list[int]]) -> None:
    history = History()
    for numbers in polls:
        history.poll([entry(number) for number in numbers])

    assert sorted(one.guid for one in history.entries) == sorted(
        {f"g{number}" for numbers in polls for number in numbers}
    )
    assert history.state is not None
    assert {f"خبر رقم {number}" for number in polls[-1]} <= {one.title for one in history.entries}


def test_memory_is_bounded_and_holds_all_that_is_in_the_feed() -> None:
    history = History()
    for start in range(0, 2_000, 20):
        history.poll(entries_of(*range(start, start + 60)))

    assert history.state is not None
    assert len(history.state.seen) <= 3 * 60
    assert history.poll(entries_of(*range(1_980, 2_040))).new == 0


# --- gaps ----------------------------------------------------------------------------------------------------------


def test_a_window_that_rolled_over_is_a_gap_with_an_estimate() -> None:
    history = History()
    history.poll(entries_of(*range(10)))

    result = history.poll(entries_of(*range(30, 40)))

    assert result.missed == 20
    assert result.state.gap_count == 1
    assert result.state.gaps[0].newest_known == START - timedelta(hours=91)
    assert "missed" in result.state.reason


def test_overlap_is_no_gap() -> None:
    history = History()
    history.poll(entries_of(*range(10)))

    assert history.poll(entries_of(*range(9, 19))).missed == 0


def test_a_feed_refilled_with_older_entries_has_no_gap() -> None:
    history = History()
    history.poll(entries_of(*range(50, 60)))

    assert history.poll(entries_of(*range(10))).missed == 0


def test_the_first_document_and_an_empty_one_are_no_gap() -> None:
    history = History()
    assert history.poll(entries_of(5)).missed == 0
    assert history.poll([]).missed == 0


# --- conditional requests ------------------------------------------------------------------------------------------


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


# --- moves ---------------------------------------------------------------------------------------------------------


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


# --- health --------------------------------------------------------------------------------------------------------


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


def test_a_feed_far_below_its_rhythm_is_silent_until_it_speaks() -> None:
    history = History()
    history.now = START + timedelta(days=20)
    assert history.poll(entries_of(*range(90, 100)), etag='"1"').state.health is Health.SILENT
    assert history.poll(status=304).state.health is Health.SILENT

    history.poll([entry(200, published_at=history.now), *entries_of(*range(91, 100))])
    assert history.state is not None
    assert history.state.health is Health.OK


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


def test_throttling_pauses_the_whole_site() -> None:
    assert History().poll(status=429, body=b"", retry_after="90").retry_after == 90
    assert History().poll(status=429, body=b"").retry_after == 30
    assert History().poll(status=500, body=b"").retry_after == 0


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


# --- pages ---------------------------------------------------------------------------------------------------------


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
