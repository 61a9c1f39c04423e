"""The bench of growing windows tells other events in each world, and fills the window that it says."""

import gzip
import json
from itertools import pairwise
from pathlib import Path

import pytest

from marsad.testing.queries import sample_articles
from marsad_app.bench.corpus import CORPUS
from marsad_app.bench.growth import growth, news, tellings

SENTENCES = (Path(__file__).parents[3] / "recorded/query/sentences.txt").read_text(encoding="utf-8").splitlines()
MONTHS = 6


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    with gzip.open(folder / CORPUS, "wt", encoding="utf-8") as lines:
        for number, article in enumerate(sample_articles(SENTENCES, 60, seed=5)):
            document = {
                "id": f"d{number:02}",
                "url": f"http://outlet.invalid/{number}",
                "source": article.outlet or "outlet",
                "category": "news",
                "title": article.title,
                "text": f"{article.text or article.lead} 184",
                "time": f"Mon, 01 Jan 2018 {number // 3:02}:00:00 GMT",
            }
            lines.write(json.dumps(document, ensure_ascii=False) + "\n")
    return folder


def test_the_window_grows_to_its_size_and_then_as_many_fall_out_as_come_in(corpus: Path) -> None:
    figures = list(growth(corpus, 100, 50))

    assert [(each.articles, each.window) for each in figures] == [(50, 50), (100, 100), (150, 101)]
    assert all(each.per_second > 0 and each.ratio > 0 for each in figures)


def test_two_articles_share_as_many_words_in_any_world(corpus: Path) -> None:
    told = tellings(corpus)
    month = len(told) // MONTHS
    words = {each.article_id: {*each.title.split(), *each.text.split()} for each in news(told, 2 * len(told), days=7)}

    for one, other in pairwise(told[:month]):
        ours = words[f"0-{one.id}"] & words[f"0-{other.id}"]
        theirs = words[f"{MONTHS}-{one.id}"] & words[f"{MONTHS}-{other.id}"]
        assert len(ours) == len(theirs)
        assert ours != theirs


def test_an_article_of_another_world_is_as_long_and_names_as_much(corpus: Path) -> None:
    told = tellings(corpus)
    month = len(told) // MONTHS
    articles = {each.article_id: each for each in news(told, 2 * len(told), days=7)}

    for original in told[:month]:
        ours, theirs = articles[f"0-{original.id}"], articles[f"{MONTHS}-{original.id}"]
        assert ours.text != theirs.text
        assert len(ours.text.split()) == len(theirs.text.split())
        assert "184" in theirs.text.split()
        assert len(ours.countries) == len(theirs.countries)
