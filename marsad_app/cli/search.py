"""``marsad search``."""

import sys
import time
from collections import deque
from collections.abc import Iterator
from typing import Annotated

import typer

from marsad.errors import StoreError
from marsad.ports import ArticleSearch
from marsad.records import SearchHit, Sort
from marsad_app.cli.export import article_record
from marsad_app.cli.lazy import example
from marsad_app.cli.opening import existing_store, parse_query
from marsad_app.cli.output import JsonOption, cell, instant, json_line, note, table

__all__ = ["app"]

app = typer.Typer()
_MOST_HITS, _FARTHEST = 100, 10_000
_REMEMBERED = 10_000


@app.command(
    epilog=example(
        "marsad search 'روسيا الجزائر'",
        "marsad search 'topic:sanctions AND country:RU published:[2026-01-01 TO *]' --sort date --collapse",
        "marsad search 'title:\"التعاون العسكري\"' --json | jq -r .url",
        "marsad search 'topic:defense-cooperation' --follow",
    )
)
def search(
    query: Annotated[
        str, typer.Argument(help='Words, "phrases", AND OR NOT, and fields such as topic: country: outlet:.')
    ],
    sort: Annotated[Sort, typer.Option(help="Best first, newest first, or biggest story first.")] = "relevance",
    limit: Annotated[int, typer.Option(min=1, max=_MOST_HITS, help="Articles shown.")] = 20,
    offset: Annotated[int, typer.Option(min=0, max=_FARTHEST, help="Articles passed over.")] = 0,
    *,
    collapse: Annotated[bool, typer.Option("--collapse", help="Only the best article of each story.")] = False,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what comes in, until Ctrl-C; newest last.")
    ] = False,
    every: Annotated[float, typer.Option(min=0.5, help="Seconds between two looks of --follow.")] = 5.0,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Search the articles."""
    node = parse_query(query)
    if follow:
        with existing_store() as store:
            for hit in _coming(store.search, query, limit, every):
                _show_one(hit, as_json=as_json)
        return
    with existing_store() as store:
        page = store.search.search(node, sort=sort, limit=limit, offset=offset, collapse=collapse)
    if as_json:
        for hit in page.hits:
            json_line(_record(hit))
        return
    if page.hits:
        table(("published (UTC)", "outlet", "topics", "title"), (_row(hit, collapse=collapse) for hit in page.hits))
    things = "stories" if collapse else "articles"
    more = "" if page.exact else "more than "
    if page.ordered:
        note(f"only the newest {page.ordered} of them were put in order")
    note(f"{len(page.hits)} of {more}{page.total} {things}, {page.took_ms:.0f} ms" if page.hits else "nothing matches")


def _coming(search: ArticleSearch, query: str, limit: int, every: float) -> Iterator[SearchHit]:
    """Yield the newest articles, then without end those that were not among the newest hundred before, the newest last."""
    seen: deque[str] = deque(maxlen=_REMEMBERED)
    # Read anew each time: now-1h moves on.
    found = search.search(parse_query(query), sort="date", limit=limit)
    if not found.hits:
        note("nothing matches yet; what comes in is shown until Ctrl-C")
    yield from reversed(found.hits)
    # What is older than the first page was there before and is no news.
    older = search.search(parse_query(query), sort="date", limit=_MOST_HITS)
    seen.extend(hit.article.article_id for hit in (*found.hits, *older.hits[limit:]))
    failing = False
    while True:
        time.sleep(every)
        try:
            found = search.search(parse_query(query), sort="date", limit=_MOST_HITS)
        except StoreError as error:
            # Who follows for days sees a server started anew.
            if not failing:
                note(f"{error}; still trying")
            failing = True
            continue
        failing = False
        yield from (hit for hit in reversed(found.hits) if hit.article.article_id not in seen)
        seen.extend(hit.article.article_id for hit in found.hits)


def _show_one(hit: SearchHit, *, as_json: bool) -> None:
    if as_json:
        json_line(_record(hit))
    else:
        typer.echo(("  " if sys.stdout.isatty() else "\t").join(cell(part) for part in _row(hit, collapse=False)))
    # Whoever reads a pipe wants each article when it comes.
    sys.stdout.flush()


def _row(hit: SearchHit, *, collapse: bool) -> tuple[str, str, str, str]:
    article = hit.article
    size = f" (+{hit.story_size - 1})" if collapse and hit.story_size > 1 else ""
    topics = " ".join(topic.id for topic in article.topics[:3])
    return instant(article.published_at), article.outlet, topics, article.title + size


def _record(hit: SearchHit) -> dict[str, object]:
    return {
        **article_record(hit.article),
        "score": hit.score,
        "story_size": hit.story_size,
        "highlights": [{"field": mark.field, "start": mark.start, "end": mark.end} for mark in hit.highlights],
    }
