"""Two minutes of sample news through every stage, and a check that nothing was missed or doubled."""

import asyncio
import contextlib
import secrets
import shutil
import signal
from collections import Counter
from collections.abc import Sequence
from ipaddress import ip_network
from pathlib import Path

import msgspec
from rich.console import Console

from marsad.clock import SystemClock
from marsad.config import Settings
from marsad.ports import Outlet
from marsad.records import Alert, Article
from marsad_app.embedded.board import Board, TerminalOutlet
from marsad_app.embedded.runtime import Runtime, show
from marsad_app.embedded.server import web_server
from marsad_app.embedded.store import Store, open_store
from marsad_app.live_topics import LiveTopics
from marsad_app.newsroom.content import Newsroom, load
from marsad_app.newsroom.server import NewsroomServer
from marsad_app.web.server import WebServer, bind
from producers.opml import read_opml
from producers.poll import wants_page
from sinks.alerts.plan import TERMINAL

__all__ = ["Check", "run_demo", "verify"]

_FOLDER = Path(".marsad-demo")
_GRACE_S = 30.0
_SETTLED_S = 2.0


class Check(msgspec.Struct, frozen=True):
    """One thing that must hold at the end."""

    name: str
    ok: bool
    detail: str = ""


def demo_settings(settings: Settings) -> Settings:
    """The settings with what a fast newsroom on this machine needs."""
    poll = settings.poll.model_copy(
        update={
            "min_interval": 2.0,
            "max_interval": 6.0,
            "unconditional_every": 20.0,
            "allow_networks": (ip_network("127.0.0.0/8"),),
        }
    )
    process = settings.process.model_copy(update={"topics_dir": None, "learned_topics": True})
    data = settings.data.model_copy(update={"dir": _FOLDER})
    return settings.model_copy(update={"poll": poll, "process": process, "data": data})


def run_demo(settings: Settings, *, duration: float = 110.0, exit_when_done: bool = False) -> int:
    """Run the sample newsroom and everything else in this process; the exit status.

    Args:
        settings: their poll, process and data sections are replaced.
        duration: seconds over which the sample articles appear.
        exit_when_done: check the result and end, 0 where all holds and 1 where not; else serve the page until stopped.

    Raises:
        MarsadError: it cannot start.
    """
    console = Console(stderr=True)
    settings = demo_settings(settings)
    socket = bind(settings.web)
    # The demo's own folder, made anew each time so that each article is new; never the folder of real news.
    shutil.rmtree(_FOLDER, ignore_errors=True)
    store = open_store(_FOLDER, wants_page)
    try:
        board, topics = Board(), LiveTopics(settings.process, SystemClock())
        web = web_server(settings, store, SystemClock(), board, socket, topics)
        return asyncio.run(_demo(settings, store, web, board, topics, console, duration, exit_when_done=exit_when_done))
    finally:
        store.close()
        socket.close()


async def _demo(
    settings: Settings,
    store: Store,
    web: WebServer,
    board: Board,
    topics: LiveTopics,
    console: Console,
    duration: float,
    *,
    exit_when_done: bool,
) -> int:
    clock = SystemClock()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    content = load()
    newsroom = NewsroomServer(content, clock, duration)
    await newsroom.start()
    try:
        store.feeds.put_feeds(read_opml(newsroom.opml(), "the sample newsroom").feeds)
        for subscription in content.as_subscriptions(clock.now(), lambda: secrets.token_hex(16)):
            store.subscriptions.put_subscription(subscription)
        outlets: dict[str, Outlet] = {TERMINAL: TerminalOutlet(console)}
        runtime = Runtime(settings, store, clock, board, outlets=outlets, web=web, topics=topics)
        console.print(f"Sample newsroom: {len(content.articles)} articles over {duration:.0f} s at {newsroom.base_url}")
        console.print(f"Web page: [bold]{web.address}[/bold]  (Ctrl-C ends)")
        working = asyncio.create_task(runtime.run(stop))
        progress = asyncio.create_task(show(board, store, console, web.address, stop))
        checks = await _finished(content, store, newsroom, stop, duration)
        report(checks, console)
        if not exit_when_done and not stop.is_set():
            console.print(f"The page stays at [bold]{web.address}[/bold] until you press Ctrl-C.")
            await stop.wait()
        stop.set()
        await working
        await progress
    finally:
        await newsroom.stop()
    return 0 if all(check.ok for check in checks) else 1


async def _finished(
    content: Newsroom, store: Store, newsroom: NewsroomServer, stop: asyncio.Event, duration: float
) -> Sequence[Check]:
    """Wait until everything is published and has come through (or the grace is over), then check."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), duration)
    clock = SystemClock()
    deadline = clock.monotonic() + _GRACE_S
    checks: Sequence[Check] = ()
    while not stop.is_set() and clock.monotonic() < deadline:
        checks = await asyncio.to_thread(verify, content, store)
        if all(check.ok for check in checks):
            break
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _SETTLED_S)
    return checks or verify(content, store)


def report(checks: Sequence[Check], console: Console) -> None:
    """Print what was checked."""
    for check in checks:
        mark = "[green]✓[/green]" if check.ok else "[red]✗[/red]"
        console.print(f"{mark} {check.name}" + (f": {check.detail}" if check.detail else ""), highlight=False)


def verify(content: Newsroom, store: Store) -> tuple[Check, ...]:
    """Compare what is stored with what the newsroom published."""
    articles = list(store.search.export())
    return (
        _each_once(content, articles),
        _copies(content, articles),
        _corrections(content, articles),
        _alerts(content, store),
        Check("nothing in quarantine", not store.quarantine.quarantined(), ""),
    )


def _by_sample(content: Newsroom, articles: Sequence[Article]) -> dict[str, list[Article]]:
    """Stored articles by the sample that they came from."""
    samples: dict[str, list[Article]] = {}
    guids = {guid: sample for sample, known in content.guids().items() for guid in known}
    for article in articles:
        for sample in {guids[guid] for guid in article.guids if guid in guids}:
            samples.setdefault(sample, []).append(article)
    return samples


def _each_once(content: Newsroom, articles: Sequence[Article]) -> Check:
    found = _by_sample(content, articles)
    wanted = content.distinct()
    missing = sorted(set(wanted) - set(found))
    twice = sorted(sample for sample, those in found.items() if len(those) > 1)
    detail = (
        f"{len(wanted)} published, {len(articles)} indexed"
        + (f"; missing {missing}" if missing else "")
        + (f"; twice {twice}" if twice else "")
    )
    return Check(
        "every sample article is indexed exactly once",
        not missing and not twice and len(articles) == len(wanted),
        detail,
    )


def _copies(content: Newsroom, articles: Sequence[Article]) -> Check:
    found = _by_sample(content, articles)
    pairs = content.copies()
    apart = [
        (copy, of)
        for copy, of in pairs
        if copy in found and of in found and found[copy][0].story_id != found[of][0].story_id
    ]
    return Check(
        "copies of one text are one story", not apart, f"{len(pairs)} copies" + (f"; apart: {apart}" if apart else "")
    )


def _corrections(content: Newsroom, articles: Sequence[Article]) -> Check:
    found = _by_sample(content, articles)
    wrong = [
        sample
        for sample, title in content.corrected_titles().items()
        if sample not in found or found[sample][0].title != title or found[sample][0].revision < 2  # noqa: PLR2004 - the second revision
    ]
    return Check(
        "corrected articles are revisions",
        not wrong,
        f"{len(content.corrected_titles())} corrections" + (f"; wrong: {wrong}" if wrong else ""),
    )


def _event(content: Newsroom, article: Article | None) -> str:
    """The event that a stored article reports; a name that nothing expects where it is no sample."""
    by_guid = {guid: sample for sample, known in content.guids().items() for guid in known}
    samples = [by_guid[guid] for guid in (article.guids if article else ()) if guid in by_guid]
    return content.event_of(samples[0]) if samples else "an article that the newsroom did not publish"


def _alerts(content: Newsroom, store: Store) -> Check:
    alerts: Sequence[Alert] = store.alerts.alerts(limit=1_000)
    names = {subscription.id: subscription.name for subscription in store.subscriptions.subscriptions()}
    stories = {article.article_id: article for article in store.search.export()}
    raised = Counter(
        (names.get(alert.subscription_id, "?"), _event(content, stories.get(alert.article_id))) for alert in alerts
    )
    wanted = content.expected_alerts()
    missing = sorted(wanted - set(raised))
    unexpected = sorted(set(raised) - wanted)
    twice = sorted(key for key, count in raised.items() if count > 1)
    detail = f"{len(alerts)} alerts"
    for name, those in (("missing", missing), ("unexpected", unexpected), ("twice", twice)):
        detail += f"; {name} {those}" if those else ""
    return Check("the expected alerts, once each", not missing and not unexpected and not twice, detail)
