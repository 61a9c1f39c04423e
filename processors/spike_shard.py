"""Spikes, on streams: the hits of a partition's subscriptions against what these are used to.

Hits come from all partitions of the articles, and one of them may be hours behind. So they wait until matching has taken every
article that was written when they were first looked at, and are then judged in the order in which these came to grouping: as in
one process. A partition without news holds up nothing; one that is not matched at all does, for some hours.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Final, Protocol

import msgspec
import structlog

from marsad.clock import Clock
from marsad.errors import CodecError
from marsad.events import AlertRaised, EventSink
from marsad.ports import Journal
from marsad.records import Alert, Subscription, encode
from marsad.records.ids import quarantine_id
from marsad.streams import Message, refused
from processors.alert_ids import AlertIds
from processors.hit_stream import HITS, Counted, Reached, counted
from processors.spikes import Spikes, told

__all__ = ["PATIENCE", "Reach", "SpikeShard", "Whose"]

_log = structlog.get_logger(__name__)
_ALERTS: Final = "alerts.v1"
PATIENCE: Final = timedelta(hours=6)
"""How long hits wait for a partition that is not matched; a spike goes on until twelve hours are calm."""


class Whose(Protocol):
    """The subscriptions, kept up to date by someone else."""

    def get(self, key: str) -> Subscription | None:
        """One subscription."""
        ...

    def refresh(self, timeout: float = ...) -> None:
        """Wait until everything is in that was written before the call.

        Raises:
            TransientError: not within ``timeout`` seconds.
        """
        ...


class Reach(Protocol):
    """How far matching is, as someone else finds out."""

    def look(self) -> Reached | None:
        """As it was a moment ago; None where that cannot be told now."""
        ...


class SpikeShard:
    """The handler of a partition of the hits.

    Its place is before the first hit that waits. What came before is read again for the first hits that are judged, and those
    that were judged already are judged again, all in one order: so its state is that of an owner who never changed.

    Args:
        journal: of that partition.
        subscriptions: whose hits they are.
        clock: dates what goes to quarantine, and ends patience.
        events: takes alerts.
        reach: tells which hits are complete.
    """

    def __init__(self, journal: Journal, subscriptions: Whose, clock: Clock, events: EventSink, reach: Reach) -> None:
        self._journal = journal
        self._subscriptions = subscriptions
        self._clock = clock
        self._events = events
        self._reach = reach
        self._spikes: Spikes | None = None
        self._known = AlertIds()
        self._waiting: list[Counted] = []
        self._refused: list[Message] = []
        self._place = 0
        """The first offset that was given to it."""
        self._next = -1
        """The offset after the last one that was; -1 before."""
        self._until: Mapping[int, int] = {}
        self._since: datetime | None = None
        """What the waiting hits wait for, and since when."""

    def take(self, batch: Sequence[Message]) -> None:
        """Let these hits wait for those that belong before them."""
        if self._next < 0:
            self._place = self._next = batch[0].offset
        for message in batch:
            if message.offset < self._next:  # it was read ahead
                continue
            self._next = message.offset + 1
            try:
                self._waiting.append(counted(message))
            except CodecError:
                self._refused.append(self._quarantined(message))

    def tick(self) -> int:
        """Write the alerts of spikes that begin with hits that wait for none any more; how many hits these were.

        Raises:
            FencedError: another process owns the partition.
            TransientError: it is not known whether that was written, or whose the hits are.
        """
        if not self._waiting and not self._refused:
            return 0
        seen = self._reach.look()
        if seen is None:
            return 0
        if self._since is None:
            self._since, self._until = self._clock.now(), seen.articles
        out_of_patience = self._clock.now() - self._since >= PATIENCE
        if not out_of_patience and not seen.has_matched(self._until):
            return 0
        # All hits of those articles are written, and perhaps not all were given to this shard; the last offset is a mark.
        if seen.hits.get(self._journal.partition, 0) > self._next + 1:
            self.take(list(self._journal.read(HITS, self._journal.partition, start=self._next)))
        until = self._until
        ready = [each for each in self._waiting if out_of_patience or _is_before(each, until)]
        if out_of_patience:
            _log.warning("spikes are told without waiting for all partitions of the articles", hits=len(ready))
        self._since = None
        if not ready and not self._refused:
            return 0
        self._judge(ready)
        return len(ready)

    def close(self) -> None:
        """Nothing is held."""

    def _judge(self, ready: Sequence[Counted]) -> None:
        self._subscriptions.refresh()
        before: list[Counted] = []
        if self._spikes is None:
            self._known = AlertIds(message.key for message in self._journal.read(_ALERTS, self._journal.partition))
            before = self._before()
        spikes, alerts = self._spikes or Spikes(), list[Alert]()
        # Until it is written, what changes in memory is not to be rested on.
        self._spikes = None
        for each in sorted([*before, *ready], key=lambda each: (each.turn, each.hit.came_at)):
            whose = self._subscriptions.get(each.hit.subscription_id)
            spike = spikes.see(each.hit, whose)
            if spike is not None and whose is not None and each.offset >= self._place:
                alert = told(spike, each.hit, whose)
                if alert.alert_id not in self._known:
                    alerts.append(alert)
        offsets = {each.offset for each in ready}
        left = [each for each in self._waiting if each.offset not in offsets]
        self._write(alerts, min((each.offset for each in left), default=self._next))
        self._waiting, self._refused, self._spikes = left, [], spikes

    def _write(self, alerts: Sequence[Alert], upto: int) -> None:
        messages = [self._message(alert) for alert in alerts]
        self._journal.commit([*self._refused, *messages], upto=upto)
        for alert in alerts:
            self._known.add(alert.alert_id)
            whose = self._subscriptions.get(alert.subscription_id)
            name = whose.name if whose is not None else alert.subscription_id
            self._events.emit(
                AlertRaised(alert_id=alert.alert_id, subscription=name, title=alert.title, reason=alert.reason.value)
            )

    def _before(self) -> list[Counted]:
        """The hits that came before its place."""
        messages = self._journal.read(HITS, self._journal.partition)
        return list(_readable(takewhile(lambda message: message.offset < self._place, messages)))

    def _message(self, alert: Alert) -> Message:
        return Message(stream=_ALERTS, key=alert.alert_id, value=encode(alert), partition=self._journal.partition)

    def _quarantined(self, message: Message) -> Message:
        reason = "the hit cannot be read"
        _log.warning(reason, subscription=message.key, offset=message.offset)
        item = msgspec.structs.replace(
            refused(message, "match", reason, self._clock.now()),
            # Of one subscription many may be unreadable: each is an item of its own.
            id=quarantine_id("match", message.key, f"{reason} {message.partition} {message.offset}"),
        )
        return Message(stream="quarantine.v1", key=item.id, value=encode(item))


def _is_before(each: Counted, until: Mapping[int, int]) -> bool:
    if each.article is None:
        return True
    partition, offset = each.article
    return offset < until.get(partition, 0)


def _readable(messages: Iterable[Message]) -> Iterable[Counted]:
    for message in messages:
        try:
            yield counted(message)
        except CodecError:
            continue
