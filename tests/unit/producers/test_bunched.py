"""Calls that come while others are under way share a trip, and each caller hears of its own call alone."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from marsad.outcome import outcome
from producers.bunched import Bunched


class Trips:
    """Doubles numbers; keeps what went together."""

    def __init__(self) -> None:
        self.made: list[list[int]] = []

    def __call__(self, numbers: Sequence[int]) -> Sequence[int | Exception]:
        self.made.append(list(numbers))
        return [outcome(self.double, number) for number in numbers]

    def double(self, number: int) -> int:
        if number == 13:
            raise KeyError(number)
        return 2 * number


def with_bunched(work: Callable[[Sequence[int]], Sequence[int | Exception]]) -> Bunched[int, int]:
    return Bunched(work, ThreadPoolExecutor(1), 1)


async def test_what_is_asked_in_one_turn_of_the_loop_goes_in_one_trip() -> None:
    trips = Trips()
    bunched = with_bunched(trips)

    assert await asyncio.gather(*(bunched.ask(number) for number in range(5))) == [0, 2, 4, 6, 8]
    assert trips.made == [[0, 1, 2, 3, 4]]


async def test_a_call_that_fails_fails_for_its_caller_alone() -> None:
    bunched = with_bunched(Trips())

    found = await asyncio.gather(bunched.ask(12), bunched.ask(13), bunched.ask(14), return_exceptions=True)

    assert [found[0], type(found[1]), found[2]] == [24, KeyError, 28]


async def test_a_trip_that_fails_as_a_whole_is_told_to_all_that_were_on_it() -> None:
    def broken(numbers: Sequence[int]) -> Sequence[int]:
        raise OSError(str(len(numbers)))

    bunched = with_bunched(broken)
    found = await asyncio.gather(bunched.ask(1), bunched.ask(2), return_exceptions=True)

    assert [str(error) for error in found] == ["2", "2"]
    with pytest.raises(OSError, match="1"):
        await bunched.ask(3)


async def test_more_calls_than_one_trip_takes_are_all_answered() -> None:
    trips = Trips()
    bunched = with_bunched(trips)

    assert await asyncio.gather(*(bunched.ask(n + 100) for n in range(300))) == [2 * (n + 100) for n in range(300)]
    assert sum(map(len, trips.made)) == 300
    assert len(trips.made) < 30


async def test_a_call_whose_caller_was_cancelled_is_made_all_the_same() -> None:
    trips = Trips()
    bunched = with_bunched(trips)
    bunched.ask(1).cancel()
    kept = bunched.ask(2)
    await bunched.settle(5)

    assert kept.result() == 4
    assert trips.made == [[1, 2]]
