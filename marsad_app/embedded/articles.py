"""Articles and stories, written and read by id, in SQLite."""

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice

from marsad.query.document import order_number, order_second
from marsad.query.following import in_living, living
from marsad.records import Article, Story
from marsad_app.embedded import fts
from marsad_app.embedded.database import Database, pack, unpack

__all__ = ["SqliteArticles", "SqliteStories"]

_BOUND = 500
"""Values that are bound to one statement, at most."""
_INSERT = "INSERT INTO articles VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


class SqliteArticles:
    """``marsad.ports.ArticleWriter``, and reading by id."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._prepare()

    def _prepare(self) -> None:
        """Make the full-text table, anew where the analyser changed since it was filled."""
        with self._db.write() as connection:
            row = connection.execute("SELECT value FROM meta WHERE name = 'analyser'").fetchone()
            if row is not None and row[0] == fts.ANALYSER_VERSION:
                return
            connection.execute("DROP TABLE IF EXISTS fts_terms")
            connection.execute("DROP TABLE IF EXISTS fts")
            connection.execute(fts.CREATE)
            connection.execute(fts.CREATE_VOCABULARY)
            for (docid,) in connection.execute("SELECT docid FROM articles ORDER BY docid").fetchall():
                (data,) = connection.execute("SELECT data FROM bodies WHERE docid = ?", (docid,)).fetchone()
                connection.execute(fts.INSERT, (docid, *fts.index_row(unpack(Article, data))))
            connection.execute("INSERT OR REPLACE INTO meta VALUES ('analyser', ?)", (fts.ANALYSER_VERSION,))

    def put_articles(self, articles: Sequence[Article]) -> None:
        """Add or replace by ``article_id``; an older revision than the stored one changes nothing."""
        with self._db.write() as connection:
            first = connection.execute("SELECT coalesce(max(added), 0) + 1 FROM articles").fetchone()[0]
            came = {article.article_id: first + at for at, article in enumerate(articles)}
            # Full-text rows that come in order of their numbers make one segment of the batch instead of one each.
            for article in sorted(articles, key=order_number):
                self._put(connection, article, came[article.article_id])

    def _put(self, connection: sqlite3.Connection, article: Article, added: int) -> None:
        stored = connection.execute(
            "SELECT docid, revision, added, data FROM articles JOIN bodies USING (docid) WHERE article_id = ?",
            (article.article_id,),
        ).fetchone()
        if stored is not None:
            docid, revision, added, data = stored
            if revision > article.revision:
                return
            connection.execute(fts.DELETE, (docid, *fts.index_row(unpack(Article, data))))
            connection.execute("DELETE FROM articles WHERE docid = ?", (docid,))
            connection.execute("DELETE FROM bodies WHERE docid = ?", (docid,))
        # Full-text rows come out ordered by row number, so that "newest first" and a range of dates cost no sorting.
        docid = order_number(article)
        while connection.execute("SELECT 1 FROM articles WHERE docid = ?", (docid,)).fetchone():
            docid += 1
        connection.execute(_INSERT, (docid, *_columns(article, added)))
        connection.execute("INSERT INTO bodies VALUES (?, ?)", (docid, pack(article)))
        connection.execute(fts.INSERT, (docid, *fts.index_row(article)))

    def article(self, article_id: str) -> Article | None:
        """One article."""
        with self._db.read() as connection:
            row = connection.execute(
                "SELECT data FROM articles JOIN bodies USING (docid) WHERE article_id = ?", (article_id,)
            ).fetchone()
        return unpack(Article, row[0]) if row else None

    def latest(self) -> datetime | None:
        """When the newest article was published; None where there is none."""
        with self._db.read() as connection:
            (docid,) = connection.execute("SELECT max(docid) FROM articles").fetchone()
        return None if docid is None else datetime.fromtimestamp(order_second(docid), UTC)

    def since(self, instant: datetime) -> Iterator[Article]:
        """Articles first seen from then on, in the order they came: what grouping rebuilds its window from."""
        with self._db.read() as connection:
            rows = connection.execute(
                "SELECT data FROM articles JOIN bodies USING (docid) WHERE first_seen >= ? ORDER BY added",
                (int(instant.timestamp()),),
            ).fetchall()
        return (unpack(Article, data) for (data,) in rows)


def _columns(article: Article, added: int) -> tuple[str, int, int, int, float, str, str, str, str, str, int]:
    return (
        article.article_id,
        int(article.published_at.timestamp()),
        added,
        int(article.first_seen_at.timestamp()),
        max((topic.score for topic in article.topics), default=0.0),
        article.outlet,
        " ".join(topic.id for topic in article.topics),
        " ".join(country.code for country in article.countries),
        article.story_id,
        article.duplicate_of,
        article.revision,
    )


class SqliteStories:
    """``marsad.ports.Stories``."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def story(self, story_id: str) -> Story | None:
        """One story."""
        with self._db.read() as connection:
            row = connection.execute("SELECT data FROM stories WHERE story_id = ?", (story_id,)).fetchone()
        return unpack(Story, row[0]) if row else None

    def goes_on(self, story_id: str) -> str:
        """The story that one has ended in; the story itself where it has not."""
        with self._db.read() as connection:
            row = connection.execute("SELECT merged_into FROM stories WHERE story_id = ?", (story_id,)).fetchone()
        return row[0] if row and row[0] else story_id

    def living(self, ids: Iterable[str]) -> dict[str, str]:
        """For each story the one in which it goes on, however many steps that is; itself where it did not end."""
        with self._db.read() as connection:
            return living(ids, lambda some: _ended(connection, some))

    def family(self, story_id: str) -> list[str]:
        """The ids under which the articles of a story are filed: of the story that it is now, and of all that ended there."""
        with self._db.read() as connection:
            now = living((story_id,), lambda some: _ended(connection, some)).get(story_id, story_id)
            parts = [now]
            # The list grows while it is walked: stories that ended in one that ended.
            for part in parts:
                rows = connection.execute(
                    "SELECT story_id FROM stories WHERE merged_into = ? AND merged_into <> '' ORDER BY story_id",
                    (part,),
                )
                parts += [each for (each,) in rows.fetchall() if each not in parts]
        return parts

    def put_stories(self, stories: Iterable[Story]) -> None:
        """Add or replace."""
        with self._db.write() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO stories VALUES (?, ?, ?, ?, ?)",
                (
                    (story.story_id, int(story.last_seen_at.timestamp()), story.size, pack(story), story.merged_into)
                    for story in stories
                ),
            )

    def latest_stories(self, *, limit: int = 20, offset: int = 0, min_size: int = 1) -> Sequence[Story]:
        """The most recently extended first."""
        with self._db.read() as connection:
            rows = connection.execute(
                "SELECT data FROM stories WHERE size >= ? AND merged_into = '' ORDER BY last_seen DESC, story_id LIMIT ? OFFSET ?",
                (min_size, limit, offset),
            ).fetchall()
        return [unpack(Story, data) for (data,) in rows]

    def story_articles(self, story_id: str) -> Sequence[Article]:
        """All articles of the story, or of the one that it went on in, under that one's id, oldest first."""
        parts = self.family(story_id)
        marks = ",".join("?" * len(parts))
        select = f"SELECT data FROM articles JOIN bodies USING (docid) WHERE story_id IN ({marks}) ORDER BY published, article_id"  # noqa: S608 - question marks only
        with self._db.read() as connection:
            rows = connection.execute(select, parts).fetchall()
        now = dict.fromkeys(parts, parts[0])
        return [in_living(unpack(Article, data), now) for (data,) in rows]


def _ended(connection: sqlite3.Connection, ids: Collection[str]) -> dict[str, str]:
    """Of these stories those that ended, with the one that each is forwarded to."""
    if len(ids) > _BOUND:
        # One story in a hundred ends: to read all of those takes 1 µs each, to look up one that is asked for 3 µs.
        select = "SELECT story_id, merged_into FROM stories WHERE merged_into <> '' LIMIT ?"
        every = connection.execute(select, (len(ids),)).fetchall()
        if len(every) < len(ids):
            asked = set(ids)
            return {story: into for story, into in every if story in asked}
    found: dict[str, str] = {}
    wanted = iter(ids)
    while some := list(islice(wanted, _BOUND)):
        marks = ",".join("?" * len(some))
        select = f"SELECT story_id, merged_into FROM stories WHERE story_id IN ({marks}) AND merged_into <> ''"  # noqa: S608 - question marks only
        found.update(connection.execute(select, some).fetchall())
    return found
