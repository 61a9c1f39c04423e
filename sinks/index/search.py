"""Search over Elasticsearch: pages of hits with highlights, facets, export."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

import msgspec
from elasticsearch import Elasticsearch

from marsad.config import ElasticsearchSettings
from marsad.query import MatchDoc, Node, spans
from marsad.query.ast import MatchAll
from marsad.query.following import following, in_living
from marsad.records import Article, Facet, FacetName, SearchHit, SearchPage, Sort
from sinks.index.document import read_alias, story_index
from sinks.index.dsl import Dsl, compile_query, ranks
from sinks.index.forwarding import Forwarding, Told
from sinks.index.mapping import MOST_ROWS
from sinks.index.reading import ROWS_ONLY, Reader, article_of, sort_values

__all__ = ["ElasticSearch"]

_MOST_HITS: Final = 100
_MOST_OFFSET: Final = 10_000
_COUNTED: Final = 10_000
"""Matches that are counted exactly; beyond, the total is a lower bound."""
_RANKED: Final = 3_000
"""Newest matches that are put in order by the size of their story, which only the index of stories knows."""
_FOLDED: Final = 1_000
"""Stories that are looked up for having ended in another, at least: ids and scores only, no documents."""
_SLACK: Final = 50
_BATCH: Final = 500
_VALUES: Final = 5_000
"""Values that each shard counts for a facet: more than there are, so that the sums are exact."""

# An index of an older shape has no such number until it is made anew: its articles come last meanwhile.
_NEWEST: Final = [{"search.order": {"order": "desc", "unmapped_type": "long", "missing": 0}}]
_BEST: Final = [{"_score": "desc"}, *_NEWEST]
# The last of the sort values, where it changes no order.
_STORY: Final = {"search.story": {"order": "asc", "unmapped_type": "long", "missing": 0}}
# Counted exactly up to this many, which is far more than are told.
_STORIES: Final = {"stories": {"cardinality": {"field": "search.story", "precision_threshold": 40_000}}}
_FACETS: Final[dict[FacetName, str]] = {"topic": "topics.id", "country": "countries.code", "outlet": "outlet"}


_Found = tuple[Article, float]
"""An article as it is stored, and its score."""


class _Row(msgspec.Struct, frozen=True, gc=False):
    """A match before its article is read. Thousands are made at once, which the collector of garbage need not look through."""

    order: int
    filed: int
    """The number of the story that its article bears; of the article where that has none."""
    story: int
    """That of the story in which it goes on."""
    size: int
    score: float


class ElasticSearch:
    """``marsad.ports.ArticleSearch``.

    What was indexed is found after ``elasticsearch.refresh``, by its id too.
    """

    def __init__(self, client: Elasticsearch, settings: ElasticsearchSettings) -> None:
        self._articles = Reader(client, settings, read_alias(settings.prefix))
        self._stories = Forwarding(Reader(client, settings, story_index(settings.prefix)))

    def article(self, article_id: str) -> Article | None:
        """One article."""
        found = self._articles.sources([article_id]).get(article_id)
        return self._followed([article_of(found)])[0] if found else None

    def count(self) -> int:
        """Articles in the index."""
        return self._articles.count()

    def search(
        self, query: Node, *, sort: Sort = "relevance", limit: int = 20, offset: int = 0, collapse: bool = False
    ) -> SearchPage:
        """The articles that the query means, with highlights; see ``marsad.ports``.

        By story size only the newest 3,000 matches are put in order, which ``SearchPage.ordered`` tells. Collapsed, the first
        1,000 stories (or as many as the page asks for) are looked up for having ended in another; beyond them such a one
        counts by itself in the total.
        """
        began = time.perf_counter()
        limit, offset = min(max(limit, 1), _MOST_HITS), min(max(offset, 0), _MOST_OFFSET)
        dsl = self._compiled(query)
        by_score = sort == "relevance" and ranks(query)
        ordered = 0
        if sort == "story":
            rows, total, exact = self._biggest(dsl)
            ordered = 0 if exact and total <= _RANKED else _RANKED
            if collapse:
                rows, exact = _firsts(rows), not ordered
                total = len(rows)
            read = self._read(rows[offset : offset + limit])
            found, told = [(article, float(row.size)) for article, row in read], self._known(read)
        else:
            if collapse:
                rows, total, exact = self._told(dsl, limit + offset, by_score=by_score)
                found = [(article, row.score) for article, row in self._read(rows[offset : offset + limit])]
            else:
                found, total, exact = self._page(dsl, limit, offset, by_score=by_score)
            told = self._stories.told(article.story_id for article, _ in found)
        hits = tuple(_hit(query, each, told) for each in found)
        took = (time.perf_counter() - began) * 1_000
        return SearchPage(hits=hits, total=total, exact=exact, ordered=ordered, took_ms=took)

    def _compiled(self, query: Node) -> Dsl:
        return compile_query(following(query, self._stories.family))

    def _followed(self, articles: Sequence[Article]) -> list[Article]:
        """The articles under the stories in which their own go on."""
        told = self._stories.told(article.story_id for article in articles)
        return [in_living(article, told.ended) for article in articles]

    def _read(self, rows: Sequence[_Row]) -> list[tuple[Article, _Row]]:
        """The articles of rows; none for a row whose article was replaced meanwhile."""
        sources = self._articles.placed([row.order for row in rows])
        there = ((row, sources.get((row.order, row.filed))) for row in rows)
        return [(article_of(source), row) for row, source in there if source is not None]

    def _known(self, read: Sequence[tuple[Article, _Row]]) -> Told[str]:
        """What the stories of these articles are, from their rows; the few that ended are asked for by name."""
        told = self._stories.told(article.story_id for article, row in read if row.story != row.filed)
        return Told(told.ended, {told.now(article.story_id): row.size for article, row in read})

    def _page(self, dsl: Dsl, limit: int, offset: int, *, by_score: bool) -> tuple[list[_Found], int, bool]:
        """The articles of a page, the total, and whether it is exact."""
        request = _request(dsl, by_score=by_score)
        answer = self._articles.search(**request, size=limit, from_=offset, track_total_hits=_COUNTED + 1)
        hits = answer["hits"]["hits"]
        return [(article_of(hit["_source"]), hit["_score"] or 0.0) for hit in hits], *_total(answer)

    def _told(self, dsl: Dsl, wanted: int, *, by_score: bool) -> tuple[list[_Row], int, bool]:
        """The best row of each story, at least as many as are wanted if there are; how many stories, and whether that is exact."""
        size = max(wanted + _SLACK, _FOLDED)
        request = _request(dsl, by_score=by_score)
        request["sort"] = [*request["sort"], _STORY]
        while True:
            answer = self._articles.search(
                **request,
                size=min(size, MOST_ROWS),
                collapse={"field": "search.story"},
                aggs=_STORIES,
                track_total_hits=False,
                **ROWS_ONLY,
            )
            found = _rows(answer, self._stories.numbered_ended)
            rows = _firsts(found)
            if len(rows) >= wanted or len(found) < size:
                total, exact = _counted(answer)
                return rows, max(total - (len(found) - len(rows)), len(rows)), exact
            size *= 2

    def _biggest(self, dsl: Dsl) -> tuple[list[_Row], int, bool]:
        """The newest rows, those of the biggest story first; the total, and whether it is exact."""
        answer = self._articles.search(
            query=dsl, sort=[*_NEWEST, _STORY], size=_RANKED, track_total_hits=_COUNTED + 1, **ROWS_ONLY
        )
        return sorted(_rows(answer, self._stories.numbered), key=lambda row: -row.size), *_total(answer)

    def facets(self, query: Node, names: Sequence[FacetName], *, size: int = 20) -> dict[FacetName, tuple[Facet, ...]]:
        """For each facet its commonest values among all matching articles; ``day`` is every UTC day, in order."""
        answer = self._articles.search(
            query={"bool": {"filter": [self._compiled(query)]}},
            size=0,
            track_total_hits=False,
            aggs={name: _aggregation(name, size) for name in names},
        )
        found = answer.get("aggregations", {})
        return {name: _facet(name, found.get(name, {"buckets": []})["buckets"]) for name in names}

    def export(self, query: Node | None = None) -> Iterator[Article]:
        """All (matching) articles by first sight, a few at a time."""
        dsl = {"bool": {"filter": [self._compiled(query or MatchAll())]}}
        found = map(article_of, self._articles.walk(dsl, [{"search.seen": "asc"}, {"article_id": "asc"}]))
        while some := list(islice(found, _BATCH)):
            yield from self._followed(some)


def _request(dsl: Dsl, *, by_score: bool) -> dict[str, Any]:
    if not by_score:
        return {"query": dsl, "sort": _NEWEST}
    # Word frequencies of all months together: else the rare words of a young month would weigh differently.
    return {"query": dsl, "sort": _BEST, "search_type": "dfs_query_then_fetch"}


def _counted(answer: dict[str, Any]) -> tuple[int, bool]:
    """Stories among the matches; an estimate where there are very many."""
    value = int(answer.get("aggregations", {}).get("stories", {"value": 0})["value"])
    return min(value, _COUNTED), value <= _COUNTED


def _total(answer: dict[str, Any]) -> tuple[int, bool]:
    """Matches, at most as many as are counted exactly, and whether that is all."""
    value = int(answer["hits"]["total"]["value"])
    return min(value, _COUNTED), value <= _COUNTED


def _rows(answer: dict[str, Any], told_of: Callable[[Iterable[int]], Told[int]]) -> list[_Row]:
    """Rows whose last two sort values are their order and their story."""
    values = sort_values(answer)
    told = told_of(each[-1] for each in values)
    ended, sizes = told.ended, told.sizes
    rows = []
    for *score, order, filed in values:
        story = ended.get(filed, filed)
        rows.append(_Row(order, filed, story, sizes.get(story, 1), score[0] if score else 0.0))
    return rows


def _firsts(rows: Sequence[_Row]) -> list[_Row]:
    """The first row of each story."""
    first: dict[int, _Row] = {}
    for row in rows:
        first.setdefault(row.story, row)
    return list(first.values())


def _hit(query: Node, found: _Found, told: Told[str]) -> SearchHit:
    stored, score = found
    article = in_living(stored, told.ended)
    marks = tuple(spans(query, MatchDoc.of(article)))
    return SearchHit(article=article, score=score, highlights=marks, story_size=told.size(article.story_id))


def _aggregation(name: FacetName, size: int) -> dict[str, Any]:
    if name == "day":
        by_day = {"field": "published_at", "calendar_interval": "day", "min_doc_count": 1, "format": "yyyy-MM-dd"}
        return {"date_histogram": by_day}
    return {"terms": {"field": _FACETS[name], "size": size, "shard_size": max(size, _VALUES), "exclude": [""]}}


def _facet(name: FacetName, buckets: Sequence[dict[str, Any]]) -> tuple[Facet, ...]:
    key = "key_as_string" if name == "day" else "key"
    return tuple(Facet(bucket[key], bucket["doc_count"]) for bucket in buckets)
