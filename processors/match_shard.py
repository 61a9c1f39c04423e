"""Match, on streams: each article that comes from group against all subscriptions; each alert once."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, Protocol

import structlog

from marsad.clock import Clock
from marsad.errors import MarsadError, PoisonError
from marsad.events import AlertRaised, Event, EventSink, ItemOutcome, Outcome
from marsad.ports import Journal
from marsad.records import Alert, Hit, Subscription, encode
from marsad.streams import Message, refused
from processors.alert_ids import AlertIds
from processors.article_stream import news_of
from processors.hit_stream import hit_message
from processors.match import Matcher
from processors.spikes import parted

__all__ = ["MatchShard", "Matching", "Watched"]

_log = structlog.get_logger(__name__)
_NEWS: Final = frozenset(outcome.value.encode() for outcome in (Outcome.INDEXED, Outcome.DUPLICATE, Outcome.REVISED))
"""Outcomes that can raise alerts; further sources, and tags that were decided anew, are no news."""
_ALERTS: Final = "alerts.v1"


class Watched(Protocol):
    """The subscriptions, kept up to date by someone else."""

    @property
    def version(self) -> int:
        """Another number after each change."""
        ...

    def all(self) -> Sequence[Subscription]:
        """All of them."""
        ...

    def refresh(self, timeout: float = ...) -> None:
        """Wait until everything is in that was written before the call.

        Raises:
            TransientError: not within ``timeout`` seconds.
        """
        ...


class Matching:
    """The compiled subscriptions, compiled anew when they change; shared by the shards of a process.

    Args:
        subscriptions: the table.
        make_matcher: compiles, given the matcher that was in use before.
    """

    def __init__(
        self, subscriptions: Watched, make_matcher: Callable[[Sequence[Subscription], Matcher | None], Matcher]
    ) -> None:
        self._table = subscriptions
        self._make = make_matcher
        self._matcher: Matcher | None = None
        self._version = -1
        self.names: dict[str, str] = {}

    def present(self) -> Matcher:
        """The matcher of the subscriptions as they are now: with all that were put before the call.

        Raises:
            TransientError: it cannot be said which they are.
        """
        self._table.refresh()
        # Read before the subscriptions: what comes in between is then compiled next time.
        version = self._table.version
        if self._matcher is None or version != self._version:
            wanted = sorted(
                (subscription for subscription in self._table.all() if subscription.enabled),
                key=lambda subscription: (subscription.created_at, subscription.id),
            )
            self._matcher = self._make(wanted, self._matcher)
            for problem in self._matcher.problems:
                _log.warning("subscription cannot be matched", name=problem.name, reason=problem.reason)
            self.names = {subscription.id: subscription.name for subscription in wanted}
            self._version = version
        return self._matcher


class MatchShard:
    """The handler of a partition of the articles.

    Args:
        journal: of that partition; the alerts that are there are read at once.
        matching: the subscriptions.
        clock: the time.
        events: takes alerts.

    Raises:
        TransientError: the alerts cannot be read.
    """

    def __init__(self, journal: Journal, matching: Matching, clock: Clock, events: EventSink) -> None:
        self._journal = journal
        self._matching = matching
        self._clock = clock
        self._events = events
        self._known = AlertIds(message.key for message in journal.read(_ALERTS, journal.partition))

    def take(self, batch: Sequence[Message]) -> None:
        """Write the alerts that these articles raise and that are not there yet.

        An article at which matching fails goes to quarantine, and the others go on.

        Raises:
            FencedError: another process owns the partition.
            TransientError: it is not known whether the batch was written, or which subscriptions there are.
        """
        news = [message for message in batch if message.value is not None and message.headers.get("outcome") in _NEWS]
        new: dict[str, Alert] = {}
        messages: list[Message] = []
        events: list[Event] = []
        if news:
            # Nobody is alerted to what came before the subscription, but to all that came after: hence asked for each batch.
            matcher, now = self._matching.present(), self._clock.now()
            for message in news:
                try:
                    alerts, hits = _alerts(matcher, message, now)
                except Exception as error:
                    if isinstance(error, MarsadError) and not isinstance(error, PoisonError):
                        raise
                    item, told = _quarantined(message, error, now)
                    messages.append(item)
                    events.append(told)
                    continue
                new |= {
                    alert.alert_id: alert
                    for alert in alerts
                    if alert.alert_id not in new and alert.alert_id not in self._known
                }
                messages += [hit_message(hit, message) for hit in hits]
        messages += [self._message(alert) for alert in new.values()]
        self._journal.commit(messages, upto=batch[-1].offset + 1)
        for alert_id in new:
            self._known.add(alert_id)
        for event in (*events, *map(self._raised, new.values())):
            self._events.emit(event)

    def tick(self) -> int:
        """Nothing waits for time here."""
        return 0

    def close(self) -> None:
        """Nothing is held."""

    def _message(self, alert: Alert) -> Message:
        return Message(stream=_ALERTS, key=alert.alert_id, value=encode(alert), partition=self._journal.partition)

    def _raised(self, alert: Alert) -> AlertRaised:
        name = self._matching.names.get(alert.subscription_id, alert.subscription_id)
        return AlertRaised(alert_id=alert.alert_id, subscription=name, title=alert.title, reason=alert.reason.value)


def _alerts(matcher: Matcher, message: Message, now: datetime) -> tuple[list[Alert], list[Hit]]:
    """The alerts that the article of a message raises, and the hits that are to be counted.

    Raises:
        CodecError: it is no message of the stream.
    """
    news = news_of(message)
    return parted(matcher.match(news.article, news.story, news.previous, now), news.article)


def _quarantined(message: Message, error: Exception, now: datetime) -> tuple[Message, ItemOutcome]:
    if isinstance(error, PoisonError):
        reason = str(error)
    else:
        reason = f"{type(error).__name__}: {error}"
        _log.error("matching failed on an article", article=message.key, exc_info=error)
    item = refused(message, "match", reason, now)
    told = ItemOutcome(entry_id=message.key, outcome=Outcome.QUARANTINED, reason=reason)
    return Message(stream="quarantine.v1", key=item.id, value=encode(item)), told
