"""What matching costs: milliseconds of processor time an article with 1 to 100,000 subscriptions, beside a loop over all queries.

Run as ``python tests/quality/bench_match.py`` (``MARSAD_EVAL_DATA``). Three tables: articles as the pipeline tags them; the same
with two topics and two countries of a few each, so that queries for these match more often; and that with no two queries alike.
"""

from collections.abc import Sequence
from random import Random

from marsad.config import eval_data_dir
from marsad.records import Article
from marsad_app.bench.matching import COUNTS, a_query, cost, sample, with_made_tags

_HEADS = (
    "subscriptions",
    "compile s",
    "ms/article",
    "finding ms",
    "loop ms",
    "candidates",
    "alerts",
    "change ms",
    "MB",
)


def main() -> None:
    """Print the tables."""
    random = Random(11)
    articles, titles = sample(eval_data_dir())
    made = with_made_tags(articles, random)
    for name, news in (("tags of the pipeline", articles), ("made tags", made)):
        print(f"{name}, {len(news)} articles:\n" + " ".join(f"{head:>13}" for head in _HEADS))
        for count in COUNTS:
            print_row(news, [a_query(titles, random) for _ in range(count)])
    print("made tags, no two queries alike:")
    distinct: dict[str, None] = {}
    for _ in range(4_000_000):
        distinct[a_query(titles, random)] = None
        if len(distinct) == COUNTS[-1]:
            break
    print_row(made, list(distinct))


def print_row(articles: Sequence[Article], queries: Sequence[str]) -> None:
    """Match all articles against so many subscriptions and print what it took."""
    found = cost(articles, queries)
    figures = (
        f"{found.subscriptions:,}",
        *(f"{each:.2f}" for each in (found.compile_s, found.match_ms, found.finding_ms, found.loop_ms)),
        *(f"{each:.1f}" for each in (found.candidates, found.alerts, found.change_ms)),
        f"{found.memory_mb:.0f}",
    )
    print(" ".join(f"{figure:>13}" for figure in figures), flush=True)


if __name__ == "__main__":
    main()
