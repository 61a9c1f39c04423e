"""``marsad search``."""

from typing import Annotated

import typer

from marsad.records import SearchHit, Sort
from marsad_app.cli.export import article_record
from marsad_app.cli.lazy import example
from marsad_app.cli.opening import existing_store, parse_query
from marsad_app.cli.output import JsonOption, instant, json_line, note, table

__all__ = ["app"]

app = typer.Typer()
_MOST_HITS, _FARTHEST = 100, 10_000


@app.command(
    epilog=example(
        "marsad search 'روسيا الجزائر'",
        "marsad search 'topic:sanctions AND country:RU published:[2026-01-01 TO *]' --sort date --collapse",
        "marsad search 'title:\"التعاون العسكري\"' --json | jq -r .url",
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
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Search the articles."""
    node = parse_query(query)
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
    note(f"{len(page.hits)} of {more}{page.total} {things}, {page.took_ms:.0f} ms" if page.hits else "nothing matches")


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
