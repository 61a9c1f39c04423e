"""What of an article is compared with others: weighted words near its beginning, shingles of its whole text, numbers."""

import re
from array import array
from collections import Counter
from functools import lru_cache
from typing import Final, NamedTuple
from zlib import crc32

import numpy as np

from marsad.arabic import Tokens, tokenize
from marsad.arabic.months import month_word
from marsad.records import Article
from processors.grouping.genre import is_comment

__all__ = ["Document", "Setting", "Words", "read_article", "read_words", "setting_of", "shingles_of"]

_TITLE_WEIGHT: Final = 3
_BEGINNING: Final = 120
"""Tokens of the text whose words count: who did what where stands there, background stands below."""
_LEAD: Final = 60
_SHINGLE: Final = 4
_NUMBERS: Final = 250
_YEAR: Final = re.compile(r"(?:1[34]\d\d|19\d\d|20\d\d)[هم]?")
_CALENDAR: Final = frozenset({"الموافق", "ميلادي", "ميلاديه", "هجري", "هجريه"})
_MAX_TOKENS: Final = 5_000
_MAX_CHARS: Final = 8_000
"""Of the text that is compared: 99 in 100 articles are shorter, and a copy of a longer one shows in its beginning."""
_CACHE_SIZE: Final = 1 << 17


class Setting(NamedTuple):
    """Where an article plays, as far as the gazetteer knows it, and who published it. Empty: nobody looked, or none is named."""

    countries: frozenset[str] = frozenset()
    actors: frozenset[str] = frozenset()
    """Those of the countries that act in it."""
    places: frozenset[str] = frozenset()
    outlet: str = ""
    comment: bool = False
    """It comments on events and does not report one."""


NOWHERE: Final = Setting()


def setting_of(article: Article) -> Setting:
    """Read the setting off a tagged article."""
    return _settings(
        tuple(country.code for country in article.countries),
        tuple(country.code for country in article.countries if country.role == "actor"),
        tuple(place.name for place in article.places),
        article.outlet,
        is_comment(article.title, article.text or article.lead),
    )


@lru_cache(maxsize=1 << 14)
def _settings(
    countries: tuple[str, ...],
    actors: tuple[str, ...],
    places: tuple[str, ...],
    outlet: str,
    comment: bool,
) -> Setting:
    """Kept for the next article that plays there: a window of many articles has few settings."""
    return Setting(frozenset(countries), frozenset(actors or countries), frozenset(places), outlet, comment)


class Words:
    """The counted words of one article, before they are weighed."""

    __slots__ = ("counts", "lead", "numbers", "shingles", "title")

    def __init__(
        self,
        counts: dict[str, int],
        title: tuple[str, ...],
        lead: tuple[str, ...],
        numbers: tuple[str, ...],
        shingles: "array[int]",
    ) -> None:
        self.counts = counts
        self.title = title
        self.lead = lead
        self.numbers = numbers
        self.shingles = shingles


class Document:
    """An article in the window. Kept small, in tuples and arrays: a busy week has hundreds of thousands.

    Attributes:
        words: Its heaviest words, heaviest first.
        weights: Their weights in the same order, of length one together.
        title: Words of the title.
        title_rarities: Their rarities in the same order.
        title_weight: The sum of those.
        lead: Words of title and lead.
        numbers: Different numbers in title and text.
        setting: Where it plays and who published it.
        story: Its story.
        filed: The story that it was given at first: its readers know it there, also where that story has gone on in another.
        root: The article that it is a copy of, or its own id.
        mark: The latest publication time when it came: it leaves the window by that.
        before: How much it is like what was told days before it came; None where that is not known.
    """

    __slots__ = (
        "at",
        "before",
        "filed",
        "key",
        "lead",
        "mark",
        "number",
        "numbers",
        "root",
        "setting",
        "shingles",
        "story",
        "title",
        "title_rarities",
        "title_weight",
        "weights",
        "words",
    )

    def __init__(self, key: str, number: int, at: float, mark: float) -> None:
        self.key = key
        self.number = number
        self.at = at
        self.mark = mark
        self.before: float | None = 0.0
        self.setting = NOWHERE
        self.story = ""
        self.filed = ""
        self.root = key
        self.words: tuple[str, ...] = ()
        self.weights: array[float] = array("d")
        self.title: tuple[str, ...] = ()
        self.title_rarities: array[float] = array("d")
        self.title_weight = 0.0
        self.lead: tuple[str, ...] = ()
        self.numbers: tuple[str, ...] = ()
        self.shingles: array[int] = array("I")


class _Dates(dict[str, bool]):
    """Which keys are words of a date.

    When something happened is no sign of what happened: two articles that both write the day after two calendars share four
    words that few others have, and nothing else.
    """

    def __missing__(self, key: str) -> bool:
        if len(self) >= _CACHE_SIZE:
            self.clear()
        value = month_word(key) is not None or key in _CALENDAR or _YEAR.fullmatch(key) is not None
        self[key] = value
        return value


_DATES: Final = _Dates()


class _WordHashes(dict[str, int]):
    """CRC-32 of words: the same on every machine and in every run, which Python's own hash is not."""

    def __missing__(self, word: str) -> int:
        if len(self) >= _CACHE_SIZE:
            self.clear()
        value = self[word] = crc32(word.encode("utf-8", "surrogatepass"))
        return value


_HASHES: Final = _WordHashes()


def read_article(article: Article, tokens: Tokens | None = None) -> Words:
    """Count the words of an article.

    Args:
        article: Clean.
        tokens: Tokens of its text, where they are known already.
    """
    if tokens is None:
        tokens = tokenize((article.text or article.lead)[:_MAX_CHARS])
    return read_words(tokenize(article.title), tokens)


def read_words(title: Tokens, text: Tokens) -> Words:
    """Count the words of an article.

    Args:
        title: Tokens of its title.
        text: Tokens of its text, boilerplate off.
    """
    title_stems = _content(title, 0, len(title.stems))
    lead_stems = _content(text, 0, _LEAD)
    counts = Counter((*title_stems * _TITLE_WEIGHT, *lead_stems, *_content(text, _LEAD, _BEGINNING)))
    lead = tuple(dict.fromkeys((*title_stems, *lead_stems)))
    numbers = tuple(dict.fromkeys(key for key in (*title.keys, *text.keys[:_NUMBERS]) if key.isdigit()))
    return Words(counts, tuple(dict.fromkeys(title_stems)), lead, numbers, shingles_of(text.keys))


def _content(tokens: Tokens, begin: int, end: int) -> list[str]:
    """The stems of some tokens that may say what an article is about."""
    return [
        stem
        for key, stem in zip(tokens.keys[begin:end], tokens.stems[begin:end], strict=True)
        if len(stem) > 1 and not _DATES[key]
    ]


def shingles_of(keys: tuple[str, ...]) -> "array[int]":
    """Return the different runs of four words of a text as 32-bit hashes, in ascending order.

    A text of fewer words is one shingle. Word 4-grams tell copies from reports in their own words on Arabic news. Python
    hashes tuples of integers alike in every run; the hashes are compared within one process only. Two texts of 250
    different shingles each share one by chance once in 70,000 pairs, which moves their likeness by less than a hundredth.
    """
    hashes = list(map(_HASHES.__getitem__, keys[:_MAX_TOKENS]))
    if not hashes:
        return array("I")
    runs = zip(hashes, hashes[1:], hashes[2:], hashes[3:], strict=False) if len(hashes) >= _SHINGLE else [tuple(hashes)]
    found = np.fromiter(map(hash, runs), np.int64).astype(np.uintc)
    found.sort()
    return array("I", found[np.append(True, found[1:] != found[:-1])].tobytes())
