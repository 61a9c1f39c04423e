"""A subscription as it is typed into the form, and what is wrong with it."""

from datetime import time
from typing import Final, Literal, cast, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from starlette.datastructures import FormData

from marsad.errors import ConfigError, QueryError
from marsad.records import QuietHours, Subscription, Trigger
from marsad.records.ids import subscription_id
from marsad_app.web.query_faults import explain
from marsad_app.web.services import Services
from marsad_app.web.shell import field, fields
from marsad_app.web.texts import Texts

__all__ = ["Cadence", "Draft", "draft_of", "from_form", "problems", "to_subscription"]

Cadence = Literal["instant", "hourly", "daily", "weekly"]
_MAX_NAME: Final = 120
_MAX_OUTLETS: Final = 20
_OUTLET_RANGE: Final = range(2, 101)


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of the form, as text."""

    name: str = ""
    query: str = ""
    triggers: tuple[str, ...] = (Trigger.NEW_STORY.value,)
    story_outlets: str = "2"
    cadence: str = "instant"
    quiet_start: str = ""
    quiet_end: str = ""
    quiet_zone: str = "UTC"
    outlets: tuple[str, ...] = ()
    language: str = "ar"
    enabled: bool = True


def draft_of(subscription: Subscription) -> Draft:
    """The form filled with a subscription."""
    quiet = subscription.quiet
    return Draft(
        name=subscription.name,
        query=subscription.query,
        triggers=tuple(trigger.value for trigger in subscription.triggers),
        story_outlets=str(subscription.story_outlets),
        cadence=subscription.cadence,
        quiet_start=f"{quiet.start:%H:%M}" if quiet else "",
        quiet_end=f"{quiet.end:%H:%M}" if quiet else "",
        quiet_zone=quiet.zone if quiet else "UTC",
        outlets=subscription.outlets,
        language=subscription.language,
        enabled=subscription.enabled,
    )


def from_form(form: FormData) -> Draft:
    """The form as it was sent."""
    cadence = field(form, "cadence")
    return Draft(
        name=" ".join(field(form, "name").split())[:_MAX_NAME],
        query=field(form, "query"),
        triggers=tuple(value for value in fields(form, "triggers") if value in set(Trigger)),
        story_outlets=field(form, "story_outlets") or "2",
        cadence=cadence if cadence in get_args(Cadence) else "instant",
        quiet_start=field(form, "quiet_start"),
        quiet_end=field(form, "quiet_end"),
        quiet_zone=field(form, "quiet_zone") or "UTC",
        outlets=tuple(dict.fromkeys(line.strip() for line in field(form, "outlets").splitlines() if line.strip())),
        language="en" if field(form, "language") == "en" else "ar",
        enabled=field(form, "enabled") == "1",
    )


def problems(draft: Draft, services: Services, texts: Texts) -> list[str]:
    """What must be mended before the draft can be saved, in the reader's words."""
    found = [
        texts(key)
        for key, wrong in (
            ("subscriptions.needs-name", not draft.name),
            ("subscriptions.needs-query", not draft.query),
            ("subscriptions.needs-trigger", not draft.triggers),
            ("subscriptions.bad-number", _number(draft.story_outlets) not in _OUTLET_RANGE),
            ("subscriptions.bad-quiet", not _quiet_fits(draft)),
            ("subscriptions.many-outlets", len(draft.outlets) > _MAX_OUTLETS),
        )
        if wrong
    ]
    try:
        services.parse(draft.query)
    except QueryError as error:
        reason, _ = explain(error.reason, texts.language)
        place = texts("search.bad-query-place", n=error.position + 1)
        found.append(f"{texts('search.bad-query')}: {reason} ({place})")
    for outlet in draft.outlets[:_MAX_OUTLETS]:
        try:
            services.check_outlet(outlet)
        except ConfigError as error:
            found.append(str(error))
    return found


def to_subscription(draft: Draft, known: Subscription | None, services: Services) -> Subscription:
    """The subscription that a draft without problems asks for; the one that is changed keeps id, owner and feed address."""
    wanted = Subscription(
        id=known.id if known else subscription_id("", draft.name, draft.query),
        name=draft.name,
        query=draft.query,
        owner=known.owner if known else "",
        triggers=tuple(Trigger(value) for value in draft.triggers),
        story_outlets=int(draft.story_outlets),
        cadence=cast("Cadence", draft.cadence),
        quiet=_quiet(draft),
        outlets=draft.outlets,
        language=draft.language,
        enabled=draft.enabled,
        created_at=known.created_at if known else services.clock.now(),
        secret=(known.secret if known else "") or services.new_token(),
    )
    before = services.subscriptions.subscription(wanted.id)
    if before is None:
        return wanted
    return msgspec.structs.replace(wanted, created_at=before.created_at, secret=before.secret or wanted.secret)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0  # noqa: PLR2004  # up to 999


def _quiet_fits(draft: Draft) -> bool:
    try:
        _quiet(draft)
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
