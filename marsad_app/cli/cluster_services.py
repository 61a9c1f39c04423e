"""The services of the cluster size, each a process of its own: thin, since what they run is elsewhere."""

import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Annotated, NoReturn

import typer

from marsad.errors import ConfigError
from marsad_app.cli.lazy import example
from marsad_app.cli.output import note

__all__ = ["app"]

# What a service runs takes seconds to load; ``marsad poll --help`` needs none of it.
# ruff: noqa: PLC0415

app = typer.Typer()


def _leave(status: int) -> NoReturn:
    """End at once: all is closed and durable by now.

    Measured on a loaded machine: taking the interpreter down costs 1.5 s, and six services that end together 10 s.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _run(stage: str) -> None:
    """Run the service of that name until SIGTERM or SIGINT, then end with its status."""
    from marsad.config import load_settings
    from marsad_app.cli.logs import configure_logs

    settings = load_settings()
    configure_logs(settings.log)
    run: Callable[..., int] = import_module(f"marsad_app.cluster.{stage}").run
    _leave(run(settings))


@app.command(epilog=example("marsad poll", "MARSAD_KAFKA__BOOTSTRAP=broker:9092 marsad poll"))
def poll() -> None:
    """Ask the feeds and hand their entries to the broker. Several share the feeds; a site is only ever asked by one.

    SIGTERM or Ctrl-C ends it within five seconds; nothing is lost. So do all services of the cluster.
    """
    _run("poll")


@app.command(epilog=example("marsad process", "marsad process --reprocess --since 2026-11-01"))
def process(
    *,
    reprocess: Annotated[
        bool, typer.Option("--reprocess", help="Tag history again by the present topics, then end.")
    ] = False,
    since: Annotated[str, typer.Option(help="From when on, with --reprocess: a date, or now-7d.")] = "",
    until: Annotated[str, typer.Option(help="Until when, with --reprocess; by default until now.")] = "",
) -> None:
    """Clean, tag and locate entries: a Faust worker, one of any number.

    With --reprocess, what came since WHEN is tagged again by the present topics, here and beside the running workers, and then
    it ends; a run that was cut off goes on when it is started again. Alerts are not raised a second time. Without a cluster it
    does so with the articles of the store, also beside `marsad run`.
    """
    if reprocess:
        _reprocess(since, until)
    elif since or until:
        raise ConfigError("--since and --until go with --reprocess")
    else:
        _run("process")


def _reprocess(since: str, until: str) -> None:
    from marsad.clock import SystemClock
    from marsad.config import load_settings
    from marsad_app.cli.logs import configure_logs
    from marsad_app.cli.topic_sources import read_period

    if not since:
        raise ConfigError("--reprocess needs --since, such as --since 2026-11-01 or --since now-7d")
    now = SystemClock().now()
    first = read_period("--since", since, now).start
    last = read_period("--until", until, now).end if until else None
    if last is not None and last <= first:
        raise ConfigError(f"--until {until} is not after --since {since}")
    settings = load_settings()
    configure_logs(settings.log)
    again: Callable[..., int] = import_module(
        f"marsad_app.{'cluster' if settings.clustered else 'embedded'}.reprocess"
    ).reprocess
    done = again(settings, first, last)
    behind = "; `marsad cluster lag` shows how far the stages behind are" if settings.clustered else ""
    note(f"{done} entries are tagged again{behind}")


@app.command(epilog=example("marsad group"))
def group() -> None:
    """Group tagged articles into stories. One works; further ones wait to take over."""
    _run("group")


@app.command(epilog=example("marsad match"))
def match() -> None:
    """Match articles with the subscriptions and raise alerts, each once."""
    _run("match")


@app.command(epilog=example("marsad index"))
def index() -> None:
    """Write articles and stories to Elasticsearch."""
    _run("index")


@app.command(epilog=example("marsad deliver"))
def deliver() -> None:
    """Hand alerts to the outlets of their subscriptions."""
    _run("deliver")
