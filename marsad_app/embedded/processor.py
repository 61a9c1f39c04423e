"""Takes entries through the pipeline, a batch at a time: clean, tag, locate, then group, match and store in one transaction."""

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from pathlib import Path

import msgspec
import structlog

from marsad.clock import Clock
from marsad.config import ProcessSettings
from marsad.errors import MarsadError, PoisonError
from marsad.events import AlertRaised, EventSink, ItemOutcome, Outcome
from marsad.records import Alert, Article, Delivery, Entry, Feed, Hit, Quarantined, Story, Subscription, encode
from marsad.records.ids import quarantine_id
from marsad_app.embedded.queue import Queued
from marsad_app.embedded.store import Store
from marsad_app.learned import Learned
from marsad_app.live_topics import LiveTopics
from processors.group import Grouper, Grouping
from processors.match import Matcher
from processors.merge import merge
from processors.pipeline import Pipeline
from processors.spikes import Spikes, parted, told
from sinks.alerts.plan import deliveries_for

__all__ = ["Processor", "make_processor"]

_log = structlog.get_logger(__name__)


class _Cleaned(msgspec.Struct, frozen=True):
    """An entry after the stateless steps: an article, or the reason why there is none."""

    item: Queued
    article: Article | None
    problem: str = ""
    stage: str = "clean"


class _Batch:
    """What one transaction is going to store."""

    def __init__(self) -> None:
        self.articles: dict[str, Article] = {}
        self.stories: dict[str, Story] = {}
        self.alerts: list[Alert] = []
        self.hits: list[Hit] = []
        self.quarantined: list[Quarantined] = []
        self.outcomes: list[tuple[Queued, Outcome, str, Article | None]] = []


class Processor:
    """The pipeline over the embedded store. Used by one thread.

    Args:
        store: where entries come from and everything goes.
        pipeline: the stateless steps.
        make_grouper: makes an empty window of stories.
        make_matcher: compiles subscriptions, given the matcher that was in use before.
        clock: the time.
        events: takes outcomes and alerts.
        batch: entries in one transaction.
        group_days: days of the story window.
        extra_outlets: outlets that get every alert, such as the terminal.
        learned: keeps what the pipeline learns between starts.
    """

    def __init__(
        self,
        store: Store,
        pipeline: Pipeline,
        make_grouper: Callable[[], Grouper],
        make_matcher: Callable[[Sequence[Subscription], Matcher | None], Matcher],
        clock: Clock,
        events: EventSink,
        *,
        batch: int,
        group_days: float,
        extra_outlets: Sequence[str] = (),
        learned: Learned | None = None,
    ) -> None:
        self._store = store
        self._pipeline = pipeline
        self._make_grouper = make_grouper
        self._make_matcher = make_matcher
        self._clock = clock
        self._events = events
        self._batch_size = batch
        # Twice the days: how rare words are, which weighs those in the window, rests on what came before them as well.
        self._kept = timedelta(days=2 * group_days)
        self._extra = extra_outlets
        self._learned = learned
        self._grouper: Grouper | None = None
        self._matcher: Matcher | None = None
        self._spikes: Spikes | None = None
        self._subscriptions: dict[str, Subscription] = {}
        self._subscriptions_version = ""

    def step(self) -> int:
        """Take one batch through; how many entries it held. A batch that cannot be stored changes nothing and is taken again."""
        items = self._store.queue.ready(self._batch_size)
        if not items:
            return 0
        feeds = {feed_id: self._store.feeds.feed(feed_id) for feed_id in {item.entry.feed_id for item in items}}
        cleaned = [_clean(self._pipeline, item, feeds[item.entry.feed_id]) for item in items]
        self._refresh_matcher()
        try:
            self._through(cleaned)
        except MarsadError:
            raise
        except Exception as error:  # noqa: BLE001 - a fault of ours, met by one of them: found by taking each alone
            _log.warning("a batch failed, its entries go one by one", error=f"{type(error).__name__}: {error}")
            for one in cleaned:
                self._alone(one)
        if self._learned is not None:
            self._learned.keep()
        return len(items)

    def _through(self, cleaned: Iterable[_Cleaned]) -> None:
        try:
            batch, new = self._commit(cleaned)
        except BaseException:
            # The window and the rhythms have taken what was not stored: build them anew from what is.
            self._grouper = self._spikes = None
            raise
        self._tell(batch, new)

    def _alone(self, one: _Cleaned) -> None:
        try:
            self._through([one])
        except MarsadError:
            raise
        except Exception as error:  # noqa: BLE001 - it is this one: kept with the reason
            entry = one.item.entry
            _log.exception("grouping or matching failed on an article", entry=entry.entry_id, url=entry.url)
            self._through([_Cleaned(one.item, None, f"{type(error).__name__}: {error}", "group")])

    def _commit(self, cleaned: Iterable[_Cleaned]) -> tuple[_Batch, Sequence[Alert]]:
        grouper = self._window_of_stories()
        with self._store.database.write():
            batch = _Batch()
            for one in cleaned:
                if one.article is None:
                    batch.quarantined.append(self._quarantined(one))
                    batch.outcomes.append((one.item, Outcome.QUARANTINED, one.problem, None))
                else:
                    self._take(batch, grouper, one.item, one.article)
            self._store.articles.put_articles(list(batch.articles.values()))
            self._store.stories.put_stories(batch.stories.values())
            self._store.quarantine.quarantine(batch.quarantined)
            batch.alerts += self._spikes_of(batch.hits)
            new = self._store.alerts.record_alerts(batch.alerts, self._deliveries(batch.alerts))
            for item, outcome, reason, _ in batch.outcomes:
                self._store.queue.done(item.seq, outcome, reason)
        return batch, new

    def _take(self, batch: _Batch, grouper: Grouper, item: Queued, article: Article) -> None:
        stored = batch.articles.get(article.article_id) or self._store.articles.article(article.article_id)
        merged = merge(stored, article)
        outcome, result = merged.outcome, merged.article
        if outcome in {Outcome.INDEXED, Outcome.REVISED}:
            grouping = grouper.assign(result)
            result = msgspec.structs.replace(result, story_id=grouping.story_id, duplicate_of=grouping.duplicate_of)
            batch.stories.update({story.story_id: story for story in (grouping.story, *grouping.also)})
            self._move(batch, grouping)
            if self._matcher is not None:
                found = self._matcher.match(result, grouping.story, stored, self._clock.now())
                alerts, hits = parted(found, result)
                batch.alerts += alerts
                batch.hits += hits
            if outcome is Outcome.INDEXED and result.duplicate_of:
                outcome = Outcome.DUPLICATE
        if merged.changed:
            batch.articles[result.article_id] = result
        batch.outcomes.append(
            (item, outcome, f"copy of {result.duplicate_of}" if outcome is Outcome.DUPLICATE else "", result)
        )

    def _spikes_of(self, hits: Sequence[Hit]) -> list[Alert]:
        """The alerts of spikes that begin with these hits, which are kept with those before them."""
        if self._spikes is None:
            self._spikes = Spikes()
            for hit in self._store.hits.kept():
                self._spikes.see(hit, self._subscriptions.get(hit.subscription_id))
        found = []
        for hit in self._store.hits.add(hits):
            whose = self._subscriptions.get(hit.subscription_id)
            spike = self._spikes.see(hit, whose)
            if spike is not None and whose is not None:
                found.append(told(spike, hit, whose))
        return found

    def _move(self, batch: _Batch, grouping: Grouping) -> None:
        """File articles under the story that was split off: no news, for they were told under the other."""
        for article_id in grouping.moved:
            before = batch.articles.get(article_id) or self._store.articles.article(article_id)
            assert before is not None
            off = next(story.story_id for story in (grouping.story, *grouping.also) if story.split_from)
            batch.articles[article_id] = msgspec.structs.replace(before, story_id=off, edition=before.edition + 1)

    def _deliveries(self, alerts: Iterable[Alert]) -> list[Delivery]:
        return [
            delivery
            for alert in alerts
            if (subscription := self._subscriptions.get(alert.subscription_id)) is not None
            for delivery in deliveries_for(alert, subscription, extra=self._extra)
        ]

    def _window_of_stories(self) -> Grouper:
        if self._grouper is None:
            grouper = self._make_grouper()
            # The window moves with what is published, not with the clock: a backlog finds it as it was.
            latest = self._store.articles.latest()
            if latest is not None:
                grouper.restore(self._store.articles.since(latest - self._kept), self._store.stories.goes_on)
            self._grouper = grouper
        return self._grouper

    def _refresh_matcher(self) -> None:
        version = self._store.subscriptions.version()
        if self._matcher is None or version != self._subscriptions_version:
            subscriptions = [
                subscription for subscription in self._store.subscriptions.subscriptions() if subscription.enabled
            ]
            self._matcher = self._make_matcher(subscriptions, self._matcher)
            for problem in self._matcher.problems:
                _log.warning("subscription cannot be matched", name=problem.name, reason=problem.reason)
            self._subscriptions = {subscription.id: subscription for subscription in subscriptions}
            self._subscriptions_version = version

    def _quarantined(self, one: _Cleaned) -> Quarantined:
        entry = one.item.entry
        return Quarantined(
            id=quarantine_id(one.stage, entry.entry_id, one.problem),
            stage=one.stage,
            key=entry.entry_id,
            reason=one.problem,
            payload=encode(entry),
            at=self._clock.now(),
            detail=entry.url or entry.guid,
        )

    def _tell(self, batch: _Batch, new: Sequence[Alert]) -> None:
        for item, outcome, reason, article in batch.outcomes:
            self._events.emit(
                ItemOutcome(
                    entry_id=item.entry.entry_id,
                    outcome=outcome,
                    title=article.title if article else item.entry.title,
                    topics=tuple(topic.id for topic in article.topics) if article else (),
                    reason=reason,
                )
            )
        for alert in new:
            subscription = self._subscriptions[alert.subscription_id]
            self._events.emit(
                AlertRaised(
                    alert_id=alert.alert_id,
                    subscription=subscription.name,
                    title=alert.title,
                    reason=alert.reason.value,
                )
            )


def _clean(pipeline: Pipeline, item: Queued, feed: Feed | None) -> _Cleaned:
    try:
        return _Cleaned(item, pipeline.stateless(item.entry, feed or _forgotten(item.entry)))
    except PoisonError as error:
        return _Cleaned(item, None, str(error))
    except Exception as error:  # noqa: BLE001 - a fault of ours, met by one entry: it is kept with the reason, the others go on
        _log.exception("pipeline failed on an entry", entry=item.entry.entry_id, url=item.entry.url)
        return _Cleaned(item, None, f"{type(error).__name__}: {error}")


def _forgotten(entry: Entry) -> Feed:
    """Stands in for a feed that was removed while its entries were on their way."""
    return Feed(id=entry.feed_id, url="", title="", outlet="")


def make_processor(
    settings: ProcessSettings,
    store: Store,
    topics: LiveTopics,
    clock: Clock,
    events: EventSink,
    *,
    extra_outlets: Sequence[str] = (),
    learned_file: Path | None = None,
) -> Processor:
    """The processor with the shipped steps; takes two seconds, mostly for the terms of all topics."""
    pipeline = Pipeline.following(topics)

    def make_matcher(subscriptions: Sequence[Subscription], before: Matcher | None) -> Matcher:
        return Matcher(subscriptions, now=clock.now(), resolve=topics.resolve, reuse=before)

    return Processor(
        store,
        pipeline,
        lambda: Grouper(days=settings.group_days),
        make_matcher,
        clock,
        events,
        batch=settings.batch,
        group_days=settings.group_days,
        extra_outlets=extra_outlets,
        learned=Learned(learned_file, pipeline, clock) if learned_file else None,
    )
