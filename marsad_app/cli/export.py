"""``marsad export``: articles as JSON lines."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated, Any

import msgspec
import typer

from marsad.errors import StoreError
from marsad.records import Article
from marsad_app.cli.lazy import example
from marsad_app.cli.opening import existing_store, parse_query
from marsad_app.cli.output import note, progress, to_json

__all__ = ["app", "article_record"]

app = typer.Typer()


def article_record(article: Article) -> dict[str, Any]:
    """An article as programs read it; instants are ISO 8601, UTC."""
    return {
        "article_id": article.article_id,
        "url": article.url,
        "guids": article.guids,
        "title": article.title,
        "lead": article.lead,
        "text": article.text,
        "language": article.language,
        "outlet": article.outlet,
        "published": article.published_at,
        "first_seen": article.first_seen_at,
        "topics": msgspec.to_builtins(article.topics),
        "countries": msgspec.to_builtins(article.countries),
        "places": msgspec.to_builtins(article.places),
        "entities": msgspec.to_builtins(article.entities),
        "story_id": article.story_id,
        "duplicate_of": article.duplicate_of,
        "revision": article.revision,
        "taxonomy_version": article.taxonomy_version,
        "partial": article.partial,
    }


@app.command(
    epilog=example("marsad export --output articles.jsonl", "marsad export --query 'topic:sanctions' | jq -r .title")
)
def export(
    query: Annotated[str, typer.Option("--query", "-q", help="Only the articles that match.")] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write here instead of standard output.")
    ] = None,
) -> None:
    """Write all articles, or those of a query, as JSON lines, in the order in which they were first seen."""
    node = parse_query(query) if query else None
    with existing_store() as store:
        articles = store.search.export(node)
        total = 0 if node else store.search.count()
        with _sink(output) as sink:
            written = _write(articles if sink.isatty() else progress(articles, "articles", total), sink)
    if output is not None:
        note(f"{written} articles written to {output}")


def _write(articles: Iterable[Article], sink: IO[str]) -> int:
    written = 0
    for written, article in enumerate(articles, start=1):  # noqa: B007 - the count is what is wanted afterwards
        sink.write(to_json(article_record(article)) + "\n")
    return written


@contextmanager
def _sink(output: Path | None) -> Iterator[IO[str]]:
    """Standard output; or a file that is there only once it is whole."""
    if output is None:
        yield sys.stdout
        return
    part = output.with_name(output.name + ".part")
    try:
        with part.open("w", encoding="utf-8", newline="\n") as file:
            yield file
        part.replace(output)
    except OSError as error:
        raise StoreError(f"{output}: cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
