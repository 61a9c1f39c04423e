"""A subscription as it is typed into the form, and what is wrong with it."""

from datetime import time
from typing import Final, cast, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from starlette.datastructures import FormData

from marsad.errors import ConfigError, QueryError
from marsad.records import CHOSEN, Cadence, QuietHours, Subscription, Trigger
from marsad.records.ids import subscription_id
from marsad_app.subscribing import BOUNDS, MOST_OUTLETS, settled
from marsad_app.web.explaining import explain
from marsad_app.web.services import Services
from marsad_app.web.shell import field, fields
from marsad_app.web.texts import Texts

__all__ = ["Draft", "draft_of", "from_form", "problems", "to_subscription"]

_MAX_NAME: Final = 120
_NUMBERS: Final = tuple(BOUNDS)


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of the form, as text."""

    name: str = ""
    query: str = ""
    triggers: tuple[str, ...] = (Trigger.NEW_STORY.value,)
    story_outlets: str = "2"
    story_countries: str = "2"
    spike_hours: str = "3"
    cadence: str = "instant"
    every: str = "15"
    at: str = "07:00"
    weekday: str = "0"
    zone: str = ""
    cooldown: str = "0"
    cap: str = "0"
    quiet_start: str = ""
    quiet_end: str = ""
    quiet_zone: str = "UTC"
    outlets: tuple[str, ...] = ()
    language: str = "ar"
    enabled: bool = True
    backfill: bool = False
    """Tell what the last days would have brought: asked once, not kept."""


def draft_of(subscription: Subscription) -> Draft:
    """The form filled with a subscription."""
    quiet = subscription.quiet
    return Draft(
        name=subscription.name,
        query=subscription.query,
        triggers=tuple(trigger.value for trigger in subscription.triggers),
        cadence=subscription.cadence,
        at=f"{subscription.at:%H:%M}",
        zone=subscription.zone,
        quiet_start=f"{quiet.start:%H:%M}" if quiet else "",
        quiet_end=f"{quiet.end:%H:%M}" if quiet else "",
        quiet_zone=quiet.zone if quiet else "UTC",
        outlets=subscription.outlets,
        language=subscription.language,
        enabled=subscription.enabled,
        backfill=False,
        **{name: str(getattr(subscription, name)) for name in _NUMBERS},
    )


def from_form(form: FormData) -> Draft:
    """The form as it was sent."""
    cadence = field(form, "cadence")
    return Draft(
        name=" ".join(field(form, "name").split())[:_MAX_NAME],
        query=field(form, "query"),
        triggers=tuple(value for value in fields(form, "triggers") if value in set(CHOSEN)),
        cadence=cadence if cadence in get_args(Cadence) else "instant",
        at=field(form, "at") or "07:00",
        zone=field(form, "zone"),
        quiet_start=field(form, "quiet_start"),
        quiet_end=field(form, "quiet_end"),
        quiet_zone=field(form, "quiet_zone") or "UTC",
        outlets=tuple(dict.fromkeys(line.strip() for line in field(form, "outlets").splitlines() if line.strip())),
        language="en" if field(form, "language") == "en" else "ar",
        enabled=field(form, "enabled") == "1",
        backfill=field(form, "backfill") == "1",
        **{name: sent for name in _NUMBERS if (sent := field(form, name))},
    )


def problems(draft: Draft, services: Services, texts: Texts) -> list[str]:
    """What must be mended before the draft can be saved, in the reader's words."""
    found = [
        texts(key)
        for key, wrong in (
            ("subscriptions.needs-name", not draft.name),
            ("subscriptions.needs-query", not draft.query),
            ("subscriptions.needs-trigger", not draft.triggers),
            ("subscriptions.bad-quiet", not _times_fit(draft)),
            ("subscriptions.many-outlets", len(draft.outlets) > MOST_OUTLETS),
        )
        if wrong
    ]
    found += [
        texts("subscriptions.bad-number", name=texts(f"subscriptions.{name.replace('_', '-')}"), least=least, most=most)
        for name, (least, most) in BOUNDS.items()
        if not least <= _number(getattr(draft, name)) <= most
    ]
    try:
        services.parse(draft.query)
    except QueryError as error:
        reason, _ = explain(error.reason, texts.language)
        place = texts("search.bad-query-place", n=error.position + 1)
        found.append(f"{texts('search.bad-query')}: {reason} ({place})")
    for outlet in draft.outlets[:MOST_OUTLETS]:
        try:
            services.accept(outlet)
        except ConfigError as error:
            found.append(explain(str(error), texts.language)[0])
    return found


def to_subscription(draft: Draft, known: Subscription | None, services: Services, owner: str = "") -> Subscription:
    """The subscription that a draft without problems asks for, for an owner; the one that is changed keeps id, owner and feed address."""
    wanted = Subscription(
        id=known.id if known else subscription_id(owner, draft.name, draft.query),
        name=draft.name,
        query=draft.query,
        owner=known.owner if known else owner,
        triggers=tuple(Trigger(value) for value in draft.triggers),
        cadence=cast("Cadence", draft.cadence),
        at=time.fromisoformat(draft.at),
        zone=draft.zone,
        quiet=_quiet(draft),
        outlets=draft.outlets,
        language=draft.language,
        enabled=draft.enabled,
        created_at=services.clock.now(),
    )
    numbers: dict[str, int] = {name: int(getattr(draft, name)) for name in _NUMBERS}
    wanted = msgspec.structs.replace(wanted, **numbers)
    before = known or services.subscriptions.subscription(wanted.id)
    return settled(wanted, before, services.accept, services.new_token)


def _number(text: str) -> int:
    """The number; one that fits nowhere for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else -1  # noqa: PLR2004


def _times_fit(draft: Draft) -> bool:
    try:
        _quiet(draft)
        ZoneInfo(draft.zone or "UTC")
        if time.fromisoformat(draft.at).tzinfo:
            return False
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return False
    return True


def _quiet(draft: Draft) -> QuietHours | None:
    """The quiet hours.

    Raises:
        ValueError: a time or the zone is none.
    """
    if not draft.quiet_start and not draft.quiet_end:
        return None
    start, end = time.fromisoformat(draft.quiet_start), time.fromisoformat(draft.quiet_end)
    if start.tzinfo or end.tzinfo:
        raise ValueError("a time of day has no zone")
    return QuietHours(start, end, ZoneInfo(draft.quiet_zone).key)
