"""What an answer says about a feed, as one named state with a sentence. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

from marsad.errors import FetchError
from marsad.records import DateDoubt, FeedState, FetchResponse, Health
from producers.hints import retry_after
from producers.parse import ParsedEntry, ParsedFeed, looks_like_bot_wall
from producers.rhythm import silence, usually
from producers.schedule import human, quiet_since

__all__ = [
    "Verdict",
    "date_doubt",
    "frozen_date",
    "of_document",
    "of_error",
    "of_rhythm",
    "of_status",
    "quiet_too_long",
    "site_pause",
]

Verdict = tuple[Health, str]
"""The state, and what a person should read about it."""

# An answer that takes longer than this is reported as slow, though it is used like any other.
SLOW_SECONDS: Final = 2.0
# How long a site is left alone that answers 429 without saying for how long.
_THROTTLE_PAUSE: Final = 30.0
_FEWEST_DATES: Final = 3
_FROZEN_SECONDS: Final = 3_600.0
_MANY_DATES: Final = 20
_EDITION: Final = timedelta(days=1)
_STAMPED: Final = timedelta(minutes=2)
_ONE_MOMENT: Final = timedelta(seconds=2)
_SILENT_GAPS: Final = 10.0
_SILENT_LEAST: Final = 172_800.0
_FEWEST_FOR_RHYTHM: Final = 8
_ANSWERED: Final = frozenset({int(HTTPStatus.OK), int(HTTPStatus.NOT_MODIFIED)})
_WALL_STATUSES: Final = frozenset({401, 403, 429, 503})
_HEAD: Final = 100_000


def of_error(error: FetchError) -> Verdict:
    """The state that a failed request means."""
    try:
        return Health(error.health), str(error)
    except ValueError:
        return Health.NETWORK, str(error)


def of_status(answer: FetchResponse) -> Verdict | None:
    """The state that a status other than 200 and 304 means; None for these two."""
    status = answer.status
    if status in _ANSWERED:
        return None
    words = f"the server answered {status}{_phrase(status)}"
    if status in _WALL_STATUSES and answer.body and looks_like_bot_wall(answer.body[:_HEAD].decode("utf-8", "replace")):
        return Health.BOT_WALL, f"{words} with a bot check"
    if status == HTTPStatus.GONE:
        return Health.GONE, f"{words}: the feed was removed for good; it is muted"
    if _is_throttled(answer):
        return Health.THROTTLED, f"{words}: it wants fewer requests"
    if status < HTTPStatus.BAD_REQUEST:
        return Health.NOT_A_FEED, f"{words} without a document"
    return (Health.HTTP_4XX if status < HTTPStatus.INTERNAL_SERVER_ERROR else Health.HTTP_5XX), words


def _is_throttled(answer: FetchResponse) -> bool:
    """Tell whether the server asks for fewer requests: 429, or 503 that says when to come back."""
    if answer.status == HTTPStatus.SERVICE_UNAVAILABLE:
        return bool(answer.headers.get("retry-after"))
    return answer.status == HTTPStatus.TOO_MANY_REQUESTS


def site_pause(answer: FetchResponse, now: datetime) -> float:
    """Seconds for which the whole site is to be left alone, whatever was asked of it: a feed, a page, robots.txt.

    Args:
        answer: what came; 0 where it asks for no fewer requests.
        now: the present instant, for a date in Retry-After.
    """
    if not _is_throttled(answer):
        return 0.0
    return retry_after(answer.headers.get("retry-after", ""), now) or _THROTTLE_PAUSE


def of_document(
    answer: FetchResponse,
    parsed: ParsedFeed,
    *,
    new: int,
    total: int,
    was: FeedState,
    state: FeedState,
    now: datetime,
) -> Verdict:
    """The state that a document means.

    Args:
        answer: where it came from.
        parsed: as read.
        new: entries that were new.
        total: entries in it.
        was: what was known before.
        state: what is known with this document.
        now: the present instant.
    """
    if parsed.kind is None:
        return _no_feed(parsed)
    if not total:
        return Health.EMPTY, "the document is a feed without entries"
    if untrue := _by_dates(parsed.entries, was, now, new=new, known=total - new):
        return untrue
    if silent := of_rhythm(state, now) or _silent_by_dates(state, parsed.entries, now):
        return silent
    if answer.elapsed >= SLOW_SECONDS:
        return Health.SLOW, f"the answer took {answer.elapsed:.1f} s"
    return Health.OK, _remarks(parsed)


def of_rhythm(state: FeedState, now: datetime) -> Verdict | None:
    """Silence by the feed's own history: so improbable in the same hours of its weeks that something must have changed.

    Args:
        state: what is known with the present answer in it.
        now: the present instant.
    """
    since = quiet_since(state, now)
    if state.rhythm is None or since is None or not silence(state.rhythm):
        return None
    due = usually(state.rhythm, since, now)
    if due < 1:
        return Health.SILENT, "it brings far less than it used to in these hours of the week"
    return Health.SILENT, f"no entry for {human((now - since).total_seconds())}, in which it used to bring {due:.0f}"


def _silent_by_dates(state: FeedState, entries: Sequence[ParsedEntry], now: datetime) -> Verdict | None:
    """Silence of a feed whose week is not known yet: as the dates in its document say, and then until something new comes."""
    if silence(state.rhythm) is False and state.health is not Health.SILENT:
        return None
    if state.last_new_at == now and state.polls > 1:
        return None
    quiet = quiet_too_long(entries, now)
    return (Health.SILENT, f"no entry for {human(quiet)}, far longer than its own rhythm") if quiet else None


def _by_dates(entries: Sequence[ParsedEntry], was: FeedState, now: datetime, *, new: int, known: int) -> Verdict | None:
    frozen = frozen_date(entries, now)
    if frozen and was.seen and (new or was.health is Health.FROZEN_DATES):
        return Health.FROZEN_DATES, f"all entries, new ones too, bear the date {frozen.isoformat()}"
    if date_doubt(entries, was, now, known=known) == "always now":
        return Health.FROZEN_DATES, "all entries, old ones too, bear the time of the request"
    return None


def _no_feed(parsed: ParsedFeed) -> Verdict:
    if "bot-wall" in parsed.problems:
        return Health.BOT_WALL, "a bot check came instead of the feed"
    if "empty-document" in parsed.problems:
        return Health.EMPTY, "the answer has no body"
    if parsed.feed_links:
        return Health.NOT_A_FEED, f"the answer is a web page, not a feed; it offers {parsed.feed_links[0]}"
    return Health.NOT_A_FEED, "the answer is no feed"


def _remarks(parsed: ParsedFeed) -> str:
    return f"read with: {', '.join(parsed.problems)}" if parsed.problems else ""


def frozen_date(entries: Sequence[ParsedEntry], now: datetime) -> datetime | None:
    """The one date that all entries of a document bear, if that is not about now: a feed that dates nothing truly."""
    dates = [entry.published_at for entry in entries if entry.published_at]
    if len(dates) < _FEWEST_DATES or len(set(dates)) > 1 or len({entry.title for entry in entries}) == 1:
        return None
    return dates[0] if abs((now - dates[0]).total_seconds()) > _FROZEN_SECONDS else None


def date_doubt(entries: Sequence[ParsedEntry], was: FeedState, now: datetime, *, known: int) -> DateDoubt:
    """Why a document's dates say nothing of its entries; empty where they may be believed.

    One date for all, a day old and more, is proven wrong by entries that came since the last poll and share it with those that
    were there before; the first poll proves nothing, and an edition may bear one date. Dates about the time of the request are
    proven wrong by entries that were there minutes ago, and where so many fall into one moment: a site that writes a list in
    one go does not publish so.

    Args:
        entries: all in the document.
        was: what was known before.
        now: the present instant.
        known: how many of them were known.
    """
    dates = [entry.published_at for entry in entries if entry.published_at]
    if frozen_date(entries, now) and was.seen:
        shared = known > 0 or was.newest_published == dates[0]
        return "frozen" if shared and now - dates[0] > _EDITION else ""
    if len(dates) < _FEWEST_DATES or any(abs(now - date) > _STAMPED for date in dates):
        return ""
    returned = known > 0 and was.last_ok_at is not None and now - was.last_ok_at > 2 * _STAMPED
    at_once = len(dates) >= _MANY_DATES and max(dates) - min(dates) <= _ONE_MOMENT
    return "always now" if returned or at_once else ""


def quiet_too_long(entries: Sequence[ParsedEntry], now: datetime) -> float:
    """Seconds since the newest entry, if that is more than ten times the feed's mean gap and two days; else 0."""
    dates = sorted(entry.published_at for entry in entries if entry.published_at and entry.published_at <= now)
    if len(dates) < _FEWEST_FOR_RHYTHM:
        return 0.0
    gap = (dates[-1] - dates[0]).total_seconds() / (len(dates) - 1)
    quiet = (now - dates[-1]).total_seconds()
    return quiet if quiet > max(_SILENT_LEAST, _SILENT_GAPS * gap) else 0.0


def _phrase(status: int) -> str:
    try:
        return f" {HTTPStatus(status).phrase}"
    except ValueError:
        return ""
