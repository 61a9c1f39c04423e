from datetime import timedelta

import msgspec

from marsad.events import Outcome
from marsad.records.ids import digest
from marsad.testing.factories import NOW, an_entry
from marsad_app.embedded.queue import EntryQueue
from marsad_app.embedded.store import Store


def queue_of(store: Store, *names: str, wants_page: bool = False) -> EntryQueue:
    for name in names:
        store.queue.put(an_entry(entry_id=name), wants_page=wants_page)
    return store.queue


def names_of(queue: EntryQueue, limit: int = 10) -> list[str]:
    return [item.entry.entry_id for item in queue.ready(limit)]


def test_entries_come_out_in_the_order_they_came_in_until_they_are_done(store: Store) -> None:
    queue = queue_of(store, "c", "a", "b")

    assert names_of(queue, 2) == ["c", "a"]
    assert names_of(queue, 2) == ["c", "a"]
    queue.done(queue.ready(1)[0].seq, Outcome.INDEXED)
    assert names_of(queue) == ["a", "b"]


def test_an_entry_comes_back_as_it_went_in(store: Store) -> None:
    entry = an_entry(page_html="<p>نص</p>\x00", title="عنوانٌ \u200f(Kildin)")
    store.queue.put(entry, wants_page=False)

    assert store.queue.ready(1)[0].entry == entry


def test_an_entry_that_wants_its_page_is_not_ready_before_the_page_is_read(store: Store) -> None:
    queue = queue_of(store, "a", wants_page=True)
    assert names_of(queue) == []
    (item,) = queue.wanting_page(NOW, 10)

    queue.page_read(item.seq, msgspec.structs.replace(item.entry, page_html="<p>نص</p>"))

    assert [found.entry.page_html for found in queue.ready(10)] == ["<p>نص</p>"]
    assert list(queue.wanting_page(NOW, 10)) == []


def test_a_later_revision_leads_to_the_article_of_the_one_before(store: Store) -> None:
    queue = queue_of(store, "a", wants_page=True)
    (item,) = queue.wanting_page(NOW, 10)
    queue.page_read(
        item.seq, msgspec.structs.replace(item.entry, article_id="own", canonical="https://news.example/own")
    )

    store.queue.put(an_entry(entry_id="a", revision=2), wants_page=True)
    (item,) = queue.wanting_page(NOW, 10)
    queue.page_read(item.seq, msgspec.structs.replace(item.entry, page_problem="HTTP 503"))
    store.queue.put(an_entry(entry_id="a", revision=3), wants_page=False)

    assert [found.entry.article_id for found in queue.ready(10)] == ["own"] * 3
    assert {found.entry.canonical for found in queue.ready(10)} == {"https://news.example/own"}


def test_a_page_that_is_put_off_waits_for_its_time_and_counts_the_attempts(store: Store) -> None:
    queue = queue_of(store, "a", wants_page=True)
    (item,) = queue.wanting_page(NOW, 10)
    later = NOW + timedelta(seconds=5)

    queue.page_later(item.seq, later)

    assert list(queue.wanting_page(later - timedelta(seconds=1), 10)) == []
    assert [found.attempts for found in queue.wanting_page(later, 10)] == [1]


def test_pages_that_are_being_read_are_not_given_out_twice(store: Store) -> None:
    queue = queue_of(store, "a", "b", "c", wants_page=True)
    first, second = queue.wanting_page(NOW, 2)

    rest = queue.wanting_page(NOW, 2, skip=frozenset({first.seq, second.seq}))

    assert [item.entry.entry_id for item in rest] == ["c"]


def test_a_page_read_for_an_entry_that_has_ended_meanwhile_changes_nothing(store: Store) -> None:
    queue = queue_of(store, "a", wants_page=True)
    (item,) = queue.wanting_page(NOW, 1)
    queue.done(item.seq, Outcome.DROPPED, "feed removed")

    queue.page_read(item.seq, item.entry)
    queue.page_later(item.seq, NOW)

    assert queue.waiting() == {"page": 0, "ready": 0}
    assert queue.outcomes() == {"dropped": 1}


def test_the_same_revision_is_queued_once_even_after_it_is_done(store: Store) -> None:
    queue = queue_of(store, "a", "a")
    assert len(queue.ready(10)) == 1
    queue.done(queue.ready(1)[0].seq, Outcome.INDEXED)

    queue_of(store, "a")
    assert names_of(queue) == []

    queue.put(an_entry(entry_id="a", revision=2), wants_page=False)
    assert [item.entry.revision for item in queue.ready(10)] == [2]


def test_waiting_and_outcomes_add_up_to_all_entries(store: Store) -> None:
    queue = queue_of(store, "a", "b", "c")
    queue_of(store, "d", wants_page=True)
    queue.done(queue.ready(1)[0].seq, Outcome.INDEXED)
    queue.done(queue.ready(1)[0].seq, Outcome.QUARANTINED, "no text")

    assert queue.waiting() == {"page": 1, "ready": 1}
    assert queue.outcomes() == {"indexed": 1, "quarantined": 1}


def test_redoing_an_entry_takes_its_newest_revision_again(store: Store) -> None:
    queue = queue_of(store, "a")
    queue.put(an_entry(entry_id="a", revision=2), wants_page=False)
    for item in queue.ready(10):
        queue.done(item.seq, Outcome.QUARANTINED, "no text")

    assert queue.redo("a")

    assert [item.entry.revision for item in queue.ready(10)] == [2]


def test_redoing_an_entry_that_is_not_kept_needs_the_entry_itself(store: Store) -> None:
    assert not store.queue.redo("gone")
    assert store.queue.redo("gone", an_entry(entry_id="gone"))
    assert names_of(store.queue) == ["gone"]


def test_pruning_forgets_old_entries_that_have_ended_and_nothing_else(store: Store) -> None:
    queue = queue_of(store, "waiting")
    queue_of(store, "page", wants_page=True)
    for name, days in (("old", 31), ("new", 1)):
        queue.put(an_entry(entry_id=name, first_seen_at=NOW - timedelta(days=days)), wants_page=False)
    for item in queue.ready(10):
        if item.entry.entry_id in {"old", "new"}:
            queue.done(item.seq, Outcome.INDEXED)

    assert queue.prune(NOW - timedelta(days=30)) == 1

    assert queue.waiting() == {"page": 1, "ready": 1}
    assert queue.outcomes() == {"indexed": 1}
    assert not queue.redo("old")
    assert queue.redo("new")


def test_a_number_is_never_given_twice_even_after_pruning(store: Store) -> None:
    queue = queue_of(store, digest("x"))
    (first,) = queue.ready(1)
    queue.done(first.seq, Outcome.INDEXED)
    queue.prune(NOW + timedelta(days=1))

    queue_of(store, digest("y"))

    assert queue.ready(1)[0].seq > first.seq
