"""When an alert goes out, and what follows from how it went. Pure: the clock comes in."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from marsad.records import Alert, Delivery, DeliveryState, QuietHours, Subscription
from marsad.records.ids import delivery_id

__all__ = ["TERMINAL", "Batch", "after_failure", "after_success", "batches", "deliveries_for", "next_window"]

TERMINAL = "terminal:"
"""The outlet that is the terminal of the running program."""

_LONGEST_WAIT = timedelta(hours=6)


class Batch(msgspec.Struct, frozen=True):
    """Deliveries that go out as one message: one, or all of a digest."""

    key: str
    outlet: str
    subscription_id: str
    items: tuple[tuple[Delivery, Alert], ...]


def deliveries_for(alert: Alert, subscription: Subscription, *, extra: Sequence[str] = ()) -> tuple[Delivery, ...]:
    """One delivery for each outlet of the subscription and each of ``extra``, due by cadence and quiet hours."""
    due = next_window(alert.at, subscription)
    return tuple(
        Delivery(
            delivery_id=delivery_id(alert.alert_id, outlet),
            alert_id=alert.alert_id,
            subscription_id=subscription.id,
            outlet=outlet,
            next_try_at=alert.at if outlet == TERMINAL else due,
        )
        for outlet in dict.fromkeys((*subscription.outlets, *extra))
    )


def next_window(at: datetime, subscription: Subscription) -> datetime:
    """The first instant from ``at`` at which the subscription may be sent to.

    Digests go out on the full hour, at 07:00, or on Mondays at 07:00, in the zone of the quiet hours (else UTC).
    """
    zone = ZoneInfo(subscription.quiet.zone) if subscription.quiet else UTC
    local = at.astimezone(zone)
    if subscription.cadence == "hourly":
        local = local.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    elif subscription.cadence != "instant":
        morning = local.replace(hour=7, minute=0, second=0, microsecond=0)
        local = morning if morning > local else morning + timedelta(days=1)
        if subscription.cadence == "weekly":
            local += timedelta(days=-local.weekday() % 7)
    return _after_quiet(local, subscription.quiet).astimezone(UTC)


def _after_quiet(local: datetime, quiet: QuietHours | None) -> datetime:
    if quiet is None or quiet.start == quiet.end:
        return local
    now = local.time()
    over_midnight = quiet.start > quiet.end
    inside = now >= quiet.start or now < quiet.end if over_midnight else quiet.start <= now < quiet.end
    if not inside:
        return local
    end = local.replace(hour=quiet.end.hour, minute=quiet.end.minute, second=quiet.end.second, microsecond=0)
    return end if end > local else end + timedelta(days=1)


def batches(due: Sequence[tuple[Delivery, Alert]], subscriptions: dict[str, Subscription]) -> tuple[Batch, ...]:
    """Put deliveries together that go out as one message: digests by subscription, outlet and window; others alone."""
    groups: dict[tuple[str, ...], list[tuple[Delivery, Alert]]] = {}
    for delivery, alert in due:
        subscription = subscriptions.get(delivery.subscription_id)
        digest = subscription is not None and subscription.cadence != "instant" and delivery.outlet != TERMINAL
        part = (
            ("digest", delivery.next_try_at.isoformat())
            if digest and not delivery.attempts
            else ("one", delivery.delivery_id)
        )
        groups.setdefault((delivery.subscription_id, delivery.outlet, *part), []).append((delivery, alert))
    return tuple(
        Batch(key=items[0][0].delivery_id, outlet=key[1], subscription_id=key[0], items=tuple(items))
        for key, items in groups.items()
    )


def after_success(delivery: Delivery, now: datetime) -> Delivery:
    """The delivery, sent."""
    return msgspec.structs.replace(
        delivery, state=DeliveryState.SENT, attempts=delivery.attempts + 1, sent_at=now, last_error=""
    )


def after_failure(
    delivery: Delivery,
    error: str,
    now: datetime,
    *,
    final: bool,
    first_wait: float,
    max_attempts: int,
    retry_after: float | None = None,
) -> Delivery:
    """The delivery, to be tried again later with doubled waits, or given up.

    Args:
        delivery: as it was tried.
        error: what the outlet said.
        now: the instant of the failure.
        final: the outlet can never take it.
        first_wait: seconds before the second try; it doubles each time, up to six hours.
        max_attempts: tries in all.
        retry_after: seconds the outlet asked to wait.
    """
    attempts = delivery.attempts + 1
    given_up = final or attempts >= max_attempts
    wait = min(timedelta(seconds=first_wait) * 2 ** min(attempts - 1, 20), _LONGEST_WAIT)
    if retry_after is not None:
        wait = max(wait, timedelta(seconds=retry_after))
    return msgspec.structs.replace(
        delivery,
        state=DeliveryState.FAILED if given_up else DeliveryState.PENDING,
        attempts=attempts,
        last_error=error[:500],
        next_try_at=now + wait,
    )
