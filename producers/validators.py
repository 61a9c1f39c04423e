"""Whether to ask conditionally, and when not to believe a 304. Pure.

Servers and caches answer 304 although the feed has changed; who believes them loses news without any sign. Validators
therefore start unproven, each early 304 is checked by an unconditional poll, an implausible one at once, and a feed that
was caught is never asked conditionally again.
"""

from datetime import datetime
from typing import Final

from marsad.config import PollSettings
from marsad.records import FeedState, FetchResponse
from producers.rhythm import expected_entries

__all__ = ["LYING", "PROVEN", "UNPROVEN", "asks_conditionally", "trust_after"]

UNPROVEN: Final = 0
PROVEN: Final = 1
LYING: Final = -1

# Three entries expected and none seen: e^-3, a chance of 5 % if the feed is only quiet.
_IMPLAUSIBLE: Final = 3.0


def asks_conditionally(state: FeedState | None, now: datetime, settings: PollSettings) -> bool:
    """Tell whether the next request may carry the stored validators."""
    if state is None or not (state.etag or state.last_modified) or state.validators_trusted == LYING:
        return False
    last = state.last_unconditional_at
    if last is None or (now - last).total_seconds() >= settings.unconditional_every:
        return False
    if state.validators_trusted == UNPROVEN and state.last_poll_at != last:
        return False
    since = max(last, state.last_new_at or last)
    return expected_entries(state, since, now) < _IMPLAUSIBLE


def trust_after(state: FeedState, answer: FetchResponse, *, conditional: bool, body_changed: bool, news: bool) -> int:
    """What an answer with status 200 says about the validators.

    Args:
        state: as before this answer.
        answer: the answer.
        conditional: whether the request carried the stored validators.
        body_changed: the body is not the one before.
        news: it holds new or revised entries.
    """
    if state.validators_trusted == LYING:
        return LYING
    etag, modified = answer.headers.get("etag", ""), answer.headers.get("last-modified", "")
    if not (state.etag or state.last_modified):
        return UNPROVEN
    same = etag == state.etag and (bool(etag) or modified == state.last_modified)
    if same and news:
        return LYING
    if same and not body_changed and not conditional:
        return PROVEN
    if not same and body_changed and (etag or modified):
        return PROVEN
    return state.validators_trusted
