"""What the last polls of a feed brought is kept in few rows."""

from http import HTTPStatus

from hypothesis import given
from hypothesis import strategies as st

from marsad.errors import FetchError
from marsad.records import FeedState, Health, PollNote
from producers.history import latest_change, noted, past_polls
from producers.testing import START, History, entries_of


def test_each_poll_that_brought_something_is_a_row_with_the_plan_that_it_led_to() -> None:
    history = History()
    history.poll(entries_of(1, 2), minutes=1)
    result = history.poll(entries_of(*range(30, 40)), minutes=1)

    first, second = result.state.history

    assert (first.new, first.missed, first.status, first.health) == (2, 0, HTTPStatus.OK, Health.OK)
    assert (second.new, second.missed) == (10, result.missed)
    assert second.at - first.at == 60
    assert second.reason == result.state.reason
    assert second.wait == round((result.state.next_poll_at - history.now).total_seconds())  # type: ignore[operator]


def test_quiet_polls_in_a_row_are_one_row() -> None:
    history = History()
    history.poll(entries_of(1))
    for _ in range(50):
        history.poll(entries_of(1))

    assert history.state is not None
    assert [(row.times, row.health) for row in history.state.history] == [(1, Health.OK), (50, Health.UNCHANGED)]
    assert history.state.history[1].since == int(START.timestamp()) + 1_200


def test_another_failure_is_another_row_and_the_rows_are_bounded() -> None:
    history = History()
    for _ in range(100):
        history.poll(error=FetchError("no such host", health="dns"))
        history.poll(error=FetchError("refused", health="network"))

    assert history.state is not None
    assert [row.health for row in history.state.history[-2:]] == [Health.DNS, Health.NETWORK]
    assert {row.status for row in history.state.history} == {0}
    assert len(history.state.history) == 24


def told(*polls: Health) -> list[tuple[Health, bool]]:
    """What each poll in turn tells, as somebody who is told at once sees it."""
    state, found = FeedState(feed_id="f"), []
    for number, health in enumerate(polls):
        state = noted(state, PollNote(at=60 * number, health=health, since=60 * number, new=health is Health.OK))
        change = latest_change(state)
        if change is not None:
            assert change.told_at.timestamp() == 60 * number
            found.append((change.health, change.recovered))
    return found


def test_an_illness_is_told_at_its_second_poll_and_the_recovery_at_once() -> None:
    ill, well = Health.DNS, Health.UNCHANGED

    assert told(well, ill, ill, ill, well, well) == [(ill, False), (well, True)]
    assert told(ill, well, ill, well) == []
    assert told(well, ill, ill, Health.TLS, Health.TLS, ill) == [(ill, False), (Health.TLS, False)]
    assert told(well, Health.GONE, well) == [(Health.GONE, False), (well, True)]


@given(st.lists(st.sampled_from([Health.OK, Health.UNCHANGED, Health.DNS, Health.TLS, Health.GONE]), max_size=120))
def test_nobody_is_told_twice_of_one_illness_nor_of_a_recovery_from_none(polls: list[Health]) -> None:
    present: Health | None = None
    for health, recovered in told(*polls):
        assert recovered == (health in {Health.OK, Health.UNCHANGED})
        assert health is not present
        assert present is not None or not recovered
        present = None if recovered else health


@given(st.lists(st.sampled_from([Health.OK, Health.DNS, Health.TLS, Health.GONE, None]), max_size=20))
def test_pushes_between_polls_tell_nothing_of_the_feeds_health(polls: list[Health | None]) -> None:
    """None is a push."""
    state, found = FeedState(feed_id="f"), []
    for number, health in enumerate(polls):
        at = 60 * number
        if health is None:
            state = noted(state, PollNote(at=at, health=Health.OK, since=at, new=1, pushed=True))
            assert latest_change(state) is None
        else:
            state = noted(state, PollNote(at=at, health=health, since=at, new=health is Health.OK))
            change = latest_change(state)
            found += [] if change is None else [(change.health, change.recovered)]

    assert found == told(*(health for health in polls if health))


def test_a_push_between_two_quiet_polls_is_a_row_of_its_own() -> None:
    state = FeedState(feed_id="f")
    for number, pushed in enumerate([False, False, True, True, False, False]):
        state = noted(state, PollNote(at=60 * number, health=Health.UNCHANGED, new=int(pushed), pushed=pushed))

    assert [(row.pushed, row.times) for row in past_polls(state)] == [(False, 2), (True, 1), (True, 1), (False, 2)]
