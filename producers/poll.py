"""One poll as two decisions: what to ask, and what the answer means. Pure: clock and chance come in as arguments."""

import hashlib
import random
from datetime import datetime
from http import HTTPStatus
from typing import Final

import msgspec
from msgspec.structs import replace

from marsad.config import PollSettings
from marsad.errors import FetchError
from marsad.events import FeedPolled
from marsad.records import Entry, Feed, FeedState, FetchRequest, FetchResponse, Health, PollNote
from marsad.records.urls import shown_url
from producers import health as judge
from producers.backfill import opened
from producers.entries import Reconciled, find_gap, reconcile
from producers.hints import Hints, hints_of
from producers.history import noted
from producers.learning import learn
from producers.moves import vote
from producers.parse import ParsedFeed
from producers.parse.htmltext import plain_text
from producers.schedule import Plan, after_failure, after_success, human, standing_after
from producers.validators import LYING, asks_conditionally, trust_after

__all__ = [
    "PollResult",
    "body_hash",
    "decide",
    "explain",
    "is_quiet",
    "known_after",
    "needs_parse",
    "request_for",
    "wants_page",
]

_ACCEPT: Final = (
    "application/rss+xml, application/atom+xml, application/feed+json, application/rdf+xml;q=0.9, "
    "application/xml;q=0.8, text/xml;q=0.8, application/json;q=0.7, */*;q=0.1"
)
_MOST_GAPS: Final = 20
# Plain numbers: every look at a member of an enumeration takes a third of a microsecond, a dozen of them a tenth of a quiet decision.
_OK: Final = int(HTTPStatus.OK)
_NOT_MODIFIED: Final = int(HTTPStatus.NOT_MODIFIED)
_WELL: Final = frozenset({Health.OK, Health.UNCHANGED})
_LASTING: Final = frozenset({Health.SILENT, Health.FROZEN_DATES, Health.EMPTY})
# A summary of 600 characters is about 100 Arabic words: shorter is a teaser, longer is the article or most of it.
_WHOLE_TEXT: Final = 600
# A feed whose new address fails so often in a row is asked at its old one every other time.
_DOUBT_MOVE: Final = 3


class PollResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a poll leads to: store ``state`` and hand on ``entries`` together."""

    state: FeedState
    entries: tuple[Entry, ...] = ()
    new: int = 0
    revised: int = 0
    missed: int = 0
    lacks_text: bool = False
    """Among ``entries`` is one that was read without its texts: the whole document must be read, and decided about again."""
    site_pause: float = 0.0
    """Seconds for which the whole site wants to be left alone."""
    event: FeedPolled


def request_for(feed: Feed, state: FeedState | None, now: datetime, settings: PollSettings) -> FetchRequest:
    """What to ask: the stored address if the feed moved for good, with validators unless they may not be believed."""
    url = (state.url if state else "") or feed.url
    if state and state.failures >= _DOUBT_MOVE and state.failures % 2:
        url = feed.url
    conditional = asks_conditionally(state, now, settings)
    return FetchRequest(
        url=url,
        purpose="feed",
        etag=state.etag if state and conditional else "",
        last_modified=state.last_modified if state and conditional else "",
        max_bytes=settings.max_feed_bytes,
        accept=_ACCEPT,
    )


def body_hash(body: bytes) -> str:
    """Hash of a document's bytes."""
    return hashlib.blake2b(body, digest_size=16).hexdigest()


def needs_parse(state: FeedState | None, answer: FetchResponse, *, now: datetime) -> bool:
    """Tell whether an answer must be parsed: a document that is not byte for byte the one before.

    The same bytes are judged anew where the feed was not well, and at the first poll of each day: with time alone a
    feed can fall silent.
    """
    if answer.status != _OK:
        return False
    if state is None or state.last_ok_at is None or body_hash(answer.body) != state.body_hash:
        return True
    return state.health not in _WELL or state.last_ok_at.date() != now.date()


def is_quiet(before: FeedState, result: PollResult) -> bool:
    """Tell whether a poll without a document taught nothing that a crash may not take: what was known, and when to ask again.

    Args:
        before: the state that the poll began with.
        result: of a poll whose answer needed no parsing.
    """
    after = result.state
    return (
        {before.health, after.health} <= _WELL
        and (before.url, before.redirect_votes, before.muted, before.hub)
        == (after.url, after.redirect_votes, after.muted, after.hub)
        and before.standing is after.standing
    )


class _Case(msgspec.Struct, frozen=True):
    """All that the decisions about one answer share."""

    feed: Feed
    before: FeedState
    conditional: bool
    now: datetime
    asked_at: datetime
    settings: PollSettings
    rng: random.Random


def decide(
    feed: Feed,
    state: FeedState | None,
    request: FetchRequest,
    answer: FetchResponse | FetchError,
    parsed: ParsedFeed | None,
    *,
    now: datetime,
    asked_at: datetime | None = None,
    settings: PollSettings,
    rng: random.Random,
) -> PollResult:
    """What an answer means: the new state, the entries to hand on, and when to ask again.

    Args:
        feed: the feed.
        state: what was known; None before its first poll.
        request: what was asked.
        answer: what came, or the error that came instead.
        parsed: the document, where :func:`needs_parse` said so.
        now: the present instant.
        asked_at: when the request went out, which the interval counts from; default: now.
        settings: bounds of the interval.
        rng: jitter.
    """
    conditional = bool(request.etag or request.last_modified)
    before = state or FeedState(feed_id=feed.id)
    before = replace(before, polls=before.polls + 1, last_poll_at=now)
    if not conditional and isinstance(answer, FetchResponse):
        before = replace(before, last_unconditional_at=now)
    case = _Case(feed, before, conditional, now, asked_at or now, settings, rng)
    result = _decided(case, answer, parsed)
    return replace(result, state=noted(result.state, _note(result, answer.status or 0, now)))


def _decided(case: _Case, answer: FetchResponse | FetchError, parsed: ParsedFeed | None) -> PollResult:
    if isinstance(answer, FetchError):
        return _failed(case, judge.of_error(answer), answer.retry_after or 0.0)
    hints = hints_of(answer.headers, parsed, case.now)
    bad = judge.of_status(answer) or _no_answer(case, answer, parsed)
    if bad is not None:
        pause = judge.site_pause(answer, case.now)
        return replace(_failed(case, bad, hints.retry_after or pause), site_pause=pause)
    return _unchanged(case, answer, hints) if parsed is None else _read(case, answer, parsed, hints)


def _note(result: PollResult, status: int, now: datetime) -> PollNote:
    state, at = result.state, int(now.timestamp())
    return PollNote(
        at=at,
        health=state.health,
        status=status,
        new=result.new,
        revised=result.revised,
        missed=result.missed,
        wait=round(result.event.next_in),
        reason=state.reason,
        since=at,
    )


def _no_answer(case: _Case, answer: FetchResponse, parsed: ParsedFeed | None) -> judge.Verdict | None:
    """Answers that look well by their status and bring no feed."""
    if answer.status == _NOT_MODIFIED and not case.conditional:
        return Health.NETWORK, "the server answered 304 although nothing was asked conditionally"
    if parsed is not None and parsed.kind is None:
        return judge.of_document(answer, parsed, new=0, total=0, was=case.before, state=case.before, now=case.now)
    return None


def _failed(case: _Case, verdict: judge.Verdict, retry_after: float) -> PollResult:
    """No feed came. Validators and memory stay; the feed is asked again later each time, and never given up."""
    counted = replace(_judged(case.before, verdict, case.now), failures=case.before.failures + 1)
    counted = standing_after(counted, case.now, failed=True)
    plan = after_failure(
        counted, counted.health, now=case.now, retry_after=retry_after, settings=case.settings, rng=case.rng
    )
    state = replace(_planned(counted, plan), muted=counted.muted or counted.health is Health.GONE)
    return PollResult(state=state, event=_event(case, state))


def _unchanged(case: _Case, answer: FetchResponse, hints: Hints) -> PollResult:
    """The server says so with 304, or sent the same bytes."""
    before = case.before
    # A 304 alone says nothing about a new address: it counts where a document from there has counted before.
    shown = answer.status == _OK or answer.permanent_url in {"", before.redirect_to}
    redirect_to, votes, url = vote(before, answer, is_feed=shown)
    learned = learn(before, (), now=case.now, total=None)
    moved = None if url == before.url else (Health.MOVED, f"moved for good to {shown_url(url)}")
    state = replace(
        _judged(learned, moved or _still(learned, answer, case.now), case.now),
        redirect_to=redirect_to,
        redirect_votes=votes,
        url=url,
    )
    if answer.status == _OK:
        trust = trust_after(before, answer, conditional=case.conditional, body_changed=False, news=False)
        state = _with_validators(replace(state, validators_trusted=trust), answer)
    plan = after_success(
        state,
        now=case.now,
        elapsed=_elapsed(case),
        new=0,
        total=0,
        gap=False,
        hints=hints,
        settings=case.settings,
        rng=case.rng,
    )
    state = _planned(state, _from_request(plan, case))
    return PollResult(state=state, event=_event(case, state))


def _still(state: FeedState, answer: FetchResponse, now: datetime) -> judge.Verdict:
    """Health after an answer without news: a feed can fall silent, slow is slow, and what only a document can cure stays."""
    if silent := judge.of_rhythm(state, now):
        return silent
    if answer.elapsed >= judge.SLOW_SECONDS:
        return Health.SLOW, f"the answer took {answer.elapsed:.1f} s"
    if state.health in _LASTING:
        return state.health, state.detail
    return Health.UNCHANGED, ""


def _read(case: _Case, answer: FetchResponse, parsed: ParsedFeed, hints: Hints) -> PollResult:
    """A feed came: take what is new, and learn."""
    before, now = case.before, case.now
    result = reconcile(case.feed, before, parsed, now)
    gap = find_gap(before, result, now)
    if gap is not None:
        gap = opened(gap, case.feed, before, parsed, url=answer.final_url, settings=case.settings)
    learned = known_after(learn(before, result.published, now=now, total=result.total, gap=gap is not None), result)
    verdict = judge.of_document(answer, parsed, new=result.new, total=result.total, was=before, state=learned, now=now)
    redirect_to, votes, url = vote(before, answer, is_feed=True)
    if url != before.url:
        verdict = (Health.MOVED, f"moved for good to {shown_url(url)}")
    digest = body_hash(answer.body)
    news = bool(before.seen and (result.new or result.revised))
    trust = trust_after(
        before, answer, conditional=case.conditional, body_changed=digest != before.body_hash, news=news
    )
    state = replace(
        _judged(learned, verdict, now),
        body_hash=digest,
        validators_trusted=trust,
        redirect_to=redirect_to,
        redirect_votes=votes,
        url=url,
        gaps=(*before.gaps, gap)[-_MOST_GAPS:] if gap else before.gaps,
        gap_count=before.gap_count + (gap is not None),
    )
    plan = after_success(
        state,
        now=now,
        elapsed=_elapsed(case),
        new=result.new,
        total=result.total,
        gap=gap is not None,
        hints=hints,
        settings=case.settings,
        rng=case.rng,
    )
    state = _planned(_with_validators(state, answer), _from_request(plan, case))
    missed = gap.missed_at_least if gap else 0
    return PollResult(
        state=state,
        entries=result.entries,
        new=result.new,
        revised=result.revised,
        missed=missed,
        lacks_text=result.lacks_text,
        event=_event(case, state, new=result.new, revised=result.revised, missed=missed),
    )


def known_after(state: FeedState, result: Reconciled) -> FeedState:
    """The state with what the document holds: memory and newest date. Nothing is unfinished, unless the document was empty."""
    newest = max((at for at in (state.newest_published, result.newest) if at), default=None)
    unfinished = () if result.total else state.unfinished
    return replace(state, seen=result.seen, newest_published=newest, unfinished=unfinished)


def _with_validators(state: FeedState, answer: FetchResponse) -> FeedState:
    if state.validators_trusted == LYING:
        return replace(state, etag="", last_modified="")
    return replace(state, etag=answer.headers.get("etag", ""), last_modified=answer.headers.get("last-modified", ""))


def _judged(state: FeedState, verdict: judge.Verdict, now: datetime) -> FeedState:
    """The state with a new health; small differences between good states are no change to speak of."""
    status, detail = verdict
    same = status is state.health
    return replace(state, health=status, health_since=state.health_since if same else now, detail=detail)


def _from_request(plan: Plan, case: _Case) -> Plan:
    """The plan counted from when the request went out: where polls are seconds apart, slow answers would add up."""
    return msgspec.structs.replace(plan, at=max(case.now, plan.at - (case.now - case.asked_at)))


def _planned(state: FeedState, plan: Plan) -> FeedState:
    return replace(state, interval=plan.interval, next_poll_at=plan.at, reason=plan.reason)


def _elapsed(case: _Case) -> float:
    last = case.before.last_ok_at
    return (case.now - last).total_seconds() if last else 0.0


def _event(case: _Case, state: FeedState, *, new: int = 0, revised: int = 0, missed: int = 0) -> FeedPolled:
    wait = (state.next_poll_at - case.now).total_seconds() if state.next_poll_at else 0.0
    return FeedPolled(
        feed_id=case.feed.id,
        outlet=case.feed.outlet,
        health=state.health,
        new=new,
        revised=revised,
        missed=missed,
        next_in=wait,
        reason=explain(state, case.now),
    )


def explain(state: FeedState, now: datetime) -> str:
    """When the feed is asked again and why, as one sentence."""
    if state.muted:
        return f"not polled again before somebody unmutes it: {state.detail}"
    if state.next_poll_at is None:
        return "polled at once: it is new"
    wait = max(0.0, (state.next_poll_at - now).total_seconds())
    return f"next poll in {human(wait)} because {state.reason}"


def wants_page(feed: Feed, entry: Entry) -> bool:
    """Tell whether the article page must be fetched: where the feed is known or seems to give only a teaser."""
    if not entry.url or feed.full_text is True:
        return False
    if feed.full_text is False:
        return True
    text = max(plain_text(entry.content_html), plain_text(entry.summary_html), key=len)
    return len(text) < _WHOLE_TEXT
