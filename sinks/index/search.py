"""Search over Elasticsearch: pages of hits with highlights, facets, export."""

import time
from collections.abc import Iterator, Mapping, Sequence
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
from sinks.index.forwarding import Forwarding
from sinks.index.mapping import MOST_ROWS
from sinks.index.reading import Reader, Source, article_of

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

_NEWEST: Final = [{"search.second": "desc"}, {"article_id": "asc"}]
_BEST: Final = [{"_score": "desc"}, *_NEWEST]
# Of thousands of rows only the sort values are wanted. Then the server reads no document, not even for its id; the
# story stands last among them, where it changes no order.
_ROWS_ONLY: Final[dict[str, Any]] = {
    "source": False,
    "stored_fields": "_none_",
    "filter_path": ["hits.total", "hits.hits.sort"],
}
# Counted exactly up to this many, which is far more than are told.
_STORIES: Final = {"stories": {"cardinality": {"field": "search.group", "precision_threshold": 40_000}}}
_FACETS: Final[dict[FacetName, str]] = {"topic": "topics.id", "country": "countries.code", "outlet": "outlet"}


class _Row(msgspec.Struct, frozen=True):
    """A match before its article is read."""

    article_id: str
    group: str
    """Its story; its own id where it has none."""
    score: float = 0.0


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
                rows, exact = _collapsed(rows, {}), not ordered
                total = len(rows)
            rows = rows[offset : offset + limit]
            sources = self._articles.sources([row.article_id for row in rows])
        elif collapse:
            rows, total, exact = self._told(dsl, limit + offset, by_score=by_score)
            rows = rows[offset : offset + limit]
            sources = self._articles.sources([row.article_id for row in rows])
        else:
            rows, sources, total, exact = self._page(dsl, limit, offset, by_score=by_score)
        rows = [row for row in rows if row.article_id in sources]
        articles = self._followed([article_of(sources[row.article_id]) for row in rows])
        if sort == "story":
            sizes = {article.story_id: int(row.score) for row, article in zip(rows, articles, strict=True)}
        else:
            sizes = self._stories.sizes(article.story_id for article in articles)
        hits = tuple(
            _hit(query, article, row.score, sizes.get(article.story_id, 1))
            for row, article in zip(rows, articles, strict=True)
        )
        took = (time.perf_counter() - began) * 1_000
        return SearchPage(hits=hits, total=total, exact=exact, ordered=ordered, took_ms=took)

    def _compiled(self, query: Node) -> Dsl:
        return compile_query(following(query, self._stories.family))

    def _followed(self, articles: Sequence[Article]) -> list[Article]:
        """The articles under the stories in which their own go on."""
        now = self._stories.living(article.story_id for article in articles)
        return [in_living(article, now) for article in articles]

    def _page(
        self, dsl: Dsl, limit: int, offset: int, *, by_score: bool
    ) -> tuple[list[_Row], dict[str, Source], int, bool]:
        """The rows of a page with their sources, the total, and whether it is exact."""
        request = _request(dsl, by_score=by_score)
        answer = self._articles.search(**request, size=limit, from_=offset, track_total_hits=_COUNTED + 1)
        hits = answer["hits"]["hits"]
        rows = [_Row(hit["_id"], "", hit["_score"] or 0.0) for hit in hits]
        return rows, {hit["_id"]: hit["_source"] for hit in hits}, *_total(answer)

    def _told(self, dsl: Dsl, wanted: int, *, by_score: bool) -> tuple[list[_Row], int, bool]:
        """The best row of each story, at least as many as are wanted if there are; how many stories, and whether that is exact."""
        size = max(wanted + _SLACK, _FOLDED)
        while True:
            answer = self._articles.search(
                **_request(dsl, by_score=by_score),
                size=min(size, MOST_ROWS),
                collapse={"field": "search.group"},
                aggs=_STORIES,
                track_total_hits=False,
                source=False,
            )
            hits = answer["hits"]["hits"]
            found = [_Row(hit["_id"], hit["fields"]["search.group"][0], hit["_score"] or 0.0) for hit in hits]
            rows = _collapsed(found, self._stories.living(row.group for row in found))
            if len(rows) >= wanted or len(hits) < size:
                total, exact = _stories(answer)
                return rows, max(total - (len(found) - len(rows)), len(rows)), exact
            size *= 2

    def _biggest(self, dsl: Dsl) -> tuple[list[_Row], int, bool]:
        """The newest rows, those of the biggest story first; the total, and whether it is exact."""
        answer = self._articles.search(
            query=dsl,
            sort=[*_NEWEST, {"search.group": "asc"}],
            size=_RANKED,
            track_total_hits=_COUNTED + 1,
            **_ROWS_ONLY,
        )
        total, exact = _total(answer)
        rows = [_Row(each[-2], each[-1]) for each in _sort_values(answer)]
        now = self._stories.living(row.group for row in rows)
        sizes = self._stories.sizes(now.values())
        rows = [_Row(row.article_id, now[row.group], float(sizes.get(now[row.group], 1))) for row in rows]
        rows.sort(key=lambda row: -row.score)
        return rows, total, exact

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


def _stories(answer: dict[str, Any]) -> tuple[int, bool]:
    """Stories among the matches; an estimate where there are very many."""
    value = int(answer.get("aggregations", {}).get("stories", {"value": 0})["value"])
    return min(value, _COUNTED), value <= _COUNTED


def _total(answer: dict[str, Any]) -> tuple[int, bool]:
    """Matches, at most as many as are counted exactly, and whether that is all."""
    value = int(answer["hits"]["total"]["value"])
    return min(value, _COUNTED), value <= _COUNTED


def _sort_values(answer: dict[str, Any]) -> list[list[Any]]:
    """What ``_ROWS_ONLY`` leaves of each hit; where there is none, nothing is left at all."""
    return [hit["sort"] for hit in answer.get("hits", {}).get("hits", ())]


def _collapsed(rows: Sequence[_Row], now: Mapping[str, str]) -> list[_Row]:
    """The first row of each story, as ``now`` says which one that is."""
    first: dict[str, _Row] = {}
    for row in rows:
        first.setdefault(now.get(row.group, row.group), row)
    return list(first.values())


def _hit(query: Node, article: Article, score: float, story_size: int) -> SearchHit:
    marks = tuple(spans(query, MatchDoc.of(article)))
    return SearchHit(article=article, score=score, highlights=marks, story_size=story_size)


def _aggregation(name: FacetName, size: int) -> dict[str, Any]:
    if name == "day":
        by_day = {"field": "published_at", "calendar_interval": "day", "min_doc_count": 1, "format": "yyyy-MM-dd"}
        return {"date_histogram": by_day}
    return {"terms": {"field": _FACETS[name], "size": size, "shard_size": max(size, _VALUES), "exclude": [""]}}


def _facet(name: FacetName, buckets: Sequence[dict[str, Any]]) -> tuple[Facet, ...]:
    key = "key_as_string" if name == "day" else "key"
    return tuple(Facet(bucket[key], bucket["doc_count"]) for bucket in buckets)
