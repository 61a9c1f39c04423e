"""How hard one site is asked."""

import asyncio
from datetime import UTC, datetime
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.clock import FrozenClock, SystemClock
from marsad.config import PollSettings
from producers.politeness import HostGate, site_of
from producers.ready import ReadyQueue

START = datetime(2026, 7, 14, tzinfo=UTC)


@pytest.mark.parametrize(
    ("url", "site"),
    [
        ("https://feeds.news.example.com/rss", "example.com"),
        ("https://www.example.co.uk:8443/", "example.co.uk"),
        ("https://a.example.com.eg/", "example.com.eg"),
        ("http://127.0.0.2:8080/feed", "127.0.0.2"),
        ("http://[::1]:8080/", "::1"),
        ("http://localhost:8080/", "localhost"),
        ("https://co.uk/", "co.uk"),
        ("nonsense", ""),
        ("http://[", ""),
    ],
)
def test_a_site_is_the_registrable_domain(url: str, site: str) -> None:
    assert site_of(url) == site


async def most_at_once(gate: HostGate, urls: list[str]) -> int:
    running = most = 0

    async def ask(url: str) -> None:
        nonlocal running, most
        async with gate.slot(url):
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.01)
            running -= 1

    await asyncio.gather(*(ask(url) for url in urls))
    return most


async def test_a_site_is_asked_by_few_at_once_however_many_hosts_it_has() -> None:
    gate = HostGate(PollSettings(host_concurrency=2, host_spacing=0), SystemClock())

    assert await most_at_once(gate, [f"https://h{n}.example.com/" for n in range(10)]) == 2


async def test_allowed_networks_are_asked_by_eight_at_once() -> None:
    gate = HostGate(PollSettings(allow_networks=(ip_network("127.0.0.0/8"),), host_spacing=60), SystemClock())

    assert await most_at_once(gate, ["http://127.0.0.2:1/"] * 20) == 8


async def test_all_sites_together_are_bounded() -> None:
    gate = HostGate(PollSettings(concurrency=5, host_spacing=0), SystemClock())

    assert await most_at_once(gate, [f"https://h{n}.example/" for n in range(30)]) == 5


async def test_requests_to_one_site_start_apart_and_to_others_at_once() -> None:
    gate = HostGate(PollSettings(host_spacing=0.1, host_concurrency=3), SystemClock())
    clock = SystemClock()
    starts: dict[str, list[float]] = {"a": [], "b": []}

    async def ask(name: str) -> None:
        async with gate.slot(f"https://{name}.example/"):
            starts[name].append(clock.monotonic())

    await asyncio.gather(*(ask("a") for _ in range(3)), ask("b"))

    assert starts["b"][0] - starts["a"][0] < 0.1
    assert starts["a"][2] - starts["a"][0] >= 0.19


async def test_a_throttled_site_is_left_alone_and_others_are_not() -> None:
    clock = FrozenClock(START)
    gate = HostGate(PollSettings(), clock)

    gate.throttle("https://www.example.com/feed", 90)

    assert gate.paused_for("https://feeds.example.com/") == 90
    assert gate.paused_for("https://example.org/") == 0
    clock.advance(60)
    gate.throttle("https://example.com/", 10)
    assert gate.paused_for("https://example.com/") == 30


async def test_a_place_is_given_back_when_the_request_fails() -> None:
    gate = HostGate(PollSettings(host_concurrency=1, host_spacing=0), SystemClock())
    for _ in range(3):
        with pytest.raises(KeyError):
            async with gate.slot("https://example.com/"):
                raise KeyError


async def test_memory_does_not_grow_with_the_number_of_sites() -> None:
    gate = HostGate(PollSettings(host_spacing=0), SystemClock())
    for number in range(3_000):
        async with gate.slot(f"https://site{number}.example/"):
            pass

    assert len(gate) <= 600


def drain(queue: ReadyQueue, most: int) -> list[str]:
    return [feed for _ in range(most) if (feed := queue.take(START)) is not None]


def test_sites_take_turns_and_none_takes_more_than_its_places() -> None:
    queue = ReadyQueue(lambda site: 2)
    for number in range(100):
        queue.add(f"big-{number:03}", "big", START)
    for number in range(3):
        queue.add(f"small-{number}", f"small-{number}", START)

    taken = drain(queue, 50)

    assert len(taken) == 5
    assert {"small-0", "small-1", "small-2"} <= set(taken)
    queue.done(taken[0], START)
    assert queue.take(START) is not None


def test_a_feed_is_not_polled_twice_at_once_and_comes_back_when_it_is_due() -> None:
    queue = ReadyQueue(lambda site: 9)
    queue.add("a", "s", START)
    queue.add("a", "s", START)

    assert queue.take(START) == "a"
    assert queue.take(START) is None
    queue.add("a", "s", START)
    assert queue.take(START) is None
    queue.done("a", START)
    assert queue.take(START) == "a"


def test_a_removed_feed_is_not_polled_again() -> None:
    queue = ReadyQueue(lambda site: 9)
    for name in ("a", "b", "c"):
        queue.add(name, "s", START)
    queue.remove("b")
    assert queue.take(START) == "a"
    queue.remove("a")
    queue.done("a", START)

    assert queue.take(START) == "c"
    assert queue.next_due() is None
    assert queue.ids() == {"c"}


@given(st.lists(st.tuples(st.sampled_from(["add", "remove", "take", "done"]), st.integers(0, 6)), max_size=60))
def test_the_queue_keeps_its_promises_under_any_use(steps: list[tuple[str, int]]) -> None:
    queue = ReadyQueue(lambda site: 2)
    running: dict[str, str] = {}
    for step, number in steps:
        name, site = f"f{number}", f"s{number % 2}"
        if step == "add":
            queue.add(name, site, START)
        elif step == "remove":
            queue.remove(name)
        elif step == "take":
            feed = queue.take(START)
            if feed is not None:
                assert feed in queue
                assert feed not in running
                running[feed] = f"s{int(feed[1:]) % 2}"
                assert list(running.values()).count(running[feed]) <= 2
        elif running:
            feed = next(iter(running))
            del running[feed]
            queue.done(feed, START)
