"""What a reader may see of subscriptions, alerts and deliveries: an owner their own, who has the server's token all of them.

Subscriptions of nobody in particular are those of a desk that knows no owners: whoever may read the page sees them, except owners.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, TypeVar

import msgspec

from marsad.ports import AlertLedger, DeliveryLedger, Subscriptions
from marsad.records import Alert, Delivery, Subscription

__all__ = ["Scope", "Viewer"]

_MANY: Final = 100
_LOOKED_THROUGH: Final = 10_000

_Row = TypeVar("_Row", Alert, Delivery)


class Viewer(msgspec.Struct, frozen=True):
    """Who asks: everything may be done by an ``admin``, nothing by one who is neither that nor has a name."""

    name: str = ""
    admin: bool = False

    @property
    def may_subscribe(self) -> bool:
        """Whether subscriptions may be made, and one's own be changed."""
        return self.admin or bool(self.name)

    def sees(self, one: Subscription) -> bool:
        """Whether a subscription is shown at all."""
        return self.admin or one.owner == self.name


class Scope:
    """The ledgers as one reader sees them.

    Args:
        viewer: who asks.
        subscriptions: all.
        alerts: all.
        deliveries: all.
    """

    def __init__(
        self, viewer: Viewer, subscriptions: Subscriptions, alerts: AlertLedger, deliveries: DeliveryLedger
    ) -> None:
        self.viewer = viewer
        self._subscriptions = subscriptions
        self._alerts = alerts
        self._deliveries = deliveries

    def subscriptions(self) -> list[Subscription]:
        """Those that the viewer sees, oldest first."""
        return [one for one in self._subscriptions.subscriptions() if self.viewer.sees(one)]

    def subscription(self, wanted: str) -> Subscription | None:
        """One that the viewer sees."""
        one = self._subscriptions.subscription(wanted)
        return one if one is not None and self.viewer.sees(one) else None

    def alerts(self, *, subscription_id: str | None = None, limit: int = 50, offset: int = 0) -> Sequence[Alert]:
        """Newest first; none of a subscription that the viewer does not see."""
        if self.viewer.admin:
            return self._alerts.alerts(subscription_id=subscription_id, limit=limit, offset=offset)
        found = self._gathered(subscription_id, limit + offset, self._alerts.alerts)
        return sorted(found, key=lambda alert: alert.at, reverse=True)[offset : offset + limit]

    def deliveries(self, *, subscription_id: str | None = None, limit: int = 50) -> Sequence[Delivery]:
        """Newest first; none of a subscription that the viewer does not see."""
        if self.viewer.admin:
            return self._deliveries.deliveries(subscription_id=subscription_id, limit=limit)
        found = self._gathered(subscription_id, limit, self._deliveries.deliveries)
        return sorted(found, key=_latest, reverse=True)[:limit]

    def _gathered(self, subscription_id: str | None, limit: int, read: Callable[..., Sequence[_Row]]) -> list[_Row]:
        """The latest of each subscription that is meant; where these are many, those among the latest of all."""
        ids = {one.id for one in self.subscriptions() if subscription_id in {None, one.id}}
        if len(ids) <= _MANY:
            return [row for each in sorted(ids) for row in read(subscription_id=each, limit=limit)]
        return [row for row in read(subscription_id=None, limit=_LOOKED_THROUGH) if row.subscription_id in ids]


def _latest(delivery: Delivery) -> datetime:
    return delivery.sent_at or delivery.next_try_at
