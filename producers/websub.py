"""Subscriptions at the hubs of feeds (WebSub): when to ask and renew, what pushes are worth, how long a poll may wait. Pure.

As long as pushes prove to announce all news, polls that nobody announced come more rarely, and never less than every
``websub.longest_wait``.
"""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Literal
from urllib.parse import quote, urljoin

import msgspec
from msgspec.structs import replace

from marsad.config import PollSettings, WebSubSettings
from marsad.records import FeedState, FetchResponse, HubLink, HubNews
from marsad.records.urls import is_web_url
from producers.parse import ParsedFeed
from producers.schedule import human

__all__ = ["HubOffer", "HubRequest", "Polled", "after_poll", "fold", "offer_of", "parting", "proof", "subscribing"]

# RFC 8288: a target in angle brackets, then parameters; a relation may name several types between spaces.
_LINK: Final = re.compile(r"<([^<>]{1,2000})>((?:\s*;\s*[\w!#$&+.^`|~*-]+(?:\s*=\s*(?:\"[^\"]*\"|[^\s\",;]+))?)*)")
_REL: Final = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s\",;]+))", re.IGNORECASE)
_MOST_HUBS: Final = 5
# A first retry after ten minutes, doubled each time up to a day; a denial is a decision, and asked about again after a week.
_FIRST_RETRY: Final = 600.0
_LONGEST_RETRY: Final = 86_400.0
_AFTER_DENIAL: Final = 604_800.0
_JITTER: Final = 0.1
# A lease is renewed when this share of it is over; before its end a renewal that fails has several more tries.
_RENEW_FROM: Final = 0.6
_RENEW_SPREAD: Final = 0.2
_TRIES_LEFT: Final = 4.0
_SHORTEST_LEASE: Final = 60
_LONGEST_LEASE: Final = 2_592_000
# Two announcements in a row are the least that proves anything; each further one doubles the wait.
_PROOF: Final = 2
_MOST_PROVEN: Final = 16
_OWED_POLLS: Final = 2
# A poll can find news a moment before its push comes: that push has announced it all the same.
_ALMOST: Final = timedelta(minutes=2)
# The document may be replaced by half between two polls, and no more.
_WINDOW_SHARE: Final = 0.5
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_HOUR: Final = 3_600.0


class HubOffer(msgspec.Struct, frozen=True):
    """What a feed says of its hubs: none where ``hubs`` is empty."""

    hubs: tuple[str, ...] = ()
    topic: str = ""


class HubRequest(msgspec.Struct, frozen=True):
    """A hub is to be asked to begin, go on or end."""

    feed_id: str
    mode: Literal["subscribe", "unsubscribe"]
    link: HubLink
    lease: int = 0

    def form(self) -> tuple[tuple[str, str], ...]:
        """The fields of the request (WebSub section 5.1)."""
        fields = [
            ("hub.mode", self.mode),
            ("hub.topic", self.link.topic),
            ("hub.callback", self.link.callback),
        ]
        if self.mode == "subscribe":
            fields += [("hub.secret", self.link.secret), ("hub.lease_seconds", str(self.lease))]
        return tuple(fields)


class Polled(msgspec.Struct, frozen=True, kw_only=True):
    """What one poll says to the decisions here."""

    state: FeedState
    """As the poll leads to."""
    news: tuple[HubNews, ...] = ()
    """What the hub had told when the poll began."""
    offer: HubOffer | None = None
    """None: the answer does not say whether there is a hub."""
    new: int = 0
    revised: int = 0


def offer_of(answer: FetchResponse, parsed: ParsedFeed | None) -> HubOffer | None:
    """The hubs that an answer names: those of its headers, else those of its document.

    Returns:
        None where neither says anything and there is no document that could: an answer 304.
    """
    links = _links(answer.headers)
    base = answer.final_url
    hubs = [urljoin(base, target) for target, rels in links if "hub" in rels]
    topic = next((urljoin(base, target) for target, rels in links if "self" in rels), "")
    if not hubs and parsed is not None and parsed.hub:
        hubs, topic = [parsed.hub], topic or parsed.self_link
    if not hubs and (parsed is None or parsed.kind is None):
        return None
    usable = tuple(dict.fromkeys(hub for hub in hubs if is_web_url(hub)))[:_MOST_HUBS]
    return HubOffer(usable, topic if is_web_url(topic) else base)


def _links(headers: Mapping[str, str]) -> list[tuple[str, frozenset[str]]]:
    found = []
    for target, parameters in _LINK.findall(headers.get("link", "")):
        rel = _REL.search(parameters)
        if rel is not None:
            found.append((target.strip(), frozenset((rel[1] or rel[2]).lower().split())))
    return found


def fold(link: HubLink, news: Sequence[HubNews], rng: random.Random) -> HubLink:
    """The subscription after what the hub told; the same news twice changes nothing."""
    for one in sorted((one for one in news if one.token == link.token), key=lambda one: one.at):
        if one.kind == "confirmed" and one.at > (link.confirmed_at or _NEVER):
            link = _confirmed(link, one, rng)
        elif one.kind == "denied" and one.at > (link.denied_at or _NEVER):
            why = f"the hub denied it{f': {one.reason}' if one.reason else ''}"
            link = _lost(replace(link, denied_at=one.at), one.at + timedelta(seconds=_AFTER_DENIAL), why)
            link = replace(link, stage="denied")
        elif one.kind == "refused" and one.at >= (link.asked_at or _NEVER) and link.stage != "denied":
            link = _failed(link, one.at, one.reason, rng)
    return link


def _confirmed(link: HubLink, news: HubNews, rng: random.Random) -> HubLink:
    lease = min(max(news.lease_seconds, _SHORTEST_LEASE), _LONGEST_LEASE)
    renewal = lease * (_RENEW_FROM + _RENEW_SPREAD * rng.random())
    return replace(
        link,
        stage="active",
        asked_at=None,
        confirmed_at=news.at,
        lease_until=news.at + timedelta(seconds=lease),
        next_at=news.at + timedelta(seconds=renewal),
        failures=0,
        why="",
    )


def _lost(link: HubLink, again: datetime, why: str) -> HubLink:
    return replace(link, asked_at=None, lease_until=None, next_at=again, why=why, proven=0, owed=0)


def _failed(link: HubLink, now: datetime, why: str, rng: random.Random) -> HubLink:
    """A request led to nothing. A lease that runs stays, and is tried to be renewed while it lasts."""
    failures = link.failures + 1
    wait = min(_FIRST_RETRY * 2.0 ** min(failures - 1, 16), _LONGEST_RETRY) * (1 + _JITTER * (2 * rng.random() - 1))
    if link.stage == "active" and link.lease_until is not None and link.lease_until > now:
        left = (link.lease_until - now).total_seconds()
        again = now + timedelta(seconds=min(wait, max(_SHORTEST_LEASE, left / _TRIES_LEFT)))
        return replace(link, asked_at=None, next_at=again, failures=failures, why=why)
    lost = _lost(link, now + timedelta(seconds=wait), why)
    return replace(lost, stage="refused", failures=failures)


def subscribing(
    feed_id: str,
    link: HubLink | None,
    offer: HubOffer | None,
    *,
    now: datetime,
    settings: WebSubSettings,
    rng: random.Random,
    new_token: Callable[[], str],
) -> tuple[HubLink | None, tuple[HubRequest, ...]]:
    """What is to be asked of which hub after a poll that brought a feed.

    Args:
        feed_id: the feed.
        link: the subscription, with all news folded in.
        offer: what the answer said of hubs; None: nothing.
        now: the present instant.
        settings: the callback's base and the lease.
        rng: jitter.
        new_token: unguessable text, another each time.
    """
    parting_with = _outdated(link, offer, settings)
    if link is not None and parting_with:
        goodbye = parting(feed_id, link) if link.callback.startswith(f"{settings.callback}/") else ()
        fresh, requests = subscribing(feed_id, None, offer, now=now, settings=settings, rng=rng, new_token=new_token)
        return fresh, (*goodbye, *requests)
    if link is None:
        if offer is None or not offer.hubs:
            return None, ()
        link = _drafted(feed_id, offer.hubs[0], offer.topic, settings, new_token)
    if link.stage == "active" and link.lease_until is not None and link.lease_until <= now:
        link = replace(link, stage="refused", lease_until=None, proven=0, owed=0, why="its lease ended")
    if link.next_at is not None and link.next_at > now:
        return link, ()
    if link.asked_at is not None:
        link = _failed(link, now, "the hub did not confirm", rng)
        link = replace(link, hub=_next_hub(link, offer))
        if link.next_at is not None and link.next_at > now:
            return link, ()
    return _asked(feed_id, link, now, settings)


def _asked(
    feed_id: str, link: HubLink, now: datetime, settings: WebSubSettings
) -> tuple[HubLink, tuple[HubRequest, ...]]:
    """Ask now; whether the hub confirmed is looked at in ten minutes, or sooner where the lease ends sooner."""
    wait = _FIRST_RETRY
    if link.lease_until is not None:
        wait = min(wait, max(_SHORTEST_LEASE, (link.lease_until - now).total_seconds() / _TRIES_LEFT))
    stage = "active" if link.stage == "active" else "asked"
    link = replace(link, stage=stage, asked_at=now, next_at=now + timedelta(seconds=wait))
    return link, (HubRequest(feed_id, "subscribe", link, settings.lease),)


def _drafted(feed_id: str, hub: str, topic: str, settings: WebSubSettings, new_token: Callable[[], str]) -> HubLink:
    token = new_token()
    callback = f"{settings.callback}/websub/{quote(feed_id, safe='')}/{token}"
    return HubLink(hub=hub, topic=topic, callback=callback, token=token, secret=new_token())


def _outdated(link: HubLink | None, offer: HubOffer | None, settings: WebSubSettings) -> bool:
    """Tell whether a subscription is no more what the feed offers, or calls at an address that is no more ours."""
    if link is None:
        return False
    if not link.callback.startswith(f"{settings.callback}/websub/"):
        return True
    return offer is not None and (link.hub not in offer.hubs or link.topic != offer.topic)


def _next_hub(link: HubLink, offer: HubOffer | None) -> str:
    """After failures the feed's other hubs have their turns; while a lease runs, its hub is kept to."""
    if link.stage == "active" or offer is None or not offer.hubs:
        return link.hub
    return offer.hubs[link.failures % len(offer.hubs)]


def parting(feed_id: str, link: HubLink) -> tuple[HubRequest, ...]:
    """What ends a subscription; nothing where the hub never confirmed one that may still run."""
    return (HubRequest(feed_id, "unsubscribe", link),) if link.stage in {"active", "asked"} else ()


def proof(link: HubLink, polled: Polled) -> HubLink:
    """What the pushes are worth after one more poll: those that announced news count, news without one ends all credit."""
    pushed = max((one.at for one in polled.news if one.kind == "pushed" and one.token == link.token), default=_NEVER)
    announced = pushed > (link.pushed_at or _NEVER)
    if announced:
        link = replace(link, pushed_at=pushed, pushes=link.pushes + 1)
    if polled.new or (announced and polled.revised):
        if announced or link.owed:
            return replace(link, proven=min(link.proven + 1, _MOST_PROVEN), owed=0)
        return replace(link, proven=0)
    if announced:
        found = polled.state.last_new_at
        if found is not None and abs(pushed - found) < _ALMOST:
            return replace(link, proven=min(link.proven + 1, _MOST_PROVEN))
        return replace(link, owed=_OWED_POLLS)
    return replace(link, owed=max(0, link.owed - 1))


def after_poll(
    polled: Polled,
    *,
    now: datetime,
    poll: PollSettings,
    settings: WebSubSettings,
    rng: random.Random,
    new_token: Callable[[], str],
) -> tuple[FeedState, tuple[HubRequest, ...]]:
    """The state with its subscription brought up to date and the next poll set accordingly, and what hubs are asked.

    Args:
        polled: the poll.
        now: the present instant.
        poll: bounds of the interval.
        settings: of WebSub; without a callback there is no subscription.
        rng: jitter.
        new_token: unguessable text, another each time.
    """
    state, link = polled.state, polled.state.hub
    if not settings.callback:
        return (state if link is None else replace(state, hub=None)), ()
    if link is not None:
        link = proof(fold(link, polled.news, rng), polled)
    if state.failures or state.muted:
        return replace(state, hub=link), ()
    link, requests = subscribing(
        state.feed_id, link, polled.offer, now=now, settings=settings, rng=rng, new_token=new_token
    )
    state = replace(state, hub=link)
    return (state if link is None else _timed(state, link, now, poll, settings, rng)), requests


def _timed(
    state: FeedState,
    link: HubLink,
    now: datetime,
    poll: PollSettings,
    settings: WebSubSettings,
    rng: random.Random,
) -> FeedState:
    at = state.next_poll_at or now
    if link.owed:
        soon = now + timedelta(seconds=poll.min_interval)
        return state if at <= soon else _at(state, soon, "its hub announced news that the feed does not show yet")
    wait = _relaxed(state, link, settings)
    if wait > state.interval:
        # Counted from the last poll: a push must not put off the next one.
        later = (state.last_poll_at or now) + timedelta(seconds=wait * (1 - _JITTER * rng.random()))
        if later > at:
            why = f"its hub has announced its news {link.proven} times in a row; asked every {human(wait)} all the same"
            state, at = _at(state, later, why), later
    if link.next_at is not None and link.stage in {"active", "asked"}:
        due = max(link.next_at, now + timedelta(seconds=poll.min_interval))
        if due < at:
            state = _at(state, due, "its subscription at the hub is due")
    return state


def _at(state: FeedState, at: datetime, why: str) -> FeedState:
    return replace(state, next_poll_at=at, reason=why)


def _relaxed(state: FeedState, link: HubLink, settings: WebSubSettings) -> float:
    """Seconds that a poll may wait where pushes come; 0 where they are not proven to."""
    if link.stage != "active" or link.proven < _PROOF:
        return 0.0
    wait = min(settings.longest_wait, state.interval * 2.0 ** (link.proven - 1))
    if state.rate > 0 and state.window:
        wait = min(wait, state.window * _WINDOW_SHARE * _HOUR / state.rate)
    return wait
