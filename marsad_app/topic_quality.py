"""How well topics are given, against articles whose topics are known: precision, recall, confusion, the worst errors."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from marsad.records import Article
from marsad.taxonomy import analyse
from processors.tag import Tagger

__all__ = ["Counts", "Fault", "Quality", "count", "judged", "ratios"]

Counts = Counter[str]
"""``tp`` given rightly, ``fp`` given wrongly, ``fn`` missed."""

_FAULTS_KEPT: Final = 2_000


class Fault(msgspec.Struct, frozen=True):
    """A topic that an article should not have got, or should have."""

    topic: str
    kind: str
    """``given`` or ``missed``."""
    score: float
    by: float
    """How far the score is on the wrong side of the threshold."""
    article_id: str
    title: str
    words: tuple[str, ...]


class Quality(msgspec.Struct, frozen=True):
    """What came of it."""

    articles: int
    topics: dict[str, Counts]
    confused: list[tuple[str, str, int]]
    """A topic that was missed, one that was given wrongly to the same article, and how often; most often first."""
    faults: list[Fault]
    """Worst first."""

    def total(self) -> Counts:
        """The counts of all topics together."""
        total = Counts()
        for counts in self.topics.values():
            total.update(counts)
        return total

    def macro_f1(self) -> float:
        """The mean of the topics' F1."""
        return sum(ratios(counts)[2] for counts in self.topics.values()) / len(self.topics) if self.topics else 0.0


def count(counts: dict[str, Counts], meant: set[str], found: set[str]) -> None:
    """Add one article to the counts of every topic."""
    for outcome, topics in (("tp", meant & found), ("fp", found - meant), ("fn", meant - found)):
        for topic in topics:
            counts.setdefault(topic, Counts())[outcome] += 1


def ratios(counts: Mapping[str, int]) -> tuple[float, float, float]:
    """Return precision, recall and F1."""
    right, found, meant = counts.get("tp", 0), counts.get("fp", 0), counts.get("fn", 0)
    found, meant = found + right, meant + right
    return (
        right / found if found else 0.0,
        right / meant if meant else 0.0,
        2 * right / (found + meant) if found + meant else 0.0,
    )


def judged(tagger: Tagger, articles: Iterable[Article]) -> Quality:
    """Tag articles and compare with the topics that they carry.

    Args:
        tagger: the topics.
        articles: each with the topics that it should get.
    """
    counts: dict[str, Counts] = {}
    confused: Counter[tuple[str, str]] = Counter()
    faults: list[Fault] = []
    number = 0
    for article in articles:
        number += 1
        analysed = analyse(article.title, article.lead, article.text)
        meant, found = {tag.id for tag in article.topics}, {tag.id for tag in tagger.tag_analysed(analysed)}
        count(counts, meant, found)
        confused.update((missed, given) for missed in meant - found for given in found - meant)
        if meant != found:
            scores = tagger.final_scores(analysed)
            faults += [_fault(topic, scores.get(topic, 0.0), article, tagger) for topic in meant ^ found]
        if len(faults) > 2 * _FAULTS_KEPT:
            faults = _worst(faults)
    return Quality(
        number, dict(sorted(counts.items())), [(*pair, n) for pair, n in confused.most_common()], _worst(faults)
    )


def _fault(topic: str, score: float, article: Article, tagger: Tagger) -> Fault:
    missed = any(tag.id == topic for tag in article.topics)
    words = tagger.words(topic, analyse(article.title, article.lead, article.text))
    return Fault(
        topic,
        "missed" if missed else "given",
        round(score, 3),
        round(abs(score - 1.0), 3),
        article.article_id,
        article.title,
        tuple(dict.fromkeys(hit.term for hit in words))[:8],
    )


def _worst(faults: list[Fault]) -> list[Fault]:
    return sorted(faults, key=lambda fault: (-fault.by, fault.article_id, fault.topic))[:_FAULTS_KEPT]
