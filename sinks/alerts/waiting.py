"""The deliveries of one partition that are still to be sent, in the order in which they go out. Pure.

Only one message at a time is under way to an outlet: a service that hangs holds up its own messages alone, they arrive in
order, and after a crash no more than one per outlet is sent again.
"""

import heapq
from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from hashlib import blake2b
from itertools import islice

import msgspec

from marsad.records import Alert, Delivery, DeliveryState, Subscription
from sinks.alerts.plan import Batch, batches

__all__ = ["KnownIds", "Open", "Waiting"]


class Open(msgspec.Struct, frozen=True):
    """A delivery that is neither sent nor given up."""

    delivery: Delivery
    alert: Alert
    place: int
    """Offset of the alert in its stream, so that it is found again without reading the whole."""


class KnownIds:
    """Ids, each in eight bytes once they are settled: every delivery ever made is remembered.

    Args:
        ids: the first ones.

    (64 bits of a hash: at a million ids the chance that a new one is taken for known is below 10^-13.)
    """

    def __init__(self, ids: Iterable[str] = ()) -> None:
        self._settled = array("Q", sorted(map(_short, ids)))
        self._new: set[int] = set()

    def add(self, name: str) -> None:
        """Remember one more."""
        self._new.add(_short(name))

    def __contains__(self, name: object) -> bool:
        number = _short(str(name))
        place = bisect_left(self._settled, number)
        return number in self._new or (place < len(self._settled) and self._settled[place] == number)


def _short(name: str) -> int:
    return int.from_bytes(blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest())


class Waiting:
    """What is still to be sent, by time and then by outlet.

    Args:
        opened: in the order in which they came. Those of them that were under way when their owner ended go out first,
            put together as they were, so that their idempotency key is the same.
        subscription: looks one up.
    """

    def __init__(self, opened: Sequence[Open], subscription: Callable[[str], Subscription | None]) -> None:
        self._subscription = subscription
        self._open: dict[str, Open] = {}
        self._timed: list[tuple[datetime, int, str]] = []
        self._ready: dict[str, deque[Batch]] = {}
        self._busy: set[str] = set()
        self._count = 0
        interrupted = []
        for one in opened:
            if one.delivery.state is DeliveryState.SENDING:
                self._open[one.delivery.delivery_id] = one
                interrupted.append(one)
            else:
                self.add(one)
        self._make_ready(interrupted)

    def __len__(self) -> int:
        return len(self._open)

    @property
    def ready(self) -> int:
        """Messages whose time has come and that are not under way yet."""
        return sum(map(len, self._ready.values()))

    def add(self, one: Open) -> None:
        """One more to be sent when its time comes."""
        self._open[one.delivery.delivery_id] = one
        self._count += 1
        heapq.heappush(self._timed, (one.delivery.next_try_at, self._count, one.delivery.delivery_id))

    def place(self, delivery: Delivery) -> int:
        """Offset of the alert of an open delivery."""
        return self._open[delivery.delivery_id].place

    def due(self, now: datetime, most: int) -> list[Batch]:
        """Messages whose time has come, to be handed over now: at most one for each outlet until ``settle`` frees it."""
        came = []
        while self._timed and self._timed[0][0] <= now:
            came.append(self._open[heapq.heappop(self._timed)[2]])
        self._make_ready(came)
        free = (outlet for outlet in self._ready if outlet not in self._busy)
        return [self._hand_over(outlet) for outlet in list(islice(free, max(0, most)))]

    def _hand_over(self, outlet: str) -> Batch:
        queue = self._ready.pop(outlet)
        batch = queue.popleft()
        if queue:  # at the end: the other outlets come first next time
            self._ready[outlet] = queue
        self._busy.add(outlet)
        return batch

    def settle(self, outlet: str, deliveries: Iterable[Delivery]) -> None:
        """What became of the message that was under way to ``outlet``."""
        self._busy.discard(outlet)
        for delivery in deliveries:
            one = self._open.pop(delivery.delivery_id)
            if delivery.state is DeliveryState.PENDING:
                self.add(msgspec.structs.replace(one, delivery=delivery))

    def _make_ready(self, came: Sequence[Open]) -> None:
        if not came:
            return
        for batch in batches([(one.delivery, one.alert) for one in came], self._subscriptions(came)):
            self._ready.setdefault(batch.outlet, deque()).append(batch)

    def _subscriptions(self, came: Sequence[Open]) -> dict[str, Subscription]:
        ids = {one.delivery.subscription_id for one in came}
        return {name: found for name in ids if (found := self._subscription(name)) is not None}
