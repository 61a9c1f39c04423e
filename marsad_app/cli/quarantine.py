"""``marsad quarantine``."""

from collections.abc import Sequence
from typing import Annotated

import typer

from marsad.errors import ConfigError
from marsad.records import Quarantined
from marsad_app.cli.lazy import example
from marsad_app.cli.opening import OpenStore, existing_store, pick
from marsad_app.cli.output import JsonOption, cell, instant, json_line, note, table

__all__ = ["app"]

app = typer.Typer(
    help="What could not be processed: look at it, send it through again, or drop it.",
    epilog=example("marsad quarantine list", "marsad quarantine replay --all"),
    no_args_is_help=True,
)
_SHOWN_PAYLOAD = 2_000
_PAGE = 500

_Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Ids, or their first letters.")]
_All = Annotated[bool, typer.Option("--all", help="Everything that is there (of the stage, if one is given).")]
_Stage = Annotated[
    str, typer.Option(help="Only what this stage gave up: fetch, parse, clean, tag, group, match, index, deliver.")
]


@app.command("list", epilog=example("marsad quarantine list --stage parse", "marsad quarantine list --json"))
def list_items(
    stage: _Stage = "",
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="Items shown.")] = 50,
    *,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """The items, newest first."""
    with existing_store() as store:
        items = store.quarantine.quarantined(stage=stage or None, limit=limit)
    if as_json:
        for item in items:
            json_line(_record(item))
        return
    if not items:
        note("nothing is in quarantine")
        return
    table(
        ("id", "at (UTC)", "stage", "reason", "what"),
        ((item.id[:8], instant(item.at), item.stage, item.reason, item.detail or item.key) for item in items),
    )


@app.command(epilog=example("marsad quarantine show 9c41d2aa", "marsad quarantine show 9c41d2aa --json | jq .payload"))
def show(
    item_id: Annotated[str, typer.Argument(metavar="ID", help="The item's id, or its first letters.")],
    *,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """One item with its original bytes."""
    with existing_store() as store:
        item = _find(store, item_id)
    if as_json:
        json_line({**_record(item), "payload": item.payload.decode("utf-8", "replace")})
        return
    for name, value in _record(item).items():
        typer.echo(f"{name:8} {cell(str(value))}")
    text = item.payload[: _SHOWN_PAYLOAD * 4].decode("utf-8", "replace")
    typer.echo(cell(text, longest=_SHOWN_PAYLOAD))


@app.command(epilog=example("marsad quarantine replay 9c41d2aa", "marsad quarantine replay --all --stage clean"))
def replay(
    item_ids: _Ids = None, *, everything: _All = False, stage: _Stage = "", as_json: Annotated[bool, JsonOption] = False
) -> None:
    """Send items through the pipeline again; what runs takes them at once, else what is started next does."""
    with existing_store() as store:
        results = [(item, store.redo(item)) for item in _chosen(store, item_ids or [], stage, everything=everything)]
    _tell(results, "replayed", as_json=as_json)


@app.command(epilog=example("marsad quarantine drop 9c41d2aa", "marsad quarantine drop --all --stage parse"))
def drop(
    item_ids: _Ids = None, *, everything: _All = False, stage: _Stage = "", as_json: Annotated[bool, JsonOption] = False
) -> None:
    """Forget items for good."""
    with existing_store() as store:
        results = [(item, _drop(store, item)) for item in _chosen(store, item_ids or [], stage, everything=everything)]
    _tell(results, "dropped", as_json=as_json)


def _drop(store: OpenStore, item: Quarantined) -> str:
    return "" if store.quarantine.drop_quarantined(item.id) else "was gone already"


def _chosen(store: OpenStore, wanted: Sequence[str], stage: str, *, everything: bool) -> list[Quarantined]:
    if bool(wanted) == everything:
        raise typer.BadParameter("give ids, or --all")
    if wanted:
        return [_find(store, item_id) for item_id in dict.fromkeys(wanted)]
    items: list[Quarantined] = []
    while page := store.quarantine.quarantined(stage=stage or None, limit=_PAGE, offset=len(items)):
        items += page
    return items


def _find(store: OpenStore, wanted: str) -> Quarantined:
    item = store.quarantine.quarantined_item(wanted)
    if item is not None:
        return item
    return pick("quarantined item", wanted, ((item.id, item) for item in store.quarantine.quarantined(limit=10_000)))


def _tell(results: Sequence[tuple[Quarantined, str]], done: str, *, as_json: bool) -> None:
    for item, problem in results:
        if as_json:
            json_line({"id": item.id, done: not problem, "problem": problem})
        elif problem:
            note(f"{item.id[:8]}: {problem}")
    good = sum(1 for _, problem in results if not problem)
    if not as_json:
        note(f"{good} of {len(results)} {done}")
    if good < len(results):
        raise ConfigError(f"{len(results) - good} of {len(results)} could not be {done}")


def _record(item: Quarantined) -> dict[str, object]:
    return {
        "id": item.id,
        "stage": item.stage,
        "key": item.key,
        "reason": item.reason,
        "detail": item.detail,
        "at": item.at,
        "bytes": len(item.payload),
    }
