"""How common the commonest words of Arabic news are, so that an empty window already knows what says little.

``common_words.txt`` holds stems in key form, in classes of the share of articles that use them in the title or the first
120 words. Measured on 22,010 articles of five outlets (ANT Corpus 2.1 of A. Chouigui, O. Ben Khiroun and B. Elayeb) by
``tests/quality/measure_common_words.py``; numbers are left out, for which their length speaks. Without these shares the
measure of likeness depends on how full the window is; the window's own counts outweigh them within a week of news.
"""

from importlib import resources
from typing import Final

__all__ = ["prior_share"]

_RARE: Final = 0.0008
"""Share of articles taken for a word that is in no class."""
_NUMBERS: Final = {1: 0.05, 2: 0.009}
"""Share of articles taken for a number of so many digits: any number of two digits is in one of 110."""


def _read(lines: list[str]) -> dict[str, float]:
    shares: dict[str, float] = {}
    share = 0.0
    for line in lines:
        if line.startswith("= "):
            share = float(line[2:])
        else:
            shares |= dict.fromkeys(line.split(), share)
    return shares


_SHARES: Final = _read((resources.files(__package__) / "common_words.txt").read_text("utf-8").splitlines())


def prior_share(word: str) -> float:
    """The share of articles that use a word near their beginning, before a window has counted any."""
    if word.isdigit():
        return _NUMBERS.get(len(word), _RARE)
    return _SHARES.get(word, _RARE)
