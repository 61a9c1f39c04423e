"""Handing alerts over: one path for all outlets."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import msgspec
import structlog

from marsad.clock import Clock
from marsad.config import AlertSettings
from marsad.errors import OutletGoneError, PoisonError, TransientError
from marsad.ports import AlertLedger, DeliveryLedger, Outlet, Subscriptions
from marsad.records import Alert, Delivery, DeliveryState, Subscription
from sinks.alerts.gate import Gate
from sinks.alerts.losing import lost_notice, told_through, without
from sinks.alerts.plan import Batch, after_failure, after_success, as_sending, batches, deliveries_for, put_off
from sinks.alerts.wording import CODES, Names

__all__ = ["Deliverer", "Sender", "Sent"]

_log = structlog.get_logger(__name__)
_THREADS: Final = 16
_RECENT: Final = 1_000
_SKIPPED: Final = "the story was muted"


class Sent(msgspec.Struct, frozen=True):
    """What became of a message: its deliveries, and why its outlet is to be tried no more, or nothing."""

    deliveries: tuple[Delivery, ...]
    lost: str = ""


class Sender:
    """Hands messages over and says what became of their deliveries. As safe to use from several threads as its outlets are.

    Args:
        outlet_at: finds the outlet of an address; raises ``PoisonError`` where it is none.
        settings: retries.
        clock: the time.
        gate: what holds messages back.
    """

    def __init__(
        self,
        outlet_at: Callable[[str], Outlet],
        settings: AlertSettings,
        clock: Clock,
        gate: Gate | None = None,
    ) -> None:
        self._outlet_at = outlet_at
        self._settings = settings
        self._clock = clock
        self.gate = gate or Gate()

    def send(self, batch: Batch, subscription: Subscription | None) -> Sent:
        """Try one message; its deliveries as they are then: sent, put off, to be tried again, given up or skipped.

        Args:
            batch: the message.
            subscription: whose alerts they are; None where it was removed.
        """
        if subscription is None:
            return self._failed(batch, PoisonError("the subscription was removed"))
        if batch.outlet in subscription.lost:
            return self._failed(batch, PoisonError("the outlet was given up; saving the subscription tries it again"))
        held = self.gate.until(batch, subscription, self._clock.now())
        if held is not None:
            return Sent(tuple(put_off(delivery, held) for delivery, _ in batch.items))
        wanted = [alert for _, alert in batch.items if alert.story_id not in subscription.muted]
        if not wanted:
            return Sent(tuple(_skipped(delivery) for delivery, _ in batch.items))
        return self._try(batch, subscription, wanted)

    def _try(self, batch: Batch, subscription: Subscription, wanted: Sequence[Alert]) -> Sent:
        try:
            parts = [part for alert in wanted for part in alert.parts if part.story_id not in subscription.muted]
            if parts:
                self._outlet_at(batch.outlet).send(batch.key, subscription, parts)
        except (PoisonError, TransientError) as error:
            return self._failed(batch, error)
        except Exception as error:  # noqa: BLE001 - the edge of the stage: one outlet's fault must not stop the others
            _log.warning("outlet failed unexpectedly", subscription=batch.subscription_id, error=type(error).__name__)
            return self._failed(batch, TransientError(f"{type(error).__name__} in the outlet"))
        now = self._clock.now()
        self.gate.sent(batch, now)
        taken = {alert.alert_id for alert in wanted}
        return Sent(
            tuple(
                after_success(delivery, batch.key, now) if alert.alert_id in taken else _skipped(delivery)
                for delivery, alert in batch.items
            )
        )

    def _failed(self, batch: Batch, error: PoisonError | TransientError) -> Sent:
        now = self._clock.now()
        passes = isinstance(error, TransientError)
        if passes:
            self.gate.failed(batch.outlet, str(error), now)
        else:
            self.gate.refused(batch.outlet)
        after = tuple(
            after_failure(
                delivery,
                batch.key,
                str(error),
                now,
                final=not passes,
                first_wait=self._settings.retry_first,
                give_up_after=self._settings.give_up_after,
                retry_after=error.retry_after if isinstance(error, TransientError) else None,
            )
            for delivery, _ in batch.items
        )
        exhausted = passes and any(delivery.state is DeliveryState.FAILED for delivery in after)
        return Sent(after, lost=str(error) if exhausted or isinstance(error, OutletGoneError) else "")


def _skipped(delivery: Delivery) -> Delivery:
    return msgspec.structs.replace(delivery, state=DeliveryState.SKIPPED, last_error=_SKIPPED)


class Deliverer:
    """Sends what is due and writes down how it went; one message to an outlet at a time, several outlets at once.

    Args:
        ledger: the delivery ledger.
        alerts: the alert ledger, for what the deliverer itself has to tell.
        subscriptions: whose alerts they are.
        sender: hands messages over.
        clock: the time.
        operator: outlet that is told of a lost one where a subscription has no other; may be empty.
        names: words for what a lost outlet said.
    """

    def __init__(
        self,
        ledger: DeliveryLedger,
        alerts: AlertLedger,
        subscriptions: Subscriptions,
        sender: Sender,
        clock: Clock,
        operator: str = "",
        names: Names = CODES,
    ) -> None:
        self._ledger = ledger
        self._alerts = alerts
        self._subscriptions = subscriptions
        self._sender = sender
        self._clock = clock
        self._operator = operator
        self._names = names
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="marsad-send")
        sender.gate.recall(ledger.deliveries(limit=_RECENT))

    def step(self, limit: int = 100) -> int:
        """Try what is due, up to ``limit`` deliveries or the messages that these are part of; how many were tried."""
        due = self._due(limit)
        if not due:
            return 0
        subscriptions = {subscription.id: subscription for subscription in self._subscriptions.subscriptions()}
        by_outlet: dict[str, list[Batch]] = {}
        for batch in batches(due, subscriptions):
            by_outlet.setdefault(batch.outlet, []).append(batch)
        if len(by_outlet) == 1:
            self._send_all(*by_outlet.values(), subscriptions=subscriptions)
        else:
            runs = [
                self._threads.submit(self._send_all, each, subscriptions=subscriptions) for each in by_outlet.values()
            ]
            for run in runs:
                run.result()
        return len(due)

    def _due(self, limit: int) -> Sequence[tuple[Delivery, Alert]]:
        """What is due; never a part of a message that was tried before, which would go out under the key of the whole."""
        now = self._clock.now()
        while True:
            due = self._ledger.due(now, limit=limit)
            last = due[-1][0].next_try_at if due else now
            if len(due) < limit or not any(each.message and each.next_try_at == last for each, _ in due):
                return due
            limit *= 4

    def _send_all(self, waiting: Sequence[Batch], *, subscriptions: Mapping[str, Subscription]) -> None:
        for batch in waiting:
            for delivery in as_sending(batch):
                self._ledger.put_delivery(delivery)
            subscription = subscriptions.get(batch.subscription_id)
            sent = self._sender.send(batch, subscription)
            for delivery in sent.deliveries:
                self._ledger.put_delivery(delivery)
            if sent.lost and subscription is not None:
                self._lose(subscription.id, batch.outlet, sent.lost)

    def _lose(self, subscription_id: str, outlet: str, error: str) -> None:
        known = self._subscriptions.subscription(subscription_id)
        if known is None or outlet in known.lost:
            return
        left = without(known, outlet)
        self._subscriptions.put_subscription(left)
        notice = lost_notice(known, outlet, error, self._clock.now(), self._names)
        self._alerts.record_alerts([notice], deliveries_for(notice, left, extra=told_through(left, self._operator)))
