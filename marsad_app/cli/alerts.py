"""``marsad alerts``."""

from typing import Annotated

import typer

from marsad_app.cli.lazy import example
from marsad_app.cli.opening import existing_store
from marsad_app.cli.output import JsonOption, instant, json_line, note, table
from marsad_app.cli.subscriptions import find

__all__ = ["app"]

app = typer.Typer(
    help="The alerts that were raised.", epilog=example("marsad alerts list --limit 10"), no_args_is_help=True
)


@app.callback()
def _group() -> None:
    """The alerts that were raised."""


@app.command(
    "list", epilog=example("marsad alerts list --subscription 'Russia and Algeria'", "marsad alerts list --json")
)
def list_alerts(
    subscription: Annotated[
        str, typer.Option("--subscription", "-s", help="Only those of this subscription (id, first letters, or name).")
    ] = "",
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="Alerts shown.")] = 50,
    offset: Annotated[int, typer.Option(min=0, help="Alerts passed over.")] = 0,
    *,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """The latest alerts, newest first."""
    with existing_store() as store:
        names = {known.id: known.name for known in store.subscriptions.subscriptions()}
        # The alerts of a subscription that was removed stay: its whole id still names them.
        wanted = None
        if subscription:
            wanted = (
                subscription
                if store.alerts.alerts(subscription_id=subscription, limit=1)
                else find(store, subscription).id
            )
        alerts = store.alerts.alerts(subscription_id=wanted, limit=limit, offset=offset)
    if as_json:
        for alert in alerts:
            json_line(alert)
        return
    if not alerts:
        note("no alerts")
        return
    table(
        ("at (UTC)", "subscription", "why", "outlet", "title"),
        (
            (
                instant(alert.at),
                names.get(alert.subscription_id, alert.subscription_id[:8]),
                alert.reason.value,
                alert.outlet,
                alert.title,
            )
            for alert in alerts
        ),
    )
