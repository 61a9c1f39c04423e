"""States of quiet polls wait for one another, in order, and whoever must know hears what became of them."""

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from marsad.errors import FencedError, StoreError
from marsad.records import FeedState
from producers.postponed import Postponed


class Ledger:
    """Keeps what was written together; a feed named as an error gets it."""

    def __init__(self) -> None:
        self.written: list[list[tuple[str, str]]] = []
        self.free = threading.Event()
        self.free.set()
        self.unwritten: list[tuple[str, type[Exception]]] = []
        self.later = Postponed(self.put, ThreadPoolExecutor(1), self.hear, seconds=0.01)

    def put(self, states: Sequence[FeedState]) -> list[Exception | None]:
        self.free.wait(5)
        self.written.append([(state.feed_id, state.etag) for state in states])
        if any(state.feed_id == "broken" for state in states):
            raise StoreError("the disk is full")
        return [FencedError("another's") if state.feed_id == "fenced" else None for state in states]

    def hear(self, feed_id: str, error: Exception) -> None:
        self.unwritten.append((feed_id, type(error)))


def state(feed_id: str, etag: str = "") -> FeedState:
    return FeedState(feed_id=feed_id, etag=etag)


async def test_states_that_wait_are_written_together_and_of_each_feed_the_latest() -> None:
    ledger = Ledger()
    for one in (state("a", "1"), state("b", "1"), state("a", "2")):
        ledger.later.put(one)

    await ledger.later.settle(5)

    assert ledger.written == [[("a", "2"), ("b", "1")]]


async def test_what_comes_while_a_batch_is_written_goes_with_the_next_one() -> None:
    ledger = Ledger()
    ledger.free.clear()
    ledger.later.put(state("a", "1"))
    waiting = asyncio.create_task(ledger.later.written("a"))
    await asyncio.sleep(0)
    ledger.later.put(state("a", "2"))
    ledger.free.set()

    await waiting

    assert ledger.written == [[("a", "1")], [("a", "2")]]


async def test_who_waits_for_a_feed_hears_what_kept_it_from_being_stored() -> None:
    ledger = Ledger()
    for name in ("fenced", "b"):
        ledger.later.put(state(name))

    with pytest.raises(FencedError):
        await ledger.later.written("fenced")
    await ledger.later.written("b")
    await ledger.later.written("never put")

    assert ledger.unwritten == []
    assert not ledger.later.is_well()


async def test_where_nobody_waits_each_state_that_could_not_be_stored_is_told() -> None:
    ledger = Ledger()
    for name in ("broken", "b"):
        ledger.later.put(state(name))
    await ledger.later.settle(5)

    assert ledger.unwritten == [("broken", StoreError), ("b", StoreError)]

    ledger.later.put(state("b"))
    await ledger.later.settle(5)
    assert ledger.later.is_well()
