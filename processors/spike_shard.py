"""Spikes, on streams: the hits of a partition's subscriptions against what these are used to."""

from collections.abc import Sequence
from itertools import takewhile
from typing import Final, Protocol

import msgspec
import structlog

from marsad.clock import Clock
from marsad.errors import CodecError
from marsad.events import AlertRaised, EventSink
from marsad.ports import Journal
from marsad.records import Alert, Hit, Subscription, decode, encode
from marsad.records.ids import quarantine_id
from marsad.streams import Message, refused
from processors.spikes import Spikes, in_order, told

__all__ = ["SpikeShard", "Whose"]

_log = structlog.get_logger(__name__)
_HITS: Final = "hits.v1"
_ALERTS: Final = "alerts.v1"


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


class SpikeShard:
    """The handler of a partition of the hits.

    What came before its place is read again with the first batch; so its state is that of an owner who never changed.

    Args:
        journal: of that partition.
        subscriptions: whose hits they are.
        clock: dates what goes to quarantine.
        events: takes alerts.
    """

    def __init__(self, journal: Journal, subscriptions: Whose, clock: Clock, events: EventSink) -> None:
        self._journal = journal
        self._subscriptions = subscriptions
        self._clock = clock
        self._events = events
        self._spikes: Spikes | None = None

    def take(self, batch: Sequence[Message]) -> None:
        """Write the alerts of spikes that begin with these hits.

        Raises:
            FencedError: another process owns the partition.
            TransientError: it is not known whether the batch was written, or whose the hits are.
        """
        self._subscriptions.refresh()
        spikes = self._spikes or self._as_before(batch[0].offset)
        # Until the batch is written, what it changes in memory is not to be rested on.
        self._spikes = None
        written: list[Message] = []
        raised: list[AlertRaised] = []
        read = [(message, _hit(message)) for message in batch]
        written += [self._refused(message) for message, hit in read if hit is None]
        for hit in in_order(hit for _, hit in read if hit is not None):
            whose = self._subscriptions.get(hit.subscription_id)
            spike = spikes.see(hit, whose)
            if spike is not None and whose is not None:
                alert = told(spike, hit, whose)
                written.append(self._message(alert))
                raised.append(
                    AlertRaised(
                        alert_id=alert.alert_id, subscription=whose.name, title=alert.title, reason=alert.reason.value
                    )
                )
        self._journal.commit(written, upto=batch[-1].offset + 1)
        self._spikes = spikes
        for event in raised:
            self._events.emit(event)

    def tick(self) -> int:
        """Nothing waits for time here."""
        return 0

    def close(self) -> None:
        """Nothing is held."""

    def _as_before(self, place: int) -> Spikes:
        spikes = Spikes()
        messages = self._journal.read(_HITS, self._journal.partition)
        before = (_hit(message) for message in takewhile(lambda message: message.offset < place, messages))
        for hit in in_order(hit for hit in before if hit is not None):
            spikes.see(hit, self._subscriptions.get(hit.subscription_id))
        return spikes

    def _message(self, alert: Alert) -> Message:
        return Message(stream=_ALERTS, key=alert.alert_id, value=encode(alert), partition=self._journal.partition)

    def _refused(self, message: Message) -> Message:
        reason = "the hit cannot be read"
        _log.warning(reason, subscription=message.key, offset=message.offset)
        item = msgspec.structs.replace(
            refused(message, "match", reason, self._clock.now()),
            # Of one subscription many may be unreadable: each is an item of its own.
            id=quarantine_id("match", message.key, f"{reason} {message.partition} {message.offset}"),
        )
        return Message(stream="quarantine.v1", key=item.id, value=encode(item))


def _hit(message: Message) -> Hit | None:
    try:
        return decode(Hit, message.value or b"")
    except CodecError:
        return None
