"""Search over SQLite FTS5: pages of hits with highlights, facets, export."""

import json
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from marsad.query import MatchDoc, Node, compile_predicate, spans
from marsad.query.document import order_range
from marsad.query.following import following, in_living
from marsad.query.nearby import KEY_WEIGHT
from marsad.records import Article, Facet, FacetName, SearchHit, SearchPage, Sort
from marsad_app.embedded import fts
from marsad_app.embedded.articles import SqliteStories
from marsad_app.embedded.database import Database, unpack

__all__ = ["SqliteSearch"]

_MOST_HITS = 100
_MOST_OFFSET = 10_000
_COUNTED = 10_000
"""Matches that are counted exactly; beyond, the total is a lower bound."""
_RANKED = 10_000
"""Newest matches that relevance and story size are computed for: bm25 takes 2 to 3 µs a match, and news is read newest first."""
_COLLAPSED = 5_000
"""Newest matches of which the best of each story is found: of 100,000 articles the 95th percentile takes 33 ms by relevance and
42 by story size, where 10,000 take 53 and 68."""
_CHECKED = 2_000
"""Newest candidates that are compared with the predicate where FTS5 alone cannot say."""
# Columns: title_key, title_stem, text_key, text_stem, tags. Keyword fields filter and do not rank. FTS5 measures an article by all of its
# columns together, so that a short title does not count by itself; twice costs 0.007 of the mean reciprocal rank of all queries.
_BM25 = f"bm25(fts, {2 * KEY_WEIGHT}, 2.0, {KEY_WEIGHT}, 1.0, 0.0)"
_FACET_COLUMNS: Final[tuple[FacetName, ...]] = ("topic", "country", "outlet", "day")
_BY_SIZE = """
SELECT docid, coalesce((SELECT size FROM stories s INDEXED BY stories_size WHERE s.story_id = a.story_id AND size > 1), 1) AS rated
FROM json_each(?) AS wanted CROSS JOIN articles a ON docid = wanted.value
ORDER BY rated DESC, docid DESC LIMIT ? OFFSET ?
"""
_Row = tuple[int, float]
_Living = Callable[[Iterable[str]], dict[str, str]]


class SqliteSearch:
    """``marsad.ports.ArticleSearch``.

    Args:
        database: of the embedded size.
        patience_s: seconds after which a search or its facets are given up. Over 100,000 articles the worst queries that may be written
            (fourteen common beginnings with ``*``) take 2.4 s of processor time.
    """

    def __init__(self, database: Database, *, patience_s: float = 20.0) -> None:
        self._db = database
        self._stories = SqliteStories(database)
        self._patience_s = patience_s

    def article(self, article_id: str) -> Article | None:
        """One article."""
        with self._db.read() as connection:
            row = connection.execute(
                "SELECT data FROM articles JOIN bodies USING (docid) WHERE article_id = ?", (article_id,)
            ).fetchone()
        return self._followed([unpack(Article, row[0])])[0] if row else None

    def _followed(self, articles: Sequence[Article]) -> list[Article]:
        """The articles under the stories in which their own go on."""
        now = self._stories.living({article.story_id for article in articles})
        return [in_living(article, now) for article in articles]

    def count(self) -> int:
        """Articles in the index."""
        with self._db.read() as connection:
            return int(connection.execute("SELECT count(*) FROM articles").fetchone()[0])

    def search(
        self, query: Node, *, sort: Sort = "relevance", limit: int = 20, offset: int = 0, collapse: bool = False
    ) -> SearchPage:
        """The articles that the query means, with highlights; see ``marsad.ports``.

        By relevance and by story size only the newest 10,000 matches are put in order, with ``collapse`` 5,000, and where SQLite alone
        cannot say what matches only the newest 2,000 candidates are looked at: ``SearchPage.ordered`` tells.
        """
        began = time.perf_counter()
        limit, offset = min(max(limit, 1), _MOST_HITS), min(max(offset, 0), _MOST_OFFSET)
        with self._db.read(within_s=self._patience_s) as connection:
            plan = _Plan(connection, following(query, self._stories.family))
            if collapse:
                rows, total, exact = plan.stories(sort, limit, offset, self._stories.living)
            else:
                rows, total, exact = plan.page(sort, limit, offset, most=_RANKED)
            hits = tuple(_hit(connection, query, self._stories, docid, score) for docid, score in rows)
        took = (time.perf_counter() - began) * 1_000
        reach = plan.reach(sort, collapse=collapse)
        ordered = reach if not exact or (total > reach and not collapse) else 0
        return SearchPage(hits=hits, total=total, exact=exact, ordered=ordered, took_ms=took)

    def facets(self, query: Node, names: Sequence[FacetName], *, size: int = 20) -> dict[FacetName, tuple[Facet, ...]]:
        """For each facet its commonest values among the newest 10,000 matching articles."""
        with self._db.read(within_s=self._patience_s) as connection:
            plan = _Plan(connection, following(query, self._stories.family))
            rows = plan.columns("a.topics, a.countries, a.outlet, a.published / 86400", _COUNTED)
        counts = {name: _counted(name, Counter(row[_FACET_COLUMNS.index(name)] for row in rows)) for name in names}
        return {
            name: tuple(
                Facet(value, count)
                for value, count in (
                    sorted(found.items())
                    if name == "day"
                    else sorted(found.items(), key=lambda one: (-one[1], one[0]))[:size]
                )
            )
            for name, found in counts.items()
        }

    def export(self, query: Node | None = None) -> Iterator[Article]:
        """All (matching) articles in the order they came, a few at a time."""
        fits = compile_predicate(following(query, self._stories.family)) if query is not None else None
        last = 0
        while True:
            with self._db.read() as connection:
                rows = connection.execute(
                    "SELECT added, data FROM articles JOIN bodies USING (docid) WHERE added > ? ORDER BY added LIMIT 500",
                    (last,),
                ).fetchall()
            if not rows:
                return
            last = rows[-1][0]
            articles = (unpack(Article, data) for _, data in rows)
            yield from self._followed([each for each in articles if fits is None or fits(MatchDoc.of(each))])


def _counted(name: FacetName, found: Counter[str]) -> Counter[str]:
    """How many articles each value of a facet has, from how many have each stored column: alike columns are looked at once."""
    values: Counter[str] = Counter()
    for column, count in found.items():
        if name == "day":
            day = datetime.fromtimestamp(int(column) * 86_400, UTC).date().isoformat()
            values[day] += count
        else:
            for value in column.split() if name != "outlet" else filter(None, (column,)):
                values[value] += count
    return values


def _hit(connection: sqlite3.Connection, query: Node, stories: SqliteStories, docid: int, score: float) -> SearchHit:
    (data,) = connection.execute("SELECT data FROM bodies WHERE docid = ?", (docid,)).fetchone()
    stored = unpack(Article, data)
    article = in_living(stored, stories.living((stored.story_id,)))
    size = connection.execute("SELECT size FROM stories WHERE story_id = ?", (article.story_id,)).fetchone()
    marks = tuple(spans(query, MatchDoc.of(article)))
    return SearchHit(article=article, score=score, highlights=marks, story_size=size[0] if size else 1)


class _Plan:
    """A query, compiled, on one connection."""

    def __init__(self, connection: sqlite3.Connection, query: Node) -> None:
        self._connection = connection
        self._query = query
        self._compiled = fts.compile_query(query, expand=fts.expand_from(self._terms))

    def _terms(self, low: str, high: str, limit: int) -> Sequence[str]:
        return [term for (term,) in self._connection.execute(fts.VOCABULARY_RANGE, (low, high, limit))]

    def _from(self, *, join: bool) -> tuple[str, list[str | float]]:
        """FROM and WHERE with their parameters; ``join`` where columns of the article are needed."""
        compiled = self._compiled
        if compiled.match is None:
            return f"FROM articles a WHERE {compiled.where}", list(compiled.params)
        conditions, parameters = ["fts MATCH ?"], [compiled.match, *compiled.params]
        if compiled.where != "1":
            conditions.append(compiled.where)
            join = True
        if compiled.low is not None or compiled.high is not None:
            conditions.append("fts.rowid BETWEEN ? AND ?")
            parameters += order_range(compiled.low, compiled.high)
        tables = "fts CROSS JOIN articles a ON a.docid = fts.rowid" if join else "fts"
        return f"FROM {tables} WHERE {' AND '.join(conditions)}", parameters

    @property
    def _key(self) -> str:
        return "a.docid" if self._compiled.match is None else "fts.rowid"

    def columns(self, names: str, limit: int) -> list[tuple[str, ...]]:
        """Columns of the newest matching articles."""
        if self._compiled.needs_check:
            docids = self._checked(_CHECKED)
            marks = ",".join("?" * len(docids))
            select = f"SELECT {names} FROM articles a WHERE docid IN ({marks})"  # noqa: S608 - names are literals, values bound
            return self._connection.execute(select, docids).fetchall()
        source, parameters = self._from(join=True)
        return self._connection.execute(
            f"SELECT {names} {source} ORDER BY {self._key} DESC LIMIT ?", (*parameters, limit)
        ).fetchall()

    def _newest(self, limit: int, offset: int = 0) -> list[int]:
        source, parameters = self._from(join=False)
        rows = self._connection.execute(
            f"SELECT {self._key} {source} ORDER BY {self._key} DESC LIMIT ? OFFSET ?",
            (*parameters, limit, offset),
        )
        return [docid for (docid,) in rows]

    def _checked(self, limit: int) -> list[int]:
        """Newest rows that the predicate agrees to."""
        fits = compile_predicate(self._query)
        kept = []
        for docid in self._newest(limit):
            (data,) = self._connection.execute("SELECT data FROM bodies WHERE docid = ?", (docid,)).fetchone()
            if fits(MatchDoc.of(unpack(Article, data))):
                kept.append(docid)
        return kept

    def page(self, sort: Sort, limit: int, offset: int, *, most: int) -> tuple[list[_Row], int, bool]:
        """The rows of a page among the newest ``most``, the total, and whether it is exact."""
        if self._compiled.needs_check:
            docids = self._checked(_CHECKED)
            if sort == "story":
                return self._by_size(docids, limit, offset), len(docids), len(docids) < _CHECKED
            return [(docid, 0.0) for docid in docids[offset:][:limit]], len(docids), len(docids) < _CHECKED
        if sort == "story":
            newest = self._newest(_COUNTED + 1)
            return self._by_size(newest[:most], limit, offset), min(len(newest), _COUNTED), len(newest) <= _COUNTED
        total = self._total()
        if self._by_date(sort):
            rows = [(docid, 0.0) for docid in self._newest(limit, offset)]
        else:
            rows = self._by_relevance(limit, offset, oldest=self._newest(1, most - 1)[0] if total > most else None)
        return rows, min(total, _COUNTED), total <= _COUNTED

    def _by_date(self, sort: Sort) -> bool:
        return sort == "date" or (sort == "relevance" and self._compiled.match is None)

    def reach(self, sort: Sort, *, collapse: bool) -> int:
        """The newest matches (or candidates) that are looked at where there are more; 0 if all are."""
        if self._compiled.needs_check:
            return _CHECKED
        if collapse:
            return _COLLAPSED
        return 0 if self._by_date(sort) else _RANKED

    def stories(self, sort: Sort, limit: int, offset: int, living: _Living) -> tuple[list[_Row], int, bool]:
        """The same with only the best row of each story; one that ended in another counts as that one."""
        rows, total, exact = self.page(sort, _COLLAPSED, 0, most=_COLLAPSED)
        names = dict(self._story_of([docid for docid, _ in rows]))
        now = living(set(names.values()))
        best: dict[str, _Row] = {}
        for row in rows:
            best.setdefault(now.get(names.get(row[0], ""), str(row[0])), row)
        return list(best.values())[offset : offset + limit], len(best), exact and total <= _COLLAPSED

    def _story_of(self, docids: Sequence[int]) -> Iterator[tuple[int, str]]:
        select = "SELECT docid, story_id FROM json_each(?) AS wanted CROSS JOIN articles ON docid = wanted.value"
        return self._connection.execute(select, (json.dumps(docids),))

    def _total(self) -> int:
        source, parameters = self._from(join=False)
        count = f"SELECT count(*) FROM (SELECT 1 {source} LIMIT ?)"  # noqa: S608 - compiled from the query tree, values bound
        return int(self._connection.execute(count, (*parameters, _COUNTED + 1)).fetchone()[0])

    def _by_relevance(self, limit: int, offset: int, *, oldest: int | None) -> list[_Row]:
        """A page of the matches in order; of those from the row ``oldest`` on, where one is given."""
        source, parameters = self._from(join=False)
        if oldest is not None:
            source, parameters = f"{source} AND {self._key} >= ?", [*parameters, oldest]
        return self._connection.execute(
            f"SELECT {self._key}, -{_BM25} AS rated {source} ORDER BY rated DESC, {self._key} DESC LIMIT ? OFFSET ?",
            (*parameters, limit, offset),
        ).fetchall()

    def _by_size(self, docids: Sequence[int], limit: int, offset: int) -> list[_Row]:
        """A page of the rows with the sizes of their stories, the largest first.

        The index has only stories of more than one article, and a story itself is not read: 12 ms for 10,000 rows, 20 without.
        """
        return self._connection.execute(_BY_SIZE, (json.dumps(docids), limit, offset)).fetchall()
