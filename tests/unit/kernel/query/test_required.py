"""The index of required terms never loses a query, and keeps most of those away that cannot match."""

from pathlib import Path

import pytest

from marsad.query import MatchDoc, matches, parse
from marsad.query.required import Alternative, Term, TermIndex, alternatives
from marsad.taxonomy.synonyms import other_names
from marsad.testing.factories import NOW
from marsad.testing.queries import QueryMaker, sample_articles

SENTENCES = (Path(__file__).parents[3] / "recorded/query/sentences.txt").read_text(encoding="utf-8").splitlines()
SHIP: Term = ("stem", "any", "سفين")
RUSSIA: Term = ("stem", "any", "روسيا")


@pytest.mark.parametrize(
    ("query", "terms"),
    [
        ("سفينة", [{SHIP}]),
        ("title:سفينة", [{("stem", "title", "سفين")}]),
        ("سفينة OR روسيا", [{SHIP}, {RUSSIA}]),
        ("سفينة روسيا country:DZ", [{SHIP, RUSSIA, ("keyword", "any", "country:dz")}]),
        ("سفينة -مصر published:>now-7d", [{SHIP}]),
        ('"في مناورات"', [{("key", "any", "مناورات")}]),
        ("عسكر*", [{("prefix", "any", "عسكر")}]),
        ("-مصر", [set()]),
        ("سفينة OR -مصر", [{SHIP}, set()]),
        ("published:>now-7d", [set()]),
        ("*", [set()]),
    ],
)
def test_all_terms_of_an_alternative_are_required(query: str, terms: list[set[Term]]) -> None:
    assert [each.terms for each in alternatives(parse(query, now=NOW))] == terms


def test_words_and_keywords_leave_nothing_to_look_at() -> None:
    (found,) = alternatives(parse("سفينة topic:energy country:DZ", now=NOW))

    assert found.rest == ()


def test_disjunctions_are_not_multiplied_out_without_end() -> None:
    groups = " ".join(f"({' OR '.join(f'كلمة{group}{word}' for word in range(8))})" for group in range(6))

    assert len(alternatives(parse(groups, now=NOW))) <= 16


def _holds(alternative: Alternative, doc: MatchDoc) -> bool:
    index: TermIndex[str] = TermIndex()
    index.add(alternative.terms, "it")
    return list(index.lookup(doc)) == ["it"] and all(matches(node, doc) for node in alternative.rest)


@pytest.mark.parametrize("widen", [False, True])
def test_a_query_means_what_its_alternatives_mean(widen: bool) -> None:
    articles = tuple(sample_articles(SENTENCES, 25, seed=3))
    maker = QueryMaker(articles, seed=21)
    docs = [MatchDoc.of(article) for article in articles]
    for number in range(200):
        node = parse(maker.query(number % 4), now=NOW, names=other_names if widen else None)
        choices = alternatives(node)

        assert [any(_holds(each, doc) for each in choices) for doc in docs] == [matches(node, doc) for doc in docs]


def test_what_is_taken_out_is_found_no_more_and_the_rest_is() -> None:
    doc = MatchDoc.of(next(iter(sample_articles(SENTENCES, 1, seed=3))))
    first, second, *_ = sorted(doc.stems["any"])
    index: TermIndex[str] = TermIndex()
    both: frozenset[Term] = frozenset({("stem", "any", first), ("stem", "any", second)})
    one: frozenset[Term] = frozenset({("stem", "any", first)})
    index.add(both, "both")
    index.add(one, "one")
    index.remove(both, "both")

    assert list(index.lookup(doc)) == ["one"]
    with pytest.raises(ValueError, match="not in list"):
        index.remove(both, "both")


def test_no_matching_query_is_lost_and_few_others_are_found() -> None:
    articles = tuple(sample_articles(SENTENCES, 65, seed=5))
    maker = QueryMaker(articles, seed=77)
    nodes = {str(number): parse(maker.query(number % 3), now=NOW) for number in range(600)}
    index: TermIndex[str] = TermIndex()
    for name, node in nodes.items():
        for each in alternatives(node):
            index.add(each.terms, name)
    found = matching = 0
    for article in articles:
        doc = MatchDoc.of(article)
        candidates = set(index.lookup(doc))
        wanted = {name for name, node in nodes.items() if matches(node, doc)}

        assert wanted <= candidates
        found, matching = found + len(candidates), matching + len(wanted)
    assert matching > 1_000
    assert found < 0.4 * len(nodes) * len(articles)
