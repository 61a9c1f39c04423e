"""The words that speak for a match: as they stand in the article, each once, and the same whoever asks."""

from pathlib import Path

import pytest

from marsad.query import MatchDoc, matches, parse, spans
from marsad.query.evidence import LONGEST, MOST, Evidence, Leaves, speaking
from marsad.records import Article
from marsad.taxonomy.synonyms import other_names
from marsad.testing.factories import NOW, an_article
from marsad.testing.queries import QueryMaker, sample_articles

SENTENCES = (Path(__file__).parents[3] / "recorded/query/sentences.txt").read_text(encoding="utf-8").splitlines()


def surfaces(query: str, article: Article) -> tuple[str, ...]:
    spoken = speaking(parse(query, now=NOW), Leaves())
    return Evidence(MatchDoc.of(article)).surfaces(spoken)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("الميناء سفينة", ("سفينة", "ميناء", "السفينة", "الميناء")),
        ("title:سفينة", ("سفينة",)),
        ("text:سفينة", ("السفينة",)),
        ('"ميناء الجزائر" الجزائر', ("ميناء الجزائر",)),
        ('"السفينة"', ("السفينة",)),
        ("سفينة -غواصة", ("سفينة", "السفينة")),
        ("غادرت OR (سفينة غواصة)", ("غادرت",)),
        ("غادرت OR (ميناء published:<2000-01-01)", ("غادرت",)),
    ],
)
def test_words_come_in_reading_order_each_once(query: str, words: tuple[str, ...]) -> None:
    article = an_article(title="سفينة في ميناء الجزائر", text="غادرت السفينة الميناء؛ السفينة.")

    assert surfaces(query, article) == words


def test_a_word_beyond_all_measure_is_cut() -> None:
    assert surfaces("خخ*", an_article(title="خبر", text="خ" * (LONGEST + 1))) == ("خ" * LONGEST,)


def test_the_words_of_a_match_are_those_that_a_page_marks() -> None:
    articles = tuple(sample_articles(SENTENCES, 60, seed=12))
    maker = QueryMaker(articles, seed=8)
    nodes = [parse(maker.query(number % 4), now=NOW, names=other_names) for number in range(300)]
    leaves = Leaves()
    spoken = [speaking(node, leaves) for node in nodes]
    compared = 0
    for article in articles:
        doc = MatchDoc.of(article)
        evidence = Evidence(doc)
        texts = {"title": article.title, "lead": article.lead, "text": article.text}
        for node, spoke in zip(nodes, spoken, strict=True):
            if matches(node, doc):
                marked = [texts[each.field][each.start : each.end][:LONGEST] for each in spans(node, doc)]
                assert evidence.surfaces(spoke) == tuple(dict.fromkeys(marked))[:MOST]
                compared += len(marked) > 0

    assert compared > 1_000
