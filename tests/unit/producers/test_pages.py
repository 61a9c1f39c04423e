"""Article pages: when they are read, and what is said when they are not."""

import asyncio
from datetime import UTC, datetime

import pytest

from marsad.clock import FrozenClock
from marsad.config import PollSettings
from marsad.errors import FetchError, TransientError
from marsad.records import FetchRequest, FetchResponse
from marsad.testing.factories import an_entry
from producers.pages import PageReader
from producers.politeness import HostGate

PAGE = '<!doctype html><html><head><meta charset="windows-1256"><title>خبر</title></head><body><article>نص الخبر</article></body></html>'
URL = "https://news.example/a/1"
ENTRY = an_entry(url=URL)
Answer = bytes | int | FetchError | tuple[int, dict[str, str], bytes]


class Site:
    """A fetcher over a table of answers: a body, a status, an error, or all of a response. What was asked is in ``asked``."""

    def __init__(self, **answers: Answer) -> None:
        self.answers = answers
        self.leads_to = ""
        self.asked: list[FetchRequest] = []

    async def fetch(self, request: FetchRequest) -> FetchResponse:
        self.asked.append(request)
        answer = self.answers.get(request.purpose, 404)
        if isinstance(answer, FetchError):
            raise answer
        if isinstance(answer, bytes):
            answer = (200, {}, answer)
        if isinstance(answer, int):
            answer = (answer, {}, b"")
        status, headers, body = answer
        return FetchResponse(
            url=request.url,
            final_url=self.leads_to or f"{request.url}?final",
            status=status,
            headers=headers,
            body=body,
        )


def reader(site: Site, **fields: object) -> tuple[PageReader, HostGate, FrozenClock]:
    clock = FrozenClock(datetime(2026, 7, 14, tzinfo=UTC))
    settings = PollSettings(**{"host_spacing": 0, **fields})  # type: ignore[arg-type]
    gate = HostGate(settings, clock)
    return PageReader(site, gate, settings, clock), gate, clock


async def test_a_page_is_decoded_by_its_bytes_and_kept_with_its_address() -> None:
    pages, _, _ = reader(Site(page=PAGE.encode("cp1256")))

    entry = await pages.read(ENTRY)

    assert (entry.page_html, entry.page_url, entry.page_problem) == (PAGE, f"{URL}?final", "")


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (404, "the server answered 404"),
        (403, "the server answered 403"),
        (410, "the server answered 410"),
        (304, "the server answered 304"),
        ((200, {"content-type": "application/pdf"}, b"%PDF"), "the page is no HTML but application/pdf"),
        (b"  ", "the page is empty"),
        (b'<html><title>Sign in</title><input type="password">', "the page asks for a login"),
        (FetchError("too big", health="too-large"), "too-large: too big"),
        (FetchError("inside", health="blocked"), "blocked: inside"),
    ],
)
async def test_a_page_that_will_not_come_has_its_reason(answer: Answer, problem: str) -> None:
    pages, _, _ = reader(Site(page=answer))

    entry = await pages.read(ENTRY)

    assert (entry.page_html, entry.page_problem) == ("", problem)


@pytest.mark.parametrize("answer", [500, 503, 429, FetchError("x", health="slow"), FetchError("x", health="dns")])
async def test_what_may_pass_is_tried_again(answer: Answer) -> None:
    pages, _, _ = reader(Site(page=answer))

    with pytest.raises(TransientError):
        await pages.read(ENTRY)


async def test_a_server_that_wants_fewer_requests_is_left_alone() -> None:
    pages, gate, _ = reader(Site(page=(429, {"retry-after": "40"}, b"")))

    with pytest.raises(TransientError) as caught:
        await pages.read(ENTRY)

    assert caught.value.retry_after == 40
    assert gate.paused_for(URL) == 40


async def test_robots_txt_is_obeyed_and_asked_for_once_a_day() -> None:
    site = Site(page=PAGE.encode(), robots=b"User-agent: *\nDisallow: /private/\n")
    pages, _, clock = reader(site)
    private = an_entry(url="https://news.example/private/2")

    assert (await pages.read(private)).page_problem == "robots.txt forbids it"
    assert (await pages.read(ENTRY)).page_problem == ""
    assert [request.purpose for request in site.asked] == ["robots", "page"]
    clock.advance(90_000)
    await pages.read(ENTRY)
    assert [request.purpose for request in site.asked] == ["robots", "page", "robots", "page"]


async def test_robots_txt_is_not_asked_for_when_told_so() -> None:
    site = Site(page=PAGE.encode(), robots=b"User-agent: *\nDisallow: /\n")
    pages, _, _ = reader(site, robots=False)

    assert (await pages.read(ENTRY)).page_problem == ""
    assert [request.purpose for request in site.asked] == ["page"]


async def test_a_server_in_trouble_about_robots_txt_makes_pages_wait() -> None:
    pages, _, _ = reader(Site(page=PAGE.encode(), robots=500))

    with pytest.raises(TransientError):
        await pages.read(ENTRY)


async def test_robots_txt_that_is_nonsense_forbids_nothing() -> None:
    pages, _, _ = reader(Site(page=PAGE.encode(), robots=b"\xff\xfe<html>" * 100))

    assert (await pages.read(ENTRY)).page_problem == ""


WALL = b"<html><title>Just a moment...</title></html>"
ARABIC_WALL = "<html><title>لحظة من فضلك…</title></html>".encode()


@pytest.mark.parametrize("answer", [WALL, ARABIC_WALL, (403, {}, WALL), (401, {}, WALL), (503, {}, WALL)])
async def test_a_page_behind_a_bot_check_is_tried_again(answer: Answer) -> None:
    pages, _, _ = reader(Site(page=answer))

    with pytest.raises(TransientError):
        await pages.read(ENTRY)


async def test_a_site_of_bot_checks_is_left_alone_for_an_hour_and_then_asked_once_more() -> None:
    site = Site(page=WALL)
    pages, _, clock = reader(site, robots=False)
    for _ in range(3):
        with pytest.raises(TransientError):
            await pages.read(ENTRY)

    assert "bot checks" in (await pages.read(ENTRY)).page_problem
    assert len(site.asked) == 3
    clock.advance(3_700)
    site.answers["page"] = PAGE.encode()
    assert (await pages.read(ENTRY)).page_problem == ""
    site.answers["page"] = WALL
    with pytest.raises(TransientError):
        await pages.read(ENTRY)


@pytest.mark.parametrize(
    ("leads_to", "problem"),
    [
        ("https://news.example/", "the address leads to the home page"),
        ("https://www.news.example/ar/", "the address leads to the home page"),
        ("https://news.example/users/sign_in?back=1", "the page asks for a login"),
        ("https://id.example/login", "the page asks for a login"),
        ("https://news.example/a/1/the-title", ""),
        ("https://news.example/?p=1", ""),
        ("https://news.example/login-bonus-for-ministers", ""),
    ],
)
async def test_an_address_that_leads_elsewhere_is_no_page_of_the_entry(leads_to: str, problem: str) -> None:
    site = Site(page=PAGE.encode())
    site.leads_to = leads_to
    pages, _, _ = reader(site)

    assert (await pages.read(ENTRY)).page_problem == problem


async def test_many_pages_of_a_site_ask_for_robots_txt_once() -> None:
    site = Site(page=PAGE.encode(), robots=b"User-agent: *\nDisallow: /private/\n")
    pages, _, _ = reader(site, host_concurrency=8)

    await asyncio.gather(*(pages.read(an_entry(url=f"https://news.example/a/{n}")) for n in range(8)))

    assert [request.purpose for request in site.asked].count("robots") == 1


@pytest.mark.parametrize(
    "words", ["Subscribe to continue reading", "هذا المحتوى متاح للمشتركين", "سجّل الدخول لقراءة المقال"]
)
async def test_a_page_for_subscribers_is_no_page(words: str) -> None:
    pages, _, _ = reader(Site(page=f"<html><title>خبر</title><body><p>{words}</p></body></html>".encode()))

    assert (await pages.read(ENTRY)).page_problem == "the page asks for a login"


async def test_an_article_with_a_line_for_subscribers_is_a_page() -> None:
    body = "<html><title>خبر</title><body><article>نص الخبر</article><p>للمشتركين فقط</p></body></html>"
    pages, _, _ = reader(Site(page=body.encode()))

    assert (await pages.read(ENTRY)).page_problem == ""
