"""``marsad subscriptions``."""

import secrets
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import typer

from marsad.clock import SystemClock
from marsad.config import load_settings
from marsad.errors import ConfigError
from marsad.records import Cadence, Subscription, Trigger
from marsad.records.ids import subscription_id
from marsad_app.backfilling import days_of
from marsad_app.cli.estimating import estimate_record, estimated, filled, print_estimate
from marsad_app.cli.lazy import example
from marsad_app.cli.opening import OpenStore, existing_store, made_store, parse_query, pick
from marsad_app.cli.outlets import lazily_accepted, outlets_for
from marsad_app.cli.output import JsonOption, cell, instant, json_line, note, table
from marsad_app.cli.quiet import parse_quiet
from marsad_app.subscribing import settled, try_outlets
from sinks.alerts.plan import TERMINAL
from sinks.alerts.seal import shown

__all__ = ["app", "find"]

app = typer.Typer(
    help="Saved queries that raise alerts.",
    epilog=example(
        "marsad subscriptions add 'topic:sanctions country:RU' --name Sanctions", "marsad subscriptions list"
    ),
    no_args_is_help=True,
)

_MORNING = datetime(1900, 1, 1, 7)  # noqa: DTZ001 - a time of day has no zone
_Id = Annotated[str, typer.Argument(metavar="ID", help="The subscription's id, its first letters, or its name.")]
_Reveal = Annotated[bool, typer.Option("--reveal", help="Show outlet addresses and the feed's secret in full.")]


def find(store: OpenStore, wanted: str) -> Subscription:
    """The subscription that a person means by id, beginning of an id, or name.

    Raises:
        ConfigError: none, or several.
    """
    known = store.subscriptions.subscriptions()
    named = [subscription for subscription in known if subscription.name == wanted]
    if len(named) == 1:
        return named[0]
    try:
        return pick("subscription", wanted, ((subscription.id, subscription) for subscription in known))
    except ConfigError as error:
        raise ConfigError(f"{error}; `marsad subscriptions list` shows them") from error


@app.command("list", epilog=example("marsad subscriptions list", "marsad subscriptions list --json"))
def list_subscriptions(*, reveal: _Reveal = False, as_json: Annotated[bool, JsonOption] = False) -> None:
    """All subscriptions, oldest first."""
    with existing_store() as store:
        known = store.subscriptions.subscriptions()
    if as_json:
        for subscription in known:
            json_line(_record(subscription, reveal=reveal))
        return
    if not known:
        note("no subscriptions; `marsad subscriptions add QUERY` makes one")
        return
    table(
        ("id", "name", "state", "cadence", "when", "outlets", "query"),
        (
            (
                one.id[:8],
                one.name,
                "on" if one.enabled else "off",
                one.cadence,
                " ".join(trigger.value for trigger in one.triggers),
                " ".join(_outlets(one, reveal=reveal)),
                one.query,
            )
            for one in known
        ),
    )


@app.command(
    epilog=example(
        "marsad subscriptions add 'روسيا الجزائر topic:defense-cooperation' --name 'Russia and Algeria'",
        "marsad subscriptions add 'topic:energy' --cadence daily --outlet 'mailto://user:password@example.org'",
        "marsad subscriptions add 'topic:sanctions' --outlet mailto:desk@example.org --backfill 7d",
        "marsad subscriptions add 'country:DZ' --quiet 22:00-07:00 --zone Africa/Algiers --outlet terminal:",
    )
)
def add(
    query: Annotated[str, typer.Argument(help="As for `marsad search`.")],
    *,
    name: Annotated[str, typer.Option(help="What people call it; by default the query.")] = "",
    owner: Annotated[str, typer.Option(help="Whose it is.")] = "",
    trigger: Annotated[list[Trigger] | None, typer.Option(help="What raises an alert; may be repeated.")] = None,
    story_outlets: Annotated[int, typer.Option(min=2, help="Outlets a story must reach, for story-outlets.")] = 2,
    story_countries: Annotated[int, typer.Option(help="Countries a story must reach, for story-countries.")] = 2,
    spike_hours: Annotated[int, typer.Option(help="Hours counted together, for spike.")] = 3,
    cadence: Annotated[Cadence, typer.Option(help="At once, or as a digest.")] = "instant",
    every: Annotated[int, typer.Option(help="Minutes between digests, for every.")] = 15,
    at: Annotated[datetime, typer.Option(formats=["%H:%M"], help="Local time of daily and weekly digests.")] = _MORNING,
    weekday: Annotated[int, typer.Option(help="Day of weekly digests; 0 is Monday.")] = 0,
    cooldown: Annotated[int, typer.Option(help="Minutes after a message in which none goes out.")] = 0,
    cap: Annotated[int, typer.Option(help="Messages a day to one outlet; 0: no limit.")] = 0,
    quiet: Annotated[str, typer.Option(help="Hours without messages, such as 22:00-07:00.")] = "",
    zone: Annotated[str, typer.Option(help="IANA time zone of the quiet hours and digests.")] = "UTC",
    outlet: Annotated[
        list[str] | None,
        typer.Option(
            help="mailto:person@example.org, webhook:https://…, terminal:, or an apprise URL; may be repeated."
        ),
    ] = None,
    language: Annotated[Literal["ar", "en"], typer.Option(help="Language of the messages.")] = "ar",
    backfill: Annotated[
        str, typer.Option(help="Tell what it would have told before, in one digest: days, such as 7d.")
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it would have brought, and save nothing.")
    ] = False,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Save a query, and say what it would have brought in the last thirty days. Alerts always reach the web page and the subscription's own Atom feed; outlets come on top.

    Adding the same owner, name and query again replaces the settings and keeps the address of the Atom feed.
    """
    parse_query(query)
    days = days_of(backfill)
    with made_store() as store:
        wanted = Subscription(
            id=subscription_id(owner, name or query, query),
            name=name or query,
            query=query,
            owner=owner,
            triggers=tuple(trigger or [Trigger.NEW_STORY]),
            story_outlets=story_outlets,
            story_countries=story_countries,
            spike_hours=spike_hours,
            cadence=cadence,
            every=every,
            at=at.time(),
            weekday=weekday,
            cooldown=cooldown,
            cap=cap,
            quiet=parse_quiet(quiet, zone),
            outlets=tuple(outlet or []),
            language=language,
            created_at=SystemClock().now(),
        )
        before = store.subscriptions.subscription(wanted.id)
        made = settled(wanted, before, lazily_accepted, lambda: secrets.token_hex(16))
        found = estimated(store.search, made)
        if not dry_run:
            store.subscriptions.put_subscription(made)
        missed = 0 if dry_run else filled(store, made, days)
    if as_json:
        saved = {"estimate": estimate_record(found), "saved": not dry_run, "backfilled": missed}
        json_line({**_record(made, reveal=True), **saved})
        return
    print_estimate(found)
    if dry_run:
        note("nothing was saved")
    else:
        typer.echo(f"{made.id[:8]} {'replaced' if before else 'added'}: {cell(made.name)}")
    if days and not dry_run:
        note(f"{missed} alerts of the last {days} days go out as one digest")


@app.command(
    epilog=example(
        "marsad subscriptions estimate 'topic:energy country:QA'", "marsad subscriptions estimate روسيا --json"
    )
)
def estimate(
    query: Annotated[str, typer.Argument(help="As for `marsad search`.")],
    *,
    cap: Annotated[int, typer.Option(min=0, max=1_000, help="Messages a day that it may send; 0: no limit.")] = 0,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """What a query would have brought in the last thirty days: figures, examples, near misses, warnings."""
    parse_query(query)
    with existing_store() as store:
        asked = Subscription(id="", name=query, query=query, cap=cap, created_at=SystemClock().now())
        found = estimated(store.search, asked)
    if as_json:
        json_line(estimate_record(found))
    else:
        print_estimate(found)


@app.command(
    epilog=example("marsad subscriptions show 51c0ffee", "marsad subscriptions show Sanctions --reveal --json")
)
def show(subscription: _Id, *, reveal: _Reveal = False, as_json: Annotated[bool, JsonOption] = False) -> None:
    """One subscription with its latest alerts and deliveries."""
    with existing_store() as store:
        one = find(store, subscription)
        alerts = store.alerts.alerts(subscription_id=one.id, limit=10)
        deliveries = store.deliveries.deliveries(subscription_id=one.id, limit=10)
    record = _record(one, reveal=reveal)
    sent = [{**msgspec.to_builtins(item), "outlet": _shown(item.outlet, reveal=reveal)} for item in deliveries]
    if as_json:
        json_line({"subscription": record, "alerts": alerts, "deliveries": sent})
        return
    for name, value in record.items():
        shown = " ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
        typer.echo(f"{name:14} {cell(shown)}")
    if alerts:
        typer.echo("")
        table(
            ("at (UTC)", "why", "outlet", "title"), ((instant(a.at), a.reason.value, a.outlet, a.title) for a in alerts)
        )
    if deliveries:
        typer.echo("")
        table(
            ("delivery", "to", "state", "tries", "next or sent (UTC)", "error"),
            (
                (
                    item.delivery_id[:8],
                    _shown(item.outlet, reveal=reveal),
                    item.state.value,
                    str(item.attempts),
                    instant(item.sent_at or item.next_try_at),
                    item.last_error,
                )
                for item in deliveries
            ),
        )


@app.command(epilog=example("marsad subscriptions remove 51c0ffee"))
def remove(subscription: _Id, *, as_json: Annotated[bool, JsonOption] = False) -> None:
    """Forget a subscription; its alerts stay in the ledger."""
    with existing_store() as store:
        one = find(store, subscription)
        store.subscriptions.remove_subscription(one.id)
    _done(one, "removed", as_json=as_json)


@app.command(epilog=example("marsad subscriptions enable 51c0ffee"))
def enable(subscription: _Id, *, as_json: Annotated[bool, JsonOption] = False) -> None:
    """Let a subscription raise alerts again, from now on."""
    _switch(subscription, enabled=True, as_json=as_json)


@app.command(epilog=example("marsad subscriptions disable 51c0ffee"))
def disable(subscription: _Id, *, as_json: Annotated[bool, JsonOption] = False) -> None:
    """Let a subscription raise no alerts until it is enabled."""
    _switch(subscription, enabled=False, as_json=as_json)


@app.command("test", epilog=example("marsad subscriptions test 51c0ffee", "marsad subscriptions test Sanctions --send"))
def try_out(
    subscription: _Id,
    *,
    send: Annotated[bool, typer.Option("--send", help="Send a test message to each of its outlets.")] = False,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Show what the subscription would match among the stored articles; try its outlets with --send."""
    with existing_store() as store:
        one = find(store, subscription)
        page = store.search.search(parse_query(one.query), sort="date", limit=5)
    articles = [hit.article for hit in page.hits]
    if send and TERMINAL in one.outlets:
        typer.echo(f"● {cell(one.name)}  {cell(articles[0].title if articles else '')}")
    results = try_outlets(one, articles, outlets_for(load_settings()).at, SystemClock().now()) if send else []
    if as_json:
        json_line(
            {"id": one.id, "matching": page.total, "sent": [{"outlet": to, "problem": why} for to, why in results]}
        )
    else:
        typer.echo(f"{cell(one.name)}: {page.total} stored articles match" + ("; the latest:" if page.hits else ""))
        table(
            ("published (UTC)", "outlet", "title"),
            ((instant(hit.article.published_at), hit.article.outlet, hit.article.title) for hit in page.hits),
        )
        for to, why in results:
            typer.echo(f"{to}: {why or 'sent'}")
    failed = sum(1 for _, why in results if why)
    if failed:
        raise ConfigError(f"{failed} of {len(results)} outlets did not take the test message")
    if send and not one.outlets:
        note("it has no outlets: its alerts are on the web page and in its Atom feed")


@app.command(
    "apply",
    epilog=example(
        "marsad subscriptions apply -f desk.yaml --dry-run", "marsad subscriptions apply -f desk.yaml --prune"
    ),
)
def apply_file(
    file: Annotated[Path, typer.Option("--file", "-f", help="YAML: a list of subscriptions under `subscriptions:`.")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")] = False,
    backfill: Annotated[str, typer.Option(help="For those that are new: as for `add`.")] = "",
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove the file's owner's subscriptions that it does not name.")
    ] = False,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Make the subscriptions what a file says: add, change, and with --prune remove; a second time changes nothing.

    Each has `name`, `query`, and what `add` offers, such as `cadence`, `outlets`, `triggers`, `quiet: 22:00-07:00`. `owner` stands
    above the list and is whose they are. A fault is told with its line, and then nothing is changed.
    """
    from marsad_app.cli.declared import changes, read_declared  # noqa: PLC0415 - the parser of YAML is seldom needed

    days = days_of(backfill)
    declared = read_declared(file, SystemClock().now())
    with made_store() as store:
        found = changes(declared, store.subscriptions.subscriptions(), lazily_accepted, prune=prune)
        for change in found:
            if change.after is not None and not dry_run:
                store.subscriptions.put_subscription(change.after)
                filled(store, change.after, 0 if change.before else days)
            elif change.before is not None and not dry_run:
                store.subscriptions.remove_subscription(change.before.id)
    for change in found:
        if as_json:
            json_line({"id": change.id, "name": change.name, "what": change.what, "fields": change.fields})
        else:
            typer.echo(f"{change.sign} {cell(change.name)}" + "".join(f"\n    {cell(line)}" for line in change.fields))
    if not as_json:
        note(f"{len(found)} of {len(declared.wanted)} would change" if dry_run else f"{len(found)} changed")


def _switch(wanted: str, *, enabled: bool, as_json: bool) -> None:
    with existing_store() as store:
        one = find(store, wanted)
        store.subscriptions.put_subscription(msgspec.structs.replace(one, enabled=enabled))
    _done(one, "enabled" if enabled else "disabled", as_json=as_json)


def _done(one: Subscription, what: str, *, as_json: bool) -> None:
    if as_json:
        json_line({"id": one.id, "name": one.name, what: True})
    else:
        typer.echo(f"{one.id[:8]} {what}: {cell(one.name)}")


def _shown(outlet: str, *, reveal: bool) -> str:
    """Outlet addresses hold passwords and tokens: the kind of outlet is all that is shown unless asked for."""
    return outlets_for(load_settings()).seal.open(outlet) if reveal else shown(outlet)


def _outlets(one: Subscription, *, reveal: bool) -> list[str]:
    return [_shown(outlet, reveal=reveal) for outlet in one.outlets]


def _record(one: Subscription, *, reveal: bool) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "query": one.query,
        "owner": one.owner,
        "enabled": one.enabled,
        "triggers": [trigger.value for trigger in one.triggers],
        "story_outlets": one.story_outlets,
        "story_countries": one.story_countries,
        "spike_hours": one.spike_hours,
        "cadence": one.cadence,
        "every": one.every,
        "at": f"{one.at:%H:%M}",
        "weekday": one.weekday,
        "zone": one.zone,
        "cooldown": one.cooldown,
        "cap": one.cap,
        "quiet": f"{one.quiet.start:%H:%M}-{one.quiet.end:%H:%M} {one.quiet.zone}" if one.quiet else "",
        "outlets": _outlets(one, reveal=reveal),
        "lost": [shown(outlet) for outlet in one.lost],
        "language": one.language,
        "created_at": one.created_at.isoformat(),
        "secret": one.secret if reveal else "",
    }
