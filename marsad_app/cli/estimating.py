"""What a subscription would have brought, and bringing it after all, on the command line."""

from collections.abc import Iterable
from typing import Any, Final

import typer

from marsad.clock import SystemClock
from marsad.errors import StoreError
from marsad.ports import ArticleSearch
from marsad.records import ABOUT_FEEDS, Article, Subscription
from marsad_app.backfilling import backfill
from marsad_app.cli.opening import OpenStore, parse_query
from marsad_app.cli.output import instant, note, table
from marsad_app.cli.topic_names import topic_id
from marsad_app.estimates import Estimate, estimate_of
from sinks.alerts.wording import counted

__all__ = ["estimate_record", "estimated", "filled", "print_estimate"]

_WARNINGS: Final = {
    "everything": "it matches more than half of all news",
    "nothing": "it matches nothing of the last thirty days",
    "over-cap": "it brings more stories a day than its cap lets through",
}


def estimated(search: ArticleSearch, one: Subscription) -> Estimate | str:
    """What the last thirty days would have brought; or why that cannot be said."""
    if ABOUT_FEEDS.issuperset(one.triggers):
        return "its query chooses feeds, not articles"
    try:
        return estimate_of(parse_query(one.query), search, SystemClock().now(), cap=one.cap)
    except StoreError as error:
        return f"the index does not answer: {error}"


def filled(store: OpenStore, one: Subscription, days: int) -> int:
    """Enter what it would have told in the days before; how many alerts were new."""
    if not days:
        return 0
    now = SystemClock().now()
    return backfill(one, days, now, search=store.search, stories=store.stories, ledger=store.alerts, resolve=topic_id)


def print_estimate(found: Estimate | str) -> None:
    """For a person: the figures, what matched, what nearly did, and warnings."""
    if isinstance(found, str):
        note(f"no estimate: {found}")
        return
    stories = counted("en", "stories", found.stories)
    typer.echo(f"the last 30 days: {found.total} articles, {stories}, {found.a_day:.1f} stories a day")
    if found.days:
        typer.echo("by day: " + "  ".join(f"{day} {count}" for day, count in found.days))
    _articles("it would have matched", ((one, "") for one in found.examples))
    _articles("it nearly matched", ((miss.article, f"lacks {miss.part} (+{miss.more})") for miss in found.near))
    for warning in found.warnings:
        note(f"warning: {_WARNINGS[warning]}")


def _articles(head: str, rows: Iterable[tuple[Article, str]]) -> None:
    found = list(rows)
    if found:
        typer.echo(f"{head}:")
        table(
            ("published (UTC)", "outlet", "title", ""),
            ((instant(one.published_at), one.outlet, one.title, remark) for one, remark in found),
        )


def estimate_record(found: Estimate | str) -> dict[str, Any]:
    """For a program: as the API gives it."""
    if isinstance(found, str):
        return {"problem": found}
    return {
        "total": found.total,
        "stories": found.stories,
        "a_day": round(found.a_day, 2),
        "days": dict(found.days),
        "examples": [_brief(one) for one in found.examples],
        "near": [{**_brief(miss.article), "lacks": miss.part, "more": miss.more} for miss in found.near],
        "warnings": list(found.warnings),
    }


def _brief(article: Article) -> dict[str, str]:
    return {"article_id": article.article_id, "title": article.title, "outlet": article.outlet}
