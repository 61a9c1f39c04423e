"""The ledger of deliveries as people look at it: how each outlet does, and sending an alert again."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from statistics import median

import msgspec

from marsad.ports import AlertLedger
from marsad.records import Alert, Delivery, DeliveryState, Subscription
from marsad.records.ids import digest
from sinks.alerts.gate import OPENS_AFTER
from sinks.alerts.links import outlet_key
from sinks.alerts.plan import deliveries_for
from sinks.alerts.seal import shown

__all__ = ["OutletStanding", "send_again", "standings"]


class OutletStanding(msgspec.Struct, frozen=True):
    """How the deliveries to one outlet of one subscription went of late.

    Attributes:
        subscription_id: whose outlet it is.
        outlet: which kind it is.
        counts: deliveries by state.
        last_sent_at: when it last took one.
        last_error: what it said last, where the latest that was tried failed.
        lost: it is no longer tried.
        key: names the outlet without giving it away.
        retried: tries after the first ones.
        latency: seconds from when a message was due until it was taken; the median. None where none was.
        open_until: until when it is left alone, as it failed several times in a row; None where it may be tried.
    """

    subscription_id: str
    outlet: str
    counts: dict[str, int]
    last_sent_at: datetime | None
    last_error: str
    lost: bool
    key: str
    retried: int
    latency: float | None
    open_until: datetime | None


def standings(
    deliveries: Iterable[Delivery], subscriptions: Sequence[Subscription], now: datetime
) -> list[OutletStanding]:
    """One for each outlet that had deliveries, in trouble first.

    Args:
        deliveries: newest first.
        subscriptions: all that there are.
        now: the present instant.
    """
    lost = {(one.id, outlet) for one in subscriptions for outlet in one.lost}
    grouped: dict[tuple[str, str], list[Delivery]] = {}
    for delivery in deliveries:
        grouped.setdefault((delivery.subscription_id, delivery.outlet), []).append(delivery)
    found = [_standing(key, each, now, lost=key in lost) for key, each in grouped.items()]
    return sorted(found, key=lambda one: (not one.lost, not one.last_error, one.outlet, one.subscription_id))


def _standing(key: tuple[str, str], deliveries: Sequence[Delivery], now: datetime, *, lost: bool) -> OutletStanding:
    tried = next((each for each in deliveries if each.attempts), None)
    return OutletStanding(
        subscription_id=key[0],
        outlet=shown(key[1]),
        counts={state.value: count for state, count in Counter(each.state for each in deliveries).items()},
        last_sent_at=max((each.sent_at for each in deliveries if each.sent_at), default=None),
        last_error=tried.last_error if tried is not None and tried.state is not DeliveryState.SENT else "",
        lost=lost,
        key=outlet_key(key[1])[:8],
        retried=sum(max(0, each.attempts - 1) for each in deliveries),
        latency=_latency(deliveries),
        open_until=_open_until(deliveries, now),
    )


def _latency(deliveries: Sequence[Delivery]) -> float | None:
    """What was put off by a limit was due when that was over; what failed was due at its first try."""
    waits = [
        max(0.0, (each.sent_at - due).total_seconds())
        for each in deliveries
        if each.state is DeliveryState.SENT and each.sent_at is not None
        for due in (each.first_tried_at if each.attempts > 1 and each.first_tried_at else each.next_try_at,)
    ]
    return round(median(waits), 3) if waits else None


def _open_until(deliveries: Sequence[Delivery], now: datetime) -> datetime | None:
    """Told from the ledger, since whoever sends may be another process: as many failures in a row as open a circuit."""
    sent = max((each.sent_at for each in deliveries if each.sent_at), default=None)
    failing = [
        each
        for each in deliveries
        if each.state is DeliveryState.PENDING
        and each.first_tried_at is not None
        and (sent is None or each.first_tried_at > sent)
    ]
    if sum(each.attempts for each in failing) < OPENS_AFTER:
        return None
    until = min(each.next_try_at for each in failing)
    return until if until > now else None


def send_again(alert: Alert, subscription: Subscription, ledger: AlertLedger, now: datetime) -> Alert:
    """Enter an alert anew, so that it goes to all outlets of its subscription once more; the new one.

    The id follows from the minute: two clicks are one.
    """
    again = msgspec.structs.replace(
        alert, alert_id=digest("again", alert.alert_id, str(int(now.timestamp()) // 60)), at=now
    )
    ledger.record_alerts([again], deliveries_for(again, subscription))
    return again
