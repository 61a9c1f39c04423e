"""``marsad cluster``: the streams and templates, how far the stages are, and whether the services are well."""

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Final

import typer

from marsad.config import Settings, load_settings
from marsad.errors import StoreError, TransientError
from marsad_app.cli.lazy import example
from marsad_app.cli.output import JsonOption, json_line, note, table

if TYPE_CHECKING:
    from marsad_app.cluster.admin import Difference
    from marsad_app.cluster.health import Report
    from marsad_app.cluster.lag import StageLag

__all__ = ["app"]

# The clients of Kafka and Elasticsearch take a while to load; ``marsad cluster --help`` needs none of them.
# ruff: noqa: PLC0415

app = typer.Typer(
    help="Streams and index templates, how far the stages are, and whether the services are well.",
    epilog=example("marsad cluster init", "marsad cluster check --fix", "marsad cluster lag"),
    no_args_is_help=True,
)
_Json = Annotated[bool, JsonOption]
_CLEAR: Final = "\x1b[H\x1b[2J"
_SHORTEST_PAUSE: Final = 0.5


@app.command(epilog=example("marsad cluster init", "MARSAD_KAFKA__PARTITIONS=8 marsad cluster init"))
def init(*, as_json: _Json = False) -> None:
    """Make the streams and index templates that are not there; does nothing where they are.

    What is there and differs is told and left: `marsad cluster check --fix` mends it. Ends with status 1 where a stream
    cannot be used as it is.
    """
    from marsad_app.cluster import admin

    settings = load_settings()
    found = admin.plan(admin.broker_streams(settings.kafka), settings.kafka)
    made = admin.mend(settings.kafka, [one for one in found if one.kind == "missing"], lambda one: _done(one, as_json))
    from marsad_app.cluster.index_admin import mend_templates, template_differences

    templates = template_differences(settings.elasticsearch)
    mend_templates(settings.elasticsearch)
    for one in templates:
        _done(one, as_json)
    left = [one for one in found if one not in made]
    if left:
        note(f"{len(left)} settings of streams differ; `marsad cluster check` shows them")
    elif not made and not templates:
        note("all streams and index templates are there")
    unusable = [one for one in left if one.kind == "partitions"]
    _advise(unusable)
    if unusable:
        raise typer.Exit(1)


@app.command(epilog=example("marsad cluster check", "marsad cluster check --fix", "marsad cluster check --json"))
def check(
    *,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what can be mended in place.")] = False,
    as_json: _Json = False,
) -> None:
    """Where streams and index templates differ from the settings; ends with status 1 if something does."""
    settings = load_settings()
    left, problem = _check(settings, fix=fix, as_json=as_json)
    if as_json:
        for one in left:
            json_line(one)
    elif left:
        table(
            ("where", "what", "found", "wanted", "mended by"),
            (
                (one.where, one.what, one.found or "-", one.wanted, "--fix" if one.mendable else "see below")
                for one in left
            ),
        )
    _advise(left)
    if problem is not None:
        raise problem
    if left:
        raise typer.Exit(1)
    note("streams and index templates are as they should be")


def _check(settings: Settings, *, fix: bool, as_json: bool) -> "tuple[list[Difference], StoreError | None]":
    """What differs, after mending if that is wanted; and why Elasticsearch could not be asked."""
    from marsad_app.cluster import admin
    from marsad_app.cluster.index_admin import mend_templates, template_differences

    there = admin.broker_streams(settings.kafka)
    found = admin.plan(there, settings.kafka)
    for name in admin.unknown(there, settings.kafka):
        note(f"{name} is under kafka.prefix and is no stream of this version")
    if fix:
        mended = admin.mend(settings.kafka, found, lambda one: _done(one, as_json, say=not as_json))
        found = [one for one in found if one not in mended]
    try:
        templates = template_differences(settings.elasticsearch)
        if fix and templates:
            mend_templates(settings.elasticsearch)
            for one in templates:
                _done(one, as_json, say=not as_json)
            templates = []
    except StoreError as error:
        return found, error
    return [*found, *templates], None


def _advise(left: "Sequence[Difference]") -> None:
    """Say what to do about what cannot be mended in place, each advice once."""
    for advice in dict.fromkeys(one.advice for one in left if one.advice):
        where = ", ".join(one.where for one in left if one.advice == advice)
        note(f"{where}: {advice}")


def _done(one: "Difference", as_json: bool, *, say: bool = True) -> None:
    if as_json and say:
        json_line(one)
    elif say:
        made = one.kind == "missing" or (one.kind == "template" and not one.found)
        typer.echo(f"made {one.where}" if made else f"{one.where}: {one.what} set from {one.found} to {one.wanted}")


@app.command(epilog=example("marsad cluster lag", "marsad cluster lag --watch", "marsad cluster lag --json"))
def lag(
    *,
    as_json: _Json = False,
    watch: Annotated[bool, typer.Option("--watch", help="Again and again, until Ctrl-C.")] = False,
    every: Annotated[float, typer.Option(min=_SHORTEST_PAUSE, help="Seconds between two looks of --watch.")] = 2.0,
) -> None:
    """How many messages wait for each stage, by partition, and which processes work on them."""
    from marsad.clock import SystemClock
    from marsad_app.cluster.lag import measure

    settings = load_settings()
    while True:
        try:
            found = measure(settings.kafka, SystemClock())
        except TransientError as error:
            if not watch:
                raise
            note(f"marsad: {error}")
        else:
            _show_lag(found, as_json=as_json, clear=watch)
        if not watch:
            return
        time.sleep(every)


def _show_lag(stages: "Sequence[StageLag]", *, as_json: bool, clear: bool) -> None:
    if as_json:
        for stage in stages:
            for row in stage.partitions:
                json_line(
                    {
                        "stage": stage.stage,
                        "stream": stage.stream,
                        "partition": row.partition,
                        "committed": row.committed,
                        "end": row.end,
                        "lag": row.lag,
                        "members": stage.members,
                    }
                )
        return
    if clear and sys.stdout.isatty():
        sys.stdout.write(_CLEAR)
    table(
        ("stage", "stream", "partition", "committed", "end", "lag"),
        (
            (stage.stage, stage.stream, str(row.partition), _number(row.committed), str(row.end), str(row.lag))
            for stage in stages
            for row in stage.partitions
        ),
    )
    for stage in stages:
        note(f"{stage.stage}: {', '.join(stage.members or ()) or 'no process works on it'}")


def _number(value: int | None) -> str:
    return "-" if value is None else str(value)


@app.command(epilog=example("marsad cluster health", "marsad cluster health --port 8090"))
def health(
    url: Annotated[str, typer.Option(help="Address of a service's health endpoint.")] = "",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Its port on this machine.")] = 0,
    *,
    as_json: _Json = False,
) -> None:
    """Whether the services here are well; ends with status 1 if one is not, or none runs: for health checks.

    Without --url and --port: the service at health.port, or all that run with this data.dir.
    """
    from marsad_app.cluster.health import ask

    urls = [url or f"http://127.0.0.1:{port}"] if url or port else _known_urls(load_settings())
    if not urls:
        note("no service runs with this data.dir")
        raise typer.Exit(1)
    answers: list[tuple[str, Report | None, str]] = []
    for address in urls:
        try:
            answers.append((address, ask(address), ""))
        except TransientError as error:
            answers.append((address, None, str(error)))
    _show_health(answers, as_json=as_json)
    if not all(report is not None and report.healthy for _, report, _ in answers):
        raise typer.Exit(1)


def _known_urls(settings: Settings) -> list[str]:
    from marsad_app.cluster.slots import running_urls

    if settings.health.port:
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.health.host, settings.health.host)  # noqa: S104
        return [f"http://{host}:{settings.health.port}"]
    return [url for url in running_urls(settings).values() if url]


def _show_health(answers: "Sequence[tuple[str, Report | None, str]]", *, as_json: bool) -> None:
    if as_json:
        for address, report, problem in answers:
            json_line(report if report is not None else {"url": address, "error": problem})
        return
    table(
        ("service", "is", "lag", "why", "address"),
        (
            (address, "silent", "-", problem, address)
            if report is None
            else (report.instance, report.verdict, str(report.lag), report.why, address)
            for address, report, problem in answers
        ),
    )
