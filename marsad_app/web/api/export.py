"""All matching articles as JSON lines or CSV, written as they are read."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Final, Literal

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import StreamingResponse

from marsad.query.ast import MatchAll
from marsad.records import Article
from marsad_app.web.criteria import read_criteria
from marsad_app.web.shell import Web

__all__ = ["as_csv", "as_json_lines", "router"]

_COLUMNS: Final = (
    "article_id", "published_at", "outlet", "title", "url", "topics", "countries", "language", "story_id", "duplicate_of"
)  # fmt: skip
_BATCH: Final = 200
# Spreadsheets run a cell that begins with one of these as a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def _line(article: Article) -> bytes:
    fields = msgspec.to_builtins(article)
    fields["topics"] = [topic.id for topic in article.topics]
    fields["countries"] = [country.code for country in article.countries]
    fields["entities"] = [entity.id for entity in article.entities]
    fields["places"] = [place.name for place in article.places]
    return msgspec.json.encode({name: value for name, value in fields.items() if name not in {"record", "v"}}) + b"\n"


def as_json_lines(articles: Iterable[Article]) -> Iterator[bytes]:
    """One JSON object a line: the article, its tags by id alone."""
    return _together(_line(article) for article in articles)


def as_csv(articles: Iterable[Article]) -> Iterator[bytes]:
    """A table with a byte order mark, without which spreadsheets misread Arabic."""
    return _together(_rows(articles))


def _rows(articles: Iterable[Article]) -> Iterator[bytes]:
    yield "\ufeff".encode() + _row(_COLUMNS)
    for article in articles:
        yield _row(
            (
                article.article_id,
                article.published_at.isoformat(timespec="seconds"),
                article.outlet,
                article.title,
                article.url,
                " ".join(topic.id for topic in article.topics),
                " ".join(country.code for country in article.countries),
                article.language,
                article.story_id,
                article.duplicate_of,
            )
        )


def _row(cells: Iterable[str]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells)
    return buffer.getvalue().encode()


def _together(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Some lines at a time: one write each would cost more than the line."""
    batch: list[bytes] = []
    for line in lines:
        batch.append(line)
        if len(batch) >= _BATCH:
            yield b"".join(batch)
            batch.clear()
    yield b"".join(batch)


def router(web: Web) -> APIRouter:
    """``/api/v1/export``."""
    routes = APIRouter(prefix="/api/v1", tags=["news"])
    services = web.services

    @routes.get("/export", summary="All matching articles, as JSON lines or CSV", response_class=StreamingResponse)
    def export(request: Request, q: str = "", format: Literal["jsonl", "csv"] = "jsonl") -> StreamingResponse:  # noqa: A002  # the name in the address
        node = read_criteria(request.query_params.getlist).node(services.parse)
        articles = services.search.export(None if isinstance(node, MatchAll) else node)
        content, kind = (
            (as_csv(articles), "text/csv; charset=utf-8")
            if format == "csv"
            else (as_json_lines(articles), "application/jsonl; charset=utf-8")
        )
        name = f'attachment; filename="marsad.{format}"'
        return StreamingResponse(content, media_type=kind, headers={"content-disposition": name})

    return routes
