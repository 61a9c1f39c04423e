"""What the last polls of a feed brought is kept in few rows."""

from http import HTTPStatus

from marsad.errors import FetchError
from marsad.records import Health
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
