"""Handing alerts over: one path for all outlets. The only module that knows apprise."""

from collections.abc import Mapping, Sequence

import apprise
import msgspec
import structlog

from marsad.clock import Clock
from marsad.config import AlertSettings
from marsad.errors import ConfigError, PoisonError, TransientError
from marsad.ports import DeliveryLedger, Outlet, Subscriptions
from marsad.records import Alert, Delivery, DeliveryState, Subscription
from sinks.alerts.plan import Batch, after_failure, after_success, batches
from sinks.alerts.render import render

__all__ = ["AppriseOutlet", "Deliverer", "Sender", "as_sending", "check_outlet"]

_log = structlog.get_logger(__name__)


def check_outlet(address: str) -> None:
    """See that an address names an outlet that apprise knows.

    Raises:
        ConfigError: it does not; the message does not repeat the address, which may hold a password.
    """
    if not apprise.Apprise.instantiate(address):
        scheme = address.partition(":")[0][:20]
        raise ConfigError(
            f"the outlet {scheme}:… is no address that can be delivered to; see `marsad subscriptions add --help` for examples"
        )


class AppriseOutlet:
    """Mail, chat and the other services that apprise reaches.

    Args:
        address: an apprise URL.
        base_url: the web page's address for links.
    """

    def __init__(self, address: str, base_url: str) -> None:
        self._address = address
        self._base_url = base_url

    def send(self, key: str, subscription: Subscription, alerts: Sequence[Alert]) -> None:
        """Hand one message over.

        Raises:
            PoisonError: the address is no outlet.
            TransientError: the service did not take it.
        """
        target = apprise.Apprise()
        if not target.add(self._address):
            raise PoisonError("the outlet's address is not one that apprise knows")
        message = render(subscription, alerts, self._base_url)
        sent = target.notify(title=message.title, body=message.text, body_format=apprise.NotifyFormat.TEXT)
        if not sent:
            raise TransientError("the service did not take the message")


class Sender:
    """Hands messages over and says what became of their deliveries. As safe to use from several threads as its outlets are.

    Args:
        outlets: outlets by address; those that are not here go through apprise.
        settings: retries.
        clock: the time.
        base_url: the web page's address for links.
    """

    def __init__(
        self, outlets: Mapping[str, Outlet], settings: AlertSettings, clock: Clock, base_url: str = ""
    ) -> None:
        self._outlets = outlets
        self._settings = settings
        self._clock = clock
        self._base_url = base_url

    def send(self, batch: Batch, subscription: Subscription | None) -> tuple[Delivery, ...]:
        """Try one message; its deliveries as they are then: sent, to be tried again, or given up.

        Args:
            batch: the message.
            subscription: whose alerts they are; None where it was removed.
        """
        if subscription is None:
            return self._failed(batch, PoisonError("the subscription was removed"))
        outlet = self._outlets.get(batch.outlet) or AppriseOutlet(batch.outlet, self._base_url)
        try:
            outlet.send(batch.key, subscription, [alert for _, alert in batch.items])
        except (PoisonError, TransientError) as error:
            return self._failed(batch, error)
        except Exception as error:  # noqa: BLE001 - the edge of the stage: one outlet's fault must not stop the others
            _log.warning("outlet failed unexpectedly", subscription=batch.subscription_id, error=type(error).__name__)
            return self._failed(batch, TransientError(f"{type(error).__name__} in the outlet"))
        now = self._clock.now()
        return tuple(after_success(delivery, now) for delivery, _ in batch.items)

    def _failed(self, batch: Batch, error: PoisonError | TransientError) -> tuple[Delivery, ...]:
        now = self._clock.now()
        return tuple(
            after_failure(
                delivery,
                str(error),
                now,
                final=isinstance(error, PoisonError),
                first_wait=self._settings.retry_first,
                max_attempts=self._settings.max_attempts,
                retry_after=error.retry_after if isinstance(error, TransientError) else None,
            )
            for delivery, _ in batch.items
        )


class Deliverer:
    """Sends what is due and writes down how it went.

    Args:
        ledger: the delivery ledger.
        subscriptions: whose alerts they are.
        outlets: outlets by address; those that are not here go through apprise.
        settings: retries.
        clock: the time.
        base_url: the web page's address for links.
    """

    def __init__(
        self,
        ledger: DeliveryLedger,
        subscriptions: Subscriptions,
        outlets: Mapping[str, Outlet],
        settings: AlertSettings,
        clock: Clock,
        base_url: str = "",
    ) -> None:
        self._ledger = ledger
        self._subscriptions = subscriptions
        self._clock = clock
        self._sender = Sender(outlets, settings, clock, base_url)

    def step(self, limit: int = 100) -> int:
        """Try all that is due, up to ``limit``; how many deliveries were tried."""
        due = self._ledger.due(self._clock.now(), limit=limit)
        if not due:
            return 0
        subscriptions = {subscription.id: subscription for subscription in self._subscriptions.subscriptions()}
        for batch in batches(due, subscriptions):
            for delivery in as_sending(batch):
                self._ledger.put_delivery(delivery)
            for delivery in self._sender.send(batch, subscriptions.get(batch.subscription_id)):
                self._ledger.put_delivery(delivery)
        return len(due)


def as_sending(batch: Batch) -> tuple[Delivery, ...]:
    """The message's deliveries as they are written down before it is handed over."""
    return tuple(msgspec.structs.replace(delivery, state=DeliveryState.SENDING) for delivery, _ in batch.items)
