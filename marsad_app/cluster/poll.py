"""``marsad poll``: asks the feeds of the shards that the group gives this process, and hands their entries to the broker.

The main thread holds the shards; a second one runs the event loop in which feeds are polled. What ties them is the ledger.
"""

import asyncio
import contextlib
import random
import threading
from collections.abc import Callable, Iterator
from typing import Final

import structlog
from kafka import KafkaConsumer

from marsad.config import KafkaSettings, Settings
from marsad.connect import consumer_options
from marsad.errors import ConfigError, TransientError
from marsad.ports import Fetcher, Journal
from marsad.records import Alert, Feed, FeedState, Subscription
from marsad.streams import topic_name
from marsad_app.cluster.brake import Brake
from marsad_app.cluster.hub_news import HubNewsFollower
from marsad_app.cluster.owned import owned
from marsad_app.cluster.service import Context, Step, run_stage
from marsad_app.cluster.tables import Table
from marsad_app.feed_alerts import FeedAlerts
from marsad_app.switching import favour_the_loop, set_loaded_aside
from producers.completing import Completer
from producers.fetch import CurlFetcher
from producers.hubs import Hubs, NewsBox
from producers.means import Means
from producers.pages import PageReader
from producers.politeness import HostGate
from producers.poll import wants_page
from producers.service import Poller
from producers.sharding import Placement, ShardedRegistry
from producers.to_kafka import PollShard, ShardLedger

__all__ = ["run"]

_log = structlog.get_logger(__name__)
_FEEDS: Final = "feeds.v1"
_STATES: Final = "feed-states.v1"
_SUBSCRIPTIONS: Final = "subscriptions.v1"
_BEHIND: Final = ("process",)
_JOIN_S: Final = 3.0


def run(settings: Settings) -> int:
    """Poll until SIGTERM or SIGINT; the exit status.

    Raises:
        ConfigError: it cannot start: the sentence says why.
    """
    favour_the_loop()
    return run_stage(settings, "poll", _build)


@contextlib.contextmanager
def _build(context: Context) -> Iterator[Step]:
    settings, progress, clock = context.settings, context.progress, context.clock
    _check_shards(settings.kafka)
    with contextlib.ExitStack() as opened:
        table = Table(settings.kafka, _FEEDS, Feed, lambda why: progress.waits(_FEEDS, why))
        opened.callback(table.close)
        table.start()
        placement = Placement(table, settings.kafka.partitions)
        subscribed = Table(
            settings.kafka, _SUBSCRIPTIONS, Subscription, lambda why: progress.waits(_SUBSCRIPTIONS, why)
        )
        opened.callback(subscribed.close)
        subscribed.start()
        telling = FeedAlerts(table.get, subscribed.all)

        def alerts(state: FeedState) -> list[Alert]:
            return [alert for alert, _ in telling.raised(state)]

        ledger = ShardLedger(placement, clock, alerts)

        def open_shard(journal: Journal) -> PollShard:
            return PollShard(journal, ledger, placement, clock)

        shards = opened.enter_context(owned(context, "poll", _STATES, open_shard, consume=False))
        brake = opened.enter_context(Brake(settings.kafka, _BEHIND, progress))
        registry = ShardedRegistry(table, placement, ledger.owned)
        box = None
        if settings.websub.callback:
            box = NewsBox()
            follower = HubNewsFollower(
                settings.kafka,
                box,
                lambda feed_id: registry.feed(feed_id) is not None,
                lambda why: progress.waits("hub-news.v1", why),
            )
            opened.callback(follower.close)
            follower.start()
        polling = _Polling(context, registry, ledger, brake.may_take, lambda feed_id: _is_watched(table, feed_id), box)
        opened.callback(polling.close)
        polling.start()

        def step() -> int:
            polling.check()
            progress.waits("commits", "" if ledger.is_well() else "the broker does not take what was polled")
            return shards.step()

        yield step


def _is_watched(table: Table[Feed], feed_id: str) -> bool:
    feed = table.get(feed_id)
    return feed is not None and feed.enabled


def _check_shards(settings: KafkaSettings) -> None:
    """The shard of a feed is reckoned from the setting: with another number of partitions feeds would never be polled.

    Raises:
        ConfigError: the stream has another number of partitions.
        TransientError: it is not there.
    """
    topic = topic_name(settings.prefix, _STATES)
    consumer = KafkaConsumer(**consumer_options(settings))
    try:
        found = len(consumer.partitions_for_topic(topic) or ())
    finally:
        consumer.close()
    if not found:
        raise TransientError(f"{topic} is not there; `marsad cluster init` makes it")
    if found != settings.partitions:
        raise ConfigError(
            f"{topic} has {found} partitions and kafka.partitions is {settings.partitions}: set it to {found}"
        )


class _Polling:
    """The event loop in which feeds are polled, in a thread of its own.

    Args:
        context: the service.
        registry: the feeds to be polled here.
        ledger: takes what they bring.
        may_take: False while the stage behind is too far behind.
        is_watched: whether a feed is watched by any process.
        box: what hubs tell; None where no hub is asked.
    """

    def __init__(
        self,
        context: Context,
        registry: ShardedRegistry,
        ledger: ShardLedger,
        may_take: Callable[[], bool],
        is_watched: Callable[[str], bool],
        box: NewsBox | None,
    ) -> None:
        self._context = context
        self._registry = registry
        self._ledger = ledger
        self._may_take = may_take
        self._is_watched = is_watched
        self._box = box
        self._thread = threading.Thread(target=self._run, name="polling", daemon=True)
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._fault: BaseException | None = None
        self._turned_at = context.clock.monotonic()

    def start(self) -> None:
        """Begin to poll."""
        self._thread.start()

    def check(self) -> None:
        """Nothing, if all is well.

        Raises:
            RuntimeError: polling has ended, or its loop stands still.
        """
        if not self._thread.is_alive():
            raise RuntimeError("polling has ended by itself") from self._fault
        still = self._context.clock.monotonic() - self._turned_at
        if still > self._context.settings.health.stall_after:
            raise RuntimeError(f"the event loop of polling has stood still for {still:.0f} s")

    def close(self) -> None:
        """End polling: requests under way are dropped, commits under way are given a moment."""
        with contextlib.suppress(RuntimeError):  # the loop is closed where polling ended by itself
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_JOIN_S)
        if self._thread.is_alive():
            _log.warning("polling did not end in time; what was not committed is polled again")

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._poll())
        except Exception as error:  # noqa: BLE001 - told by ``check``, in the thread that can act on it
            self._fault = error

    async def _poll(self) -> None:
        context, settings = self._context, self._context.settings.poll
        gate = HostGate(settings, context.clock)
        async with CurlFetcher(settings, context.clock) as fetcher:
            completer = Completer(
                PageReader(fetcher, gate, settings, context.clock).read,
                settings,
                context.events,
                paused_for=gate.paused_for,
                wants=wants_page if settings.pages else lambda *_: False,
                is_ours=self._ledger.is_ours,
            )
            means = Means(
                fetcher,
                gate,
                settings,
                context.clock,
                random.Random(),  # noqa: S311 - jitter, no secret
                context.events,
            )
            poller = Poller(
                self._registry,
                self._ledger,
                means,
                completing=completer,
                may_start=lambda: self._ledger.is_well() and not completer.is_full() and self._may_take(),
                hubs=self._hubs(fetcher, gate),
            )
            turning = asyncio.create_task(self._turn())
            set_loaded_aside()
            try:
                await poller.run(self._stop)
            finally:
                turning.cancel()

    def _hubs(self, fetcher: Fetcher, gate: HostGate) -> Hubs | None:
        if self._box is None:
            return None
        settings = self._context.settings
        chance = random.Random()  # noqa: S311 - jitter, no secret
        clock = self._context.clock
        return Hubs(
            self._box, fetcher, gate, settings.poll, settings.websub, clock, chance, is_watched=self._is_watched
        )

    async def _turn(self) -> None:
        while True:
            self._turned_at = self._context.clock.monotonic()
            await asyncio.sleep(1.0)
