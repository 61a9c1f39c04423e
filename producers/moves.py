"""Permanent redirects: believed only after several agreeing polls that brought a feed. Pure.

A maintenance page or a login behind a 301 has overwritten the addresses of many feeds in many readers.
"""

from typing import Final
from urllib.parse import urlsplit

from marsad.records import FeedState, FetchResponse

__all__ = ["VOTES_NEEDED", "Move", "vote"]

VOTES_NEEDED: Final = 3

Move = tuple[str, int, str]
"""Address that is voted for, votes, and the address to store from now on (empty: the feed's own)."""


def vote(state: FeedState, answer: FetchResponse, *, is_feed: bool) -> Move:
    """Count one poll's redirect.

    Args:
        state: as before this answer.
        answer: the answer, with the end of an unbroken chain of permanent redirects.
        is_feed: the answer parsed as a feed (or was a 304 of one).

    Returns:
        Votes start anew when the target changes or a poll brought no redirect; a poll that brought no feed changes nothing.
        From https to http nothing is stored.
    """
    if not is_feed:
        return state.redirect_to, state.redirect_votes, state.url
    target = answer.permanent_url
    if not target or _is_downgrade(answer.url, target):
        return "", 0, state.url
    votes = state.redirect_votes + 1 if target == state.redirect_to else 1
    if votes >= VOTES_NEEDED:
        return "", 0, target
    return target, votes, state.url


def _is_downgrade(url: str, target: str) -> bool:
    return urlsplit(url).scheme == "https" and urlsplit(target).scheme == "http"
