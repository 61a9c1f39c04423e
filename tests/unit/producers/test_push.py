"""A pushed document is taken as a polled one would be; what may hide a gap is left to the feed's own document."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from marsad.records import Entry, FeedState, Health, HubNews
from producers.parse import ParsedEntry, ParsedFeed
from producers.push import Pushed, take_in
from producers.testing import History, entries_of, entry

PARSED = ParsedFeed(kind="rss", link="https://news.example/")


def polled(*numbers: int) -> History:
    history = History()
    history.poll(entries_of(*numbers), etag='"1"')
    return history


def state_of(history: History) -> FeedState:
    assert history.state is not None
    return history.state


def push(history: History, *documents: list[ParsedEntry] | None, kind: str = "rss") -> Pushed:
    """Ten minutes later the hub pushes documents; None is one that was not kept."""
    now = history.now + timedelta(minutes=10)
    pushes = []
    for number, found in enumerate(documents):
        news = HubNews(feed_id="f", kind="pushed", token="t", at=now, body=b"%d" % number)
        parsed = None if found is None else replace(PARSED, entries=tuple(found), kind=kind or None)
        pushes.append((news, parsed))
    return take_in(history.feed, state_of(history), pushes, now)


def what(entries: tuple[Entry, ...]) -> list[tuple[str, str, int, str]]:
    return [(one.entry_id, one.article_id, one.revision, one.content_hash) for one in entries]


@given(st.lists(st.integers(0, 20), min_size=1, unique=True), st.lists(st.integers(0, 20), min_size=1, unique=True))
def test_the_same_entries_come_of_a_push_and_of_a_poll(before: list[int], after: list[int]) -> None:
    pushed = push(polled(*sorted(before)), entries_of(*sorted(after)))
    by_poll = polled(*sorted(before)).poll(entries_of(*sorted(after)))

    if not by_poll.missed:
        assert what(pushed.entries) == what(by_poll.entries)
        assert pushed.state.seen.keys() == by_poll.state.seen.keys()
        assert (pushed.new, pushed.state.entries_seen) == (by_poll.new, by_poll.state.entries_seen)
    else:
        assert (pushed.entries, len(pushed.left)) == ((), 1)


def test_a_changed_entry_is_a_revision() -> None:
    pushed = push(polled(1, 2), [entry(2, title="خبر مصحح"), entry(1)])

    assert (pushed.new, pushed.revised, pushed.entries[0].revision) == (0, 1, 2)


def test_a_push_that_brings_something_is_a_row_of_the_history_and_one_that_brings_nothing_is_none() -> None:
    history = polled(1, 2)
    before = state_of(history)
    pushed = push(history, [entry(2, title="خبر مصحح"), entry(3), entry(1)])

    *polls, row = pushed.state.history
    assert tuple(polls) == before.history
    assert (row.pushed, row.new, row.revised, row.missed, row.status) == (True, 1, 1, 0, 0)
    assert (row.health, row.reason) == (before.health, before.reason)
    assert push(history, entries_of(1, 2)).state.history == before.history


def test_a_push_that_nothing_known_is_in_is_left_so_that_the_poll_can_prove_the_gap() -> None:
    history = polled(1, 2)
    pushed = push(history, entries_of(9))

    assert (pushed.entries, len(pushed.left), pushed.state) == ((), 1, history.state)
    assert history.poll(entries_of(8, 9)).missed


def test_a_push_that_is_no_feed_or_was_not_kept_is_left() -> None:
    history = polled(1)

    assert len(push(history, entries_of(1, 2), kind="").left) == 1
    assert len(push(history, None).left) == 1
    assert len(push(history, []).left) == 1


def test_several_pushes_are_taken_in_their_order_and_one_that_is_left_hinders_none() -> None:
    pushed = push(polled(1), entries_of(1, 2), None, entries_of(2, 3), entries_of(9))

    assert [one.guid for one in pushed.entries] == ["g2", "g3"]
    assert (len(pushed.used), len(pushed.left)) == (2, 2)


def test_a_push_says_nothing_of_the_feeds_server() -> None:
    history = polled(1)
    history.poll(status=503, body=b"")
    before = state_of(history)
    after = push(history, entries_of(1, 2)).state

    assert (after.health, after.failures, after.standing) == (Health.HTTP_5XX, 1, before.standing)
    assert (after.etag, after.next_poll_at, after.interval, after.polls) == (
        before.etag, before.next_poll_at, before.interval, before.polls,
    )  # fmt: skip
    assert len(after.seen) == 2


def test_what_a_push_brought_is_known_to_the_next_poll() -> None:
    history = polled(1, 2)
    history.state = push(history, entries_of(1, 2, 3)).state

    result = history.poll(entries_of(2, 3, 4))
    assert (result.new, result.missed) == (1, 0)
