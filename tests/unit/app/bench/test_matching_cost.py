"""The bench of matching measures what it says: alerts of queries that match, for articles of any kind."""

from pathlib import Path
from random import Random

from marsad.query import MatchDoc, matches, parse
from marsad.testing.factories import NOW
from marsad.testing.queries import sample_articles
from marsad_app.bench.matching import a_query, cost, with_made_tags

SENTENCES = (Path(__file__).parents[3] / "recorded/query/sentences.txt").read_text(encoding="utf-8").splitlines()


def test_what_is_measured_are_the_alerts_of_a_loop_over_the_queries() -> None:
    random = Random(3)
    articles = with_made_tags(list(sample_articles(SENTENCES, 20, seed=2)), random)
    queries = [a_query([each.title for each in articles], random) for _ in range(60)]
    # Of what speaks of now the bench says when that is.
    queries = [query for query in queries if "now" not in query]

    found = cost(articles, queries)

    nodes = [parse(query, now=NOW) for query in queries]
    wanted = sum(matches(node, MatchDoc.of(article)) for article in articles for node in nodes)
    assert wanted > 0
    assert found.alerts * len(articles) == wanted
    assert found.subscriptions == len(queries)
    assert min(found.match_ms, found.finding_ms, found.loop_ms) > 0
