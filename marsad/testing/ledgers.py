"""The ledgers of alerts and deliveries in memory."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from marsad.records import Alert, Delivery, DeliveryState

__all__ = ["InMemoryAlerts", "InMemoryDeliveries"]


class InMemoryDeliveries:
    """``marsad.ports.DeliveryLedger``."""

    def __init__(self) -> None:
        self._deliveries: dict[str, Delivery] = {}
        self.alerts: dict[str, Alert] = {}

    def enter(self, alert: Alert, deliveries: Iterable[Delivery]) -> None:
        """Take the deliveries of an alert that is new."""
        self.alerts[alert.alert_id] = alert
        for delivery in deliveries:
            self._deliveries.setdefault(delivery.delivery_id, delivery)

    def due(self, now: datetime, *, limit: int = 100) -> Sequence[tuple[Delivery, Alert]]:
        """Deliveries whose time has come and that are neither sent nor given up, oldest first."""
        waiting = [
            delivery
            for delivery in self._deliveries.values()
            if delivery.state in {DeliveryState.PENDING, DeliveryState.SENDING} and delivery.next_try_at <= now
        ]
        waiting.sort(key=lambda delivery: delivery.next_try_at)
        return [(delivery, self.alerts[delivery.alert_id]) for delivery in waiting[:limit]]

    def put_delivery(self, delivery: Delivery) -> None:
        """Replace by id."""
        if delivery.delivery_id in self._deliveries:
            self._deliveries[delivery.delivery_id] = delivery

    def deliveries(
        self,
        *,
        subscription_id: str | None = None,
        among: Collection[str] | None = None,
        state: DeliveryState | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> Sequence[Delivery]:
        """Newest first."""
        fitting = [
            each
            for each in reversed(self._deliveries.values())
            if _is_of(each.subscription_id, subscription_id, among) and state in {None, each.state}
        ]
        return fitting[offset : offset + limit]


class InMemoryAlerts:
    """``marsad.ports.AlertLedger``."""

    def __init__(self, deliveries: InMemoryDeliveries) -> None:
        self._deliveries = deliveries

    def record_alerts(self, alerts: Sequence[Alert], deliveries: Sequence[Delivery]) -> Sequence[Alert]:
        """Enter alerts that are not there yet, with their deliveries; the ones that were new."""
        new = []
        for alert in alerts:
            if alert.alert_id not in self._deliveries.alerts:
                self._deliveries.enter(alert, [each for each in deliveries if each.alert_id == alert.alert_id])
                new.append(alert)
        return new

    def alerts(
        self,
        *,
        subscription_id: str | None = None,
        among: Collection[str] | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> Sequence[Alert]:
        """Newest first."""
        newest_first = reversed(self._deliveries.alerts.values())
        fitting = [alert for alert in newest_first if _is_of(alert.subscription_id, subscription_id, among)]
        return fitting[offset : offset + limit]

    def alert(self, alert_id: str) -> Alert | None:
        """One alert."""
        return self._deliveries.alerts.get(alert_id)


def _is_of(subscription_id: str, one: str | None, among: Collection[str] | None) -> bool:
    return one in {None, subscription_id} and (among is None or subscription_id in among)
