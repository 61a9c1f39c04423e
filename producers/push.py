"""What a document that a hub pushed means: the same as one that a poll brought. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec
from msgspec.structs import replace

from marsad.events import FeedPolled
from marsad.records import Entry, Feed, FeedState, FetchResponse, HubLink, HubNews, PollNote
from producers.entries import find_gap, reconcile
from producers.history import noted
from producers.learning import learn
from producers.parse import ParsedFeed
from producers.poll import PollResult, body_hash, explain, known_after

__all__ = ["Pushed", "as_answer", "as_result", "take_in"]


# What is known of the feed's server: a push comes from another one.
_OF_THE_SERVER: Final = ("failures", "failing_since", "comebacks", "standing", "muted")


class Pushed(msgspec.Struct, frozen=True, kw_only=True):
    """What pushes lead to: store ``state`` and hand on ``entries`` together."""

    state: FeedState
    entries: tuple[Entry, ...] = ()
    new: int = 0
    revised: int = 0
    total: int = 0
    used: tuple[HubNews, ...] = ()
    left: tuple[HubNews, ...] = ()
    """Pushes that only say that there is news: the feed itself must be asked."""


def as_answer(link: HubLink, push: HubNews) -> FetchResponse:
    """The push as if the feed had answered with it."""
    headers = {"content-type": push.content_type}
    return FetchResponse(url=link.topic, final_url=link.topic, status=200, headers=headers, body=push.body)


def take_in(feed: Feed, state: FeedState, pushes: Sequence[tuple[HubNews, ParsedFeed | None]], now: datetime) -> Pushed:
    """Take the pushed documents as a poll would: parsed, identified and compared in the same way.

    Hubs may send only what is new (WebSub section 7), which looks like a gap and may be one. Only the feed's own document can
    tell, so a push that nothing known is in is left; taken in, it would hide the gap from the poll that follows.
    What is known of the feed's server stays as it was: its health, failures, validators and the next poll. The history has one
    more row where something came.

    Args:
        feed: the feed.
        state: what was known.
        pushes: in the order in which they came, each with its document as read; None where it had none.
        now: the present instant.
    """
    done = Pushed(state=state)
    for push, parsed in pushes:
        before = done.state
        result = None if parsed is None or parsed.kind is None else reconcile(feed, before, parsed, now)
        if result is None or not result.total or find_gap(before, result, now) is not None:
            done = replace(done, left=(*done.left, push))
            continue
        after = known_after(learn(before, result.published, now=now, total=None), result)
        kept = {name: getattr(before, name) for name in _OF_THE_SERVER}
        done = replace(
            done,
            state=replace(after, body_hash=body_hash(push.body), **kept),
            entries=(*done.entries, *result.entries),
            new=done.new + result.new,
            revised=done.revised + result.revised,
            total=result.total,
            used=(*done.used, push),
        )
    return replace(done, state=noted(done.state, _note(done, now))) if done.new or done.revised else done


def _note(done: Pushed, now: datetime) -> PollNote:
    state, at = done.state, int(now.timestamp())
    wait = (state.next_poll_at - now).total_seconds() if state.next_poll_at else 0.0
    return PollNote(
        at=at,
        health=state.health,
        new=done.new,
        revised=done.revised,
        wait=max(0, round(wait)),
        reason=state.reason,
        since=at,
        pushed=True,
    )


def as_result(feed: Feed, taken: Pushed, now: datetime) -> PollResult:
    """The pushes as the result of a poll."""
    state = taken.state
    event = FeedPolled(
        feed_id=feed.id,
        outlet=feed.outlet,
        health=state.health,
        new=taken.new,
        revised=taken.revised,
        missed=0,
        next_in=(state.next_poll_at - now).total_seconds() if state.next_poll_at else 0.0,
        reason=explain(state, now),
    )
    return PollResult(state=state, entries=taken.entries, new=taken.new, revised=taken.revised, event=event)
