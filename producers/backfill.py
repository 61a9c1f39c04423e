"""A gap between two polls filled from older pages: which one to ask next, what it brings, and when to stop. Pure.

Older pages are, in this order: the feed's own archive or next page (RFC 5005), WordPress's ``?paged=2``, and the site's news
sitemap as robots.txt names it. A gap is filled when a page reaches back to what was known before it.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec
from msgspec.structs import replace

from marsad.config import PollSettings
from marsad.errors import FetchError
from marsad.events import GapTried
from marsad.records import Entry, Feed, FeedState, FetchRequest, FetchResponse, GapMark, GapSource, Health
from marsad.records.urls import is_web_url
from producers.entries import reconcile
from producers.identity import Known, candidates, guids_reused
from producers.parse import ParsedEntry, ParsedFeed
from producers.politeness import site_of
from producers.robots import MOST_BYTES, PATH, read_robots, robots_url

__all__ = ["Filled", "Walk", "begin", "end", "next_request", "open_gap", "opened", "take"]

_ACCEPT: Final = "application/rss+xml, application/atom+xml, application/feed+json, application/xml;q=0.9, */*;q=0.1"
_PAGED: Final = "paged"
_FIRST_OLDER_PAGE: Final = 2
_MOST_SITEMAPS: Final = 2
_MOST_FAILURES: Final = 3
# A feed whose last gaps could not be filled is tried again after a day: each vain try costs its site some requests.
_VAIN: Final = 3
_VAIN_PAUSE: Final = timedelta(days=1)
_FINAL: Final = frozenset({Health.TOO_LARGE, Health.BLOCKED})
_HALF: Final = 0.5


class Walk(msgspec.Struct, frozen=True, kw_only=True):
    """A gap that is being filled: what came so far, and where to go on (``mark.ask``)."""

    feed: Feed
    state: FeedState
    """As stored, but for what the pages have taught so far."""
    mark: GapMark
    at: int
    """The mark's place in ``state.gaps``."""
    entries: tuple[Entry, ...] = ()
    asked: frozenset[str] = frozenset()
    pages: int = 0
    """Requests of this attempt; it has the same bound as the whole."""
    size: int = 0
    """Bytes that came."""
    reached: bool = False
    """Something older than the gap was found."""
    failed: bool = False
    """The last request failed in a way that may pass."""


class Filled(msgspec.Struct, frozen=True):
    """What came of it: store ``state`` and hand on ``entries`` together."""

    state: FeedState
    entries: tuple[Entry, ...]
    mark: GapMark

    @property
    def event(self) -> GapTried:
        """What is told of it."""
        mark = self.mark
        return GapTried(feed_id=self.state.feed_id, fill=mark.fill, found=len(self.entries), pages=mark.pages)


class _Page(msgspec.Struct, frozen=True):
    """What one page means."""

    missed: tuple[ParsedEntry, ...]
    reached: bool
    fresh: bool
    """It brings anything that the pages before did not."""


def opened(
    mark: GapMark, feed: Feed, before: FeedState, parsed: ParsedFeed, *, url: str, settings: PollSettings
) -> GapMark:
    """The mark of a gap that was just found, with the addresses that may know more; pages of other sites are none.

    Args:
        mark: the gap.
        feed: the feed.
        before: its state before the poll.
        parsed: the document in which nothing known was left.
        url: where it came from.
        settings: whether gaps are to be filled.
    """
    if not settings.backfill_pages:
        return replace(mark, fill="unfilled", reason="off")
    if _in_vain(before, mark.at):
        return replace(mark, fill="unfilled", reason="hopeless")
    under = _shared_section(parsed.entries)
    older = _follow(parsed, url) or (_paged(url, _FIRST_OLDER_PAGE) if _is_wordpress(parsed, url) else "")
    # Where its entries share no section, a site's sitemap would bring the news of all sections under the one of this feed.
    robots = robots_url(parsed.link or url) if parsed.kind != "sitemap" and (under or not feed.section) else ""
    ask = _of_site((older, robots), before.url or feed.url)
    if not ask:
        return replace(mark, fill="unfilled", reason="no-older-pages")
    return replace(mark, fill="open", ask=ask, under=under)


def open_gap(state: FeedState) -> GapMark | None:
    """The first gap that is still to be filled, where the feed answers now."""
    return None if state.failures else next((mark for mark in state.gaps if mark.fill == "open"), None)


def begin(feed: Feed, state: FeedState, mark: GapMark) -> Walk:
    """Set out to fill one of the state's gaps, or go on after a failure or a restart."""
    return Walk(feed=feed, state=state, mark=mark, at=state.gaps.index(mark))


def next_request(walk: Walk, settings: PollSettings) -> FetchRequest | None:
    """The page to ask next; None where there is none, or enough was asked."""
    room = settings.max_feed_bytes - walk.size
    if walk.failed or walk.pages >= settings.backfill_pages or room <= 0 or not walk.mark.ask:
        return None
    if len(walk.entries) >= settings.max_entries:
        return None
    url = walk.mark.ask[0]
    if _is_robots(url):
        return FetchRequest(url=url, purpose="robots", max_bytes=min(room, MOST_BYTES))
    return FetchRequest(url=url, purpose="feed", max_bytes=room, accept=_ACCEPT)


def take(
    walk: Walk, request: FetchRequest, answer: FetchResponse | FetchError, parsed: ParsedFeed | None, *, now: datetime
) -> Walk:
    """What an answer means for the walk.

    Args:
        walk: as it was when the request was made.
        request: the request.
        answer: what came.
        parsed: the document, where it came with status 200 and is not robots.txt.
        now: the present instant.
    """
    walk = replace(
        walk,
        asked=walk.asked | {request.url},
        pages=walk.pages + 1,
        size=walk.size + (len(answer.body) if isinstance(answer, FetchResponse) else 0),
        mark=replace(walk.mark, pages=walk.mark.pages + 1),
    )
    if _may_pass(answer):
        return replace(walk, failed=True, mark=replace(walk.mark, failures=walk.mark.failures + 1))
    rest = walk.mark.ask[1:]
    if isinstance(answer, FetchError) or answer.status != HTTPStatus.OK:
        return _going_on(walk, rest)
    if request.purpose == "robots":
        return _going_on(walk, (*_sitemaps(read_robots(answer.body).sitemaps), *rest))
    if parsed is None or parsed.kind is None:
        return _going_on(walk, rest)
    if parsed.kind == "sitemap" and parsed.feed_links:
        return _going_on(walk, (*_sitemaps(parsed.feed_links, only_news=True), *rest))
    return _with_page(walk, answer.final_url, parsed, rest, now)


def end(walk: Walk) -> Filled:
    """The state that the walk leads to: the gap filled, partly filled, unfilled, or open still after a failure that may pass."""
    mark = walk.mark
    if walk.reached:
        mark = replace(mark, fill="filled", reason="", ask=())
    elif walk.failed and mark.failures < _MOST_FAILURES:
        mark = replace(mark, reason="failures")
    else:
        reason = "failures" if walk.failed else "limit" if mark.ask else "no-older-pages"
        mark = replace(mark, fill="partly" if mark.found else "unfilled", reason=reason, ask=())
    gaps = (*walk.state.gaps[: walk.at], mark, *walk.state.gaps[walk.at + 1 :])
    return Filled(replace(walk.state, gaps=gaps), walk.entries, mark)


def _with_page(walk: Walk, url: str, parsed: ParsedFeed, rest: tuple[str, ...], now: datetime) -> Walk:
    """Take what is missed from a page, and find the one after it."""
    page = _sift(walk, parsed)
    result = reconcile(walk.feed, walk.state, replace(parsed, entries=page.missed), now)
    new = tuple(entry for entry in result.entries if entry.entry_id not in walk.state.seen)
    learned = {entry.entry_id: result.seen[entry.entry_id] for entry in new}
    state = replace(
        walk.state,
        seen=walk.state.seen | learned,
        entries_seen=walk.state.entries_seen + len(new),
        backfilled=walk.state.backfilled + len(new),
    )
    source = _source(url, parsed) if new else walk.mark.source
    mark = replace(walk.mark, found=walk.mark.found + len(new), source=source)
    # Older entries come later: what is handed on goes from old to new all the same.
    walk = replace(walk, state=state, mark=mark, entries=(*new, *walk.entries), reached=page.reached)
    if page.reached:
        return _going_on(walk, ())
    number = _page_number(url)
    older = _follow(parsed, url) or (_paged(url, number + 1) if number and page.fresh else "")
    return _going_on(walk, (older, *rest))


def _sift(walk: Walk, parsed: ParsedFeed) -> _Page:
    """The entries of a page that fell into the gap: unknown, and not older than what was known before it.

    Where there are no dates, the order decides: before the first entry that was known and is as it was. One that was changed
    may have moved up for that, and has others behind it that are missed.
    """
    mark = walk.mark
    known = Known.of(walk.state.seen)
    found = candidates(parsed.entries, parsed.link)
    trust = not guids_reused(walk.feed.id, found, known)
    missed: list[ParsedEntry] = []
    old = older = 0
    for candidate in found:
        key = known.find(walk.feed.id, candidate, trust_guids=trust)
        at = candidate.parsed.published_at
        if key:
            seen = known.by_id[key]
            same = seen.content == candidate.content or parsed.kind == "sitemap"
            old += same and seen.at < int(mark.at.timestamp())
        elif parsed.kind == "sitemap":
            if _of_sitemap(candidate.parsed, mark):
                missed.append(candidate.parsed)
        elif at is not None and mark.newest_known is not None:
            if at >= mark.newest_known:
                missed.append(candidate.parsed)
        elif not old:
            missed.append(candidate.parsed)
        older += bool(at and mark.newest_known and at < mark.newest_known)
    # A single old date may be that of an entry that stands on top for ever; a sitemap is in no order, and whole.
    enough = 0 if parsed.kind == "sitemap" else _HALF * len(found)
    return _Page(tuple(missed), reached=bool(old) or older > enough, fresh=bool(missed or old or older))


def _of_sitemap(entry: ParsedEntry, mark: GapMark) -> bool:
    """A sitemap has the whole site's news and none of the text: only what must be from the gap is taken from it."""
    at = entry.published_at
    if at is None or not entry.title or mark.newest_known is None or mark.oldest_seen is None:
        return False
    return mark.newest_known <= at <= mark.oldest_seen and mark.under in {"", _section(entry.url)}


def _going_on(walk: Walk, ask: Iterable[str]) -> Walk:
    """The walk with further addresses, each to be asked once."""
    fit = _of_site(ask, walk.state.url or walk.feed.url)
    return replace(walk, mark=replace(walk.mark, ask=tuple(url for url in fit if url not in walk.asked)))


def _of_site(urls: Iterable[str], home: str) -> tuple[str, ...]:
    """Addresses of the feed's own site, each once: no feed sends us to another's pages."""
    site = site_of(home)
    return tuple(dict.fromkeys(url for url in urls if is_web_url(url) and site_of(url) == site))


def _may_pass(answer: FetchResponse | FetchError) -> bool:
    if isinstance(answer, FetchError):
        return answer.health not in _FINAL
    return answer.status == HTTPStatus.TOO_MANY_REQUESTS or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR


def _in_vain(state: FeedState, now: datetime) -> bool:
    last = state.gaps[-_VAIN:]
    vain = len(last) == _VAIN and all(mark.fill == "unfilled" and mark.reason != "off" for mark in last)
    tried = max((mark.at for mark in state.gaps if mark.pages), default=None)
    return vain and tried is not None and now - tried < _VAIN_PAUSE


def _follow(parsed: ParsedFeed, url: str) -> str:
    """The link to older entries that a document gives, if it is not to itself."""
    return next((link for link in (parsed.prev_archive, parsed.next_page) if link and link != url), "")


def _source(url: str, parsed: ParsedFeed) -> GapSource:
    if parsed.kind == "sitemap":
        return "sitemap"
    return "pages" if _page_number(url) else "archive"


def _is_wordpress(parsed: ParsedFeed, url: str) -> bool:
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    return "wordpress" in parsed.generator.lower() or path.endswith("/feed") or "feed" in dict(parse_qsl(parts.query))


def _paged(url: str, number: int) -> str:
    parts = urlsplit(url)
    query = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name != _PAGED]
    return parts._replace(query=urlencode([*query, (_PAGED, str(number))])).geturl()


def _page_number(url: str) -> int:
    number = dict(parse_qsl(urlsplit(url).query)).get(_PAGED, "")
    return int(number) if number.isascii() and number.isdigit() and len(number) < 5 else 0  # noqa: PLR2004 - 9,999 pages


def _is_robots(url: str) -> bool:
    return urlsplit(url).path == PATH


def _sitemaps(addresses: Iterable[str], *, only_news: bool = False) -> list[str]:
    """The sitemaps that are news sitemaps by their name, else the first, which may be the list of all."""
    found = list(addresses)
    news = [address for address in found if "news" in urlsplit(address).path.lower()]
    return news[:_MOST_SITEMAPS] if news or only_news else found[:1]


def _section(url: str) -> str:
    parts = [part for part in urlsplit(url).path.split("/") if part]
    return parts[0] if len(parts) > 1 and not parts[0].isdigit() else ""


def _shared_section(entries: Iterable[ParsedEntry]) -> str:
    sections = {_section(entry.url) for entry in entries if entry.url}
    return sections.pop() if len(sections) == 1 else ""
