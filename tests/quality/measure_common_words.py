"""Prints ``processors/grouping/common.py`` anew from a corpus: in what share of articles the commonest words begin.

python tests/quality/measure_common_words.py ant-2018-h1.jsonl.gz > processors/grouping/common.py
"""

import gzip
import json
import sys
import textwrap
from collections import Counter
from pathlib import Path

from marsad.arabic import tokenize
from processors.grouping.features import read_words

CLASSES = (0.3, 0.2, 0.12, 0.08, 0.05, 0.035, 0.025, 0.017, 0.012, 0.0085, 0.006)
LEAST = 0.005
HEAD = '''"""How common the commonest words of Arabic news are, so that an empty window already knows what says little.

Stems in key form, in classes of the share of articles that use them in the title or the first 120 words. Measured on
{count} articles of five outlets (ANT Corpus 2.1 of A. Chouigui, O. Ben Khiroun and B. Elayeb) by
``tests/quality/measure_common_words.py``; years are left out. Without these shares the measure of likeness depends on how
full the window is; the window's own counts outweigh them within a day or two of news.
"""

from typing import Final

__all__ = ["PRIOR_SHARES", "RARE_SHARE"]

RARE_SHARE: Final = 0.0008
"""Share of articles taken for a word that is in no class."""

_CLASSES: Final[dict[float, str]] = {{'''
TAIL = """}

PRIOR_SHARES: Final[dict[str, float]] = {word: share for share, words in _CLASSES.items() for word in words.split()}
"""


def main(path: Path) -> None:
    counts: Counter[str] = Counter()
    articles = 0
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            document = json.loads(line)
            counts.update(set(read_words(tokenize(document["title"]), tokenize(document["text"])).counts))
            articles += 1
    print(HEAD.format(count=f"{articles:,}"))
    for high, low in zip((1.0, *CLASSES), (*CLASSES, LEAST), strict=True):
        words = sorted(w for w, n in counts.items() if low <= n / articles < high and not w.isdigit())
        if not words:
            continue
        mean = sum(counts[word] for word in words) / len(words) / articles
        lines_ = textwrap.wrap(" ".join(words), 108, break_long_words=False, break_on_hyphens=False)
        print(f"    {mean:.4f}: (")
        for place, text in enumerate(lines_):
            print(f'        "{text}{" " if place + 1 < len(lines_) else ""}"')
        print("    ),")
    print(TAIL, end="")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
