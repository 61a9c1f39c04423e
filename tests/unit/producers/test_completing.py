"""Pages within the poll: slices, retries, and what a crash between two slices leaves."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from marsad.config import PollSettings
from marsad.errors import FencedError, TransientError
from marsad.events import Event, PageFetched
from marsad.records import Entry, Feed, FeedState, Seen
from marsad.testing.factories import a_feed, an_entry
from producers.completing import Completer, interim, may_be_told_apart
from producers.parse import ParsedEntry
from producers.testing import History, entry

FEED = a_feed(full_text=False)
FINAL = FeedState(feed_id=FEED.id, etag="new", body_hash="new", polls=8, interval=600)
BEFORE = FeedState(feed_id=FEED.id, etag="old", body_hash="old", polls=7, seen={"known": Seen("k", "k")})


def with_seen(entries: Sequence[Entry]) -> FeedState:
    seen = {entry.entry_id: Seen(entry.content_hash, entry.article_id, entry.revision) for entry in entries}
    return replace(FINAL, seen=BEFORE.seen | seen)


def news(count: int, **fields: object) -> list[Entry]:
    return [
        an_entry(entry_id=f"e{n}", article_id=f"a{n}", url=f"https://news.example/{n}", content_hash=f"c{n}", **fields)
        for n in range(count)
    ]


@dataclass
class Site:
    """Pages that come at once, later, or not at all; sleeps are noted and take no time."""

    slow: dict[str, asyncio.Event] = field(default_factory=dict)
    faults: dict[str, list[Exception]] = field(default_factory=dict)
    slept: list[float] = field(default_factory=list)
    commits: list[tuple[FeedState, list[Entry]]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    async def read(self, entry: Entry) -> Entry:
        self.reads.append(entry.entry_id)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(0)
            if entry.entry_id in self.slow:
                await self.slow[entry.entry_id].wait()
            if self.faults.get(entry.entry_id):
                raise self.faults[entry.entry_id].pop(0)
        finally:
            self.at_once -= 1
        return replace(entry, page_html="page")

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def commit(self, state: FeedState, entries: Sequence[Entry]) -> None:
        self.commits.append((state, list(entries)))

    def emit(self, event: Event) -> None:
        self.events.append(event)

    def completer(self, wants: Callable[[Feed, Entry], bool] = lambda *_: True, **options: object) -> Completer:
        return Completer(self.read, PollSettings(), self, wants=wants, sleep=self.sleep, **options)  # type: ignore[arg-type]

    def handed_on(self) -> list[str]:
        return [entry.entry_id for _, entries in self.commits for entry in entries]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("producers.completing._FIRST_SLICE_S", 0.03)
    monkeypatch.setattr("producers.completing._SLICE_S", 0.06)


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not done():  # noqa: ASYNC110 - what is waited for is noted, not signalled
            await asyncio.sleep(0.005)


async def test_entries_whose_pages_come_soon_are_one_commit_with_the_final_state() -> None:
    site, entries = Site(), news(5)

    await site.completer().hand_on(FEED, BEFORE, with_seen(entries), entries, site.commit)

    ((state, handed_on),) = site.commits
    assert state == with_seen(entries)
    assert {e.page_html for e in handed_on} == {"page"}
    assert sorted(e.entry_id for e in handed_on) == [e.entry_id for e in entries]


async def test_the_address_that_a_page_names_is_remembered_for_later_revisions() -> None:
    site, entries = Site(), news(2)

    async def named(entry: Entry) -> Entry:
        return replace(entry, canonical="https://news.example/own/1") if entry.entry_id == "e1" else entry

    completer = Completer(named, PollSettings(), site, wants=lambda *_: True, sleep=site.sleep)
    await completer.hand_on(FEED, BEFORE, with_seen(entries), entries, site.commit)

    ((state, _),) = site.commits
    assert {key: seen.canonical for key, seen in state.seen.items()} == {
        "known": "", "e0": "", "e1": "https://news.example/own/1",
    }  # fmt: skip


async def test_entries_that_want_no_page_keep_their_order_and_are_asked_for_nothing() -> None:
    site, entries = Site(), news(3)

    await site.completer(wants=lambda *_: False).hand_on(FEED, None, with_seen(entries), entries, site.commit)

    assert site.commits == [(with_seen(entries), entries)]
    assert not site.reads


async def test_a_slow_page_does_not_hold_back_the_others() -> None:
    slow = asyncio.Event()
    site, entries = Site(slow={"e2": slow}), news(4)
    final = with_seen(entries)
    work = asyncio.create_task(site.completer().hand_on(FEED, BEFORE, final, entries, site.commit))
    await until(lambda: len(site.handed_on()) == 3)
    between = site.commits[-1][0]
    slow.set()
    await work

    assert (between.etag, between.body_hash, between.polls) == ("old", "old", 7)
    assert between.seen.keys() == {"known", "e0", "e1", "e3"}
    assert site.commits[-1][0] == final
    assert sorted(site.handed_on()) == ["e0", "e1", "e2", "e3"]


async def test_slices_wait_where_an_unfinished_entry_has_the_words_of_a_finished_one() -> None:
    slow = asyncio.Event()
    site, entries = Site(slow={"e1": slow}), [replace(e, content_hash="same") for e in news(2)]
    work = asyncio.create_task(site.completer().hand_on(FEED, BEFORE, with_seen(entries), entries, site.commit))
    await asyncio.sleep(0.3)
    assert not site.commits
    slow.set()
    await work
    assert len(site.commits) == 1


async def test_a_page_is_tried_again_with_growing_waits_and_then_given_up() -> None:
    away = [TransientError("503", retry_after=wait) for wait in (None, 90, None)]
    site, entries = Site(faults={"e0": list(away), "e1": away[:1]}), news(2)

    await site.completer().hand_on(FEED, BEFORE, with_seen(entries), entries, site.commit)

    handed_on = {e.entry_id: e for _, slice_ in site.commits for e in slice_}
    assert (handed_on["e0"].page_html, handed_on["e0"].page_problem) == ("", "503")
    assert (handed_on["e1"].page_html, handed_on["e1"].page_problem) == ("page", "")
    assert site.reads.count("e0") == PollSettings().page_attempts == 3
    assert sorted(site.slept) == [5, 5, 90]
    problems = {e.entry_id: e.problem for e in site.events if isinstance(e, PageFetched)}
    assert problems == {"e0": "503", "e1": ""}


async def test_a_fault_of_the_page_reader_costs_the_page_and_nothing_else() -> None:
    site, entries = Site(faults={"e0": [ValueError("a fault")]}), news(1)

    await site.completer().hand_on(FEED, BEFORE, with_seen(entries), entries, site.commit)

    assert site.commits[0][1][0].page_problem == "ValueError while reading the page"


async def test_a_site_that_wants_to_be_left_alone_is_waited_for_outside_of_the_places() -> None:
    site, entries = Site(), news(1)

    await site.completer(paused_for=lambda _: 7.0).hand_on(FEED, None, with_seen(entries), entries, site.commit)

    assert site.slept == [7.0]


async def test_one_feed_leaves_room_for_others() -> None:
    site, entries = Site(), news(100)

    await site.completer().hand_on(FEED, None, with_seen(entries), entries, site.commit)

    assert site.most_at_once == 8
    assert len(set(site.handed_on())) == len(site.handed_on()) == 100


async def test_a_commit_that_fails_ends_the_reading_of_pages() -> None:
    async def lost(*_: object) -> None:
        raise FencedError("another's")

    never = asyncio.Event()
    site, entries = Site(slow={"e0": never}), news(2)
    completer = site.completer()
    with pytest.raises(FencedError):
        await completer.hand_on(FEED, BEFORE, with_seen(entries), entries, lost)
    assert completer.waiting == 0


async def test_a_feed_that_is_anothers_by_now_is_given_up_without_waiting_for_its_pages() -> None:
    never = asyncio.Event()
    site, entries = Site(slow={"e0": never}), news(1)
    with pytest.raises(FencedError):
        await site.completer(is_ours=lambda _: False).hand_on(FEED, BEFORE, with_seen(entries), entries, site.commit)
    assert not site.commits


async def test_it_is_full_while_thousands_of_pages_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("producers.completing._MOST_WAITING", 2)
    slow = asyncio.Event()
    site, entries = Site(slow={"e0": slow, "e1": slow}), news(2)
    completer = site.completer()
    assert not completer.is_full()
    work = asyncio.create_task(completer.hand_on(FEED, None, with_seen(entries), entries, site.commit))
    await until(completer.is_full)
    slow.set()
    await work
    assert not completer.is_full()


titles = st.sampled_from(["عاجل", "نشرة الأخبار", "خبر أول", "خبر ثان", "خبر ثالث"])


@st.composite
def documents(draw: st.DrawFn) -> list[ParsedEntry]:
    """Entries with equal words, missing GUIDs or links, GUIDs in two meanings."""
    numbers = draw(st.lists(st.integers(0, 30), unique=True, min_size=1, max_size=14))
    made = []
    for number in numbers:
        fields: dict[str, object] = {}
        if draw(st.integers(0, 5)) == 0:
            fields |= {"title": draw(titles), "summary": ""}
        if draw(st.integers(0, 4)) == 0:
            fields["guid"] = draw(st.sampled_from(["", "g-shared", f"g{number}-again"]))
        if draw(st.integers(0, 4)) == 0:
            fields["url"] = draw(st.sampled_from(["", "https://news.example/", "https://news.example/live"]))
        made.append(entry(number, **fields))
    return made


@settings(max_examples=300, deadline=None)
@given(
    before=st.none() | documents(),
    document=documents(),
    order=st.randoms(use_true_random=False),
    cuts=st.lists(st.integers(1, 5), max_size=5),
    later=st.integers(1, 90),
)
def test_a_crash_after_any_slice_loses_nothing_and_repeats_nothing(
    before: list[ParsedEntry] | None, document: list[ParsedEntry], order: object, cuts: list[int], later: int
) -> None:
    history = History()
    if before is not None:
        history.poll(before)
    stored = history.state
    whole = history.poll(document)
    unfinished = list(whole.entries)
    order.shuffle(unfinished)  # type: ignore[attr-defined]
    handed_on: list[Entry] = []
    finished: list[Entry] = []
    for cut in cuts:
        finished, unfinished = finished + unfinished[:cut], unfinished[cut:]
        between = interim(stored, whole.state, finished)
        if unfinished and may_be_told_apart(between, unfinished):
            handed_on, stored, finished = handed_on + finished, between, []
    event("crashed between slices" if handed_on else "crashed before the first slice")

    history.state = stored
    again = history.poll(document, minutes=later)

    found = sorted((e.entry_id, e.revision) for e in (*handed_on, *again.entries))
    assert found == sorted((e.entry_id, e.revision) for e in whole.entries)


def test_an_interim_state_changes_what_is_known_and_nothing_else() -> None:
    entries = news(3)

    state = interim(BEFORE, with_seen(entries), entries[:2])

    assert replace(state, seen=BEFORE.seen) == BEFORE
    assert state.seen.keys() == {"known", "e0", "e1"}
    assert interim(None, with_seen(entries), []) == FeedState(feed_id=FEED.id)


def test_an_interim_state_names_the_new_entries_that_are_still_to_come() -> None:
    entries = news(4)
    whole = with_seen(entries)

    first = interim(BEFORE, whole, entries[:1], entries[1:])
    second = interim(first, whole, entries[1:3], entries[3:])

    assert first.unfinished == ("e1", "e2", "e3")
    assert second.unfinished == ("e3",)


@settings(max_examples=200, deadline=None)
@given(
    began=st.booleans(),
    order=st.permutations(range(10, 20)),
    cut=st.integers(1, 9),
    rolled=st.integers(0, 40),
    emptied=st.booleans(),
)
def test_what_a_cut_poll_had_found_and_the_feed_has_dropped_is_told_as_missed(
    began: bool, order: list[int], cut: int, rolled: int, emptied: bool
) -> None:
    history = History()
    if began:
        history.poll([entry(number) for number in range(5, 15)])
    stored = history.state
    whole = history.poll([entry(number) for number in range(10, 20)])
    entries = sorted(whole.entries, key=lambda one: order.index(int(one.guid[1:])))
    cut = min(cut, len(entries) - 1)
    history.state = interim(stored, whole.state, entries[:cut], entries[cut:])
    if emptied:
        history.poll([])

    again = history.poll([entry(number) for number in range(10 + rolled, 20 + rolled)])

    gone = {one.entry_id for one in entries[cut:]} - {one.entry_id for one in again.entries}
    event(f"{min(len(gone), 3)} gone, {'some' if rolled < 10 else 'none'} left")
    assert again.missed >= len(gone)
    assert bool(again.missed) == bool(gone) or rolled > 10
    assert again.state.unfinished == ()
