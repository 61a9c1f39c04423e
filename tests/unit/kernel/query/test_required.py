"""The index of required terms never loses a query, and keeps most of those away that cannot match."""

from pathlib import Path

import pytest

from marsad.query import MatchDoc, matches, parse
from marsad.query.required import TermIndex, required_terms
from marsad.testing.factories import NOW
from marsad.testing.queries import QueryMaker, sample_articles

SENTENCES = (Path(__file__).parents[3] / "recorded/query/sentences.txt").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(
    ("query", "terms"),
    [
        ("سفينة", {("stem", "سفين")}),
        ("title:سفينة", {("title-stem", "سفين")}),
        ("سفينة OR روسيا", {("stem", "سفين"), ("stem", "روسيا")}),
        ("في مناورات", {("stem", "مناور")}),
        ("country:DZ story:s1 lang:ar", {("keyword", ("story", "s1"))}),
        ("topic:energy country:DZ", {("keywords", (("country", "dz"), ("topic", "energy")))}),
        ("سفينة -مصر published:>now-7d", {("stem", "سفين")}),
        ('"في مناورات"', {("key", "مناورات")}),
        ("عسكر*", {("prefix", "عس")}),
        ("-مصر", None),
        ("سفينة OR -مصر", None),
        ("published:>now-7d", None),
        ("*", None),
    ],
)
def test_the_rarest_part_is_required(query: str, terms: set[tuple[str, object]] | None) -> None:
    assert required_terms(parse(query, now=NOW)) == terms


def test_no_matching_query_is_lost_and_few_others_are_found() -> None:
    articles = tuple(sample_articles(SENTENCES, 65, seed=5))
    maker = QueryMaker(articles, seed=77)
    nodes = {str(number): parse(maker.query(number % 3), now=NOW) for number in range(600)}
    index, indexed = TermIndex(), set()
    for name, node in nodes.items():
        terms = required_terms(node)
        if terms is not None:
            index.add(terms, name)
            indexed.add(name)
    found = matching = 0
    for article in articles:
        doc = MatchDoc.of(article)
        candidates = set(index.lookup(doc))
        wanted = {name for name in indexed if matches(nodes[name], doc)}

        assert wanted <= candidates
        found, matching = found + len(candidates), matching + len(wanted)
    assert matching > 1_000
    assert found < 0.4 * len(indexed) * len(articles)
