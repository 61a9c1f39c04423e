from pathlib import Path
from typing import Any

import pytest

from marsad.errors import StoreError
from marsad.query import parse
from marsad.testing.factories import NOW, an_article
from marsad.testing.query_contracts import REFUSED
from marsad_app.embedded.database import Database
from marsad_app.embedded.search import SqliteSearch
from marsad_app.embedded.store import open_store


@pytest.mark.parametrize(("query", "told"), REFUSED)
def test_a_query_out_of_bounds_is_told_in_one_line(marsad: Any, query: str, told: str) -> None:
    *shown, sentence = marsad("search", "--", query, status=1).err.rstrip().splitlines()

    assert told in sentence
    assert len(sentence) < 300
    assert [len(line) <= 122 for line in shown] == [True, True]
    assert shown[1].strip() == "^"


@pytest.mark.parametrize("option", ["--offset=10001", "--limit=101", "--offset=-1"])
def test_a_page_out_of_bounds_is_refused(marsad: Any, option: str) -> None:
    assert f"Invalid value for '{option.partition('=')[0]}'" in marsad("search", "خبر", option, status=2).err


def test_a_search_that_takes_too_long_is_given_up_and_the_next_one_is_answered(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.articles.put_articles([an_article(article_id=f"{number:032}", title="خبر مهم") for number in range(2_000)])
    store.close()
    node = parse("خبر OR مهم", now=NOW)
    database = Database(tmp_path / "marsad.db")
    try:
        with pytest.raises(StoreError, match="took too long and was given up"):
            SqliteSearch(database, patience_s=0).search(node)
        with pytest.raises(StoreError, match="took too long and was given up"):
            SqliteSearch(database, patience_s=0).facets(node, ["day"])
        assert SqliteSearch(database).search(node).total == 2_000
    finally:
        database.close()
