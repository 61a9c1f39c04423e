"""Match, on streams: each article that comes from group against all subscriptions; each alert once."""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

import structlog

from marsad.clock import Clock
from marsad.errors import CodecError, FencedError, TransientError
from marsad.events import AlertRaised, EventSink, ItemOutcome, Outcome
from marsad.ports import Journal
from marsad.records import Alert, Article, Quarantined, Story, Subscription, decode, encode
from marsad.records.ids import quarantine_id
from marsad.streams import Message
from processors.match import Matcher

__all__ = ["MatchShard", "Matching", "Watched"]

_log = structlog.get_logger(__name__)
_NEWS: Final = frozenset({Outcome.INDEXED.value, Outcome.DUPLICATE.value, Outcome.REVISED.value})
"""Outcomes that can raise alerts; tags that were decided anew are no news."""
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

    def matcher(self) -> Matcher:
        """The matcher of the subscriptions as they are now."""
        version = self._table.version
        if self._matcher is None or version != self._version:
            wanted = [subscription for subscription in self._table.all() if subscription.enabled]
            self._matcher = self._make(wanted, self._matcher)
            for problem in self._matcher.problems:
                _log.warning("subscription cannot be matched", name=problem.name, reason=problem.reason)
            self.names = {subscription.id: subscription.name for subscription in wanted}
            self._version = version
        return self._matcher


class MatchShard:
    """The handler of a partition of the articles.

    Args:
        journal: of that partition.
        matching: the subscriptions.
        clock: the time.
        events: takes alerts.
    """

    def __init__(self, journal: Journal, matching: Matching, clock: Clock, events: EventSink) -> None:
        self._journal = journal
        self._matching = matching
        self._clock = clock
        self._events = events
        self._known = {_compact(message.key) for message in journal.read(_ALERTS, journal.partition)}

    def take(self, batch: Sequence[Message]) -> None:
        """Write the alerts that these articles raise and that are not there yet.

        Raises:
            FencedError: another process owns the partition.
            TransientError: it is not known whether the batch was written.
        """
        out: list[Message] = []
        new: dict[str, Alert] = {}
        for message in batch:
            try:
                alerts = self._alerts(message)
            except (FencedError, TransientError):
                raise
            except Exception as error:  # noqa: BLE001 - met by this article: kept with the reason, the others go on
                out.append(self._quarantined(message, error))
                continue
            for alert in alerts:
                if _compact(alert.alert_id) not in self._known and alert.alert_id not in new:
                    new[alert.alert_id] = alert
        out += [
            Message(stream=_ALERTS, key=key, value=encode(alert), partition=self._journal.partition)
            for key, alert in new.items()
        ]
        self._journal.commit(out, upto=batch[-1].offset + 1)
        self._known.update(map(_compact, new))
        for alert in new.values():
            self._events.emit(
                AlertRaised(
                    alert_id=alert.alert_id,
                    subscription=self._matching.names.get(alert.subscription_id, alert.subscription_id),
                    title=alert.title,
                    reason=alert.reason.value,
                )
            )

    def _alerts(self, message: Message) -> Sequence[Alert]:
        if message.value is None or message.headers.get("outcome", b"").decode() not in _NEWS:
            return ()
        article = decode(Article, message.value)
        story = decode(Story, message.headers["story"])
        before = message.headers.get("previous")
        previous = decode(Article, before) if before else None
        return self._matching.matcher().match(article, story, previous, self._clock.now())

    def tick(self) -> int:
        """Nothing waits for time here."""
        return 0

    def close(self) -> None:
        """Nothing is held."""

    def _quarantined(self, message: Message, error: Exception) -> Message:
        reason = str(error) if isinstance(error, CodecError) else f"{type(error).__name__}: {error}"
        _log.error("matching failed on an article", article=message.key, error=reason)
        item = Quarantined(
            id=quarantine_id("match", message.key, reason),
            stage="match",
            key=message.key,
            reason=reason,
            payload=message.value or b"",
            at=self._clock.now(),
        )
        self._events.emit(ItemOutcome(entry_id=message.key, outcome=Outcome.QUARANTINED, reason=reason))
        return Message(stream="quarantine.v1", key=item.id, value=encode(item))


def _compact(alert_id: str) -> bytes:
    """An alert's id in half its size, where it is hexadecimal."""
    try:
        return bytes.fromhex(alert_id)
    except ValueError:
        return alert_id.encode()
