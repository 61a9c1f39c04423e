"""What an article costs in ever larger windows: grouping over a corpus that is multiplied, all of it within one window.

python tests/quality/bench_group_growth.py ant-2018-h1.jsonl.gz --articles 300000

Each further round of the corpus tells of other events: words of five letters and more, most of which are names and topics,
get an ending of that round. The share of common words stays as it is.
"""

import argparse
import gzip
import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from marsad.records import Article
from processors.group import Grouper

_WORD = re.compile(r"\w{5,}")
_ENDINGS = "بتثجحخدذرزسشصضطظعغفقكلمنهو"
_START = datetime(2024, 1, 1, tzinfo=UTC)


def articles(path: Path, number: int, span: timedelta) -> Iterator[Article]:
    """That many articles, spread evenly over a span."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        corpus = [json.loads(line) for line in lines]
    for place in range(number):
        again, index = divmod(place, len(corpus))
        document = corpus[index]
        ending = _ENDINGS[again % len(_ENDINGS)] if again else ""
        title, text = (_WORD.sub(rf"\g<0>{ending}", document[name]) for name in ("title", "text"))
        at = _START + span * place / number
        yield Article(
            article_id=f"{again}-{document['id']}",
            title=title,
            text=text[:4_000],
            outlet=document["source"],
            published_at=at,
            first_seen_at=at,
        )


def main() -> None:
    """Print the cost by size of the window."""
    parser = argparse.ArgumentParser()
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--articles", type=int, default=300_000)
    parser.add_argument("--every", type=int, default=25_000)
    arguments = parser.parse_args()
    grouper, used = Grouper(days=7), 0.0
    for number, article in enumerate(articles(arguments.corpus, arguments.articles, timedelta(days=6.9)), start=1):
        began = time.process_time()
        grouper.assign(article)
        used += time.process_time() - began
        if number % arguments.every == 0:
            rate = arguments.every / used
            print(
                f"{len(grouper):>8} articles in the window: {1e3 / rate:.2f} ms an article, {rate:.0f} a second",
                flush=True,
            )
            used = 0.0


if __name__ == "__main__":
    main()
