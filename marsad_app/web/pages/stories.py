"""Stories: the list, and one story as a time line."""

from collections.abc import Sequence
from datetime import date, datetime
from itertools import groupby
from typing import Annotated, Final
from urllib.parse import quote

import msgspec
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from marsad.records import Article, Story
from marsad.records.ids import split_story_id
from marsad.records.story import is_breaking
from marsad_app.web.shell import Web
from marsad_app.web.texts import Texts
from marsad_app.web.worldmap import story_map
from processors.grouping.credits import credited_agency

__all__ = ["Report", "router", "timeline"]

_PER_PAGE: Final = 20
_MAX_PAGE: Final = 500
_MAX_REPORTS: Final = 500


class Report(msgspec.Struct, frozen=True):
    """An article that is no copy, with its copies."""

    article: Article
    copies: tuple[Article, ...]

    @property
    def agency(self) -> str:
        """The agency that wrote the text, as far as it or one of its copies credits one; empty where none does."""
        credited = (credited_agency(each.text) for each in (self.article, *self.copies))
        return next(filter(None, credited), "")

    @property
    def origin(self) -> str:
        """The outlet that published the text first."""
        return min((self.article, *self.copies), key=lambda each: each.published_at).outlet


def timeline(articles: Sequence[Article], texts: Texts) -> list[tuple[date, list[Report]]]:
    """The reports by the reader's day, oldest first, copies folded under what they copy.

    Args:
        articles: oldest first.
        texts: knows the reader's zone.
    """
    there = {article.article_id for article in articles}
    copies: dict[str, list[Article]] = {}
    for article in articles:
        if article.duplicate_of in there:
            copies.setdefault(article.duplicate_of, []).append(article)
    reports = [
        Report(article, tuple(copies.get(article.article_id, ())))
        for article in articles
        if article.duplicate_of not in there
    ]
    days = groupby(reports, key=lambda report: texts.local_date(report.article.published_at))
    return [(day, list(of_day)) for day, of_day in days]


def _breaking(stories: Sequence[Story], now: datetime) -> frozenset[str]:
    return frozenset(story.story_id for story in stories if is_breaking(story, now))


def router(web: Web) -> APIRouter:
    """``/stories``."""
    routes = APIRouter(include_in_schema=False)
    services = web.services

    @routes.get("/stories")
    def stories(
        request: Request,
        page: Annotated[int, Query(ge=1, le=_MAX_PAGE)] = 1,
        several: Annotated[int, Query(ge=0, le=1)] = 1,
    ) -> Response:
        found = services.stories.latest_stories(
            limit=_PER_PAGE + 1, offset=(page - 1) * _PER_PAGE, min_size=2 if several else 1
        )
        return web.pages.respond(
            request,
            "stories.html",
            stories=found[:_PER_PAGE],
            page=page,
            more=len(found) > _PER_PAGE and page < _MAX_PAGE,
            several=several,
            breaking=_breaking(found, services.clock.now()),
        )

    @routes.get("/stories/{story_id}")
    def story(request: Request, story_id: str) -> Response:
        found = services.stories.story(story_id) or web.missing("stories.gone")
        if found.merged_into:
            return RedirectResponse(f"/stories/{quote(found.merged_into, safe='')}", status_code=307)
        articles = services.stories.story_articles(story_id)[:_MAX_REPORTS]
        return web.pages.respond(
            request,
            "story.html",
            story=found,
            days=timeline(articles, web.pages.texts(request)),
            breaking=is_breaking(found, services.clock.now()),
            map=story_map(articles),
            other_part=services.stories.story(found.split_from or split_story_id(story_id)),
        )

    return routes
