"""An article as queries see it: its tokens, its keywords, its time and its score. Every compiler starts from here."""

from collections.abc import Iterator
from functools import cached_property
from math import floor
from typing import Final

import msgspec

from marsad.arabic.tokens import Tokens, tokenize
from marsad.query.ast import KeywordField, TextScope
from marsad.query.fields import keyword_key
from marsad.records import Article, Evidence, TextField

__all__ = [
    "MatchDoc",
    "Segment",
    "best_score",
    "keywords",
    "order_number",
    "order_range",
    "order_second",
    "published_second",
    "segments",
]

_SALT_BITS: Final = 20
_SALTS: Final = (1 << _SALT_BITS) - 1
_OPEN: Final = 1 << 62


class Segment(msgspec.Struct, frozen=True, dict=True):
    """One stretch of running text: phrases match within it, never across its end."""

    field: TextField
    tokens: Tokens

    @cached_property
    def stems(self) -> frozenset[str]:
        """The stems that occur."""
        return frozenset(self.tokens.stems)

    @cached_property
    def positions(self) -> dict[str, list[int]]:
        """Where each key occurs, in order."""
        return _positions(self.tokens.keys)

    @cached_property
    def stem_positions(self) -> dict[str, list[int]]:
        """Where each stem occurs, in order."""
        return _positions(self.tokens.stems)


def _positions(words: tuple[str, ...]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for position, word in enumerate(words):
        found.setdefault(word, []).append(position)
    return found


def segments(article: Article) -> tuple[Segment, ...]:
    """The title, the lead where the text does not begin with it, and the text.

    Feeds give the first paragraph as summary, so that a lead that the text repeats would count every word twice.
    """
    title = Segment("title", tokenize(article.title))
    text = Segment("text", tokenize(article.text))
    lead = article.lead.strip()
    if not lead or article.text.lstrip().startswith(lead):
        return (title, text)
    tokens = tokenize(article.lead)
    if not tokens.keys or text.tokens.keys[: len(tokens)] == tokens.keys:
        return (title, text)
    return (title, Segment("lead", tokens), text)


def keywords(article: Article) -> Iterator[tuple[KeywordField, str]]:
    """Every keyword field with each of its values, in the form under which they are compared; repeats are possible."""
    for topic in article.topics:
        yield "topic", keyword_key(topic.id)
    for country in article.countries:
        yield "country", keyword_key(country.code)
    for place in article.places:
        yield "place", keyword_key(place.name)
        if place.geonames_id:
            yield "place", str(place.geonames_id)
    for entity in article.entities:
        for value in (entity.id, entity.name_ar, entity.name_en):
            yield "entity", keyword_key(value)
    for feed in article.feed_ids:
        yield "feed", keyword_key(feed)
    yield "outlet", keyword_key(article.outlet)
    yield "lang", keyword_key(article.language)
    yield "story", keyword_key(article.story_id)


def best_score(article: Article) -> float:
    """The score of its best topic; 0 where it has none."""
    return max((topic.score for topic in article.topics), default=0.0)


def published_second(article: Article) -> int:
    """The whole Unix second in which it was published: what ranges compare."""
    return floor(article.published_at.timestamp())


def order_number(article: Article) -> int:
    """One number that orders articles, the highest first, as they are listed: newest first, then by article id.

    The publication second, then 20 bits of the id, turned round. Two articles of one second share a number with chance 2^-20.
    """
    return (published_second(article) << _SALT_BITS) + _SALTS - int(article.article_id[:5], 16)


def order_range(low: int | None, high: int | None) -> tuple[int, int]:
    """The numbers of articles published from second ``low`` to second ``high``, both included; None is open."""
    lowest = -_OPEN if low is None else low << _SALT_BITS
    highest = _OPEN if high is None else ((high + 1) << _SALT_BITS) - 1
    return lowest, highest


def order_second(number: int) -> int:
    """The publication second in an article's number."""
    return number >> _SALT_BITS


_ANY: Final = "*"


class MatchDoc:
    """An article made ready once, for any number of queries.

    Attributes:
        article: the article itself.
        published: the Unix second of publication.
        score: the best topic's score.
        stories: further stories that it counts for beside its own: those that became one with that.
        segments: title, lead (where it is no part of the text) and text.
    """

    def __init__(self, article: Article, stories: tuple[str, ...] = ()) -> None:
        self.article = article
        self.stories = stories
        self.published = published_second(article)
        self.score = best_score(article)
        self.segments = segments(article)

    @classmethod
    def of(cls, article: Article, stories: tuple[str, ...] = ()) -> "MatchDoc":
        """Make an article ready for matching."""
        return cls(article, stories)

    def scoped(self, scope: TextScope) -> tuple[Segment, ...]:
        """The stretches of text that a scope covers."""
        if scope == "any":
            return self.segments
        return self.segments[:1] if scope == "title" else self.segments[1:]

    @cached_property
    def keywords(self) -> frozenset[tuple[str, str]]:
        """Field and value of each keyword, and field and ``*`` for each field that has any."""
        pairs = {(field, value) for field, value in keywords(self.article) if value}
        pairs |= {("story", keyword_key(story)) for story in self.stories}
        return frozenset(pairs | {(field, _ANY) for field, _ in pairs})

    @cached_property
    def stems(self) -> dict[str, frozenset[str]]:
        """The stems that occur in each scope."""
        title, *body = (segment.stems for segment in self.segments)
        text = body[0].union(*body[1:])
        return {"title": title, "text": text, "any": title | text}

    @cached_property
    def evidence(self) -> dict[tuple[str, str], tuple[Evidence, ...]]:
        """For topics, countries and entities, by field and value: the words that spoke for them."""
        found: dict[tuple[str, str], tuple[Evidence, ...]] = {}
        for topic in self.article.topics:
            found["topic", keyword_key(topic.id)] = topic.evidence
        for country in self.article.countries:
            found["country", keyword_key(country.code)] = country.evidence
        for entity in self.article.entities:
            for value in (entity.id, entity.name_ar, entity.name_en):
                found["entity", keyword_key(value)] = entity.evidence
        return found
