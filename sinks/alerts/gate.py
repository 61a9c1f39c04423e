"""What holds a message back that is due: the cooldown and cap of its subscription, and the circuit of an outlet that fails.

Kept in memory. The paces are read anew from the ledger at start; a circuit that is forgotten costs a few tries.
"""

import threading
from collections import deque
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

import msgspec

from marsad.records import Delivery, DeliveryState, Subscription
from sinks.alerts.plan import TERMINAL, Batch
from sinks.alerts.windows import local_day, next_morning

__all__ = ["OPENS_AFTER", "Circuit", "Gate", "OutletHealth", "paced_until"]

OPENS_AFTER: Final = 3
"""Failures in a row after which an outlet is left alone."""
_FIRST_OPEN: Final = timedelta(minutes=1)
_LONGEST_OPEN: Final = timedelta(minutes=30)
_MOST_REMEMBERED: Final = 1_000


class OutletHealth(msgspec.Struct, frozen=True):
    """How one outlet does: failures in a row, and until when it is left alone."""

    failures: int = 0
    open_until: datetime | None = None
    last_error: str = ""


class Circuit:
    """Leaves an outlet alone that has failed several times in a row, for longer each time; the first try after that decides."""

    def __init__(self) -> None:
        self._outlets: dict[str, OutletHealth] = {}

    def until(self, outlet: str, now: datetime) -> datetime | None:
        """Until when it is left alone; None where it may be tried."""
        health = self._outlets.get(outlet)
        return health.open_until if health and health.open_until and health.open_until > now else None

    def answered(self, outlet: str) -> None:
        """It answered, be it with a refusal of this one message."""
        self._outlets.pop(outlet, None)

    def failed(self, outlet: str, error: str, now: datetime) -> None:
        """It failed in a way that may pass."""
        failures = self._outlets.get(outlet, OutletHealth()).failures + 1
        opened = min(_FIRST_OPEN * 2 ** min(max(0, failures - OPENS_AFTER), 10), _LONGEST_OPEN)
        self._outlets[outlet] = OutletHealth(failures, now + opened if failures >= OPENS_AFTER else None, error)

    def ill(self) -> dict[str, OutletHealth]:
        """The outlets that failed last time."""
        return dict(self._outlets)


def paced_until(subscription: Subscription, now: datetime, sent: Iterable[datetime]) -> datetime | None:
    """When the next message may go out; None for now.

    Args:
        subscription: whose cooldown and cap count.
        now: the present instant.
        sent: when messages went to the same outlet, for a day at least.
    """
    instants = sorted(sent)
    if subscription.cap:
        today = local_day(now, subscription)
        if sum(1 for each in instants if local_day(each, subscription) == today) >= subscription.cap:
            return next_morning(now, subscription)
    if subscription.cooldown and instants:
        over = instants[-1] + timedelta(minutes=subscription.cooldown)
        return over if over > now else None
    return None


class Gate:
    """Both, for all outlets of a process. Safe to use from several threads.

    Args:
        sent: deliveries that went out of late.
    """

    def __init__(self, sent: Iterable[Delivery] = ()) -> None:
        self._lock = threading.Lock()
        self._circuit = Circuit()
        self._sent: dict[tuple[str, str], deque[datetime]] = {}
        self.recall(sent)

    def recall(self, sent: Iterable[Delivery]) -> None:
        """Take deliveries in that others made; those of one message count once."""
        seen: set[tuple[str, str]] = set()
        for delivery in sorted(
            (each for each in sent if each.state is DeliveryState.SENT and each.sent_at), key=_sent_at
        ):
            if (delivery.outlet, delivery.message) not in seen:
                seen.add((delivery.outlet, delivery.message))
                self._note(delivery.subscription_id, delivery.outlet, _sent_at(delivery))

    def until(self, batch: Batch, subscription: Subscription, now: datetime) -> datetime | None:
        """Until when a message is held back; None where it may go. One that was tried before waits for the circuit alone."""
        with self._lock:
            held = self._circuit.until(batch.outlet, now)
            if held is None and batch.outlet != TERMINAL and not batch.items[0][0].message:
                held = paced_until(subscription, now, self._sent.get((subscription.id, batch.outlet), ()))
        return held

    def sent(self, batch: Batch, now: datetime) -> None:
        """The outlet took it."""
        with self._lock:
            self._circuit.answered(batch.outlet)
            self._note(batch.subscription_id, batch.outlet, now)

    def refused(self, outlet: str) -> None:
        """The outlet answered that it will never take this."""
        with self._lock:
            self._circuit.answered(outlet)

    def failed(self, outlet: str, error: str, now: datetime) -> None:
        """The outlet did not take it this time."""
        with self._lock:
            self._circuit.failed(outlet, error, now)

    def _note(self, subscription_id: str, outlet: str, at: datetime) -> None:
        self._sent.setdefault((subscription_id, outlet), deque(maxlen=_MOST_REMEMBERED)).append(at)


def _sent_at(delivery: Delivery) -> datetime:
    assert delivery.sent_at is not None
    return delivery.sent_at
