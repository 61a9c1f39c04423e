"""The doctor's checks of the store and of what is in it."""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta

from marsad.clock import SystemClock
from marsad.config import Settings
from marsad.errors import ConfigError, QueryError, StoreError
from marsad_app.cli.feed_health import feed_health, is_well
from marsad_app.cli.finding import Finding, fail, ok, warn
from marsad_app.cli.opening import OpenStore, parse_query
from marsad_app.embedded.store import FILE_NAME, Store, open_store

__all__ = ["CHECKS", "what_is_in"]

_AHEAD = timedelta(hours=1)
_MANY_UNWELL = 0.25
_MANY_QUARANTINED = 100


def store(settings: Settings) -> Iterator[Finding]:
    """The store opens, is sound, and holds nothing that cannot work."""
    path = settings.data.dir / FILE_NAME
    if not path.is_file():
        yield ok("store", f"none at {path} yet; `marsad run` makes it")
        return
    try:
        opened = open_store(settings.data.dir)
    except StoreError as error:
        yield fail("store", str(error), "")
        return
    with contextlib.closing(opened):
        yield from _sound(opened)
        yield from what_is_in(opened)


CHECKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (store,)


def what_is_in(opened: OpenStore) -> Iterator[Finding]:
    """Nothing in a store of either size needs a hand."""
    counts = opened.counts()
    if counts.quarantined > _MANY_QUARANTINED:
        yield warn(
            "quarantine", f"{counts.quarantined} items", "`marsad quarantine list` shows why; replay or drop them"
        )
    if failed := counts.deliveries.get("failed", 0):
        yield warn("deliveries", f"{failed} were given up", "`marsad subscriptions test NAME --send` tries an outlet")
    yield from _feeds(opened)
    yield from _subscriptions(opened)


def _sound(opened: Store) -> Iterator[Finding]:
    result = opened.database.check()
    if result != "ok":
        yield fail(
            "store",
            f"{opened.database.path} is damaged: {result}",
            "stop Marsad, move the file away, and restore your latest copy of it",
        )
        return
    counts = opened.counts()
    yield ok("store", f"{opened.database.path} is sound: {counts.articles} articles, {counts.size_bytes / 1e6:.1f} MB")
    yield ok("store version", str(counts.schema_version))


def _feeds(opened: OpenStore) -> Iterator[Finding]:
    states = {state.feed_id: state for state in opened.polls.states()}
    ahead = [
        state for state in states.values() if state.last_poll_at and state.last_poll_at > SystemClock().now() + _AHEAD
    ]
    if ahead:
        yield fail(
            "clock",
            f"{len(ahead)} feeds were polled in what the clock calls the future",
            "set the clock (NTP); until then these feeds are not polled",
        )
    health = Counter(feed_health(feed, states.get(feed.id)).state for feed in opened.feeds.feeds())
    total = sum(health.values())
    unwell = {name: count for name, count in health.items() if not is_well(name) and name != "muted"}
    detail = f"{total} feeds" + (
        ": " + ", ".join(f"{count} {name}" for name, count in health.most_common()) if health else ""
    )
    if total and sum(unwell.values()) > total * _MANY_UNWELL:
        network = {"dns", "network", "tls"} & set(unwell)
        where = "check this machine's network and name server; " if network else ""
        yield warn("feeds", detail, f"{where}`marsad feeds health` says what is wrong with each")
    elif not total:
        yield ok("feeds", "none yet; `marsad run` watches the shipped ones, as `marsad feeds catalogue --add` does")
    else:
        yield ok("feeds", detail)


def _subscriptions(opened: OpenStore) -> Iterator[Finding]:
    known = opened.subscriptions.subscriptions()
    faults = 0
    for one in known:
        try:
            parse_query(one.query)
        except ConfigError:  # the topic files cannot be read, which is a finding of its own
            return
        except QueryError as error:
            faults += 1
            yield fail(
                "subscriptions",
                f"{one.name!r}: its query cannot be understood: {error}",
                f"`marsad subscriptions remove {one.id[:8]}` and add it anew",
            )
        for outlet in one.outlets:
            if problem := _outlet_problem(outlet):
                faults += 1
                yield fail(
                    "alerts",
                    f"{one.name!r}: {problem}",
                    f"`marsad subscriptions remove {one.id[:8]}` and add it with a correct --outlet",
                )
    if not faults:
        yield ok("subscriptions", f"{len(known)}, all queries and outlets can be used")


def _outlet_problem(outlet: str) -> str:
    from sinks.alerts.plan import TERMINAL  # noqa: PLC0415 - so that a fault in it is a finding

    if outlet == TERMINAL:
        return ""
    from marsad_app.cli.outlets import lazily_accepted  # noqa: PLC0415 - so that a fault in it is a finding

    try:
        lazily_accepted(outlet)
    except ConfigError as error:
        return str(error)
    return ""
