"""The alerts of one partition on their way out: planned, sent, and written down, so that a later owner goes on where this one ended.

``deliveries.v1`` holds the newest state of every delivery. A message is handed over only after it is written there that it is
under way, and what became of it is written as soon as it is known: after a crash in between it goes out again with the same key.

Messages are handed over by threads of their own. The journal, and all that is decided, belong to the thread that calls.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Final, Protocol

import msgspec
import structlog

from marsad.clock import Clock
from marsad.errors import CodecError
from marsad.ports import Journal
from marsad.progress import Progress
from marsad.records import Alert, Delivery, DeliveryState, Subscription, Trigger, decode, encode
from marsad.streams import Message, refused
from sinks.alerts.deliver import Sender, Sent
from sinks.alerts.kept import delivery_message, read_kept
from sinks.alerts.losing import told_through
from sinks.alerts.plan import Batch, as_sending, deliveries_for
from sinks.alerts.waiting import Open, Waiting

__all__ = ["DeliveryShard", "SubscriptionTable"]

_log = structlog.get_logger(__name__)
_AT_ONCE: Final = 16
# What one tick may take beside its commits: the other partitions and the consumer wait for it.
_TICK_S: Final = 0.25
_AWAIT_S: Final = 0.1
_END_S: Final = 0.5
_OUTCOMES: Final = {
    DeliveryState.SENT: "sent",
    DeliveryState.FAILED: "given up",
    DeliveryState.PENDING: "retried",
    DeliveryState.SKIPPED: "skipped",
}
Lose = Callable[[str, str, str], Alert | None]


class SubscriptionTable(Protocol):
    """The subscriptions, as far as delivering needs them."""

    def get(self, key: str) -> Subscription | None:
        """One subscription."""
        ...

    def refresh(self, timeout: float = 10.0) -> None:
        """Wait until everything written before the call is in.

        Raises:
            TransientError: that could not be had within ``timeout`` seconds.
        """
        ...


class _Errand:
    """A message under way, and what became of it."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.sent = Sent(())
        self.error: Exception | None = None


def _in_thread(work: Callable[[], None]) -> None:
    # A daemon: a service that hangs must not keep the process from ending.
    threading.Thread(target=work, name="marsad-send", daemon=True).start()


class DeliveryShard:
    """Plans, sends and keeps the deliveries of one partition of ``alerts.v1``.

    Args:
        journal: of the partition; what is there is read at once.
        subscriptions: whose alerts they are.
        sender: hands messages over; called from other threads.
        clock: the time.
        progress: told how deliveries end.
        lose: called with a subscription's id, an outlet that is to be tried no more, and why; what its owner is told, if anything.
        operator: outlet that is told of a lost one where a subscription has no other; may be empty.
        start: runs what hands a message over; by default in a thread.

    Raises:
        TransientError: the streams cannot be read.
    """

    def __init__(
        self,
        journal: Journal,
        subscriptions: SubscriptionTable,
        sender: Sender,
        clock: Clock,
        progress: Progress,
        lose: Lose = lambda subscription_id, outlet, error: None,
        operator: str = "",
        start: Callable[[Callable[[], None]], None] = _in_thread,
    ) -> None:
        self._journal = journal
        self._subscriptions = subscriptions
        self._sender = sender
        self._clock = clock
        self._progress = progress
        self._lose = lose
        self._operator = operator
        self._start = start
        self._ended: SimpleQueue[_Errand] = SimpleQueue()
        self._under_way = 0
        self._intact = True
        kept = read_kept(journal)
        self._known = kept.known
        self._lost = kept.lost
        self._waiting = Waiting(kept.opened, subscriptions.get)
        sender.gate.recall(kept.sent)

    @property
    def backlog(self) -> int:
        """Messages whose time has come and that are not under way yet."""
        return self._waiting.ready

    def take(self, batch: Sequence[Message]) -> None:
        """Plan the deliveries of new alerts and write them down; an alert of a subscription that is gone has none.

        Raises:
            FencedError: another process owns the partition.
            TransientError: it could not be written.
        """
        alerts, written = self._read(batch)
        if any(self._subscriptions.get(alert.subscription_id) is None for alert, _ in alerts):
            # They may be newer than what has been read of the subscriptions.
            self._subscriptions.refresh()
        opened = {one.delivery.delivery_id: one for alert, place in alerts for one in self._planned(alert, place)}
        written += [self._message(one.delivery, one.place) for one in opened.values()]
        self._commit(written, upto=batch[-1].offset + 1)
        for one in opened.values():
            self._known.add(one.delivery.delivery_id)
            if one.delivery.state is DeliveryState.PENDING:
                self._waiting.add(one)
            self._progress.count("planned")

    def tick(self) -> int:
        """Write down what became of messages and hand over those that are due; how many were moved.

        Raises:
            FencedError: another process owns the partition.
            TransientError: it could not be written.
        """
        until = time.monotonic() + _TICK_S
        moved = self._give_up_lost()
        while True:
            ended, begun = self._move(most=_AT_ONCE)
            moved += ended + begun
            if not begun or time.monotonic() >= until:
                return moved
            self._await_one(_AWAIT_S)

    def close(self) -> None:
        """Let go. What ends within half a second is written down; the rest stays under way and goes out again."""
        until = time.monotonic() + _END_S
        while self._intact and self._under_way and time.monotonic() < until:
            self._await_one(until - time.monotonic())
            # Whatever prevents it: that it goes out again is all that follows.
            with contextlib.suppress(Exception):
                self._move(most=0)

    def _read(self, batch: Sequence[Message]) -> tuple[list[tuple[Alert, int]], list[Message]]:
        """The alerts with their offsets; and what goes to quarantine."""
        alerts: list[tuple[Alert, int]] = []
        refused: list[Message] = []
        for message in batch:
            if message.value is not None:
                try:
                    alerts.append((decode(Alert, message.value), message.offset))
                except CodecError as error:
                    refused.append(self._refused(message, str(error)))
        return alerts, refused

    def _refused(self, message: Message, reason: str) -> Message:
        self._progress.count("quarantined")
        item = refused(message, "deliver", reason, self._clock.now())
        return Message(stream="quarantine.v1", key=item.id, value=encode(item))

    def _planned(self, alert: Alert, place: int) -> list[Open]:
        subscription = self._subscriptions.get(alert.subscription_id)
        if subscription is None:
            _log.info("alert of a removed subscription", alert=alert.alert_id, subscription=alert.subscription_id)
            self._progress.count("subscription gone")
            return []
        extra = told_through(subscription, self._operator) if alert.reason is Trigger.OUTLET_LOST else ()
        planned = deliveries_for(alert, subscription, extra=extra)
        return [Open(delivery, alert, place) for delivery in planned if delivery.delivery_id not in self._known]

    def _message(self, delivery: Delivery, place: int) -> Message:
        return delivery_message(delivery, place, self._journal.partition)

    def _commit(self, messages: Sequence[Message], *, upto: int | None = None) -> None:
        try:
            self._journal.commit(messages, upto=upto)
        except BaseException:
            self._intact = False
            raise

    def _move(self, most: int) -> tuple[int, int]:
        """Write down in one transaction what has ended and what is handed over next; how many of both.

        Memory is ahead of the streams in between: after a commit that fails, all is read anew.
        """
        errands = self._collect()
        after = [delivery for errand in errands for delivery in errand.sent.deliveries]
        written = [self._message(delivery, self._waiting.place(delivery)) for delivery in after]
        written += [message for errand in errands for message in self._lost_outlet(errand)]
        for errand in errands:
            self._waiting.settle(errand.batch.outlet, errand.sent.deliveries)
        batches = self._waiting.due(self._clock.now(), most - self._under_way)
        before = [delivery for batch in batches for delivery in as_sending(batch)]
        written += [self._message(delivery, self._waiting.place(delivery)) for delivery in before]
        if written:
            self._commit(written)
        self._tell(after)
        for batch in batches:
            self._hand_over(batch)
        return len(errands), len(batches)

    def _lost_outlet(self, errand: _Errand) -> list[Message]:
        """What is told of an outlet that is tried no more: an alert like any other, taken when it comes."""
        batch, why = errand.batch, errand.sent.lost
        notice = self._lose(batch.subscription_id, batch.outlet, why) if why else None
        if notice is None:
            return []
        partition = self._journal.partition
        return [Message(stream="alerts.v1", key=notice.alert_id, value=encode(notice), partition=partition)]

    def _hand_over(self, batch: Batch) -> None:
        errand, ended, sender = _Errand(batch), self._ended, self._sender
        subscription = self._subscriptions.get(batch.subscription_id)

        def work() -> None:
            try:
                errand.sent = sender.send(batch, subscription)
            except Exception as error:  # noqa: BLE001 - raised in the thread that collects it
                errand.error = error
            ended.put(errand)

        self._under_way += 1
        self._start(work)

    def _await_one(self, seconds: float) -> None:
        """Until a message that is under way has ended, but not longer than that."""
        with contextlib.suppress(Empty):
            self._ended.put(self._ended.get(timeout=max(0.0, seconds)))

    def _collect(self) -> list[_Errand]:
        found: list[_Errand] = []
        with contextlib.suppress(Empty):
            while True:
                found.append(self._ended.get_nowait())
        self._under_way -= len(found)
        for errand in found:
            if errand.error is not None:
                raise errand.error
        return found

    def _give_up_lost(self) -> int:
        """End open deliveries whose alert is no longer kept; how many."""
        lost, self._lost = self._lost, ()
        if lost:
            reason = "its alert is no longer kept"
            ended = [msgspec.structs.replace(each, state=DeliveryState.FAILED, last_error=reason) for each in lost]
            self._commit([self._message(delivery, 0) for delivery in ended])
            self._tell(ended)
        return len(lost)

    def _tell(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            self._progress.count(_OUTCOMES[delivery.state])
            if delivery.state in {DeliveryState.FAILED, DeliveryState.PENDING} and delivery.last_error:
                _log.warning(
                    "delivery failed",
                    delivery=delivery.delivery_id,
                    subscription=delivery.subscription_id,
                    attempts=delivery.attempts,
                    given_up=delivery.state is DeliveryState.FAILED,
                    error=delivery.last_error,
                )
