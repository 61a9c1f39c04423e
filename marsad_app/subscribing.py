"""What a subscription must be before it is saved, whoever asks for it; and a trial of its outlets."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from marsad.errors import ConfigError, PoisonError, TransientError
from marsad.ports import Outlet
from marsad.records import CHOSEN, Alert, Article, Subscription, Trigger
from marsad.records.ids import alert_id
from sinks.alerts.plan import TERMINAL
from sinks.alerts.seal import shown

__all__ = ["BOUNDS", "MOST_OUTLETS", "check_zone", "muting", "settled", "trial", "try_outlets"]

MOST_OUTLETS: Final = 20
BOUNDS: Final[dict[str, tuple[int, int]]] = {
    "story_outlets": (2, 100),
    "story_countries": (2, 100),
    "spike_hours": (1, 24),
    "every": (1, 1_440),
    "weekday": (0, 6),
    "cooldown": (0, 10_080),
    "cap": (0, 1_000),
}
"""The least and the most of each number."""
_MOST_MUTED: Final = 500
_LONGEST_NAME: Final = 120
_LONGEST_QUERY: Final = 2_000


def check_zone(zone: str) -> None:
    """See that there is such a time zone; empty is none in particular.

    Raises:
        ConfigError: there is not.
    """
    try:
        if zone:
            ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError(f'there is no time zone "{zone[:60]}"; one is Africa/Cairo') from None


def settled(
    wanted: Subscription, before: Subscription | None, accept: Callable[[str], str], new_token: Callable[[], str]
) -> Subscription:
    """The subscription as it is saved. It keeps what the one before it was known by; outlets that were given up are tried again.

    Args:
        wanted: what is asked for; its query can be read.
        before: the subscription that it replaces.
        accept: the outlet's address as it is stored; raises ``ConfigError`` for one that is none.
        new_token: makes the secret of a new one.

    Raises:
        ConfigError: something in it cannot be; the sentence says what.
    """
    name = " ".join(wanted.name.split())
    if not name or len(name) > _LONGEST_NAME:
        raise ConfigError(f"a name of 1 to {_LONGEST_NAME} characters is expected")
    if len(wanted.query) > _LONGEST_QUERY:
        raise ConfigError(f"a query of at most {_LONGEST_QUERY} characters is expected")
    if not wanted.triggers or not set(wanted.triggers) <= set(CHOSEN):
        raise ConfigError(f"at least one trigger is expected, of {', '.join(CHOSEN)}")
    if len(wanted.outlets) > MOST_OUTLETS:
        raise ConfigError(f"at most {MOST_OUTLETS} outlets are expected")
    for field, (least, most) in BOUNDS.items():
        if not least <= getattr(wanted, field) <= most:
            raise ConfigError(f"{field} is {getattr(wanted, field)}; a number from {least} to {most} is expected")
    for zone in (wanted.zone, wanted.quiet.zone if wanted.quiet else ""):
        check_zone(zone)
    return msgspec.structs.replace(
        wanted,
        name=name,
        triggers=tuple(dict.fromkeys(wanted.triggers)),
        outlets=tuple(dict.fromkeys(accept(outlet) for outlet in wanted.outlets)),
        lost=(),
        muted=before.muted if before else (),
        created_at=before.created_at if before else wanted.created_at,
        spike_since=_counted_since(wanted, before),
        secret=(before.secret if before else "") or new_token(),
    )


def _counted_since(wanted: Subscription, before: Subscription | None) -> datetime | None:
    """Since when hits of the query are counted: anew where it is another one."""
    if Trigger.SPIKE not in wanted.triggers:
        return None
    if before is not None and before.query == wanted.query and Trigger.SPIKE in before.triggers:
        return before.counted_since
    return wanted.created_at


def muting(subscription: Subscription, story_id: str) -> Subscription:
    """The subscription, told no more of a story; the latest few hundred are kept."""
    muted = (*(each for each in subscription.muted if each != story_id), story_id)
    return msgspec.structs.replace(subscription, muted=muted[-_MOST_MUTED:])


def trial(subscription: Subscription, article: Article | None, now: datetime) -> Alert:
    """The alert of a test message: about an article where there is one."""
    return Alert(
        alert_id=alert_id(subscription.id, "test", f"test:{now.isoformat()}"),
        subscription_id=subscription.id,
        story_id=article.story_id if article else "",
        article_id=article.article_id if article else "",
        reason=Trigger.NEW_ARTICLE,
        title=article.title if article else "رسالة تجريبية من مرصد (Marsad test message)",
        outlet=article.outlet if article else "Marsad",
        url=article.url if article else "",
        topics=tuple(topic.id for topic in article.topics) if article else (),
        countries=tuple(country.code for country in article.countries) if article else (),
        at=now,
    )


def try_outlets(
    subscription: Subscription, articles: Sequence[Article], outlet_at: Callable[[str], Outlet], now: datetime
) -> list[tuple[str, str]]:
    """Send one alert to each outlet, past the ledger: it leaves no trace and stops no true alert.

    Args:
        subscription: whose outlets are tried.
        articles: matching articles, newest first; the first is what the message shows.
        outlet_at: finds the outlet of an address.
        now: the present instant.

    Returns:
        For each outlet its kind, and why it failed; empty where it took the message.
    """
    alert = trial(subscription, next(iter(articles), None), now)
    return [(shown(stored), _tried(stored, subscription, alert, outlet_at)) for stored in _remote(subscription.outlets)]


def _remote(outlets: Iterable[str]) -> list[str]:
    """Those that are not the terminal, which is another process's."""
    return [outlet for outlet in outlets if outlet != TERMINAL]


def _tried(stored: str, subscription: Subscription, alert: Alert, outlet_at: Callable[[str], Outlet]) -> str:
    try:
        outlet_at(stored).send(alert.alert_id, subscription, [alert])
    except (PoisonError, TransientError) as error:
        return str(error)
    return ""
