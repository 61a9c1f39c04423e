"""SQLite and the predicate mean the same by the same query."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marsad.errors import QueryError
from marsad.query import MatchDoc, Node, compile_predicate, matches, parse
from marsad.query.ast import And, Keyword, Not, Or, Phrase, Wildcard, Word
from marsad.taxonomy.synonyms import other_names
from marsad.testing.factories import NOW, an_article
from marsad.testing.queries import QueryMaker, sample_articles
from marsad_app.embedded import fts
from marsad_app.embedded.testing import QueryIndex

SENTENCES = (Path(__file__).parents[2] / "recorded/query/sentences.txt").read_text(encoding="utf-8").splitlines()
ARTICLES = tuple(sample_articles(SENTENCES, 65, seed=3))


@pytest.fixture(scope="module")
def index() -> Iterator[QueryIndex]:
    made = QueryIndex(ARTICLES)
    yield made
    made.connection.close()


def test_sqlite_and_predicate_agree_on_five_thousand_queries(index: QueryIndex) -> None:
    maker = QueryMaker(ARTICLES, seed=20261)
    some = none = 0
    for number in range(5_000):
        text = maker.query(number % 4)
        node = parse(text, now=NOW, names=other_names)

        expected = index.expected(node)

        assert index.search(node, expand=number % 2 == 0) == expected, text
        some, none = some + bool(expected), none + (not expected)
    assert some > 500
    assert none > 100


def test_words_in_a_row_find_no_more_for_being_ranked_by_their_pairs(index: QueryIndex) -> None:
    for article in ARTICLES[:20]:
        words = article.text.split()[:4] or ["خبر"]
        for link in (" ", " OR ", " -"):
            node = parse(link.join(words), now=NOW)
            assert index.search(node) == index.expected(node), node


def test_all_but_swapped_gaps_and_inner_wildcards_are_exact_in_sqlite(index: QueryIndex) -> None:
    exact = [
        "تعاون",
        '"التعاون العسكري"',
        "الع*",
        "topic:sanctions -country:RU",
        "published:>now-7d OR score:>1",
        "-sport",
    ]
    for text in exact:
        assert not fts.compile_query(parse(text, now=NOW)).needs_check, text
    assert fts.compile_query(parse('"وزير النفط"~2', now=NOW)).needs_check
    assert fts.compile_query(parse("الق*ر", now=NOW)).needs_check
    assert not fts.compile_query(parse("الق*ر", now=NOW), expand=index.expand).needs_check


def test_a_query_of_words_and_keywords_is_one_match_expression() -> None:
    compiled = fts.compile_query(parse('موضوع:sanctions (روسيا OR "التعاون العسكري") -country:DZ', now=NOW))

    assert compiled.match is not None
    assert compiled.where == "1"
    assert compiled.params == ()


def test_a_query_without_words_needs_no_full_text_table() -> None:
    assert fts.compile_query(parse("*", now=NOW)).match is None
    assert fts.compile_query(parse("published:>now-7d", now=NOW)).match is None


def test_time_bounds_are_given_for_reading_only_part_of_the_rows() -> None:
    compiled = fts.compile_query(parse("روسيا published:[2026-01-01 TO 2026-01-31]", now=NOW))

    assert (compiled.low, compiled.high) == (1767225600, 1769903999)
    assert fts.compile_query(parse("روسيا OR published:2026", now=NOW)).low is None


def test_a_row_is_deleted_with_its_old_values(index: QueryIndex) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute(fts.CREATE)
    for number, article in enumerate(ARTICLES):
        connection.execute(fts.INSERT, (number, *fts.index_row(article)))
    for number, article in enumerate(ARTICLES):
        connection.execute(fts.DELETE, (number, *fts.index_row(article)))

    assert connection.execute("SELECT count(*) FROM fts WHERE fts MATCH 'tags : \"_all\"'").fetchone() == (0,)
    connection.execute("INSERT INTO fts (fts) VALUES ('integrity-check')")
    connection.close()


def test_a_phrase_does_not_run_from_the_lead_into_the_text() -> None:
    index = QueryIndex([an_article(title="خبر", lead="انتهت المحادثات اليوم", text="العسكرية غادرت السفينة")])

    assert index.search(parse('"المحادثات اليوم"', now=NOW)) == {0}
    assert index.search(parse('"اليوم العسكرية"', now=NOW)) == set()
    assert index.search(parse('"اليوم العسكرية"~3', now=NOW)) == set()
    index.connection.close()


@pytest.mark.parametrize(
    "text",
    [
        '"a" OR tags:"x"',
        "' OR 1=1 --",
        '"\'); DROP TABLE articles; --"',
        "fts MATCH x",
        'x" NEAR("a" "b")',
        "title_key:x",
        "{title_key}: x",
        "outlet:\"x' OR '1'='1\"",
        'outlet:"a\\" OR tags : \\"_all"',
        'outlet:"_all"',
        "outlet:_any",
        'story:"*\\""',
        "NEAR",
        "^x",
        "a\x00b",
        "col:*",
    ],
)
def test_nothing_that_is_written_in_a_query_becomes_code(index: QueryIndex, text: str) -> None:
    try:
        node = parse(text, now=NOW)
    except QueryError:
        return

    assert index.search(node) == index.expected(node)
    assert index.connection.execute("SELECT count(*) FROM articles").fetchone() == (len(ARTICLES),)


def test_the_deepest_and_the_broadest_query_still_fit_sqlite(index: QueryIndex) -> None:
    deep = "x"
    for level in range(49):
        deep = f"({'a' if level % 2 else 'NOT b'} {'OR' if level % 2 else 'AND'} {deep})"
    deep_range = deep.replace("x", "published:>now-7d")
    broad = " OR ".join(f'"و{number} تعاون"' for number in range(120))
    for text in (deep, deep_range, broad, f"NOT ({broad}) published:>now-1d"):
        node = parse(text, now=NOW)

        assert index.search(node) == index.expected(node)


def parse_or_none(text: str) -> Node | None:
    """The tree of a text that may be no query."""
    try:
        return parse(text, now=NOW)
    except QueryError:
        return None


WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)
TEXTS = st.lists(WORDS, max_size=8).map(" ".join)
LEAVES = st.one_of(
    st.builds(lambda word: parse_or_none(f'"{word}"'), WORDS),
    WORDS.map(parse_or_none),
    st.builds(lambda word: parse_or_none(word + "*"), WORDS),
    st.builds(lambda value: Keyword("outlet", value), WORDS),
    st.just(Keyword("topic", "*")),
).filter(lambda node: node is not None)
QUERIES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: And(tuple(parts))),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: Or(tuple(parts))),
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(
    st.lists(st.tuples(TEXTS, TEXTS, TEXTS, WORDS), min_size=1, max_size=3), st.lists(QUERIES, min_size=1, max_size=4)
)
def test_they_agree_on_text_in_any_script(fields: list[tuple[str, str, str, str]], queries: list[Node]) -> None:
    articles = [
        an_article(article_id=str(number), title=title, lead=lead, text=text, outlet=outlet)
        for number, (title, lead, text, outlet) in enumerate(fields)
    ]
    own = [parse_or_none(word) for article in articles for word in (article.title, article.text.split(" ")[0])]
    own += [Keyword("outlet", article.outlet) for article in articles]
    index = QueryIndex(articles)
    for node in [*queries, *(node for node in own if node is not None)]:
        assert index.search(node) == index.expected(node), node
    index.connection.close()


@given(TEXTS)
def test_every_token_comes_through_unchanged(text: str) -> None:
    article = an_article(title="", text=text)
    index = QueryIndex([article])
    keys = {key for segment in index.docs[0].segments for key in segment.tokens.keys}

    terms = set(index._terms("", "\U0010ffff", 1_000))

    assert keys <= terms
    index.connection.close()


def test_phrases_words_and_wildcards_are_all_made_by_the_generator() -> None:
    maker = QueryMaker(ARTICLES, seed=1)
    kinds = {type(parse(maker.query(0), now=NOW)) for _ in range(200)}

    assert {Word, Phrase, Wildcard, Keyword} <= kinds


def test_a_wildcard_over_too_many_words_is_checked_instead() -> None:
    expand = fts.expand_from(lambda low, high, limit: [f"ab{number}" for number in range(limit)])

    assert expand("ab*c") is None


def test_matches_and_the_compiled_predicate_are_one() -> None:
    node = parse("روسيا", now=NOW)

    assert [matches(node, MatchDoc.of(each)) for each in ARTICLES] == list(
        map(compile_predicate(node), map(MatchDoc.of, ARTICLES))
    )
