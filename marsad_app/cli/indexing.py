"""``marsad index``: the service, and the care of its indices."""

from typing import Annotated

import typer

from marsad.config import load_settings
from marsad_app.cli.cluster_services import run_service
from marsad_app.cli.lazy import example
from marsad_app.cli.output import JsonOption, json_line, note, table

__all__ = ["app"]

# The client takes a while to load; ``marsad index --help`` does not need it.
# ruff: noqa: PLC0415

app = typer.Typer(
    invoke_without_command=True, epilog=example("marsad index", "marsad index check", "marsad index reindex")
)


@app.callback()
def index(context: typer.Context) -> None:
    """Write articles and stories to Elasticsearch; or look after its indices."""
    if context.invoked_subcommand is None:
        run_service("index")


@app.command(epilog=example("marsad index check", "marsad index check --json"))
def check(*, as_json: Annotated[bool, JsonOption] = False) -> None:
    """Whether every index has the shape that its template gives now; ends with status 1 if one has not."""
    from sinks.index.client import connect
    from sinks.index.reindex import check_indices

    settings = load_settings().elasticsearch
    with connect(settings) as client:
        found = check_indices(client, settings)
    if as_json:
        for state in found:
            json_line(state)
    else:
        table(
            ("name", "index", "documents", "MB", "shape", "problem"),
            (
                (
                    state.name,
                    state.index,
                    str(state.documents),
                    f"{state.bytes / 1e6:.1f}",
                    "current" if state.current else "older",
                    state.problem,
                )
                for state in found
            ),
        )
    older = [state.name for state in found if not state.current]
    if older:
        note(f"{len(older)} of {len(found)} indices have an older shape; `marsad index reindex` makes them anew")
    if older or any(state.problem for state in found):
        raise typer.Exit(1)
    note(f"{len(found)} indices are as they should be")


@app.command(epilog=example("marsad index reindex", "marsad index reindex --all"))
def reindex(
    *,
    every: Annotated[bool, typer.Option("--all", help="Also the indices that are as they should be.")] = False,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Make the indices of an older shape anew, while they are searched and written.

    The index service goes on; for the last moment of each index it waits. What was cut off can be repeated.
    """
    from sinks.index.client import connect
    from sinks.index.reindex import reindex as make_anew

    settings = load_settings().elasticsearch
    done = 0
    with connect(settings) as client:
        for one in make_anew(client, settings, every=every, told=_told):
            done += 1
            if as_json:
                json_line(one)
            else:
                note(f"{one.name}: {one.documents} documents, now in {one.index}")
    note(f"{done} indices made anew")


def _told(name: str, copied: int, count: int) -> None:
    if copied % _TOLD_EVERY < _TOLD_STEP:
        note(f"{name}: {copied} of {count}")


_TOLD_EVERY, _TOLD_STEP = 20_000, 500
