"""Article pages for entries whose feed gives only a teaser: robots.txt, walls, and when to be content with the teaser."""

import asyncio
import re
from collections import OrderedDict
from http import HTTPStatus
from typing import Final, NoReturn
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from msgspec.structs import replace
from protego import Protego

from marsad.arabic.charset import decode
from marsad.clock import Clock
from marsad.config import PollSettings
from marsad.errors import FetchError, TransientError
from marsad.ports import Fetcher
from marsad.records import Entry, FetchRequest, FetchResponse, Health
from producers.canonical import identified
from producers.health import site_pause
from producers.hints import retry_after
from producers.parse.charset import declared_charsets
from producers.parse.walls import looks_like_bot_wall, looks_like_login
from producers.politeness import HostGate
from producers.robots import MOST_BYTES, read_robots, robots_url
from producers.walled import WalledSites

__all__ = ["PageReader"]

_ACCEPT: Final = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.1"
_HTML_TYPES: Final = ("text/html", "application/xhtml", "text/plain", "application/xml", "text/xml")
_ROBOTS_HOSTS: Final = 2_000
_ROBOTS_SECONDS: Final = 86_400.0
_ROBOTS_RETRY_SECONDS: Final = 600.0
_HOME: Final = re.compile(r"/?(?:[a-z]{2}/?)?", re.IGNORECASE)
_LOGIN: Final = re.compile(
    r"/(?:users?/)?(?:log|sign)[-_]?(?:in|on)(?=[/.]|$)|/(?:sso|paywall|subscribe)(?=[/.]|$)", re.IGNORECASE
)
_REFUSED: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_WALL: Final = "a bot check came instead of the page"
_PERMANENT: Final = frozenset({Health.TOO_LARGE, Health.BLOCKED})

_Rules = Protego | None
"""None: the site has no rules."""


class PageReader:
    """Fetches article pages.

    Args:
        fetcher: makes the requests.
        gate: keeps requests to one site apart; the same one that the poller uses.
        settings: limits, and whether robots.txt is obeyed.
        clock: dates the robots.txt files that are kept.
    """

    def __init__(self, fetcher: Fetcher, gate: HostGate, settings: PollSettings, clock: Clock) -> None:
        self._fetcher = fetcher
        self._gate = gate
        self._settings = settings
        self._clock = clock
        self._walled = WalledSites(clock)
        self._asking: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._robots: OrderedDict[str, tuple[float, _Rules]] = OrderedDict()

    async def read(self, entry: Entry) -> Entry:
        """The entry with its page, or with the reason why there will be none.

        Raises:
            TransientError: a later try may succeed: time-out, 429, 5xx, network, bot check; ``retry_after`` where the server said so.
        """
        if self._walled.is_left_alone(entry.url):
            return replace(
                entry, page_problem="the site answers with bot checks; its pages are asked for again within the hour"
            )
        if not await self._is_permitted(entry.url):
            return replace(entry, page_problem="robots.txt forbids it")
        request = FetchRequest(url=entry.url, purpose="page", max_bytes=self._settings.max_page_bytes, accept=_ACCEPT)
        try:
            answer = await self._get(request)
        except FetchError as error:
            if error.health in _PERMANENT:
                return replace(entry, page_problem=f"{error.health}: {error}")
            raise
        return self._judged(entry, answer)

    def _judged(self, entry: Entry, answer: FetchResponse) -> Entry:
        """What an answer gives; pure but for raising what may be tried again."""
        if answer.status != HTTPStatus.OK:
            if answer.status == HTTPStatus.TOO_MANY_REQUESTS or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                self._put_off(entry.url, answer)
            if answer.status in _REFUSED and looks_like_bot_wall(_text(answer)):
                self._meet_wall(entry.url)
            return replace(entry, page_problem=f"the server answered {answer.status}")
        kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind and not kind.startswith(_HTML_TYPES):
            return replace(entry, page_problem=f"the page is no HTML but {kind}")
        text = _text(answer)
        problem = _page_problem(text) or _elsewhere(entry.url, answer.final_url)
        if problem == _WALL:
            self._meet_wall(entry.url)
        if problem:
            return replace(entry, page_problem=problem)
        self._walled.passed(entry.url)
        return identified(replace(entry, page_html=text, page_url=answer.final_url))

    def _meet_wall(self, url: str) -> NoReturn:
        self._walled.met(url)
        raise TransientError(_WALL)

    def _put_off(self, url: str, answer: FetchResponse) -> NoReturn:
        now = self._clock.now()
        wait = retry_after(answer.headers.get("retry-after", ""), now)
        if pause := site_pause(answer, now):
            self._gate.throttle(url, pause)
        raise TransientError(f"{url}: the server answered {answer.status}", retry_after=wait)

    async def _get(self, request: FetchRequest) -> FetchResponse:
        async with self._gate.slot(request.url):
            return await self._fetcher.fetch(request)

    async def _is_permitted(self, url: str) -> bool:
        if not self._settings.robots:
            return True
        rules = await self._rules(url)
        return rules is None or bool(rules.can_fetch(url, self._settings.user_agent))

    async def _rules(self, url: str) -> _Rules:
        """The site's rules, kept for a day (RFC 9309 section 2.4); after a failure asked for again in ten minutes.

        Many pages of one site come at once: one of them asks, the others wait for its answer.
        """
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        asking = self._asking.setdefault(origin, asyncio.Lock())
        async with asking:
            return await self._rules_of(origin)

    async def _rules_of(self, origin: str) -> _Rules:
        kept = self._robots.get(origin)
        now = self._clock.monotonic()
        if kept is not None and kept[0] > now:
            self._robots.move_to_end(origin)
            return kept[1]
        rules, lasts = await self._ask_rules(origin)
        self._robots[origin] = (now + lasts, rules)
        while len(self._robots) > _ROBOTS_HOSTS:
            self._robots.popitem(last=False)
        return rules

    async def _ask_rules(self, origin: str) -> tuple[_Rules, float]:
        """RFC 9309 section 2.3.1: no rules where there is no file; a server in trouble forbids all, so pages must wait.

        Raises:
            TransientError: the server cannot say now what it permits.
        """
        request = FetchRequest(url=robots_url(origin), purpose="robots", max_bytes=MOST_BYTES)
        try:
            answer = await self._get(request)
        except FetchError as error:
            if error.health in _PERMANENT:
                return None, _ROBOTS_RETRY_SECONDS
            raise
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            self._put_off(request.url, answer)
        if answer.status != HTTPStatus.OK:
            return None, _ROBOTS_SECONDS
        return read_robots(answer.body), _ROBOTS_SECONDS


def _page_problem(text: str) -> str:
    if not text.strip():
        return "the page is empty"
    if looks_like_bot_wall(text):
        return _WALL
    if looks_like_login(text):
        return "the page asks for a login"
    return ""


def _elsewhere(asked: str, final: str) -> str:
    """Why a page is not the one that was asked for, by where its address led; empty if it may be."""
    if asked == final:
        return ""
    before, after = urlsplit(asked), urlsplit(final)
    if _LOGIN.search(after.path) and not _LOGIN.search(before.path):
        return "the page asks for a login"
    if _HOME.fullmatch(after.path) and not after.query and not (_HOME.fullmatch(before.path) and not before.query):
        return "the address leads to the home page"
    return ""


def _text(answer: FetchResponse) -> str:
    return decode(answer.body, declared_charsets(answer.body, answer.headers.get("content-type", "")))[0]
