"""What is to be sent, what goes out together, and what follows from how it went. Pure: the clock comes in."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from marsad.records import Alert, Delivery, DeliveryState, Subscription
from marsad.records.ids import delivery_id
from sinks.alerts.windows import next_window

__all__ = [
    "MOST_IN_ONE",
    "TERMINAL",
    "Batch",
    "after_failure",
    "after_success",
    "as_sending",
    "batches",
    "deliveries_for",
    "put_off",
]

TERMINAL: Final = "terminal:"
"""The outlet that is the terminal of the running program."""
MOST_IN_ONE: Final = 100
"""Alerts in one message."""

_TOLD: Final = "told in a digest"
_LONGEST_WAIT: Final = timedelta(hours=6)


class Batch(msgspec.Struct, frozen=True):
    """Deliveries that go out as one message: one, or all of a digest. ``key`` is its idempotency key."""

    key: str
    outlet: str
    subscription_id: str
    items: tuple[tuple[Delivery, Alert], ...]


def deliveries_for(alert: Alert, subscription: Subscription, *, extra: Sequence[str] = ()) -> tuple[Delivery, ...]:
    """One delivery for each outlet of the subscription and each of ``extra``, due by cadence and quiet hours.

    None for a story that was muted; none to an outlet that is lost. What another alert tells is written down as such, so that it
    is not told again.
    """
    if alert.story_id in subscription.muted:
        return ()
    due = next_window(alert.at, subscription)
    state, said = (DeliveryState.SKIPPED, _TOLD) if alert.told_in else (DeliveryState.PENDING, "")
    return tuple(
        Delivery(
            delivery_id=delivery_id(alert.alert_id, outlet),
            alert_id=alert.alert_id,
            subscription_id=subscription.id,
            outlet=outlet,
            state=state,
            last_error=said,
            next_try_at=alert.at if outlet == TERMINAL else due,
        )
        for outlet in dict.fromkeys((*subscription.outlets, *extra))
        if outlet not in subscription.lost
    )


def batches(due: Sequence[tuple[Delivery, Alert]], subscriptions: Mapping[str, Subscription]) -> tuple[Batch, ...]:
    """Put deliveries together that go out as one message, at most ``MOST_IN_ONE``.

    What was tried as one message is tried as that message again, and nothing joins it: a receiver that had taken it knows it by
    its key. What is new goes by subscription, outlet and window where it is a digest or is held back by a cooldown or a cap, else
    alone.
    """
    groups: dict[tuple[str, ...], list[tuple[Delivery, Alert]]] = {}
    for delivery, alert in due:
        part = (
            ("again", delivery.message)
            if delivery.message
            else _window(delivery, subscriptions.get(delivery.subscription_id))
        )
        groups.setdefault((delivery.subscription_id, delivery.outlet, *part), []).append((delivery, alert))
    return tuple(
        Batch(
            key=items[0][0].message or items[0][0].delivery_id,
            outlet=outlet,
            subscription_id=subscription_id,
            items=tuple(items),
        )
        for (subscription_id, outlet, *_), whole in groups.items()
        for items in (whole[first : first + MOST_IN_ONE] for first in range(0, len(whole), MOST_IN_ONE))
    )


def _window(delivery: Delivery, subscription: Subscription | None) -> tuple[str, str]:
    if subscription is None or delivery.outlet == TERMINAL:
        return "one", delivery.delivery_id
    if subscription.cadence != "instant":
        return "digest", delivery.next_try_at.isoformat()
    return ("held", "") if subscription.cooldown or subscription.cap else ("one", delivery.delivery_id)


def as_sending(batch: Batch) -> tuple[Delivery, ...]:
    """The message's deliveries as they are written down before it is handed over."""
    return tuple(
        msgspec.structs.replace(delivery, state=DeliveryState.SENDING, message=batch.key) for delivery, _ in batch.items
    )


def put_off(delivery: Delivery, until: datetime) -> Delivery:
    """The delivery, not tried now; what was never tried may still join others."""
    return msgspec.structs.replace(delivery, state=DeliveryState.PENDING, next_try_at=until)


def after_success(delivery: Delivery, key: str, now: datetime) -> Delivery:
    """The delivery, sent in the message with that key."""
    return msgspec.structs.replace(
        delivery,
        state=DeliveryState.SENT,
        message=key,
        attempts=delivery.attempts + 1,
        first_tried_at=delivery.first_tried_at or now,
        sent_at=now,
        last_error="",
    )


def after_failure(
    delivery: Delivery,
    key: str,
    error: str,
    now: datetime,
    *,
    final: bool,
    first_wait: float,
    give_up_after: float,
    retry_after: float | None = None,
) -> Delivery:
    """The delivery, to be tried again later with doubled waits, or given up.

    Args:
        delivery: as it was tried.
        key: of the message that it was part of.
        error: what the outlet said.
        now: the instant of the failure.
        final: the outlet can never take it.
        first_wait: seconds before the second try; it doubles each time, up to six hours.
        give_up_after: seconds from the first try to the last.
        retry_after: seconds the outlet asked to wait.
    """
    first = delivery.first_tried_at or now
    last = first + timedelta(seconds=give_up_after)
    wait = min(timedelta(seconds=first_wait) * 2 ** min(delivery.attempts, 20), _LONGEST_WAIT)
    if retry_after is not None:
        wait = max(wait, timedelta(seconds=min(retry_after, give_up_after)))
    return msgspec.structs.replace(
        delivery,
        state=DeliveryState.FAILED if final or now >= last else DeliveryState.PENDING,
        message=key,
        attempts=delivery.attempts + 1,
        first_tried_at=first,
        last_error=error[:500],
        next_try_at=min(now + wait, max(now, last)),
    )
