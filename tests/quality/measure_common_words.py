"""Prints ``processors/grouping/common_words.txt`` anew from a corpus: in what share of articles the commonest words begin.

python tests/quality/measure_common_words.py ant-2018-h1.jsonl.gz > processors/grouping/common_words.txt
"""

import gzip
import json
import sys
import textwrap
from collections import Counter
from pathlib import Path

from marsad.arabic import tokenize
from processors.grouping.features import read_words

CLASSES = (0.3, 0.2, 0.12, 0.08, 0.05, 0.035, 0.025, 0.017, 0.012, 0.0085, 0.006, 0.0042, 0.003, 0.0021, 0.0015)
LEAST = 0.001


def main(path: Path) -> None:
    counts: Counter[str] = Counter()
    articles = 0
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            document = json.loads(line)
            counts.update(set(read_words(tokenize(document["title"]), tokenize(document["text"])).counts))
            articles += 1
    for high, low in zip((1.0, *CLASSES), (*CLASSES, LEAST), strict=True):
        words = sorted(w for w, n in counts.items() if low <= n / articles < high and not w.isdigit())
        if not words:
            continue
        mean = sum(counts[word] for word in words) / len(words) / articles
        print(f"= {mean:.4f}")
        print("\n".join(textwrap.wrap(" ".join(words), 120, break_long_words=False, break_on_hyphens=False)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
