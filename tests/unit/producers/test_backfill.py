"""A gap between two polls is filled from older pages: how far they are asked, and what is taken from them."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from marsad.clock import FrozenClock
from marsad.config import PollSettings
from marsad.errors import FetchError
from marsad.events import Event, GapTried
from marsad.records import FetchRequest, FetchResponse, GapMark
from marsad.testing.factories import a_feed
from marsad.testing.fakes import InMemoryStore
from producers.backfill import Filled, begin, end, next_request, open_gap, take
from producers.means import Means
from producers.parse import ParsedEntry, ParsedFeed, parse
from producers.politeness import HostGate
from producers.service import Poller
from producers.testing import START, History, entries_of, entry

HOME = "https://news.example/rss.xml"
SETTINGS = PollSettings()
WORDPRESS = "https://wordpress.org/?v=6.8"

Page = ParsedFeed | FetchError | int | bytes
"""A document, a failure, a status without one, or the body of robots.txt."""


def document(*numbers: int, **fields: Any) -> ParsedFeed:
    return ParsedFeed(kind="rss", link="https://news.example/", entries=tuple(entries_of(*numbers)), **fields)


def undated(*numbers: int, **fields: Any) -> ParsedFeed:
    entries = tuple(replace(one, published_at=None) for one in entries_of(*numbers))
    return ParsedFeed(kind="rss", link="https://news.example/", entries=entries, **fields)


class Site:
    """A site with older pages, and a feed whose window has rolled over."""

    def __init__(self, pages: Mapping[str, Page], **fields: Any) -> None:
        self.pages = dict(pages)
        self.history = History(a_feed(**{"id": "f", "url": HOME, "section": "", **fields}))
        self.asked: list[str] = []

    def gap(self, before: ParsedFeed, after: ParsedFeed) -> GapMark:
        self.history.poll(parsed=before, body=b"before")
        return self.history.poll(parsed=after, body=b"after").state.gaps[-1]

    def fill(self, settings: PollSettings = SETTINGS) -> Filled:
        state = self.history.state
        assert state is not None
        mark = open_gap(state)
        assert mark is not None
        walk = begin(self.history.feed, state, mark)
        while (request := next_request(walk, settings)) is not None:
            self.asked.append(request.url)
            answer, parsed = self.answer(request)
            walk = take(walk, request, answer, parsed, now=self.history.now + timedelta(seconds=9))
        filled = end(walk)
        self.history.state = filled.state
        return filled

    def answer(self, request: FetchRequest) -> tuple[FetchResponse | FetchError, ParsedFeed | None]:
        page = self.pages.get(request.url, HTTPStatus.NOT_FOUND)
        if isinstance(page, FetchError):
            return page, None
        status = page if isinstance(page, int) else HTTPStatus.OK
        body = page if isinstance(page, bytes) else b"x" * 1_000
        response = FetchResponse(url=request.url, final_url=request.url, status=status, body=body)
        return response, page if isinstance(page, ParsedFeed) else None


def numbers(filled: Filled) -> list[int]:
    return [int(one.guid[1:]) for one in filled.entries]


def test_the_archive_that_a_feed_names_fills_the_gap() -> None:
    site = Site(
        {
            "https://news.example/a2": document(*range(20, 30), prev_archive="https://news.example/a1"),
            "https://news.example/a1": document(*range(5, 20)),
        }
    )
    site.gap(document(*range(10)), document(*range(30, 40), prev_archive="https://news.example/a2"))

    filled = site.fill()

    assert numbers(filled) == list(range(10, 30))
    assert (filled.mark.fill, filled.mark.found, filled.mark.source, filled.mark.pages) == ("filled", 20, "archive", 2)
    assert filled.state.backfilled == 20
    assert open_gap(filled.state) is None


def test_pages_of_wordpress_are_asked_until_something_known_is_there() -> None:
    site = Site({f"{HOME}?paged={n}": document(*range(40 - 10 * n, 50 - 10 * n)) for n in range(2, 5)})
    site.gap(document(*range(8)), document(*range(30, 40), generator=WORDPRESS))

    filled = site.fill()

    assert numbers(filled) == list(range(8, 30))
    assert filled.mark.source == "pages"
    assert site.asked == [f"{HOME}?paged=2", f"{HOME}?paged=3", f"{HOME}?paged=4"]


def test_without_dates_the_order_of_the_pages_decides() -> None:
    site = Site({f"{HOME}?paged=2": undated(*range(8, 30))})
    site.gap(undated(*range(10)), undated(*range(30, 40), generator=WORDPRESS))

    filled = site.fill()

    assert filled.mark.fill == "filled"
    assert numbers(filled) == list(range(10, 30))


def test_what_was_older_than_all_that_was_known_is_not_missed() -> None:
    site = Site({f"{HOME}?paged=2": document(*range(30))})
    site.gap(document(*range(15, 20)), document(*range(30, 40), generator=WORDPRESS))

    assert numbers(site.fill()) == list(range(20, 30))


def test_an_old_entry_that_stands_on_top_for_ever_does_not_end_the_search() -> None:
    pinned = entry(1, published_at=START - timedelta(days=900))
    site = Site(
        {
            f"{HOME}?paged=2": replace(document(), entries=(pinned, *entries_of(*range(25, 30)))),
            f"{HOME}?paged=3": document(*range(5, 25)),
        }
    )
    site.gap(document(*range(5, 15)), document(*range(30, 40), generator=WORDPRESS))

    assert numbers(site.fill()) == list(range(15, 30))


def test_a_known_entry_that_moved_up_when_it_was_changed_does_not_end_the_search() -> None:
    changed = entry(5, title="خبر صُحح", published_at=None)
    for make in (document, undated):
        site = Site(
            {
                f"{HOME}?paged=2": replace(make(), entries=(*make(*range(27, 30)).entries, changed, *make(26).entries)),
                f"{HOME}?paged=3": make(*range(5, 26)),
            }
        )
        site.gap(make(*range(10)), make(*range(30, 40), generator=WORDPRESS))

        filled = site.fill()

        assert (filled.mark.fill, numbers(filled)) == ("filled", list(range(10, 30)))


def test_a_server_that_gives_its_first_page_to_every_number_is_asked_once() -> None:
    first = document(*range(30, 40), generator=WORDPRESS)
    site = Site({f"{HOME}?paged={n}": first for n in range(2, 9)})
    site.gap(document(*range(10)), first)

    filled = site.fill()

    assert (filled.mark.fill, filled.mark.found, filled.mark.reason) == ("unfilled", 0, "no-older-pages")
    assert site.asked == [f"{HOME}?paged=2", "https://news.example/robots.txt"]


def test_a_gap_wider_than_the_bound_is_partly_filled() -> None:
    site = Site({f"{HOME}?paged={n}": document(*range(400 - 10 * n, 410 - 10 * n)) for n in range(2, 40)})
    site.gap(document(*range(10)), document(*range(390, 400), generator=WORDPRESS))

    filled = site.fill()

    assert (filled.mark.fill, filled.mark.reason, filled.mark.found) == ("partly", "limit", 50)
    assert len(site.asked) == SETTINGS.backfill_pages


def test_all_pages_together_have_the_bound_of_one_document() -> None:
    site = Site({f"{HOME}?paged={n}": document(*range(400 - 10 * n, 410 - 10 * n)) for n in range(2, 40)})
    site.gap(document(*range(10)), document(*range(390, 400), generator=WORDPRESS))

    assert site.fill(replace_settings(max_feed_bytes=10_000, backfill_pages=50)).mark.pages == 10


def test_pages_of_another_site_and_addresses_that_are_none_are_not_asked() -> None:
    for link in ("https://other.example/p", "http://127.0.0.1/p", "file:///etc/passwd", "ftp://news.example/p"):
        site = Site({})
        mark = site.gap(document(*range(10)), document(*range(30, 40), next_page=link))
        assert mark.ask == ("https://news.example/robots.txt",)


def test_the_news_sitemap_that_robots_txt_names_gives_what_fell_into_the_gap() -> None:
    sitemap = ParsedFeed(
        kind="sitemap", entries=tuple(replace(one, guid="", summary="") for one in entries_of(*range(45)))
    )
    index = ParsedFeed(
        kind="sitemap",
        feed_links=("https://news.example/pages.xml", "https://news.example/news.xml"),
        problems=("sitemap-index",),
    )
    site = Site(
        {
            "https://news.example/robots.txt": b"User-agent: *\nDisallow:\nSitemap: https://news.example/index.xml\n",
            "https://news.example/index.xml": index,
            "https://news.example/news.xml": sitemap,
        }
    )
    site.gap(document(*range(10)), document(*range(30, 40)))

    filled = site.fill()

    assert sorted(one.url for one in filled.entries) == sorted(f"https://news.example/{n}" for n in range(10, 30))
    assert (filled.mark.fill, filled.mark.source) == ("filled", "sitemap")


def test_a_sitemap_of_all_sections_is_not_asked_for_the_feed_of_one() -> None:
    site = Site({}, section="sport")

    mark = site.gap(document(*range(10)), document(*range(30, 40)))

    assert (mark.fill, mark.reason, mark.ask) == ("unfilled", "no-older-pages", ())


def test_of_a_sitemap_only_the_section_of_the_feed_is_taken() -> None:
    def inside(section: str, *which: int) -> tuple[ParsedEntry, ...]:
        return tuple(replace(one, url=f"https://news.example/{section}/{one.guid}") for one in entries_of(*which))

    sport = ParsedFeed(kind="rss", entries=inside("sport", *range(30, 40)))
    sitemap = ParsedFeed(kind="sitemap", entries=(*inside("sport", 20, 21, 9), *inside("politics", 22, 23)))
    site = Site(
        {
            "https://news.example/robots.txt": b"sitemap: https://news.example/sitemap-news.xml",
            "https://news.example/sitemap-news.xml": sitemap,
        },
        section="sport",
    )
    site.gap(ParsedFeed(kind="rss", entries=inside("sport", *range(10))), replace(sport, link=""))

    assert sorted(numbers(site.fill())) == [20, 21]


@pytest.mark.parametrize(
    "failure", [HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS, FetchError("broken", health="network")]
)
def test_a_failure_that_may_pass_leaves_the_gap_open_and_the_next_attempt_goes_on_there(failure: Page) -> None:
    site = Site({f"{HOME}?paged=2": document(*range(20, 30)), f"{HOME}?paged=3": failure})
    site.gap(document(*range(10)), document(*range(30, 40), generator=WORDPRESS))

    first = site.fill()
    assert (first.mark.fill, numbers(first)) == ("open", list(range(20, 30)))

    # Meanwhile six entries came, and the pages have moved on.
    site.history.poll(parsed=document(*range(36, 46)), body=b"later")
    site.pages[f"{HOME}?paged=3"] = document(*range(16, 26))
    site.pages[f"{HOME}?paged=4"] = document(*range(6, 16))
    site.asked.clear()
    second = site.fill()

    assert site.asked == [f"{HOME}?paged=3", f"{HOME}?paged=4"]
    assert (second.mark.fill, numbers(second), second.mark.found) == ("filled", list(range(10, 20)), 20)


def test_after_three_failures_the_gap_is_given_up() -> None:
    site = Site({f"{HOME}?paged=2": HTTPStatus.BAD_GATEWAY})
    site.gap(document(*range(10)), document(*range(30, 40), generator=WORDPRESS))

    fills = [site.fill().mark.fill for _ in range(3)]

    assert fills == ["open", "open", "unfilled"]


def test_a_feed_whose_gaps_could_not_be_filled_is_spared_for_a_day() -> None:
    site = Site({})
    site.history.poll(parsed=document(*range(10)), body=b"first")
    for number in (50, 100, 150):
        mark = site.history.poll(parsed=document(*range(number, number + 10)), body=b"%d" % number).state.gaps[-1]
        assert mark.fill == "open"
        assert site.fill().mark.fill == "unfilled"

    soon = site.history.poll(parsed=document(*range(300, 310)), body=b"soon").state.gaps[-1]
    later = site.history.poll(parsed=document(*range(400, 410)), body=b"later", minutes=1_500).state.gaps[-1]

    assert (soon.fill, soon.reason) == ("unfilled", "hopeless")
    assert later.fill == "open"


def test_entries_that_were_found_are_not_new_when_the_feed_brings_them_again() -> None:
    site = Site({f"{HOME}?paged=2": document(*range(5, 30))})
    site.gap(document(*range(10)), document(*range(30, 40), generator=WORDPRESS))
    site.fill()

    assert site.history.poll(parsed=document(*range(25, 41)), body=b"again").new == 1


@given(
    st.integers(min_value=1, max_value=12),
    st.integers(min_value=0, max_value=70),
    st.integers(min_value=1, max_value=20),
    st.booleans(),
)
def test_what_is_filled_lacks_nothing_and_repeats_nothing(window: int, hole: int, size: int, dated: bool) -> None:
    make = document if dated else undated
    total = 12 + hole + window
    after = make(*range(total - window, total), generator=WORDPRESS)
    pages: dict[str, Page] = {}
    for number in range(2, 99):
        top = total - window - size * (number - 2)
        if top > 0:
            pages[f"{HOME}?paged={number}"] = make(*range(max(0, top - size), top))
    site = Site(pages)
    site.gap(make(*range(12)), after)

    filled = site.fill(replace_settings(backfill_pages=50))

    found = numbers(filled)
    assert len(found) == len(set(found))
    assert set(found) <= set(range(12, total - window))
    if filled.mark.fill == "filled":
        assert sorted(found) == list(range(12, total - window))


def replace_settings(**fields: Any) -> PollSettings:
    return PollSettings(**fields)


class Blog:
    """A fetcher over a WordPress blog of which each page shows ten posts; it can fail, and counts."""

    def __init__(self) -> None:
        self.posts = 10
        self.requests: list[str] = []
        self.broken = 0

    async def fetch(self, request: FetchRequest) -> FetchResponse:
        self.requests.append(request.url)
        number = int(request.url.partition("paged=")[2] or 1)
        if number > 1 and self.broken:
            self.broken -= 1
            raise FetchError(f"{request.url}: reset", health="network")
        top = self.posts - 10 * (number - 1)
        items = "".join(
            f"<item><guid>g{n}</guid><title>خبر {n}</title><link>http://127.0.0.1/{n}</link></item>"
            for n in range(top - 1, max(-1, top - 11), -1)
        )
        body = f"<rss version='2.0'><channel><title>ن</title><generator>{WORDPRESS}</generator>{items}</channel></rss>"
        status = HTTPStatus.OK if top > 0 else HTTPStatus.NOT_FOUND
        return FetchResponse(url=request.url, final_url=request.url, status=status, body=body.encode())


class Told:
    def __init__(self) -> None:
        self.gaps: list[GapTried] = []

    def emit(self, event: Event) -> None:
        if isinstance(event, GapTried):
            self.gaps.append(event)


def poller(store: InMemoryStore, blog: Blog, told: Told, minutes: int = 0) -> Poller:
    settings = PollSettings(host_spacing=0)
    clock = FrozenClock(START + timedelta(minutes=minutes))
    gate = HostGate(settings, clock)
    return Poller(store.feeds, store.polls, Means(blog, gate, settings, clock, random.Random(1), told))


def titles(store: InMemoryStore) -> Sequence[str]:
    return sorted(found.guid for found in store.polls.entries.values())


async def test_a_poll_that_finds_a_gap_brings_what_was_missed_as_well() -> None:
    store, blog, told = InMemoryStore(), Blog(), Told()
    store.feeds.put_feeds([a_feed(id="f", url="http://127.0.0.1/feed/")])
    await poller(store, blog, told).poll_once("f")
    blog.posts = 33

    await poller(store, blog, told, minutes=10).poll_once("f")

    assert titles(store) == sorted(f"g{n}" for n in range(33))
    assert [(gap.fill, gap.found, gap.pages) for gap in told.gaps] == [("filled", 13, 2)]


async def test_a_gap_left_open_by_a_crash_or_a_failure_is_filled_after_the_next_poll() -> None:
    store, blog, told = InMemoryStore(), Blog(), Told()
    store.feeds.put_feeds([a_feed(id="f", url="http://127.0.0.1/feed/")])
    await poller(store, blog, told).poll_once("f")
    blog.posts, blog.broken = 33, 1
    await poller(store, blog, told, minutes=10).poll_once("f")
    assert len(store.polls.entries) == 20

    await poller(store, blog, told, minutes=20).poll_once("f")

    assert titles(store) == sorted(f"g{n}" for n in range(33))
    assert [gap.fill for gap in told.gaps] == ["open", "filled"]


async def test_a_feed_that_was_removed_meanwhile_leaves_nothing_behind() -> None:
    store, blog, told = InMemoryStore(), Blog(), Told()
    store.feeds.put_feeds([a_feed(id="f", url="http://127.0.0.1/feed/")])
    await poller(store, blog, told).poll_once("f")
    blog.posts = 33
    asking, original = asyncio.Event(), blog.fetch

    async def fetch(request: FetchRequest) -> FetchResponse:
        if "paged" in request.url:
            store.feeds.remove_feed("f")
            asking.set()
        return await original(request)

    blog.fetch = fetch  # type: ignore[method-assign]
    await poller(store, blog, told, minutes=10).poll_once("f")

    assert asking.is_set()
    assert store.polls.state("f") is None


def test_feeds_name_their_archive_and_their_software() -> None:
    atom = (
        b'<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title><link rel="prev-archive" href="/2026/06"/>'
        b'<generator uri="https://wordpress.org/">WordPress</generator><entry><id>1</id><title>t</title></entry></feed>'
    )

    read = parse(atom, url="https://news.example/feed")

    assert read.prev_archive == "https://news.example/2026/06"
    assert read.generator == "WordPress"
