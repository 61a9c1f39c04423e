"""The service that cleans, tags and locates: a Faust worker, any number of them."""

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Final

import structlog

from marsad.config import Settings
from marsad.errors import TransientError
from marsad.events import ItemOutcome, Outcome
from marsad.records import Feed
from marsad_app.cluster.brake import Brake
from marsad_app.cluster.service import EXIT_BROKEN, Context, open_context
from marsad_app.cluster.tables import Table
from marsad_app.learned import Learned
from marsad_app.live_topics import LiveTopics
from processors.agents import App, Outgoing, Shared, Steps, hear, make_app, register_tagging
from processors.pipeline import Pipeline

__all__ = ["run", "work"]

_log = structlog.get_logger(__name__)
_STAGE: Final = "process"
_BEHIND: Final = ("group",)
_LOOK_S: Final = 0.05
_HEAR_S: Final = 0.5
_FIRST_WAIT_S: Final = 0.5
_LONGEST_WAIT_S: Final = 15.0
_READ_FEEDS_S: Final = 60.0
_IN_HAND_S: Final = 2.0
_LEAVE_S: Final = 2.0


def run(settings: Settings) -> int:
    """Run a worker until it is asked to end; the exit status.

    Without a broker it waits, and says so. Once it works it outlives outages; where only a new start helps, such as after an
    article that could not be delivered, it ends with 70.

    Args:
        settings: everything that can be set.

    Raises:
        ConfigError: it cannot start; the sentence says why.
    """
    with open_context(settings, _STAGE) as context:
        pipeline = Pipeline.following(LiveTopics(settings.process, context.clock))
        learned = Learned(settings.data.dir / f"learned-{context.instance}.bin", pipeline, context.clock)
        with _known_feeds(context) as feeds:
            if feeds is None:
                return 0
            with Brake(settings.kafka, _BEHIND, context.progress) as brake:
                status = asyncio.run(work(context, pipeline, feeds, may_take=brake.may_take, keep=learned.keep))
        learned.keep(now=True)
        return status


@contextlib.contextmanager
def _known_feeds(context: Context) -> Iterator[Table[Feed] | None]:
    """The feeds, once the broker has told them; None if the service was asked to end before."""
    pause = _FIRST_WAIT_S
    while not context.stop.is_set():
        feeds = Table(context.settings.kafka, "feeds.v1", Feed, lambda why: context.progress.waits("feeds.v1", why))
        try:
            feeds.start(_READ_FEEDS_S if pause > _FIRST_WAIT_S else _FIRST_WAIT_S * 10)
        except TransientError as error:
            _log.warning("service waits", stage=_STAGE, error=str(error), retry_in=pause)
            context.progress.waits(_STAGE, str(error))
            context.stop.wait(pause)
            pause = min(pause * 2, _LONGEST_WAIT_S)
            continue
        context.progress.waits(_STAGE)
        try:
            yield feeds
        finally:
            feeds.close()
        return
    yield None


async def work(
    context: Context,
    steps: Steps,
    feeds: Table[Feed],
    *,
    may_take: Callable[[], bool] = lambda: True,
    keep: Callable[[], None] = lambda: None,
    die: Callable[[int], None] = os._exit,
) -> int:
    """Work until the context's stop is set; the exit status.

    Args:
        context: the service's surroundings.
        steps: the pipeline.
        feeds: where entries come from.
        may_take: False while the stage behind is too far behind; answers at once.
        keep: called now and then; writes down what was learned when it is time.
        die: ends the process at once; called where nothing more may be committed.
    """
    shared = Shared("entries.v1", context.progress, context.clock, die)
    app = make_app(context.settings, context.instance, shared)
    register_tagging(app, context.settings, steps, feeds, shared, _Teller(context))
    starting = asyncio.create_task(app.start())
    heard = context.clock.monotonic()
    try:
        while not context.stop.is_set():
            if app.should_stop or _failed(starting):
                return _broken(app, starting)
            shared.paused = not may_take()
            if (now := context.clock.monotonic()) - heard >= _HEAR_S:
                hear(app)
                keep()
                heard = now
            await asyncio.sleep(_LOOK_S)
    finally:
        await _end(app, shared, starting)
    return 0


def _failed(starting: "asyncio.Task[None]") -> bool:
    return starting.done() and (starting.cancelled() or starting.exception() is not None)


def _broken(app: App, starting: "asyncio.Task[None]") -> int:
    error = app.crash_reason or (starting.exception() if starting.done() and not starting.cancelled() else None)
    _log.error(
        "the worker cannot go on; it should be started anew",
        stage=_STAGE,
        error=f"{type(error).__name__}: {error}",
        exit_status=EXIT_BROKEN,
    )
    return EXIT_BROKEN


async def _end(app: App, shared: Shared, starting: "asyncio.Task[None]") -> None:
    """Let the agent finish what it has in hand, commit, and leave."""
    shared.ending = True
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(shared.resting.wait(), _IN_HAND_S)
    if not starting.done():
        starting.cancel()
        await asyncio.wait([starting], timeout=_LEAVE_S)
    try:
        await asyncio.wait_for(app.stop(), _LEAVE_S)
    except TimeoutError:
        _log.warning("the worker did not leave in time; what was not committed is done again")
    except Exception as error:  # noqa: BLE001 - it ends anyway, and nothing rests on how
        _log.warning("the worker did not leave in order", error=f"{type(error).__name__}: {error}")


class _Teller:
    """Counts results."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def __call__(self, result: Outgoing) -> None:
        if result.problem:
            self._context.events.emit(
                ItemOutcome(
                    entry_id=result.entry_id,
                    outcome=Outcome.QUARANTINED,
                    title=result.title,
                    reason=result.problem,
                )
            )
        else:
            self._context.progress.count("tagged")
