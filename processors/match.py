"""Matches each article against all subscriptions at once, and says which alerts that raises.

Queries are compiled once, into sets of terms that must occur together and what must hold besides. An index of these sets
finds the few queries of which an article has every term; only what is left of them is evaluated, and what several have
in common once. Subscriptions with the same query share it.

Which alerts are new is not decided here: ids are deterministic, and the ledger takes each once.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from weakref import WeakValueDictionary

import msgspec
from msgspec.structs import replace

from marsad.errors import QueryError
from marsad.query import MatchDoc, Node, compile_predicate, parse
from marsad.query.ast import And, has_range
from marsad.query.evidence import Evidence, Leaves, Speaking, speaking
from marsad.query.parse import Resolve
from marsad.query.predicate import Predicate
from marsad.query.required import TermIndex, alternatives
from marsad.records import ABOUT_FEEDS, Alert, Article, Story, Subscription, Trigger
from marsad.records.ids import alert_ids, story_root
from marsad.taxonomy.synonyms import other_names

__all__ = ["Matcher", "Problem"]

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


class _Kind:
    """What many subscriptions have in common: what they wait for. One object for each, compared by identity."""

    __slots__ = ("__weakref__", "muted", "story_countries", "story_outlets", "triggers")

    def __init__(self, one: Subscription) -> None:
        self.triggers = one.triggers
        self.story_outlets = one.story_outlets
        self.story_countries = one.story_countries
        self.muted = one.muted


class _Query:
    """One query with all who subscribed to it."""

    __slots__ = ("node", "now", "predicate", "read_at", "relative", "spoken", "subscribers", "text")

    def __init__(self, text: str, node: Node, read_at: datetime, *, relative: bool) -> None:
        self.text = text
        self.node = node
        """As it was filed in the index."""
        self.now = node
        """As read last."""
        self.subscribers: list[tuple[_Kind, str]] = []
        """With the id of each; what else a subscription says is of no use here, and far away in memory."""
        self.relative = relative
        """It speaks of now: its bounds move."""
        self.read_at = read_at
        self.spoken: Speaking | None = None
        self.predicate: Predicate | None = None
        """As read last; of a query that speaks of now, once an article has its terms."""

    def read(self, node: Node, at: datetime) -> None:
        """Take it as it reads now."""
        self.now, self.read_at, self.predicate = node, at, compile_predicate(node)
        if not isinstance(self.spoken, tuple):  # its bounds may decide what speaks for it
            self.spoken = None


_Filed = tuple[_Query, Predicate | None]
"""What the index holds for an alternative of a query: what must hold besides its terms."""


class _Raised(NamedTuple):
    """The alert that all subscriptions of a kind get, but for what is their own."""

    alert: Alert
    id_of: Callable[[str], str]
    """Its id by the id of the subscription."""


class _Raising(dict[_Kind, tuple[_Raised, ...]]):
    """What an article raises, by what subscriptions wait for; most wait for the same.

    An article is news to a subscription when it matches and did not before.

    Args:
        news: the article.
        matched: it matches as it is now.
        had_matched: its previous revision did.
    """

    def __init__(self, news: "_News", *, matched: bool, had_matched: bool) -> None:
        super().__init__()
        self._news = news
        self._matched = matched
        self._had_matched = had_matched

    def __missing__(self, kind: _Kind) -> tuple[_Raised, ...]:
        news = self._news
        if kind.muted and any(each in kind.muted for each in news.ids):
            found: tuple[_Raised, ...] = ()
        else:
            found = tuple(news.raised(*reason) for reason in self._reasons(kind))
        self[kind] = found
        return found

    def _reasons(self, kind: _Kind) -> Iterator[tuple[Trigger, str]]:
        """Yield what fires, with the part that it has in the alert's id."""
        triggers, news = kind.triggers, self._news
        article, previous, matched, had_matched = news.article, news.previous, self._matched, self._had_matched
        if matched and not had_matched:
            if Trigger.NEW_ARTICLE in triggers:
                yield Trigger.NEW_ARTICLE, f"{Trigger.NEW_ARTICLE}:{article.article_id}"
            if Trigger.NEW_STORY in triggers:
                yield Trigger.NEW_STORY, Trigger.NEW_STORY
            if Trigger.SPIKE in triggers:  # a hit, to be counted: see processors.spikes
                yield Trigger.SPIKE, f"{Trigger.SPIKE}:{article.article_id}"
        grown = len(news.story.outlets) >= kind.story_outlets
        if grown and matched and Trigger.STORY_OUTLETS in triggers:
            yield Trigger.STORY_OUTLETS, Trigger.STORY_OUTLETS
        spread = len(news.story.countries) >= kind.story_countries
        if spread and matched and Trigger.STORY_COUNTRIES in triggers:
            yield Trigger.STORY_COUNTRIES, Trigger.STORY_COUNTRIES
        # A correction is one of what had matched.
        known = had_matched if previous is not None else matched
        revised = article.revision > (previous.revision if previous is not None else 1)
        if revised and known and Trigger.CORRECTION in triggers:
            yield Trigger.CORRECTION, f"{Trigger.CORRECTION}:{article.article_id}:{article.revision}"


class _News:
    """An article with what is the same in all alerts that it raises."""

    def __init__(self, article: Article, story: Story, previous: Article | None, now: datetime) -> None:
        self.article = article
        self.story = story
        self.previous = previous
        self.ids = (story.story_id, story_root(story.story_id), *story.others)
        """All ids under which its story may have been muted."""
        self._alert = Alert(
            alert_id="",
            subscription_id="",
            story_id=story.story_id,
            article_id=article.article_id,
            reason=Trigger.NEW_ARTICLE,
            title=article.title,
            outlet=article.outlet,
            url=article.url,
            topics=tuple(topic.id for topic in article.topics),
            countries=tuple(country.code for country in article.countries),
            at=now,
            story_outlets=len(story.outlets),
            copy_of=article.duplicate_of,
        )

    def raised(self, trigger: Trigger, identity: str) -> _Raised:
        """The alert that a trigger raises."""
        # By the story it was split off from, if any: who was alerted to that was alerted to this.
        ids = alert_ids(story_root(self.story.story_id), identity)
        return _Raised(replace(self._alert, reason=trigger), ids)


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
        self._leaves: Leaves = reuse._leaves if reuse else Leaves()  # noqa: SLF001
        self._kinds: WeakValueDictionary[tuple[object, ...], _Kind] = (
            reuse._kinds if reuse else WeakValueDictionary()  # noqa: SLF001
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
            for each in alternatives(query.node):
                self._index.add(each.terms, (query, None if query.relative else self._rest(each.rest)))
        self.queries[text].subscribers.append((self._kind(subscription), subscription.id))

    def _remove(self, subscription: Subscription) -> None:
        del self._subscriptions[subscription.id]
        if self._problems.pop(subscription.id, None):
            return
        query = self.queries[subscription.query]
        query.subscribers.remove((self._kind(subscription), subscription.id))
        if not query.subscribers:
            del self.queries[subscription.query]
            for each in alternatives(query.node):
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
        return tuple(self._subscriptions[each] for query in found.values() for _, each in query.subscribers)

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
        evidence = Evidence(doc)
        evidence_before = Evidence(before_doc) if before_doc is not None else evidence
        news = _News(article, story, previous, now)
        new = _Raising(news, matched=True, had_matched=False)
        still = _Raising(news, matched=True, had_matched=True)
        gone = _Raising(news, matched=False, had_matched=True)
        alerts: list[Alert] = []
        for query in present | before:
            raising = gone if query not in present else still if query in before else new
            words: tuple[str, ...] | None = None
            for kind, subscription_id in query.subscribers:
                for alert, id_of in raising[kind]:
                    if words is None:
                        spoken = query.spoken if query.spoken is not None else self._spoken(query)
                        words = (evidence_before if raising is gone else evidence).surfaces(spoken)
                    alerts.append(
                        replace(alert, alert_id=id_of(subscription_id), subscription_id=subscription_id, evidence=words)
                    )
        return tuple(alerts)

    def _spoken(self, query: _Query) -> Speaking:
        query.spoken = speaking(query.now, self._leaves)
        return query.spoken

    def _kind(self, subscription: Subscription) -> _Kind:
        key = (subscription.triggers, subscription.story_outlets, subscription.story_countries, subscription.muted)
        kind = self._kinds.get(key)
        if kind is None:
            kind = self._kinds[key] = _Kind(subscription)
        return kind

    def _present(self, query: _Query) -> Predicate:
        """What a query that speaks of now asks for now; it is read when an article has its terms, not every minute."""
        if query.predicate is None or query.read_at != self._now:
            try:
                query.read(self._read(query.text, self._now), self._now)
            except QueryError:  # a range that has ended before it begins
                query.read_at, query.predicate = self._now, _nothing
        return query.predicate or _nothing


def _nothing(_: MatchDoc) -> bool:
    return False
