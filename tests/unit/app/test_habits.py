"""Whether a feed with a habit was reported as what it is."""

import pytest

from marsad.records import Health
from marsad_app.bench.habits import EXPECTED, Sight, judge

WELL = Sight(Health.OK, "", "", lying=False)


def seen(habit: str) -> list[Sight]:
    wanted = EXPECTED[habit]
    right = Sight(wanted.state or Health.UNCHANGED, f"x {wanted.detail}", "", lying=wanted.lying)
    return [WELL, right]


@pytest.mark.parametrize("habit", EXPECTED)
def test_what_is_reported_as_it_should_be_is_right(habit: str) -> None:
    assert judge(habit, seen(habit)) == []


@pytest.mark.parametrize("habit", EXPECTED)
def test_another_state_or_a_stored_address_is_wrong(habit: str) -> None:
    assert judge(habit, [*seen(habit), Sight(Health.NOT_A_FEED, "", "", lying=False)]) == [f"{habit}: was not-a-feed"]
    moved = Sight(Health.OK, "", "http://elsewhere.example/", lying=False)
    assert judge(habit, [*seen(habit), moved]) == [f"{habit}: another address was stored"]


@pytest.mark.parametrize("habit", ["503", "429", "bot-wall", "slow", "broken-xml", "frozen-etag"])
def test_a_fault_that_nobody_was_told_of_is_wrong(habit: str) -> None:
    assert len(judge(habit, [WELL])) == 1
