import asyncio
import threading
from collections.abc import Callable, Iterator

import pytest

from marsad.errors import StoreError
from marsad.events import FeedPolled, StageFailed
from marsad.records import Health
from marsad_app.embedded import supervise as module
from marsad_app.embedded.supervise import PollingTold, Worker, supervise, wait
from marsad_app.embedded.testing import Recorder


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FIRST_WAIT_S", 0.01)
    monkeypatch.setattr(module, "_LONGEST_WAIT_S", 0.04)


class Steps:
    """A step that does in turn what it was told to: a number of pieces of work, or an error."""

    def __init__(self, *turns: int | Exception) -> None:
        self._turns: Iterator[int | Exception] = iter(turns)
        self.taken = 0
        self.over = threading.Event()

    def __call__(self) -> int:
        turn = next(self._turns, None)
        if turn is None:
            self.over.set()
            return 0
        self.taken += 1
        if isinstance(turn, Exception):
            raise turn
        return turn


def worked(events: Recorder, make: Callable[[], Callable[[], int]], over: threading.Event) -> Worker:
    worker = Worker("process", make, events, idle=0.01)
    worker.start()
    assert over.wait(20)
    worker.stop()
    assert worker.join(20)
    return worker


def full() -> StoreError:
    return StoreError("marsad.db: the disk is full")


def test_a_failing_step_is_tried_again_after_growing_waits_and_its_recovery_is_told(events: Recorder) -> None:
    steps = Steps(1, full(), full(), full(), full(), 1, full(), 1)

    worked(events, lambda: steps, steps.over)

    told = [(event.stage, event.error, event.retry_in) for event in events.failures()]
    sentence = "marsad.db: the disk is full"
    assert told == [
        ("process", sentence, 0.01),
        ("process", sentence, 0.02),
        ("process", sentence, 0.04),
        ("process", sentence, 0.04),
        ("process", "", 0.0),
        ("process", sentence, 0.01),
        ("process", "", 0.0),
    ]


def test_an_error_without_words_is_told_by_its_name(events: Recorder) -> None:
    steps = Steps(AssertionError(), 1)

    worked(events, lambda: steps, steps.over)

    assert [event.error for event in events.failures()] == ["AssertionError", ""]


def test_a_step_that_cannot_be_made_is_made_again(events: Recorder) -> None:
    steps = Steps(1)
    faults = iter([full(), full()])

    def make() -> Callable[[], int]:
        error = next(faults, None)
        if error is not None:
            raise error
        return steps

    worked(events, make, steps.over)

    assert steps.taken == 1
    assert [bool(event.error) for event in events.failures()] == [True, True, False]


def test_a_step_with_work_left_is_taken_again_at_once(events: Recorder) -> None:
    steps = Steps(*[1] * 50)
    worker = Worker("process", lambda: steps, events, idle=3600)
    worker.start()

    assert steps.over.wait(20)
    worker.stop()
    assert worker.join(20)
    assert steps.taken == 50


def test_stopping_ends_a_long_rest_and_a_long_wait_after_a_failure(
    events: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_FIRST_WAIT_S", 3600.0)
    failing = Worker("process", lambda: Steps(full()), events, idle=3600)
    resting = Worker("deliver", lambda: Steps(0), events, idle=3600)
    for worker in (failing, resting):
        worker.start()
        worker.stop()
    assert [worker.join(20) for worker in (failing, resting)] == [True, True]


def test_a_step_that_hangs_is_reported_and_does_not_keep_the_process(events: Recorder) -> None:
    hanging = threading.Event()
    worker = Worker("process", lambda: lambda: int(hanging.wait(60)), events)
    worker.start()
    worker.stop()

    assert not worker.join(0.01)
    assert worker._thread.daemon
    hanging.set()
    assert worker.join(20)


async def test_a_failing_part_is_started_again_after_growing_waits_and_its_recovery_is_told(events: Recorder) -> None:
    stop = asyncio.Event()
    faults = iter([full(), ValueError("what now"), full()])

    async def part(stop: asyncio.Event) -> None:
        error = next(faults, None)
        if error is not None:
            raise error
        await stop.wait()

    task = asyncio.create_task(supervise("pages", part, stop, events))
    async with asyncio.timeout(20):
        while not any(not event.error for event in events.failures()):  # noqa: ASYNC110 - a sink has no event to wait for
            await asyncio.sleep(0.01)
        stop.set()
        await task

    assert [(event.error, event.retry_in) for event in events.failures()] == [
        ("marsad.db: the disk is full", 0.01),
        ("ValueError: what now", 0.02),
        ("marsad.db: the disk is full", 0.04),
        ("", 0.0),
    ]


async def test_a_part_that_never_failed_says_nothing(events: Recorder) -> None:
    stop = asyncio.Event()

    async def part(stop: asyncio.Event) -> None:
        await stop.wait()

    task = asyncio.create_task(supervise("web", part, stop, events))
    await asyncio.sleep(0)
    stop.set()
    await task

    assert events.events == []


async def test_a_part_that_is_cancelled_takes_its_work_along(events: Recorder) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def part(stop: asyncio.Event) -> None:
        try:
            begun.set()
            await asyncio.sleep(3600)
        finally:
            ended.set()

    task = asyncio.create_task(supervise("pages", part, asyncio.Event(), events))
    async with asyncio.timeout(20):
        await begun.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await ended.wait()


async def test_waiting_ends_when_stopped() -> None:
    stop = asyncio.Event()
    stop.set()
    async with asyncio.timeout(20):
        await wait(stop, 3600)
        await wait(asyncio.Event(), 0.001)


def test_a_failure_of_polling_is_logged_once_and_ends_with_the_next_poll(
    events: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    told = PollingTold(events)
    polled = FeedPolled(feed_id="a", outlet="", health=Health.OK, new=0)

    told.emit(polled)
    told.emit(StageFailed(stage="poll", error="a: the disk is full", retry_in=60))
    told.emit(StageFailed(stage="poll", error="b: the disk is full", retry_in=60))
    told.emit(polled)
    told.emit(polled)

    assert [event.error for event in events.failures()] == ["a: the disk is full", "b: the disk is full", ""]
    printed = capsys.readouterr()
    assert (printed.out + printed.err).count("the disk is full") == 1
