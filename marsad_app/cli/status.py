"""``marsad status`` and ``marsad stats``."""

from collections import Counter
from typing import Annotated, Any

import msgspec
import typer

from marsad.clock import SystemClock
from marsad.config import Settings, load_settings
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
_WAITS = {"page": "their page", "ready": "the pipeline"}


@app.command(epilog=example("marsad status", "marsad status --json | jq .waiting"))
def status(*, as_json: Annotated[bool, JsonOption] = False) -> None:
    """How things stand: the store, the feeds' health, what waits, what was given up."""
    settings = load_settings()
    with existing_store(settings) as store:
        record = _status(store, settings)
    if as_json:
        json_line(record)
        return
    counts, deliveries = record["store"], record["store"]["deliveries"]
    unwell = {state: count for state, count in record["feeds"].items() if not is_well(state)}
    table(
        ("what", "now"),
        (
            ("store", _place(record, settings)),
            ("articles", f"{counts['articles']} in {counts['stories']} stories"),
            ("feeds", f"{counts['feeds']}, {sum(unwell.values())} unwell{_listed(unwell)}"),
            ("latest poll (UTC)", instant(record["last_poll_at"])),
            ("latest new entry (UTC)", instant(record["last_new_at"])),
            (
                "waiting",
                ", ".join(f"{count} for {_WAITS.get(name, name)}" for name, count in record["waiting"].items()),
            ),
            ("subscriptions", f"{counts['subscriptions']}, {counts['alerts']} alerts raised"),
            ("deliveries", _listed(deliveries).strip(" :") or "none"),
            ("quarantine", str(counts["quarantined"])),
        ),
    )


def _place(record: dict[str, Any], settings: Settings) -> str:
    if settings.clustered:
        kafka = f"Kafka at {settings.kafka.bootstrap} ({settings.kafka.prefix}.*)"
        return f"{kafka}, Elasticsearch at {record['elasticsearch']} ({settings.elasticsearch.prefix}-*)"
    counts = record["store"]
    return f"{record['data_dir']} ({counts['size_bytes'] / _MEGA:.1f} MB, version {counts['schema_version']})"


def _status(store: OpenStore, settings: Settings) -> dict[str, Any]:
    states = list(store.polls.states())
    watched = {feed.id for feed in store.feeds.feeds() if feed.enabled}
    health = Counter("muted" if state.muted else state.health.value for state in states if state.feed_id in watched)
    health["new"] += len(watched) - sum(health.values())
    return {
        "data_dir": str(settings.data.dir),
        **(_servers(settings) if settings.clustered else {}),
        "store": msgspec.to_builtins(store.counts()),
        "feeds": {state: count for state, count in sorted(health.items()) if count},
        "last_poll_at": max((state.last_poll_at for state in states if state.last_poll_at), default=None),
        "last_new_at": max((state.last_new_at for state in states if state.last_new_at), default=None),
        "waiting": store.waiting(),
    }


def _servers(settings: Settings) -> dict[str, str]:
    from sinks.index.client import shown_url  # noqa: PLC0415 - the client library, for this size alone

    return {"kafka": settings.kafka.bootstrap, "elasticsearch": shown_url(settings.elasticsearch)}


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
