"""Queries that mean harm: those that are read are words and nothing more, on every engine; the others are refused on every surface."""

from typing import Final, Protocol

from marsad.ports import ArticleSearch, ArticleWriter
from marsad.query import MatchDoc, compile_predicate, parse
from marsad.testing.factories import NOW, an_article

__all__ = [
    "ATTACKS",
    "REFUSED",
    "no_page_is_deeper_than_the_deepest",
    "queries_that_attack_are_words_and_nothing_more",
]

ATTACKS: Final = (
    "'; DROP TABLE articles; --",
    "fts MATCH 'x'",
    "NEAR(drop table, 5)",
    '"drop table\\" OR 1=1"',
    'outlet:"x\\") OR (\\"1\\"=\\"1"',
    'outlet:"*"',
    'topic:"_all"',
    'entity:"drop=_any"',
    '"{title_key} : drop"',
    "drop + table",
    "title:drop\\*",
    '\\{\\"match_all\\"\\:\\{\\}\\}',
    '"ctx._source.remove(text)"',
    "%s OR %d",
    "_all _none",
    '"<script>alert(1)</script>"',
    "drop\\\\",
)
"""Queries with what SQLite, FTS5, Elasticsearch, its scripts and HTML would take for orders."""

REFUSED: Final = (
    ("word OR " * 1_250 + "word", "longer than 2000 characters"),
    (" ".join(f"w{number}" for number in range(201)), "at most 200 words"),
    ("(" * 999, "more than 50 parentheses within each other"),
    ("NOT (" * 300 + "a" + ")" * 300, "more than 50 parentheses within each other"),
    ("a*", "at least 2 letters before the first *"),
    ("*word", "at least 2 letters before the first *"),
    ("title:*", "at least 2 letters before the first *"),
    ("ال*", "expected a letter after it"),
    ("ab" + "*c" * 9, "at most 8 wildcards"),
    ("/.*/", "regular expressions are not read"),
    ('"a b"~51', "at most 50"),
    ("word^1000", "a boost between"),
    ("_source:x", 'there is no field "_source"'),
    ("published:>" + "9" * 1_500, "expected"),
    ("x" * 1_500 + ":y", "there is no field"),
)
"""Queries that would cost too much or are none, each with what is said of it."""


class _Store(Protocol):
    @property
    def articles(self) -> ArticleWriter: ...

    @property
    def search(self) -> ArticleSearch: ...


def queries_that_attack_are_words_and_nothing_more(store: _Store) -> None:
    """They find what the predicate takes, and everything is there afterwards."""
    articles = [
        an_article(article_id="1" * 32, title="drop table articles", text="match_all x ctx _source remove text 1"),
        an_article(
            article_id="2" * 32, title="fts match x", outlet="x", text="near drop table 5 script alert 1 s or d"
        ),
        an_article(article_id="3" * 32, title="خبر", outlet="خبر", text="title key drop all none"),
    ]
    store.articles.put_articles(articles)
    some = 0
    for text in ATTACKS:
        node = parse(text, now=NOW)
        fits = compile_predicate(node)
        wanted = {article.article_id for article in articles if fits(MatchDoc.of(article))}
        page = store.search.search(node)
        assert {hit.article.article_id for hit in page.hits} == wanted, text
        assert page.total == len(wanted), text
        some += bool(wanted)
    assert some > len(ATTACKS) // 4
    assert store.search.count() == len(articles)


def no_page_is_deeper_than_the_deepest(store: _Store) -> None:
    """Whatever is passed over, at most 10,000 hits are, and at most 100 come."""
    store.articles.put_articles([an_article(article_id=f"{number:032}", title="خبر") for number in range(150)])
    node = parse("خبر", now=NOW)
    assert len(store.search.search(node, limit=10**9).hits) == 100  # noqa: PLR2004  # the most that a page holds
    for sort in ("date", "relevance", "story"):
        deep = store.search.search(node, sort=sort, limit=100, offset=10**12)
        assert (deep.hits, deep.total) == ((), 150)
