"""``marsad owners``."""

import secrets
from typing import Annotated

import typer

from marsad.clock import SystemClock
from marsad.errors import ConfigError
from marsad_app.cli.lazy import example
from marsad_app.cli.opening import existing_store, made_store
from marsad_app.cli.output import JsonOption, cell, instant, json_line, note, table
from marsad_app.owners import made_owner, named

__all__ = ["app"]

app = typer.Typer(
    help="People with subscriptions of their own on the page and in the API.",
    epilog=example("marsad owners add layla", "marsad owners list"),
    no_args_is_help=True,
)
_Name = Annotated[str, typer.Argument(metavar="NAME", help="What the owner goes by.")]


@app.command(epilog=example("marsad owners add layla", "marsad owners add layla --json"))
def add(name: _Name, *, as_json: Annotated[bool, JsonOption] = False) -> None:
    """Make an owner and show the token, once: only its hash is kept.

    With it one signs in on the page, or asks the API (`Authorization: Bearer …`), and sees and changes one's own subscriptions, their
    alerts and deliveries. Who has web.token sees all. Subscriptions that stand under this name in files or were added with
    `--owner` are the owner's.
    """
    token = secrets.token_urlsafe(24)
    owner = made_owner(name, token, SystemClock().now())
    with made_store() as store:
        if named(name, store.owners.owners()) is not None:
            raise ConfigError(
                f"there is an owner {name!r}; `marsad owners revoke` ends the token, then add gives another"
            )
        store.owners.put_owner(owner)
    if as_json:
        json_line({"name": owner.name, "token": token})
        return
    typer.echo(token)
    note(f"the token of {cell(name)}; it is not shown again")


@app.command("list", epilog=example("marsad owners list", "marsad owners list --json"))
def list_owners(*, as_json: Annotated[bool, JsonOption] = False) -> None:
    """All owners, and how many subscriptions each has."""
    with existing_store() as store:
        known = store.owners.owners()
        whose = [one.owner for one in store.subscriptions.subscriptions()]
    if as_json:
        for owner in known:
            json_line(
                {
                    "name": owner.name,
                    "created_at": owner.created_at.isoformat(),
                    "subscriptions": whose.count(owner.name),
                }
            )
        return
    if not known:
        note("no owners; `marsad owners add NAME` makes one")
        return
    table(
        ("name", "since (UTC)", "subscriptions"),
        ((owner.name, instant(owner.created_at), str(whose.count(owner.name))) for owner in known),
    )


@app.command(epilog=example("marsad owners revoke layla"))
def revoke(name: _Name, *, as_json: Annotated[bool, JsonOption] = False) -> None:
    """End an owner's token and sessions at once. The subscriptions stay, and go on, until they are removed."""
    with existing_store() as store:
        if not store.owners.remove_owner(name):
            raise ConfigError(f"there is no owner {name!r}; `marsad owners list` shows them")
        left = sum(one.owner == name for one in store.subscriptions.subscriptions())
    if as_json:
        json_line({"name": name, "revoked": True, "subscriptions": left})
    else:
        typer.echo(f"{cell(name)} revoked; {left} subscriptions stay")
