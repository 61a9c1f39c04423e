"""What a reader may see of subscriptions, alerts and deliveries: an owner their own, who has the server's token all of them.

Subscriptions of nobody in particular are those of a desk that knows no owners: whoever may read the page sees them, except owners.
"""

from collections.abc import Sequence

import msgspec

from marsad.ports import AlertLedger, DeliveryLedger, Subscriptions
from marsad.records import Alert, Delivery, DeliveryState, Subscription

__all__ = ["Scope", "Viewer"]


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
        return self._alerts.alerts(subscription_id=subscription_id, among=self._seen(), limit=limit, offset=offset)

    def alert(self, wanted: str) -> Alert | None:
        """One of a subscription that the viewer sees."""
        found = self._alerts.alert(wanted)
        if found is None or self.viewer.admin:
            return found
        return found if self.subscription(found.subscription_id) is not None else None

    def deliveries(
        self,
        *,
        subscription_id: str | None = None,
        state: DeliveryState | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> Sequence[Delivery]:
        """Newest first; none of a subscription that the viewer does not see."""
        return self._deliveries.deliveries(
            subscription_id=subscription_id, among=self._seen(), state=state, limit=limit, offset=offset
        )

    def _seen(self) -> frozenset[str] | None:
        """The subscriptions that the viewer sees; None: all, those that were removed too."""
        return None if self.viewer.admin else frozenset(one.id for one in self.subscriptions())
