"""``marsad feeds``: what is watched."""

from collections import Counter
from typing import Annotated

import msgspec
import typer

from marsad.clock import SystemClock
from marsad.errors import ConfigError
from marsad.records.urls import shown_url
from marsad_app.cli.feed_adding import as_feed, country_code, refusal, require_web_address, silence
from marsad_app.cli.feed_bulk import add_many
from marsad_app.cli.feed_check import check_feed, describe
from marsad_app.cli.feed_choice import FeedArgument, find_feed, say_done
from marsad_app.cli.feed_health import feed_health, is_well
from marsad_app.cli.feed_history import history
from marsad_app.cli.feed_lists import catalogue, export_feeds, import_feeds
from marsad_app.cli.feed_removal import remove, restore
from marsad_app.cli.lazy import example
from marsad_app.cli.opening import existing_store, made_store
from marsad_app.cli.output import JsonOption, cell, instant, json_line, note, table

__all__ = ["app"]

app = typer.Typer(
    help="The feeds that are watched, and how they are.",
    epilog=example("marsad feeds add https://example.org/rss --country EG", "marsad feeds health"),
    no_args_is_help=True,
)
app.command("import", epilog=example("marsad feeds import my-feeds.opml"))(import_feeds)
app.command(
    "add-many",
    epilog=example("marsad feeds add-many addresses.txt", "grep -o 'https[^ ]*' notes | marsad feeds add-many"),
)(add_many)
app.command("export", epilog=example("marsad feeds export > feeds.opml", "marsad feeds export --json"))(export_feeds)
app.command(
    "catalogue", epilog=example("marsad feeds catalogue --country dz", "marsad feeds catalogue --country eg --add")
)(catalogue)
app.command("remove", epilog=example("marsad feeds remove 7a40c1d2", "marsad feeds remove https://example.org/rss"))(
    remove
)
app.command("restore", epilog=example("marsad feeds restore", "marsad feeds restore 7a40c1d2"))(restore)
app.command("history", epilog=example("marsad feeds history 7a40c1d2", "marsad feeds history 7a40c1d2 --json"))(history)

_Json = Annotated[bool, JsonOption]


@app.command("list", epilog=example("marsad feeds list --country EG", "marsad feeds list --json"))
def list_feeds(
    country: Annotated[str, typer.Option(help="Only feeds of this country (ISO 3166-1 alpha-2).")] = "",
    *,
    as_json: _Json = False,
) -> None:
    """All feeds that are watched or muted."""
    with existing_store() as store:
        states = {state.feed_id: state for state in store.polls.states()}
        feeds = [feed for feed in store.feeds.feeds() if feed.country == country.upper() or not country]
    rows = [
        (feed, feed_health(feed, states.get(feed.id)))
        for feed in sorted(feeds, key=lambda feed: (feed.country, feed.outlet, feed.url))
    ]
    if as_json:
        for feed, health in rows:
            json_line({**msgspec.to_builtins(feed), "health": health.state, "next_poll_at": health.next_poll_at})
        return
    if not rows:
        note("no feeds; `marsad feeds add URL` adds one, `marsad feeds catalogue --add` the shipped ones")
        return
    table(
        ("id", "country", "section", "health", "next poll (UTC)", "address", "outlet"),
        (
            (
                feed.id[:8],
                feed.country,
                feed.section,
                health.state,
                instant(health.next_poll_at),
                health.url,
                feed.outlet,
            )
            for feed, health in rows
        ),
    )


@app.command(
    epilog=example(
        "marsad feeds add https://example.org/rss --outlet 'الأخبار' --country LB --section politics",
        "marsad feeds add https://example.org/rss --no-check",
    )
)
def add(
    url: Annotated[str, typer.Argument(help="The feed's address.")],
    title: Annotated[str, typer.Option(help="By default what the feed calls itself.")] = "",
    outlet: Annotated[str, typer.Option(help="The outlet's name; by default the title.")] = "",
    country: Annotated[str, typer.Option(help="The outlet's country (ISO 3166-1 alpha-2).")] = "",
    section: Annotated[str, typer.Option(help="The outlet's section, such as sport.")] = "",
    *,
    no_check: Annotated[bool, typer.Option("--no-check", help="Do not ask the address first.")] = False,
    as_json: _Json = False,
) -> None:
    """Watch a feed. The address is asked first: a page is refused, with the feeds that it offers; silence is not."""
    require_web_address(url)
    code = country_code(country)
    seen = None if no_check else check_feed(url)
    if seen is not None and seen.is_something_else:
        raise ConfigError(f"{shown_url(url)}: {refusal(seen)}")
    made = as_feed(url, seen, SystemClock().now(), title=title, outlet=outlet, country=code, section=section)
    with made_store() as store:
        known = store.feeds.feed(made.id) is not None
        if not known:
            store.feeds.put_feeds([made])
    if remark := silence(seen):
        note(f"{shown_url(url)} {remark}")
    if as_json:
        json_line({**msgspec.to_builtins(made), "added": not known})
    else:
        typer.echo(f"{made.id[:8]} {'is watched already' if known else 'added'}: {cell(made.title)}")


@app.command(
    epilog=example("marsad feeds check https://example.org/rss", "marsad feeds check https://example.org/ --json")
)
def check(
    url: Annotated[str, typer.Argument(help="The address, of a feed or of a page.")], *, as_json: _Json = False
) -> None:
    """Ask an address once and say what is there, and whether, when and why it would be polled. Nothing is stored."""
    require_web_address(url)
    seen = check_feed(url)
    if as_json:
        json_line(seen)
    else:
        for line in describe(seen):
            typer.echo(line)
    if not seen.kind:
        raise ConfigError(f"{shown_url(url)}: {refusal(seen)}")


@app.command(epilog=example("marsad feeds mute 7a40c1d2"))
def mute(feed: FeedArgument, *, as_json: _Json = False) -> None:
    """Stop polling a feed; it stays in the list."""
    with existing_store() as store:
        found = find_feed(store, feed)
        store.feeds.put_feeds([msgspec.structs.replace(found, enabled=False)])
    say_done(found, "muted", as_json=as_json)


@app.command(epilog=example("marsad feeds unmute 7a40c1d2"))
def unmute(feed: FeedArgument, *, as_json: _Json = False) -> None:
    """Poll a feed again, also one that answered 410 Gone and was muted for that."""
    with existing_store() as store:
        found = find_feed(store, feed)
        state = store.polls.state(found.id)
        wanted = msgspec.structs.replace(found, enabled=True)
        if state is not None and state.muted:
            # Only the producers write states: without one the feed begins anew, and entries known already change nothing.
            store.begin_anew(wanted)
        else:
            store.feeds.put_feeds([wanted])
    say_done(found, "unmuted", as_json=as_json)


@app.command(
    epilog=example("marsad feeds health", "marsad feeds health --all", "marsad feeds health --state bot-wall --json")
)
def health(
    state: Annotated[str, typer.Option(help="Only feeds in this state, such as dns or not-a-feed.")] = "",
    *,
    everything: Annotated[bool, typer.Option("--all", help="Also the feeds that are well.")] = False,
    as_json: _Json = False,
) -> None:
    """How the feeds are: each one's state, why, and when it is polled next. Without options, those that are unwell."""
    with existing_store() as store:
        states = {known.feed_id: known for known in store.polls.states()}
        rows = [feed_health(feed, states.get(feed.id)) for feed in store.feeds.feeds()]
    shown = [row for row in rows if (row.state == state if state else everything or as_json or not is_well(row.state))]
    shown.sort(key=lambda row: (is_well(row.state), row.state, row.outlet, row.url))
    if as_json:
        for row in shown:
            json_line(row)
        return
    counts = Counter(row.state for row in rows)
    typer.echo(
        f"{len(rows)} feeds: " + (", ".join(f"{count} {name}" for name, count in counts.most_common()) or "none")
    )
    if shown:
        table(
            ("id", "state", "since (UTC)", "failed", "next poll (UTC)", "why", "outlet"),
            (
                (
                    row.id[:8],
                    row.state,
                    instant(row.since),
                    str(row.failures),
                    instant(row.next_poll_at),
                    "; ".join(part for part in (row.detail, row.reason) if part),
                    row.outlet,
                )
                for row in shown
            ),
        )
