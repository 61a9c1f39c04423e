"""Matches each article against all subscriptions at once, and says which alerts that raises.

Queries are compiled once. From each a set of terms is taken of which an article must have at least one (the rarest part
of a conjunction, all branches of a disjunction), and an index from these terms finds the few queries that an article can
match at all; only they are evaluated. Subscriptions with the same query share it.

Which alerts are new is not decided here: ids are deterministic, and the ledger takes each once.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Final

import msgspec

from marsad.errors import QueryError
from marsad.query import MatchDoc, Node, compile_predicate, parse, spans
from marsad.query.ast import has_range
from marsad.query.parse import Resolve
from marsad.query.predicate import Predicate
from marsad.query.required import RequiredTerms, TermIndex, required_terms
from marsad.records import ABOUT_FEEDS, Alert, Article, Story, Subscription, Trigger
from marsad.records.ids import alert_id, story_root
from marsad.taxonomy.synonyms import other_names

__all__ = ["Matcher", "Problem"]

_MOST_EVIDENCE: Final = 8
_LONGEST_EVIDENCE: Final = 120
# Relative times are read anew when they are this old; finer than any feed is polled.
_NOW_GRAIN: Final = timedelta(minutes=1)
# A query that reads otherwise after this time speaks of now.
_LATER: Final = timedelta(days=400)


class Problem(msgspec.Struct, frozen=True):
    """A subscription that cannot be matched, and why."""

    subscription_id: str
    name: str
    reason: str
    position: int
    """Where in its query reading failed."""


class _Query(msgspec.Struct, frozen=True):
    """One query with all who subscribed to it."""

    node: Node
    predicate: Predicate
    required: RequiredTerms | None
    """One of these must be in the article; None where any article may match."""
    relative: bool
    """It speaks of now: its bounds move."""


class _Match(msgspec.Struct, frozen=True):
    """What one article has to do with one query."""

    doc: MatchDoc | None
    """The article as it is now, where that matches."""
    before: MatchDoc | None
    """Its previous revision, where that matched."""


class _News:
    """What is the same in all alerts that one article raises."""

    def __init__(self, article: Article, story: Story, previous: Article | None, now: datetime) -> None:
        self.article = article
        self.story = story
        self.previous = previous
        self.now = now
        self.topics = tuple(topic.id for topic in article.topics)
        self.countries = tuple(country.code for country in article.countries)


class Matcher:
    """All subscriptions, ready for articles.

    Args:
        subscriptions: those that are enabled; others are passed over.
        now: the instant that relative times in queries start from until the first article.
        resolve: names of topics and countries, as for ``marsad.query.parse``.
        reuse: an earlier matcher, whose queries need not be compiled again.

    Attributes:
        problems: the subscriptions whose query cannot be understood (any more); they match nothing.
    """

    def __init__(
        self,
        subscriptions: Sequence[Subscription],
        *,
        now: datetime,
        resolve: Resolve | None = None,
        reuse: "Matcher | None" = None,
    ) -> None:
        self._resolve = resolve
        self._now = now
        self._known = reuse.queries if reuse else {}
        self.problems: tuple[Problem, ...] = ()
        self.queries: dict[str, _Query] = {}
        self._subscribers: dict[str, list[Subscription]] = {}
        self._index = TermIndex()
        self._always: list[str] = []
        for subscription in subscriptions:
            if subscription.enabled and not ABOUT_FEEDS.issuperset(subscription.triggers):
                self._add(subscription)
        self._known = {}

    def _add(self, subscription: Subscription) -> None:
        text = subscription.query
        if text not in self.queries:
            try:
                query = self._known.get(text) or self._compile(text)
            except QueryError as error:
                problem = Problem(subscription.id, subscription.name, error.reason, error.position)
                self.problems = (*self.problems, problem)
                return
            self.queries[text] = query
            if query.required is None:
                self._always.append(text)
            else:
                self._index.add(query.required, text)
        self._subscribers.setdefault(text, []).append(subscription)

    def _compile(self, text: str) -> _Query:
        """Compile a query.

        Raises:
            QueryError: it cannot be understood.
        """
        node = parse(text, now=self._now, resolve=self._resolve, names=other_names)
        relative = has_range(node) and node != parse(
            text, now=self._now + _LATER, resolve=self._resolve, names=other_names
        )
        return _Query(node, compile_predicate(node), required_terms(node), relative=relative)

    def candidates(self, doc: MatchDoc) -> tuple[Subscription, ...]:
        """The subscriptions that the article can match by its words and keywords; few more than it does match."""
        return tuple(each for text in self._candidates(doc) for each in self._subscribers[text])

    def _candidates(self, doc: MatchDoc) -> Iterable[str]:
        return dict.fromkeys(chain(self._always, self._index.lookup(doc)))

    def _matching(self, doc: MatchDoc) -> dict[str, _Query]:
        return {
            text: query for text in self._candidates(doc) for query in (self.queries[text],) if query.predicate(doc)
        }

    def match(self, article: Article, story: Story, previous: Article | None, now: datetime) -> tuple[Alert, ...]:
        """The alerts that this article raises; some may be in the ledger already.

        Args:
            article: as it is now, with its story.
            story: the article's story, the article included.
            previous: the article as it was before this revision; None where it is new or that is not known.
            now: the present instant.
        """
        self._move_to(now)
        doc = MatchDoc.of(article, story.others)
        present = self._matching(doc)
        before_doc = MatchDoc.of(previous, story.others) if previous is not None else None
        before = self._matching(before_doc) if before_doc is not None else {}
        news = _News(article, story, previous, now)
        alerts: list[Alert] = []
        for text, query in (present | before).items():
            match = _Match(doc if text in present else None, before_doc if text in before else None)
            fired = [
                (subscription, reason)
                for subscription in self._subscribers[text]
                for reason in _reasons(subscription, match, news)
            ]
            if fired:
                evidence = _evidence(query.node, match)
                alerts.extend(_alert(subscription, reason, news, evidence) for subscription, reason in fired)
        return tuple(alerts)

    def _move_to(self, now: datetime) -> None:
        """Read the queries that speak of now anew, if time has passed."""
        if abs(now - self._now) < _NOW_GRAIN:
            return
        self._now = now
        for text, query in self.queries.items():
            if query.relative:
                node = parse(text, now=now, resolve=self._resolve, names=other_names)
                # Ranges require no terms: the index stays as it is.
                self.queries[text] = msgspec.structs.replace(query, node=node, predicate=compile_predicate(node))


def _reasons(subscription: Subscription, match: _Match, news: _News) -> Iterator[tuple[Trigger, str]]:
    """Yield what fires, with the part that it has in the alert's id.

    An article is news to a subscription when it matches and did not before; a correction is one of what had matched.
    """
    story = news.story
    if any(each in subscription.muted for each in (story.story_id, story_root(story.story_id), *story.others)):
        return
    triggers, article, previous = subscription.triggers, news.article, news.previous
    if match.doc is not None and match.before is None:
        if Trigger.NEW_ARTICLE in triggers:
            yield Trigger.NEW_ARTICLE, f"{Trigger.NEW_ARTICLE}:{article.article_id}"
        if Trigger.NEW_STORY in triggers:
            yield Trigger.NEW_STORY, Trigger.NEW_STORY
    grown = len(news.story.outlets) >= subscription.story_outlets
    if grown and match.doc is not None and Trigger.STORY_OUTLETS in triggers:
        yield Trigger.STORY_OUTLETS, Trigger.STORY_OUTLETS
    spread = len(news.story.countries) >= subscription.story_countries
    if spread and match.doc is not None and Trigger.STORY_COUNTRIES in triggers:
        yield Trigger.STORY_COUNTRIES, Trigger.STORY_COUNTRIES
    had_matched = match.before is not None if previous is not None else match.doc is not None
    revised = article.revision > (previous.revision if previous is not None else 1)
    if revised and had_matched and Trigger.CORRECTION in triggers:
        yield Trigger.CORRECTION, f"{Trigger.CORRECTION}:{article.article_id}:{article.revision}"


def _alert(subscription: Subscription, reason: tuple[Trigger, str], news: _News, evidence: tuple[str, ...]) -> Alert:
    trigger, identity = reason
    return Alert(
        # By the story it was split off from, if any: who was alerted to that was alerted to this.
        alert_id=alert_id(subscription.id, story_root(news.story.story_id), identity),
        subscription_id=subscription.id,
        story_id=news.story.story_id,
        article_id=news.article.article_id,
        reason=trigger,
        title=news.article.title,
        outlet=news.article.outlet,
        url=news.article.url,
        topics=news.topics,
        countries=news.countries,
        evidence=evidence,
        at=news.now,
        story_outlets=len(news.story.outlets),
        copy_of=news.article.duplicate_of,
    )


def _evidence(node: Node, match: _Match) -> tuple[str, ...]:
    """The words that matched, as they stand in the article, each once."""
    doc = match.doc or match.before
    assert doc is not None
    fields = {"title": doc.article.title, "lead": doc.article.lead, "text": doc.article.text}
    found: dict[str, None] = {}
    for span in spans(node, doc, matched=True):
        found.setdefault(fields[span.field][span.start : span.end][:_LONGEST_EVIDENCE], None)
        if len(found) == _MOST_EVIDENCE:
            break
    return tuple(found)
