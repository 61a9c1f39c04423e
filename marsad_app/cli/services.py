"""The commands that run for long: thin, since what they run is elsewhere."""

from pathlib import Path
from typing import Annotated

import typer

from marsad_app.cli.lazy import example

__all__ = ["app"]

# What these commands run imports the whole program; ``marsad run --help`` needs none of it.
# ruff: noqa: PLC0415

app = typer.Typer()
_Duration = Annotated[float, typer.Option(min=1, help="Seconds over which the sample articles appear.")]


@app.command(
    epilog=example(
        "marsad run",
        "marsad run --feeds my-feeds.opml",
        "MARSAD_WEB__PORT=9000 MARSAD_DATA__DIR=/var/lib/marsad marsad run",
    )
)
def run(
    feeds: Annotated[
        Path | None, typer.Option("--feeds", help="OPML file of feeds to add to those that are watched.")
    ] = None,
    *,
    no_web: Annotated[bool, typer.Option("--no-web", help="Without the web page and the API.")] = False,
) -> None:
    """Watch feeds: poll, read pages, clean, tag, group, match, store, alert, and serve the web page.

    Without --feeds and without feeds of your own, the shipped catalogue is watched. SIGTERM or Ctrl-C ends it
    within five seconds; nothing is lost.
    """
    from marsad.config import load_settings
    from marsad_app.cli.logs import configure_logs

    settings = load_settings()
    configure_logs(settings.log)
    from marsad_app.embedded import runtime

    raise typer.Exit(runtime.run(settings, feeds_file=feeds, web=not no_web))


@app.command(epilog=example("marsad demo", "marsad demo --exit --duration 60"))
def demo(
    duration: _Duration = 110.0,
    port: Annotated[
        int | None, typer.Option(min=0, max=65_535, help="Port of the web page; by default web.port.")
    ] = None,
    *,
    exit_when_done: Annotated[
        bool, typer.Option("--exit", help="Check the result, then end with status 0 or 1.")
    ] = False,
) -> None:
    """Two minutes of sample news from a newsroom of its own through every stage, with the web page.

    It keeps its own store in .marsad-demo, made anew each time; your own store is not touched.
    """
    from marsad.config import load_settings
    from marsad_app.cli.logs import configure_logs

    settings = load_settings()
    if port is not None:
        settings = settings.model_copy(update={"web": settings.web.model_copy(update={"port": port})})
    configure_logs(settings.log, least="warning")
    from marsad_app.embedded.demo import run_demo

    raise typer.Exit(run_demo(settings, duration=duration, exit_when_done=exit_when_done))


@app.command(epilog=example("marsad newsroom --port 8099", "marsad newsroom --duration 600"))
def newsroom(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0 takes a free port.")] = 0,
    duration: _Duration = 110.0,
) -> None:
    """Serve the sample newsroom's feeds and pages, for trying things out; prints the address of its OPML list."""
    from marsad.config import load_settings
    from marsad_app.cli.logs import configure_logs
    from marsad_app.newsroom.server import serve

    configure_logs(load_settings().log)
    raise typer.Exit(serve(host, port, duration))


@app.command(epilog=example("marsad web", "MARSAD_WEB__PORT=9000 marsad web"))
def web() -> None:
    """Only the web page and the API; nothing is polled.

    Over the embedded store as it is; or, where kafka.bootstrap is set, over Kafka and Elasticsearch. It goes on while one of
    these is away: /readyz says so.
    """
    from marsad.config import load_settings
    from marsad_app.cli.logs import configure_logs
    from marsad_app.cli.serving import serve_cluster, serve_web

    settings = load_settings()
    configure_logs(settings.log)
    (serve_cluster if settings.clustered else serve_web)(settings)


@app.command(epilog=example("marsad bench", "marsad bench --json"))
def bench(*, as_json: Annotated[bool, typer.Option("--json", help="The figures as JSON.")] = False) -> None:
    """Speed and memory on this machine, as ratios to bare baselines of the same run."""
    from marsad_app.bench import run_bench

    raise typer.Exit(run_bench(as_json=as_json))
