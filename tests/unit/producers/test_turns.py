"""Many that are ready at once go on in their order, some in each turn of the loop."""

import asyncio

from producers.turns import Turns


async def turns_of(count: int, most: int) -> list[int]:
    """In which turn of the loop each went on."""
    gate, turn, found = Turns(most), 0, [0] * count

    async def pass_through(number: int) -> None:
        await gate.take()
        found[number] = turn

    tasks = [asyncio.create_task(pass_through(number)) for number in range(count)]
    while not all(task.done() for task in tasks):
        turn += 1
        await asyncio.sleep(0)
    return found


async def test_no_more_than_so_many_go_on_in_one_turn() -> None:
    found = await turns_of(10, 4)

    assert found == sorted(found)
    assert max(found.count(turn) for turn in found) == 4
    assert found[-1] <= 5


async def test_one_that_gave_up_waiting_takes_nobodys_turn() -> None:
    gate = Turns(1)
    one, two, three = (asyncio.create_task(gate.take()) for _ in range(3))
    await asyncio.sleep(0)
    two.cancel()

    await asyncio.gather(one, three)

    assert two.cancelled()
