"""Why two articles are one story or copies of one text, or why not: every sign with what it weighs."""

from collections.abc import Sequence
from typing import Final

import msgspec

from marsad.records import Article
from processors.grouping.features import Document, read_article, setting_of
from processors.grouping.judge import Comparer, copy_odds, copy_terms, event_odds, event_terms, told_before
from processors.grouping.window import Window

__all__ = ["Explanation", "explain"]

_ENDLESS: Final = 1e12
_WORDS: Final = 10


class Explanation(msgspec.Struct, frozen=True):
    """What speaks for and against. All odds are logarithms: 0 is even, 2.2 is nine to one."""

    copy: float
    """Log odds of a copy."""
    copy_signs: dict[str, float]
    """What each sign adds; empty where the two share no text."""
    event: float
    """Log odds of one event."""
    event_signs: dict[str, float]
    words: tuple[str, ...]
    """Stems in the beginning of both, rarest first."""
    countries: tuple[str, ...]
    """That both name."""
    places: tuple[str, ...]
    numbers: tuple[str, ...]
    hours: float
    """From one to the other."""


def explain(one: Article, other: Article, among: Sequence[Article] = ()) -> Explanation:
    """Judge a pair as grouping does.

    Args:
        one: an article with its tags.
        other: another one.
        among: further articles that say how rare words are and what was told before; grouping knows those of a week or two.
    """
    window = Window(_ENDLESS)
    for article in among:
        window.add(_entered(window, article)[0])
    first, _ = _judged(window, one)
    window.add(first)
    second, rarities = _judged(window, other)
    likeness = Comparer(second, rarities).compare(first)
    copied = copy_odds(likeness)
    shared = set(first.lead) & set(second.lead)
    settings = setting_of(one), setting_of(other)
    return Explanation(
        copy=copied,
        copy_signs=copy_terms(likeness) if likeness.contained else {},
        event=event_odds(likeness),
        event_signs=event_terms(likeness),
        words=tuple(sorted(shared, key=lambda word: (-rarities[word], word))[:_WORDS]),
        countries=tuple(sorted(settings[0].countries & settings[1].countries)),
        places=tuple(sorted(settings[0].places & settings[1].places)),
        numbers=tuple(sorted({*first.numbers} & {*second.numbers})),
        hours=abs(second.at - first.at) / 3_600,
    )


def _judged(window: Window, article: Article) -> tuple[Document, dict[str, float]]:
    document, rarities = _entered(window, article)
    comparer = Comparer(document, rarities)
    document.before = told_before(comparer, window.candidates(document), window.reaches(document))
    return document, rarities


def _entered(window: Window, article: Article) -> tuple[Document, dict[str, float]]:
    document = window.new_document(article.article_id, article.published_at.timestamp())
    document.setting = setting_of(article)
    return document, window.fill(document, read_article(article))
