"""What a set of topics would make of articles, topic by topic: for dry runs in the command line and on the page."""

from collections.abc import Iterable
from typing import Final

import msgspec

from marsad.records import Article
from marsad.taxonomy import Taxonomy, analyse
from processors.tag import Tagger

__all__ = ["Shown", "Trial", "tried"]

NEAR_MISS: Final = 0.7
"""The score from which an article that does not get the topic is a near miss; at 1.0 it would get it."""
_WORDS: Final = 6


class Shown(msgspec.Struct, frozen=True):
    """An article as an example."""

    article_id: str
    title: str
    score: float
    words: tuple[str, ...] = ()
    """Those that spoke for the topic, as its file names them."""


class Trial(msgspec.Struct, frozen=True):
    """The outcome. Of each kind the first articles are shown, of the near misses the nearest."""

    topic: str
    articles: int
    given: int
    """How many get the topic."""
    kept_count: int
    """How many of these had it before."""
    gained_count: int
    lost_count: int
    near_count: int
    gained: tuple[Shown, ...] = ()
    lost: tuple[Shown, ...] = ()
    kept: tuple[Shown, ...] = ()
    near: tuple[Shown, ...] = ()


def tried(topic_id: str, taxonomy: Taxonomy, articles: Iterable[Article], limit: int) -> Trial:
    """Tag articles anew, and store nothing.

    Args:
        topic_id: the topic that is looked at.
        taxonomy: all topics, since one that is far behind an article's best is not given.
        articles: with the topics that they have now.
        limit: examples of each kind.
    """
    tagger = Tagger(taxonomy)
    counts = dict.fromkeys(("articles", "kept", "gained", "lost", "near"), 0)
    shown: dict[str, list[Shown]] = {"kept": [], "gained": [], "lost": [], "near": []}
    for article in articles:
        counts["articles"] += 1
        before = next((tag.score for tag in article.topics if tag.id == topic_id), None)
        kind, example = _judged(topic_id, tagger, article, before)
        if kind:
            counts[kind] += 1
            if kind == "near" or len(shown[kind]) < limit:
                shown[kind].append(example)
        if before is not None and kind in {"near", ""}:
            counts["lost"] += 1
            if len(shown["lost"]) < limit:
                shown["lost"].append(msgspec.structs.replace(example, score=before))
        if len(shown["near"]) > 2 * limit:
            shown["near"] = _nearest(shown["near"], limit)
    return Trial(
        topic_id,
        counts["articles"],
        counts["kept"] + counts["gained"],
        counts["kept"],
        counts["gained"],
        counts["lost"],
        counts["near"],
        gained=tuple(shown["gained"]),
        lost=tuple(shown["lost"]),
        kept=tuple(shown["kept"]),
        near=tuple(_nearest(shown["near"], limit)),
    )


def _judged(topic_id: str, tagger: Tagger, article: Article, before: float | None) -> tuple[str, Shown]:
    """Return whether the article keeps or gains the topic, nearly has it, or nothing, and how it would be shown."""
    analysed = analyse(article.title, article.lead, article.text)
    score = tagger.final_scores(analysed).get(topic_id, 0.0)
    example = Shown(article.article_id, article.title, round(score, 3))
    if score >= NEAR_MISS:
        example = msgspec.structs.replace(example, words=_words(tagger, topic_id, article))
    if score >= 1 and any(tag.id == topic_id for tag in tagger.tag_analysed(analysed)):
        return ("gained" if before is None else "kept"), example
    return ("near" if score >= NEAR_MISS else ""), example


def _words(tagger: Tagger, topic_id: str, article: Article) -> tuple[str, ...]:
    found = tagger.words(topic_id, analyse(article.title, article.lead, article.text))
    return tuple(dict.fromkeys(hit.term for hit in found))[:_WORDS]


def _nearest(examples: list[Shown], limit: int) -> list[Shown]:
    return sorted(examples, key=lambda example: -example.score)[:limit]
