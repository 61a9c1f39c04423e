"""When an outlet is no longer tried, and how its owner is told. Pure."""

from datetime import datetime
from typing import Final

import msgspec

from marsad.arabic import isolated
from marsad.records import Alert, Subscription, Trigger
from marsad.records.ids import alert_id, digest
from sinks.alerts.seal import shown
from sinks.alerts.wording import CODES, REASONS, Names, language_of

__all__ = ["lost_notice", "told_through", "without"]

_LONGEST: Final = 300


def without(subscription: Subscription, outlet: str) -> Subscription:
    """The subscription, with an outlet that is tried no more until it is saved again."""
    return msgspec.structs.replace(subscription, lost=tuple(dict.fromkeys((*subscription.lost, outlet))))


def lost_notice(subscription: Subscription, outlet: str, error: str, now: datetime, names: Names = CODES) -> Alert:
    """What its owner is told: which kind of outlet, and what it said last, in the subscription's language.

    The id follows from the subscription as it was saved, so that an outlet that is lost anew after that is told anew.
    """
    event = f"outlet:{digest('lost', outlet, str(len(subscription.lost)), subscription.created_at.isoformat())}"
    language = language_of(subscription)
    kind = isolated(shown(outlet)) if language == "ar" else shown(outlet)
    title = f"{REASONS[language][Trigger.OUTLET_LOST]}: {kind} — {names.fault(error, language)}"
    return Alert(
        alert_id=alert_id(subscription.id, event, f"{Trigger.OUTLET_LOST}:{int(now.timestamp()) // 86_400}"),
        subscription_id=subscription.id,
        story_id=event,
        article_id="",
        reason=Trigger.OUTLET_LOST,
        title=title[:_LONGEST],
        at=now,
        lost_outlet=shown(outlet),
        error=error[:_LONGEST],
    )


def told_through(subscription: Subscription, operator: str) -> tuple[str, ...]:
    """Outlets that the notice goes to beside those of the subscription: the operator's where it has none left."""
    left = set(subscription.outlets) - set(subscription.lost)
    return (operator,) if operator and not left else ()
