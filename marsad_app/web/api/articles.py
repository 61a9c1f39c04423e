"""Search, articles, stories and topics."""

from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.requests import Request

from marsad.records import FacetName, SearchHit, Sort
from marsad.records.story import is_breaking
from marsad_app.web.api.schemas import (
    ArticleOut,
    ArticlesOut,
    ErrorOut,
    FacetOut,
    HitOut,
    StoryDetailOut,
    StoryOut,
    TopicOut,
    out,
)
from marsad_app.web.criteria import read_criteria
from marsad_app.web.shell import Web

__all__ = ["router"]

_FAULTS: Final[dict[int | str, dict[str, object]]] = {400: {"model": ErrorOut}, 404: {"model": ErrorOut}}
_MAX_STORY: Final = 500


def _hit(hit: SearchHit) -> HitOut:
    return out(HitOut, hit)


def router(web: Web) -> APIRouter:
    """``/api/v1/articles``, ``/stories`` and ``/topics``."""
    routes = APIRouter(prefix="/api/v1", tags=["news"], responses=_FAULTS)
    services = web.services

    @routes.get("/articles", summary="Search articles")
    def articles(
        request: Request,
        q: Annotated[str, Query(max_length=2_000, description="the query; empty means every article")] = "",
        sort: Sort | None = None,
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
        offset: Annotated[int, Query(ge=0, le=10_000)] = 0,
        collapse: bool = False,
        facets: Annotated[list[FacetName], Query(description="facets to be counted")] = [],  # noqa: B006  # FastAPI copies it
        facet_size: Annotated[int, Query(ge=1, le=100)] = 20,
    ) -> ArticlesOut:
        criteria = read_criteria(lambda name: request.query_params.getlist(name) if name in _PICKED else [])
        criteria = criteria.but(q=q, sort=sort)
        node = criteria.node(services.parse)
        page = services.search.search(node, sort=criteria.order, limit=limit, offset=offset, collapse=collapse)
        counted = services.search.facets(node, facets, size=facet_size) if facets else {}
        return ArticlesOut(
            total=page.total,
            exact=page.exact,
            ordered=page.ordered,
            took_ms=page.took_ms,
            hits=[_hit(hit) for hit in page.hits],
            facets={name: [out(FacetOut, facet) for facet in values] for name, values in counted.items()},
        )

    @routes.get("/articles/{article_id}", summary="One article")
    def article(article_id: str) -> ArticleOut:
        return out(ArticleOut, services.search.article(article_id) or web.missing("article.gone"))

    @routes.get("/stories", summary="Stories, latest development first")
    def stories(
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
        offset: Annotated[int, Query(ge=0, le=10_000)] = 0,
        min_size: Annotated[int, Query(ge=1, le=1_000)] = 1,
    ) -> list[StoryOut]:
        found = services.stories.latest_stories(limit=limit, offset=offset, min_size=min_size)
        now = services.clock.now()
        return [out(StoryOut, story, breaking=is_breaking(story, now)) for story in found]

    @routes.get("/stories/{story_id}", summary="One story with its articles")
    def story(story_id: str) -> StoryDetailOut:
        found = services.stories.story(story_id) or web.missing("stories.gone")
        articles = services.stories.story_articles(found.merged_into or story_id)[:_MAX_STORY]
        return out(
            StoryDetailOut,
            found,
            breaking=is_breaking(found, services.clock.now()),
            articles=[out(ArticleOut, each) for each in articles],
        )

    @routes.get("/topics", summary="Topics of the taxonomy")
    def topics() -> list[TopicOut]:
        return [out(TopicOut, topic) for topic in services.taxonomy.topics]

    return routes


_PICKED: Final = frozenset({"topic", "country", "outlet", "since", "until"})
