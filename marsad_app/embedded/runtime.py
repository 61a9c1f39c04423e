"""The whole of Marsad in one process: poll, read pages, clean, tag, locate, group, match, store, deliver, serve."""

import asyncio
import contextlib
import random
import signal
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import structlog
from rich.console import Console
from rich.live import Live

from marsad.clock import Clock, SystemClock
from marsad.config import Settings
from marsad.errors import ConfigError
from marsad.ports import Fetcher, Outlet
from marsad.records import Feed
from marsad_app.embedded.board import Board, TerminalOutlet
from marsad_app.embedded.page_stage import PageStage
from marsad_app.embedded.server import web_server
from marsad_app.embedded.store import Store, open_store
from marsad_app.embedded.supervise import PollingTold, Worker, supervise, wait
from marsad_app.feed_list import KeptFeedList
from marsad_app.live_topics import LiveTopics
from marsad_app.naming import CommonNames
from marsad_app.switching import favour_the_loop, set_loaded_aside
from marsad_app.web.server import WebServer, bind
from producers.catalogue import load_catalogue
from producers.fetch import CurlFetcher
from producers.hubs import Hubs, NewsBox
from producers.means import Means
from producers.opml import read_opml
from producers.pages import PageReader
from producers.politeness import HostGate
from producers.poll import wants_page
from producers.service import Poller
from sinks.alerts.plan import TERMINAL

__all__ = ["Runtime", "run"]

_log = structlog.get_logger(__name__)
_JOIN_S = 4.0
_FIRST_ENTRY_S = 0.2
_PRUNE_EVERY_S = 3_600.0


class Runtime:
    """All stages over one store.

    Args:
        settings: everything that can be set.
        store: the embedded store.
        clock: the time.
        board: counts what happens.
        outlets: outlets by address, beside those that apprise reaches.
        web: the page and the API, or None.
        topics: the topics, as they are at each time.
        box: what hubs tell the web page; None where no hub is asked.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        clock: Clock,
        board: Board,
        *,
        outlets: Mapping[str, Outlet],
        web: WebServer | None,
        topics: LiveTopics,
        box: NewsBox | None = None,
    ) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._board = board
        self._outlets = outlets
        self._web = web
        self._topics = topics
        self._box = box
        self._workers = [
            Worker("process", self._make_processor, board),
            Worker("deliver", self._make_deliverer, board, idle=0.3),
        ]

    def _make_processor(self) -> Callable[[], int]:
        """The pipeline, once the first entry is there: until then there is only polling to be done."""
        while not self._store.queue.ready(1):
            if self._workers[0].stopping(_FIRST_ENTRY_S):
                return lambda: 0
        from marsad_app.embedded.processor import make_processor  # noqa: PLC0415 - see above

        processor = make_processor(
            self._settings.process,
            self._store,
            self._topics,
            self._clock,
            self._board,
            extra_outlets=[TERMINAL] if TERMINAL in self._outlets else [],
            learned_file=self._settings.data.dir / "learned.bin",
        )
        return processor.step

    def _make_deliverer(self) -> Callable[[], int]:
        from sinks.alerts.deliver import Deliverer, Sender  # noqa: PLC0415 - with the next: the services take a while to load
        from sinks.alerts.outlets import Outlets  # noqa: PLC0415 - see above

        store, settings, clock = self._store, self._settings.alerts, self._clock
        address = self._web.address if self._web else ""
        names = CommonNames(self._topics)
        outlets = Outlets(settings, clock, address, self._outlets, names)
        sender = Sender(outlets.at, settings, clock)
        operator = settings.operator.get_secret_value()
        return Deliverer(store.deliveries, store.alerts, store.subscriptions, sender, clock, operator, names).step

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop``. Returns within five seconds of it; what was under way is done again after the next start."""
        for worker in self._workers:
            worker.start()
        parts = [self._produce, self._housekeep, *([self._web.serve] if self._web else [])]
        tasks = [asyncio.create_task(supervise(part.__name__.strip("_"), part, stop, self._board)) for part in parts]
        try:
            await stop.wait()
        finally:
            stop.set()
            for worker in self._workers:
                worker.stop()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), _JOIN_S)
            for worker in self._workers:
                if not await asyncio.to_thread(worker.join, 1.0):
                    _log.warning(
                        "stage did not end in time; its unfinished step is undone and done again", stage=worker.name
                    )

    async def _produce(self, stop: asyncio.Event) -> None:
        """Poll feeds and read pages: one client and one politeness for both."""
        settings = self._settings.poll
        gate = HostGate(settings, self._clock)
        async with CurlFetcher(settings, self._clock) as fetcher:
            means = Means(
                fetcher,
                gate,
                settings,
                self._clock,
                random.Random(),  # noqa: S311 - jitter, no secret
                PollingTold(self._board),
            )
            poller = Poller(self._store.feeds, self._store.polls, means, hubs=self._hubs(fetcher, gate))
            pages = PageStage(
                self._store.queue,
                PageReader(fetcher, gate, settings, self._clock).read,
                settings,
                self._clock,
                self._board,
            )
            reading = asyncio.create_task(supervise("pages", pages.run, stop, self._board))
            set_loaded_aside()
            try:
                await poller.run(stop)
            finally:
                if not stop.is_set():
                    reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)

    def _hubs(self, fetcher: Fetcher, gate: HostGate) -> Hubs | None:
        if self._box is None:
            return None
        return Hubs(
            self._box,
            fetcher,
            gate,
            self._settings.poll,
            self._settings.websub,
            self._clock,
            random.Random(),  # noqa: S311 - jitter, no secret
            is_watched=self._is_watched,
        )

    def _is_watched(self, feed_id: str) -> bool:
        feed = self._store.feeds.feed(feed_id)
        return feed is not None and feed.enabled

    async def _housekeep(self, stop: asyncio.Event) -> None:
        """Forget raw entries that are older than ``data.keep_days``."""
        days = self._settings.data.keep_days
        while not stop.is_set():
            if days:
                forgotten = await asyncio.to_thread(self._store.queue.prune, self._clock.now() - timedelta(days=days))
                if forgotten:
                    _log.info("forgot old raw entries", count=forgotten, older_than_days=days)
            await wait(stop, _PRUNE_EVERY_S)


def feeds_to_watch(store: Store, feeds_file: Path | None, data: Path) -> Sequence[Feed]:
    """Register the feeds of a file, or the shipped catalogue where nothing is registered yet; all that is watched then.

    Raises:
        ConfigError: the file cannot be read or holds no feed.
    """
    known = {feed.id for feed in store.feeds.feeds()}
    wanted: Sequence[Feed] = ()
    if feeds_file is not None:
        try:
            report = read_opml(feeds_file.read_bytes(), str(feeds_file))
        except OSError as error:
            raise ConfigError(f"{feeds_file}: cannot be read: {error.strerror}") from error
        for problem in report.problems:
            _log.warning("feed list", file=str(feeds_file), problem=problem)
        if not report.feeds:
            raise ConfigError(f"{feeds_file}: holds no feed; an outline with an xmlUrl attribute is expected for each")
        KeptFeedList(data).keep(report.said)
        wanted = report.feeds
    elif not known:
        wanted = load_catalogue()
    store.feeds.put_feeds(feed for feed in wanted if feed.id not in known)
    return store.feeds.feeds()


def run(settings: Settings, *, feeds_file: Path | None = None, web: bool = True) -> int:
    """Run until SIGTERM or SIGINT; the exit status.

    Raises:
        MarsadError: it cannot start: the sentence says why.
    """
    favour_the_loop()
    clock = SystemClock()
    console = Console(stderr=True)
    board = Board()
    with contextlib.ExitStack() as opened:
        listener = bind(settings.web) if web else None
        if listener:
            opened.enter_context(listener)
        store = open_store(settings.data.dir, wants_page)
        opened.callback(store.close)
        feeds = feeds_to_watch(store, feeds_file, settings.data.dir)
        topics = LiveTopics(settings.process, clock)
        box = NewsBox() if listener and settings.websub.callback else None
        server = web_server(settings, store, clock, board, listener, topics, box) if listener else None
        outlets: dict[str, Outlet] = {TERMINAL: TerminalOutlet(console)} if settings.alerts.terminal else {}
        runtime = Runtime(settings, store, clock, board, outlets=outlets, web=server, topics=topics, box=box)
        address = server.address if server else ""
        console.print(
            f"Watching {len(feeds)} feeds; store in {settings.data.dir}." + (f" Web page: {address}" if address else "")
        )
        asyncio.run(watch(runtime, board, store, console, address))
    return 0


async def watch(runtime: Runtime, board: Board, store: Store, console: Console, address: str) -> None:
    """Run until a signal, with live progress on a terminal."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    progress = asyncio.create_task(show(board, store, console, address, stop))
    await runtime.run(stop)
    await progress


async def show(board: Board, store: Store, console: Console, address: str, stop: asyncio.Event) -> None:
    """Live progress on a terminal; a line every half minute where there is none."""
    if not console.is_terminal:
        while not stop.is_set():
            await wait(stop, 30)
            _log.info("progress", **board.snapshot())
        return
    with Live(console=console, refresh_per_second=4, transient=True) as live:
        while not stop.is_set():
            live.update(board.table(await asyncio.to_thread(store.queue.waiting), address))
            await wait(stop, 0.25)
