"""The root of the command line: the table of commands, and what becomes of errors."""

import os
import sys
import traceback
from typing import Annotated, Any, ClassVar, NoReturn

import typer

from marsad import __version__
from marsad.errors import MarsadError, said
from marsad_app.cli.faults import ShownQueryError
from marsad_app.cli.lazy import Entry, LazyGroup, example

__all__ = ["app", "main"]

_INTERRUPTED = 128 + 2
_PIPE_CLOSED = 128 + 13
_NEWS, _OWN, _WORK, _CARE = "News", "Feeds, topics and alerts", "Services", "Care and scripting"
_CLUSTER = "Services of the cluster size"
_SERVICES = "marsad_app.cli.cluster_services"


class RootGroup(LazyGroup):
    """All commands. An error becomes one sentence on standard error and an exit status, never a traceback."""

    table: ClassVar[dict[str, Entry]] = {
        "run": Entry("marsad_app.cli.services", "Watch feeds: poll, tag, group, alert and serve the web page.", _WORK),
        "demo": Entry("marsad_app.cli.services", "Two minutes of sample news through every stage.", _WORK),
        "web": Entry("marsad_app.cli.services", "Only the web page and the API, over the store as it is.", _WORK),
        "newsroom": Entry(
            "marsad_app.cli.services", "Serve the sample newsroom's feeds, for trying things out.", _WORK
        ),
        "search": Entry("marsad_app.cli.search", "Search the articles.", _NEWS),
        "stories": Entry("marsad_app.cli.stories", "Stories: the reports of one event.", _NEWS),
        "export": Entry("marsad_app.cli.export", "All articles, or those of a query, as JSON lines.", _NEWS),
        "feeds": Entry("marsad_app.cli.feeds", "The feeds that are watched, and how they are.", _OWN),
        "topics": Entry("marsad_app.cli.topics", "What articles are tagged with, and why.", _OWN),
        "subscriptions": Entry("marsad_app.cli.subscriptions", "Saved queries that raise alerts.", _OWN),
        "owners": Entry("marsad_app.cli.owners", "People with subscriptions of their own.", _OWN),
        "alerts": Entry("marsad_app.cli.alerts", "The alerts that were raised.", _OWN),
        "quarantine": Entry("marsad_app.cli.quarantine", "What could not be processed.", _CARE),
        "status": Entry("marsad_app.cli.status", "How things stand now.", _CARE),
        "stats": Entry("marsad_app.cli.status", "What was processed so far, and what it is about.", _CARE),
        "pipe": Entry("marsad_app.cli.pipe", "Single stages as filters: JSON lines in, JSON lines out.", _CARE),
        "config": Entry("marsad_app.cli.configuration", "Every setting, its value and where it comes from.", _CARE),
        "doctor": Entry("marsad_app.cli.doctor", "Find what is wrong and say how to mend it.", _CARE),
        "bench": Entry("marsad_app.cli.services", "Speed and memory on this machine.", _CARE),
        "poll": Entry(_SERVICES, "Ask the feeds and hand their entries to the broker.", _CLUSTER),
        "process": Entry(_SERVICES, "Clean, tag and locate entries: a Faust worker.", _CLUSTER),
        "group": Entry(_SERVICES, "Group tagged articles into stories.", _CLUSTER),
        "match": Entry(_SERVICES, "Match articles with the subscriptions and raise alerts.", _CLUSTER),
        "index": Entry(
            "marsad_app.cli.indexing", "Write articles and stories to Elasticsearch; look after its indices.", _CLUSTER
        ),
        "deliver": Entry(_SERVICES, "Hand alerts to the outlets of their subscriptions.", _CLUSTER),
        "kibana": Entry("marsad_app.cli.kibana", "Data views and dashboards for Kibana.", _CLUSTER),
        "cluster": Entry("marsad_app.cli.cluster", "Streams, templates, lag and health of the cluster.", _CLUSTER),
    }

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise typer.Exit(_INTERRUPTED) from None
        except BrokenPipeError:
            _forget_output()
            raise typer.Exit(_PIPE_CLOSED) from None
        except (typer.Exit, typer.Abort):
            raise
        except Exception as error:
            if hasattr(error, "exit_code"):  # a usage error, which typer shows itself with exit status 2
                raise
            _fail(error, debug=bool(ctx.params.get("debug")))


app = typer.Typer(
    name="marsad",
    cls=RootGroup,
    help="Marsad (مرصد) watches Arabic news: polls feeds, tags and groups articles, and alerts on topics.",
    epilog=example("marsad demo", "marsad search 'topic:sanctions country:RU'", "marsad feeds --help"),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"marsad {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Options of all commands."""


def _fail(error: Exception, *, debug: bool) -> NoReturn:
    """Say what happened and end with status 1."""
    sys.stdout.flush()
    if debug:
        traceback.print_exception(error)
    if isinstance(error, ShownQueryError):
        typer.echo("\n".join(error.lines), err=True)
    if isinstance(error, MarsadError):
        typer.echo(f"marsad: {said(error)}", err=True)
    elif isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        typer.echo(f"marsad: {place}{error.strerror or said(error)}", err=True)
    else:
        again = "" if debug else "; `marsad --debug …` shows where"
        typer.echo(f"marsad: a fault in Marsad itself: {type(error).__name__}: {said(error)}{again}", err=True)
    raise typer.Exit(1) from None


def _forget_output() -> None:
    """Nobody reads standard output any more: what is still in its buffer must not fail again at exit."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):  # captured output has no file
        return


def main() -> int:
    """Run the command line on the process's arguments; the exit status.

    Output is UTF-8 whatever the locale says, and a lone surrogate becomes a question mark instead of an error.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    status = 0
    try:
        app(prog_name="marsad")
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_output()
        return _PIPE_CLOSED
    return status
