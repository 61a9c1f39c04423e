"""``marsad status`` and ``marsad stats``."""

from collections import Counter
from typing import Annotated, Any

import msgspec
import typer

from marsad.clock import SystemClock
from marsad.config import load_settings
from marsad.query import parse
from marsad.records import FacetName
from marsad_app.cli.feed_health import is_well
from marsad_app.cli.lazy import example
from marsad_app.cli.opening import OpenStore, existing_store, parse_query
from marsad_app.cli.output import JsonOption, instant, json_line, table

__all__ = ["app"]

app = typer.Typer()
_FACETS: tuple[FacetName, ...] = ("topic", "country", "outlet", "day")
_MEGA = 1_000_000


@app.command(epilog=example("marsad status", "marsad status --json | jq .waiting"))
def status(*, as_json: Annotated[bool, JsonOption] = False) -> None:
    """How things stand: the store, the feeds' health, what waits, what was given up."""
    with existing_store() as store:
        record = _status(store)
    if as_json:
        json_line(record)
        return
    counts, waiting, deliveries = record["store"], record["waiting"], record["store"]["deliveries"]
    unwell = {state: count for state, count in record["feeds"].items() if not is_well(state)}
    table(
        ("what", "now"),
        (
            (
                "store",
                f"{record['data_dir']} ({counts['size_bytes'] / _MEGA:.1f} MB, version {counts['schema_version']})",
            ),
            ("articles", f"{counts['articles']} in {counts['stories']} stories"),
            ("feeds", f"{counts['feeds']}, {sum(unwell.values())} unwell{_listed(unwell)}"),
            ("latest poll (UTC)", instant(record["last_poll_at"])),
            ("latest new entry (UTC)", instant(record["last_new_at"])),
            ("waiting", f"{waiting['page']} for their page, {waiting['ready']} for the pipeline"),
            ("subscriptions", f"{counts['subscriptions']}, {counts['alerts']} alerts raised"),
            ("deliveries", _listed(deliveries).strip(" :") or "none"),
            ("quarantine", str(counts["quarantined"])),
        ),
    )


def _status(store: OpenStore) -> dict[str, Any]:
    states = list(store.polls.states())
    watched = {feed.id for feed in store.feeds.feeds() if feed.enabled}
    health = Counter("muted" if state.muted else state.health.value for state in states if state.feed_id in watched)
    health["new"] += len(watched) - sum(health.values())
    return {
        "data_dir": str(load_settings().data.dir),
        "store": msgspec.to_builtins(store.counts()),
        "feeds": {state: count for state, count in sorted(health.items()) if count},
        "last_poll_at": max((state.last_poll_at for state in states if state.last_poll_at), default=None),
        "last_new_at": max((state.last_new_at for state in states if state.last_new_at), default=None),
        "waiting": store.waiting(),
    }


@app.command(epilog=example("marsad stats", "marsad stats --query 'topic:sanctions' --top 5", "marsad stats --json"))
def stats(
    query: Annotated[str, typer.Option("--query", "-q", help="Count only the articles that match.")] = "",
    top: Annotated[int, typer.Option(min=1, max=1_000, help="Values shown of topics, countries and outlets.")] = 10,
    *,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """How entries ended, and the articles by topic, country, outlet and day."""
    node = parse_query(query) if query else parse("", now=SystemClock().now())
    with existing_store() as store:
        outcomes = store.outcomes()
        facets = store.search.facets(node, _FACETS, size=top)
    if as_json:
        json_line({"outcomes": outcomes, **{name: {one.value: one.count for one in facets[name]} for name in _FACETS}})
        return
    rows = [("outcome", name, str(count)) for name, count in sorted(outcomes.items(), key=lambda item: -item[1])]
    for name in _FACETS:
        shown = facets[name][-top:] if name == "day" else facets[name][:top]
        rows += [(name, one.value, str(one.count)) for one in shown]
    table(("by", "value", "count"), rows)


def _listed(counts: dict[str, int]) -> str:
    return ": " + ", ".join(f"{count} {name}" for name, count in counts.items()) if counts else ""
