"""What should be delivered, found the slow way: every query against every article, word by word, without the matcher's compilers.

It shares with the matcher the grammar of queries and the analysis of words, which are definitions, and nothing else.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import cache
from statistics import median
from typing import Final

import msgspec

from marsad.arabic import proclitic_forms
from marsad.query import Node, parse
from marsad.query.ast import And, Keyword, MatchAll, Not, Or, Phrase, Range, TextScope, Wildcard, Word
from marsad.query.document import best_score, keywords, published_second, segments
from marsad.query.fields import keyword_key
from marsad.records import Article, Subscription, Trigger
from marsad.records.ids import alert_id
from marsad.taxonomy.synonyms import other_names
from processors.article_stream import News

__all__ = ["Sent", "Told", "expected", "holds", "told_of"]

_AN_HOUR: Final = timedelta(hours=1)
_forms = cache(proclitic_forms)
_key = cache(keyword_key)

Told = tuple[str, str, str]
"""Reason, and the story, the article or the spike that it is about; what a subscription is to be told once."""


class _View:
    """An article as lists of words."""

    def __init__(self, article: Article) -> None:
        title, *body = ([list(each.tokens.keys), list(each.tokens.stems)] for each in segments(article))
        self.title = [title]
        self.body = body
        self.pairs = {(field, value) for field, value in keywords(article) if value}
        self.published = published_second(article)
        self.score = best_score(article)

    def texts(self, scope: TextScope) -> list[list[list[str]]]:
        """Keys and stems of each stretch of text."""
        return {"title": self.title, "text": self.body, "any": self.title + self.body}[scope]


def holds(node: Node, view: _View) -> bool:  # noqa: PLR0911  # one for each kind of node
    """Whether an article is one that the query means."""
    match node:
        case MatchAll():
            return True
        case And():
            return all(holds(part, view) for part in node.parts)
        case Or():
            return any(holds(part, view) for part in node.parts)
        case Not():
            return not holds(node.part, view)
        case Keyword():
            return any(
                (field == node.field and node.value == "*") or (field, value) == (node.field, _key(node.value))
                for field, value in view.pairs
            )
        case Range():
            return _within(node, view)
        case Word():
            return any(node.stem in stems for _, stems in view.texts(node.scope))
        case Wildcard():
            pattern = re.compile("".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in node.pattern))
            return any(pattern.fullmatch(key) for keys, _ in view.texts(node.scope) for key in keys)
        case Phrase():
            return any(_stands(node, keys) for keys, _ in view.texts(node.scope))


def _within(node: Range, view: _View) -> bool:
    value = view.published if node.field == "published" else view.score
    low, high = (each.timestamp() if isinstance(each, datetime) else each for each in (node.low, node.high))
    above = low is None or value > low or (node.include_low and value == low)
    below = high is None or value < high or (node.include_high and value == high)
    return above and below


def _stands(node: Phrase, keys: list[str]) -> bool:
    """Try every place of the first word, and from each every place of the next."""
    firsts = _forms(node.keys[0])
    room = len(node.keys) - 1 + node.slop

    def goes_on(at: int, rest: tuple[str, ...], end: int) -> bool:
        if not rest:
            return True
        return any(
            keys[place] == rest[0] and goes_on(place, rest[1:], end)
            for place in range(at + 1, min(end, len(keys) - 1) + 1)
        )

    return any(key in firsts and goes_on(at, node.keys[1:], at + room) for at, key in enumerate(keys))


class _Burst:
    """All hits of a subscription by the hour, gone through anew for each of them."""

    def __init__(self, subscription: Subscription) -> None:
        self._one = subscription
        self._hours: Counter[datetime] = Counter()
        self._articles: set[str] = set()
        self._far_above: list[datetime] = []

    def see(self, article: Article) -> str:
        """The id of the spike that begins with an article, or nothing."""
        hour, seen, began = (
            each.replace(minute=0, second=0, microsecond=0)
            for each in (min(article.published_at, article.first_seen_at), article.first_seen_at, self._one.created_at)
        )
        if article.article_id in self._articles or hour < began:
            return ""
        self._articles.add(article.article_id)
        self._hours[hour] += 1
        span = timedelta(hours=self._one.spike_hours)
        if seen - hour > span or not self._is_far_above(hour, began, span):
            return ""
        going_on = any(abs(hour - each) <= timedelta(hours=12) for each in self._far_above)
        self._far_above.append(hour)
        return "" if going_on else alert_id(self._one.id, "spike", f"spike:{hour.isoformat()}")

    def _within(self, end: datetime, span: timedelta) -> int:
        return sum(self._hours[end - back * _AN_HOUR] for back in range(span // _AN_HOUR))

    def _is_far_above(self, hour: datetime, began: datetime, span: timedelta) -> bool:
        day, whole = timedelta(days=1), hour - span + timedelta(hours=1) - began
        if whole < 2 * day:
            return False
        same = [self._within(hour - number * day, span) for number in range(1, min(14, whole // day) + 1)]
        before = same
        if whole < 7 * day:
            ends = [hour - number * span for number in range(1, 400) if hour - (number + 1) * span >= began - _AN_HOUR]
            before = [self._within(end, span) for end in ends]
        usual = max(median(same), median(before))
        stray = max(1.4826 * median(abs(each - usual) for each in before), 0.0)
        if whole >= 14 * day:
            usual = max(usual, min(same[6], same[13]))
        return bool(self._within(hour, span) >= max(5, 3 * usual, usual + 5 * max(stray, usual**0.5)))


class _Told:
    """One subscription, and what it was told."""

    def __init__(self, subscription: Subscription, now: datetime) -> None:
        self.subscription = subscription
        self.node = parse(subscription.query, now=now, names=other_names)
        self.told: set[Told] = set()
        self._burst = _Burst(subscription) if Trigger.SPIKE in subscription.triggers else None

    def see(self, news: News, view: _View, before: _View | None) -> None:
        """Note what an article raises."""
        one, article, story = self.subscription, news.article, news.story
        matches = holds(self.node, view)
        matched = before is not None and holds(self.node, before)
        story_id = story.story_id
        if self._burst is not None and matches and not matched:
            begun = self._burst.see(article)
            self.told |= {(one.id, Trigger.SPIKE.value, begun)} if begun else set()
        reasons = {
            (Trigger.NEW_ARTICLE, article.article_id): matches and not matched,
            (Trigger.NEW_STORY, story_id): matches and not matched,
            (Trigger.STORY_OUTLETS, story_id): matches and len(story.outlets) >= one.story_outlets,
            (Trigger.STORY_COUNTRIES, story_id): matches and len(story.countries) >= one.story_countries,
            (Trigger.CORRECTION, article.article_id): matched,
        }
        self.told |= {
            (one.id, reason.value, subject)
            for (reason, subject), fired in reasons.items()
            if fired and reason in one.triggers
        }


def expected(news: Iterable[News], subscriptions: Iterable[Subscription], now: datetime) -> dict[str, set[Told]]:
    """By subscription, all that it is to be told."""
    desks = [_Told(one, now) for one in subscriptions]
    for each in news:
        view = _View(each.article)
        before = _View(each.previous) if each.previous is not None else None
        for desk in desks:
            desk.see(each, view, before)
    return {desk.subscription.id: desk.told for desk in desks}


class Sent(msgspec.Struct):
    """An alert as a receiver wrote it down."""

    subscription: str
    reason: str
    story: str
    article: str
    alert: str = ""


_ABOUT_ARTICLES = frozenset({Trigger.NEW_ARTICLE.value, Trigger.CORRECTION.value})


def told_of(alerts: Iterable[Sent]) -> Iterator[Told]:
    """What alerts tell, to be held against what was expected."""
    for alert in alerts:
        if alert.reason == Trigger.SPIKE:
            yield alert.subscription, alert.reason, alert.alert
        else:
            yield alert.subscription, alert.reason, alert.article if alert.reason in _ABOUT_ARTICLES else alert.story
