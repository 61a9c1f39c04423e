"""Feeds, and what is known about polling each."""

from datetime import datetime
from enum import StrEnum
from typing import Literal

import msgspec

from marsad.records.hub import HubLink

__all__ = [
    "Feed",
    "FeedFolder",
    "FeedKind",
    "FeedList",
    "FeedMemory",
    "FeedState",
    "GapFill",
    "GapMark",
    "GapReason",
    "GapSource",
    "Health",
    "ListHead",
    "PollNote",
    "Rhythm",
    "Seen",
    "Standing",
]

FeedKind = Literal["rss", "atom", "json", "sitemap"]
GapFill = Literal["untried", "open", "filled", "partly", "unfilled"]
"""``open``: older pages are still to be asked; ``partly``: some entries came, and nothing that was known before."""
GapSource = Literal["", "archive", "pages", "sitemap"]
GapReason = Literal["", "off", "hopeless", "no-older-pages", "limit", "failures"]
"""Why a gap is not filled: switched off, older gaps of the feed could not be filled either, there is nowhere to ask (further),
the bound on pages or bytes was reached, requests failed."""


class Health(StrEnum):
    """What the last polls say about a feed. Each state is named, shown and can be alerted on."""

    NEW = "new"
    OK = "ok"
    UNCHANGED = "unchanged"
    EMPTY = "empty"
    NOT_A_FEED = "not-a-feed"
    BOT_WALL = "bot-wall"
    GONE = "gone"
    MOVED = "moved"
    SLOW = "slow"
    TLS = "tls"
    DNS = "dns"
    HTTP_4XX = "http-4xx"
    HTTP_5XX = "http-5xx"
    THROTTLED = "throttled"
    FROZEN_DATES = "frozen-dates"
    SILENT = "silent"
    TOO_LARGE = "too-large"
    BLOCKED = "blocked"
    """The address is one that the operator did not allow (see ``poll.allow_networks``)."""
    NETWORK = "network"
    """Refused, reset or broken off: neither DNS nor TLS nor an HTTP status."""


class Standing(StrEnum):
    """How a feed's polls have gone over days; :class:`Health` is what the last one said."""

    STEADY = "steady"
    FLAPPING = "flapping"
    """Fails now and then, and comes back by itself."""
    FAILING = "failing"
    DEAD = "dead"
    """Has brought nothing but failures for so long that it will hardly come back by itself. It is still asked."""


class Feed(msgspec.Struct, frozen=True, kw_only=True, tag="feed", tag_field="record"):
    """A feed as the catalogue, an OPML file or a person gave it."""

    id: str
    url: str
    title: str
    outlet: str
    """The outlet's name as readers know it, in Arabic where it has one."""
    country: str = ""
    """ISO 3166-1 alpha-2 of the outlet; empty if unknown."""
    language: str = "ar"
    section: str = ""
    """The outlet's own section, such as ``sport``; called category in feed lists."""
    kind: FeedKind = "rss"
    full_text: bool | None = None
    """True: entries carry the whole text. False: pages must be fetched. None: judged from the entries."""
    weight: float = 1.0
    zone: str = ""
    """IANA time zone for dates written without one; empty: the country's."""
    enabled: bool = True
    added_at: datetime | None = None
    folder: str = ""
    """Its folder in feed lists, those above it first, between slashes; a slash or backslash in a name has a backslash before it."""
    attributes: tuple[tuple[str, str], ...] = ()
    """What the feed list said of it beyond all this, such as ``htmlUrl``: names and values as they were."""
    v: int = 1


class ListHead(msgspec.Struct, frozen=True, array_like=True):
    """An element of a feed list's head, such as ``ownerName``."""

    name: str
    text: str = ""
    attributes: tuple[tuple[str, str], ...] = ()


class FeedFolder(msgspec.Struct, frozen=True, array_like=True):
    """A folder of a feed list, with feeds in it or not."""

    path: str
    """As in :class:`Feed`."""
    attributes: tuple[tuple[str, str], ...] = ()
    """All that the list said of it, its name too."""


class FeedList(msgspec.Struct, frozen=True, kw_only=True, tag="feed-list", tag_field="record"):
    """What feed lists say beyond their feeds, in the order in which they say it."""

    head: tuple[ListHead, ...] = ()
    folders: tuple[FeedFolder, ...] = ()
    v: int = 1


class Seen(msgspec.Struct, frozen=True, array_like=True):
    """One remembered entry of a feed."""

    content: str
    """Hash of the entry's content as last taken."""
    article: str
    """The article id that the entry led to."""
    revision: int = 1
    at: int = 0
    """Unix seconds at which it was last found in the feed."""
    canonical: str = ""
    """The address that its page named as its own, where its article is known by that."""


class FeedMemory(msgspec.Struct, frozen=True, kw_only=True, tag="feed-memory", tag_field="record"):
    """The remembered entries of a feed, where they are stored apart from the rest of its state."""

    feed_id: str
    seen: dict[str, Seen]
    v: int = 1


class GapMark(msgspec.Struct, frozen=True):
    """Entries that were published and gone between two polls."""

    at: datetime
    oldest_seen: datetime | None
    newest_known: datetime | None
    missed_at_least: int = 0
    fill: GapFill = "untried"
    found: int = 0
    """Entries that older pages brought afterwards."""
    source: GapSource = ""
    """Where they came from."""
    reason: GapReason = ""
    pages: int = 0
    """Requests that were made for it."""
    ask: tuple[str, ...] = ()
    """Addresses to ask while it is open, the next one first."""
    under: str = ""
    """First part of the path that all entries of the feed share; empty: none."""
    failures: int = 0
    """Failed requests."""


class Rhythm(msgspec.Struct, frozen=True, array_like=True):
    """When in the week a feed brings news, as far as it has been watched. A few hundred bytes, however long that is."""

    counts: bytes = bytes(168)
    """One byte for each hour of the week (UTC, from Thursday 00:00, where Unix time began): the mean number of entries on a
    logarithmic scale (``producers.rhythm``); 0 where it was never watched."""
    hour: int = 0
    """The hour that is being counted, in hours of Unix time."""
    so_far: float = 0.0
    """Entries in it up to now."""
    watched: int = 0
    """Hours that were counted."""
    spread: float = 2.0
    """Variance of an hour's entries over their mean; 1 if each comes by itself."""
    deficit: float = 0.0
    """Evidence that the feed has fallen far below its rhythm (natural logarithm of a likelihood ratio)."""


class PollNote(msgspec.Struct, frozen=True, array_like=True):
    """A poll of the past, several in a row that brought the same nothing, or a push; instants in Unix seconds."""

    at: int
    health: Health
    status: int = 0
    """HTTP status; 0 where no answer came."""
    new: int = 0
    revised: int = 0
    missed: int = 0
    """At least so many entries came and went before it."""
    wait: int = 0
    """Seconds from it to the next one, as planned."""
    reason: str = ""
    times: int = 1
    since: int = 0
    """The first of several."""
    pushed: bool = False
    """The feed's hub brought it, and nothing was asked."""


class FeedState(msgspec.Struct, frozen=True, kw_only=True, tag="feed-state", tag_field="record"):
    """All that polling remembers of a feed. Written by the producers alone; intervals in seconds, instants UTC."""

    feed_id: str
    etag: str = ""
    last_modified: str = ""
    body_hash: str = ""
    validators_trusted: int = 0
    """0 unproven, 1 proven by an unconditional answer, -1 caught lying: polled unconditionally from then on."""
    last_unconditional_at: datetime | None = None
    interval: float = 0
    next_poll_at: datetime | None = None
    reason: str = ""
    """Why the next poll is then, as a person would say it."""
    last_poll_at: datetime | None = None
    last_ok_at: datetime | None = None
    last_new_at: datetime | None = None
    last_new_count: int = 0
    polls: int = 0
    entries_seen: int = 0
    failures: int = 0
    """Failed polls in a row."""
    health: Health = Health.NEW
    health_since: datetime | None = None
    detail: str = ""
    """What the last answer said, for a person."""
    redirect_to: str = ""
    redirect_votes: int = 0
    url: str = ""
    """The stored address after a permanent move; empty: the feed's own."""
    known_share: float = 0.0
    """Moving average of the share of entries that were known already (0 to 1)."""
    rate: float = 0.0
    """New entries an hour, moving average. An hour in which the feed usually brings twice its mean counts as two."""
    seen: dict[str, Seen] = {}
    newest_published: datetime | None = None
    gaps: tuple[GapMark, ...] = ()
    gap_count: int = 0
    backfilled: int = 0
    """Entries that older pages brought after gaps."""
    history: tuple[PollNote, ...] = ()
    """The last polls, oldest first."""
    muted: bool = False
    window: int = 0
    """Entries in the latest document."""
    rhythm: Rhythm | None = None
    failing_since: datetime | None = None
    """The first of the failed polls in a row."""
    comebacks: float = 0.0
    """How often it failed and came back by itself; each time counts less as days pass."""
    standing: Standing = Standing.STEADY
    hub: HubLink | None = None
    """The subscription to pushes; None where there is none."""
    unfinished: tuple[str, ...] = ()
    """Ids of new entries that a poll found and had not handed on when this state was stored: what is gone of them is missed."""
    v: int = 1
