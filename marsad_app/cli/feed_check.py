"""What is at an address, and what polling would make of it: the poller's own decisions, on one request."""

import asyncio
import random
from datetime import datetime

import msgspec

from marsad.clock import SystemClock
from marsad.config import PollSettings, load_settings
from marsad.errors import FetchError
from marsad.ports import Fetcher
from marsad.records import Feed, FeedKind, FetchRequest, FetchResponse
from marsad.records.ids import feed_id
from marsad_app.cli.output import cell, instant

__all__ = ["SeenFeed", "check_feed", "describe", "look_at"]

# The network and feed libraries take half a second to import, and most feed commands need neither.
# ruff: noqa: PLC0415


class SeenFeed(msgspec.Struct, frozen=True, kw_only=True):
    """What one request brought."""

    url: str
    final_url: str = ""
    status: int | None = None
    state: str
    """The health that this answer gives a feed."""
    detail: str = ""
    kind: FeedKind | None = None
    """None: it is no feed, or gave no answer that can be read."""
    title: str = ""
    language: str = ""
    charset: str = ""
    bytes: int = 0
    seconds: float = 0.0
    entries: int = 0
    newest: datetime | None = None
    oldest: datetime | None = None
    pages_wanted: int = 0
    """Entries that carry only a summary, so that their page would be fetched."""
    problems: tuple[str, ...] = ()
    offered: tuple[str, ...] = ()
    """Feeds that the page names."""
    polled: bool
    """Whether it would be polled on."""
    next_poll_at: datetime | None = None
    plan: str
    """When the next poll would be, and why."""

    @property
    def is_something_else(self) -> bool:
        """It answered, and what it answered is no feed: waiting will not mend that."""
        return self.kind is None and self.state in {"not-a-feed", "gone"}


def check_feed(url: str) -> SeenFeed:
    """Ask the address once, within the limits of the settings. Nothing is stored."""
    return asyncio.run(_check_one(url, load_settings().poll))


async def _check_one(url: str, settings: PollSettings) -> SeenFeed:
    from producers.fetch import CurlFetcher

    async with CurlFetcher(settings, SystemClock()) as fetcher:
        return await look_at(url, fetcher, settings)


async def look_at(url: str, fetcher: Fetcher, settings: PollSettings) -> SeenFeed:
    """The same with a fetcher that others use as well."""
    from producers.poll import request_for

    now = SystemClock().now()
    feed = Feed(id=feed_id(url), url=url.strip(), title="", outlet="")
    request = request_for(feed, None, now, settings)
    try:
        answer: FetchResponse | FetchError = await fetcher.fetch(request)
    except FetchError as error:
        answer = error
    return await asyncio.to_thread(_judge, feed, request, answer, settings, now)


def _judge(
    feed: Feed, request: FetchRequest, answer: FetchResponse | FetchError, settings: PollSettings, now: datetime
) -> SeenFeed:
    from producers.parse import ParsedFeed, parse
    from producers.poll import decide, explain, needs_parse, wants_page

    parsed = None
    if isinstance(answer, FetchResponse) and needs_parse(None, answer, now=now):
        kind = answer.headers.get("content-type", "")
        parsed = parse(answer.body, content_type=kind, url=answer.final_url, max_entries=settings.max_entries)
    rng = random.Random(0)  # noqa: S311 - jitter, the same for each question
    result = decide(feed, None, request, answer, parsed, now=now, settings=settings, rng=rng)
    state, read = result.state, parsed or ParsedFeed()
    dates = [entry.published_at for entry in read.entries if entry.published_at]
    response = answer if isinstance(answer, FetchResponse) else None
    return SeenFeed(
        url=feed.url,
        final_url=response.final_url if response else "",
        status=answer.status,
        state=state.health.value,
        detail=state.detail,
        kind=read.kind,
        title=read.title,
        language=read.language,
        charset=read.charset,
        bytes=len(response.body) if response else 0,
        seconds=round(response.elapsed, 3) if response else 0.0,
        entries=len(read.entries),
        newest=max(dates, default=None),
        oldest=min(dates, default=None),
        pages_wanted=sum(wants_page(feed, entry) for entry in result.entries),
        problems=read.problems,
        offered=read.feed_links,
        polled=not state.muted,
        next_poll_at=None if state.muted else state.next_poll_at,
        plan=explain(state, now),
    )


def describe(seen: SeenFeed) -> list[str]:
    """The findings as lines for a person."""
    lines = [f"health: {seen.state}" + (f" ({cell(seen.detail)})" if seen.detail else "")]
    if seen.final_url and seen.final_url != seen.url:
        lines.append(f"redirected to {seen.final_url}")
    if seen.status is not None:
        lines.append(f"answer: status {seen.status}, {seen.bytes} bytes in {seen.seconds:.2f} s")
    if seen.kind:
        lines.append(
            f"feed: {seen.kind}, {cell(seen.title) or 'without title'}, language {seen.language or 'not said'}, {seen.charset}"
        )
        lines.append(f"entries: {seen.entries}, from {instant(seen.oldest)} to {instant(seen.newest)} UTC")
        lines.append(
            f"text: {seen.pages_wanted} of {seen.entries} entries carry only a summary; their pages are fetched"
        )
    else:
        lines += [f"offers the feed {address}" for address in seen.offered]
    lines += [f"problem: {problem}" for problem in seen.problems]
    lines.append(f"polling: {cell(seen.plan)}")
    return lines
