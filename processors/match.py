"""Matches each article against all subscriptions at once, and says which alerts that raises.

Queries are compiled once, into sets of terms that must occur together and what must hold besides. An index of these sets
finds the few queries of which an article has every term; only what is left of them is evaluated, and what several have
in common once. Subscriptions with the same query share it.

Which alerts are new is not decided here: ids are deterministic, and the ledger takes each once.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final
from weakref import WeakValueDictionary

import msgspec

from marsad.errors import QueryError
from marsad.query import MatchDoc, Node, compile_predicate, parse
from marsad.query.ast import And, has_range
from marsad.query.parse import Resolve
from marsad.query.predicate import Predicate, compile_surfaces
from marsad.query.required import TermIndex, alternatives
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


class _Query:
    """One query with all who subscribed to it."""

    __slots__ = ("alternatives", "node", "predicate", "read_at", "relative", "subscribers", "surfaces", "text")

    def __init__(self, text: str, node: Node, read_at: datetime, *, relative: bool) -> None:
        self.text = text
        self.node = node
        self.alternatives = alternatives(node)
        self.subscribers: list[Subscription] = []
        self.relative = relative
        """It speaks of now: its bounds move."""
        self.read_at = read_at
        self.surfaces: Callable[[MatchDoc], tuple[str, ...]] | None = None
        self.predicate: Predicate | None = None
        """As read at that time; of a query that speaks of now, once an article has its terms."""

    def evidence(self, doc: MatchDoc) -> tuple[str, ...]:
        """The words of a matching article that matched."""
        if self.surfaces is None:
            self.surfaces = compile_surfaces(self.node, most=_MOST_EVIDENCE, longest=_LONGEST_EVIDENCE)
        return self.surfaces(doc)


_Filed = tuple[_Query, Predicate | None]
"""What the index holds for an alternative of a query: what must hold besides its terms."""


_Reason = tuple[Trigger, str]
"""What fires, with the part that it has in the alert's id."""


class _News:
    """What is the same in all alerts that one article raises."""

    def __init__(self, article: Article, story: Story, previous: Article | None, now: datetime) -> None:
        self.article = article
        self.story = story
        self.previous = previous
        self.now = now
        self.topics = tuple(topic.id for topic in article.topics)
        self.countries = tuple(country.code for country in article.countries)
        self.outlets = len(story.outlets)
        self.ids = (story.story_id, story_root(story.story_id), *story.others)
        """All ids under which its story may have been muted."""
        self._known: dict[object, tuple[_Reason, ...]] = {}

    def reasons(self, subscription: Subscription, *, matched: bool, had_matched: bool) -> tuple["_Reason", ...]:
        """What fires. An article is news to a subscription when it matches and did not before.

        Args:
            subscription: to whose query this is.
            matched: the article matches as it is now.
            had_matched: its previous revision did.
        """
        if subscription.muted and any(each in subscription.muted for each in self.ids):
            return ()
        # Most subscriptions wait for the same.
        kind = (
            subscription.triggers, subscription.story_outlets, subscription.story_countries, matched, had_matched
        )  # fmt: skip
        found = self._known.get(kind)
        if found is None:
            found = self._known[kind] = tuple(self._reasons(subscription, matched=matched, had_matched=had_matched))
        return found

    def _reasons(self, subscription: Subscription, *, matched: bool, had_matched: bool) -> Iterator["_Reason"]:
        triggers, article, previous = subscription.triggers, self.article, self.previous
        if matched and not had_matched:
            if Trigger.NEW_ARTICLE in triggers:
                yield Trigger.NEW_ARTICLE, f"{Trigger.NEW_ARTICLE}:{article.article_id}"
            if Trigger.NEW_STORY in triggers:
                yield Trigger.NEW_STORY, Trigger.NEW_STORY
            if Trigger.SPIKE in triggers:  # a hit, to be counted: see processors.spikes
                yield Trigger.SPIKE, f"{Trigger.SPIKE}:{article.article_id}"
        grown = self.outlets >= subscription.story_outlets
        if grown and matched and Trigger.STORY_OUTLETS in triggers:
            yield Trigger.STORY_OUTLETS, Trigger.STORY_OUTLETS
        spread = len(self.story.countries) >= subscription.story_countries
        if spread and matched and Trigger.STORY_COUNTRIES in triggers:
            yield Trigger.STORY_COUNTRIES, Trigger.STORY_COUNTRIES
        # A correction is one of what had matched.
        known = had_matched if previous is not None else matched
        revised = article.revision > (previous.revision if previous is not None else 1)
        if revised and known and Trigger.CORRECTION in triggers:
            yield Trigger.CORRECTION, f"{Trigger.CORRECTION}:{article.article_id}:{article.revision}"


class Matcher:
    """All subscriptions, ready for articles.

    Args:
        subscriptions: those that are enabled; others are passed over.
        now: the instant that relative times in queries start from until the first article.
        resolve: names of topics and countries, as for ``marsad.query.parse``.
        reuse: an earlier matcher, which becomes this one: only what differs is compiled. It is not to be used any more.

    Attributes:
        problems: the subscriptions whose query cannot be understood (any more); they match nothing.
        queries: the compiled queries by their text.
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
        self.queries: dict[str, _Query] = reuse.queries if reuse else {}
        self._subscriptions: dict[str, Subscription] = reuse._subscriptions if reuse else {}  # noqa: SLF001
        self._index: TermIndex[_Filed] = reuse._index if reuse else TermIndex()  # noqa: SLF001
        self._problems: dict[str, Problem] = reuse._problems if reuse else {}  # noqa: SLF001
        # Many queries forbid the same topic or ask for the same days.
        self._rests: WeakValueDictionary[tuple[Node, ...], Predicate] = (
            reuse._rests if reuse else WeakValueDictionary()  # noqa: SLF001
        )
        wanted = {each.id: each for each in subscriptions if each.enabled and not ABOUT_FEEDS.issuperset(each.triggers)}
        for gone in [each for each in self._subscriptions.values() if wanted.get(each.id) != each]:
            self._remove(gone)
        for subscription in wanted.values():
            if subscription.id not in self._subscriptions:
                self._add(subscription)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The subscriptions whose query cannot be understood (any more)."""
        return tuple(self._problems.values())

    def _add(self, subscription: Subscription) -> None:
        text = subscription.query
        self._subscriptions[subscription.id] = subscription
        if text not in self.queries:
            try:
                query = self._compile(text)
            except QueryError as error:
                problem = Problem(subscription.id, subscription.name, error.reason, error.position)
                self._problems[subscription.id] = problem
                return
            self.queries[text] = query
            for each in query.alternatives:
                self._index.add(each.terms, (query, None if query.relative else self._rest(each.rest)))
        self.queries[text].subscribers.append(subscription)

    def _remove(self, subscription: Subscription) -> None:
        del self._subscriptions[subscription.id]
        if self._problems.pop(subscription.id, None):
            return
        query = self.queries[subscription.query]
        query.subscribers.remove(subscription)
        if not query.subscribers:
            del self.queries[subscription.query]
            for each in query.alternatives:
                self._index.remove(each.terms, (query, None if query.relative else self._rest(each.rest)))

    def _rest(self, nodes: tuple[Node, ...]) -> Predicate | None:
        if not nodes:
            return None
        found = self._rests.get(nodes)
        if found is None:
            found = self._rests[nodes] = compile_predicate(And(nodes))
        return found

    def _read(self, text: str, now: datetime) -> Node:
        """Read a query.

        Raises:
            QueryError: it cannot be understood.
        """
        return parse(text, now=now, resolve=self._resolve, names=other_names)

    def _compile(self, text: str) -> _Query:
        """Compile a query.

        Raises:
            QueryError: it cannot be understood.
        """
        node = self._read(text, self._now)
        relative = has_range(node) and node != self._read(text, self._now + _LATER)
        return _Query(text, node, self._now, relative=relative)

    def candidates(self, doc: MatchDoc) -> tuple[Subscription, ...]:
        """The subscriptions that the article can match by its words and keywords; few more than it does match."""
        found = {id(query): query for query, _ in self._index.lookup(doc)}
        return tuple(each for query in found.values() for each in query.subscribers)

    def matching(self, doc: MatchDoc) -> dict[_Query, None]:
        """The queries that the article matches."""
        known: dict[Predicate, bool] = {}
        found: dict[_Query, None] = {}
        for query, filed in self._index.lookup(doc):
            rest = self._present(query) if query.relative else filed
            if rest is None:
                found[query] = None
                continue
            holds = known.get(rest)
            if holds is None:
                holds = known[rest] = rest(doc)
            if holds:
                found[query] = None
        return found

    def match(self, article: Article, story: Story, previous: Article | None, now: datetime) -> tuple[Alert, ...]:
        """The alerts that this article raises; some may be in the ledger already.

        Args:
            article: as it is now, with its story.
            story: the article's story, the article included.
            previous: the article as it was before this revision; None where it is new or that is not known.
            now: the present instant.
        """
        if abs(now - self._now) >= _NOW_GRAIN:
            self._now = now
        doc = MatchDoc.of(article, story.others)
        present = self.matching(doc)
        before_doc = MatchDoc.of(previous, story.others) if previous is not None else None
        before = self.matching(before_doc) if before_doc is not None else {}
        news = _News(article, story, previous, now)
        alerts: list[Alert] = []
        for query in present | before:
            matched, had_matched = query in present, query in before
            evidence: tuple[str, ...] | None = None
            for subscription in query.subscribers:
                for reason in news.reasons(subscription, matched=matched, had_matched=had_matched):
                    if evidence is None:
                        evidence = query.evidence(doc if matched or before_doc is None else before_doc)
                    alerts.append(_alert(subscription, reason, news, evidence))
        return tuple(alerts)

    def _present(self, query: _Query) -> Predicate:
        """What a query that speaks of now asks for now; it is read when an article has its terms, not every minute."""
        if query.predicate is None or query.read_at != self._now:
            query.read_at = self._now
            try:
                query.node = self._read(query.text, self._now)
                query.predicate = compile_predicate(query.node)
            except QueryError:  # a range that has ended before it begins
                query.predicate = _nothing
        return query.predicate


def _nothing(_: MatchDoc) -> bool:
    return False


def _alert(subscription: Subscription, reason: _Reason, news: _News, evidence: tuple[str, ...]) -> Alert:
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
        story_outlets=news.outlets,
        copy_of=news.article.duplicate_of,
    )
