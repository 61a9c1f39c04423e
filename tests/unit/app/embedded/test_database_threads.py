import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from marsad.errors import StoreError
from marsad.testing.factories import a_feed, an_article, an_entry
from marsad_app.embedded import open_store
from marsad_app.embedded.store import Store


def test_threads_that_write_at_once_take_turns_and_lose_nothing(store: Store) -> None:
    def write(number: int) -> None:
        with store.database.write():
            store.feeds.put_feeds([a_feed(id=f"feed-{number}")])
            store.queue.put(an_entry(entry_id=f"entry-{number}"), wants_page=False)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(80)))

    assert len(store.feeds.feeds()) == 80
    assert store.queue.waiting()["ready"] == 80


def test_a_reader_sees_a_batch_whole_or_not_at_all(store: Store) -> None:
    done = threading.Event()
    seen: set[int] = set()

    def look() -> None:
        while not done.is_set():
            seen.add(len(store.feeds.feeds()) % 10)

    thread = threading.Thread(target=look)
    thread.start()
    for batch in range(30):
        with store.database.write():
            for number in range(10):
                store.feeds.put_feeds([a_feed(id=f"{batch}-{number}")])
    done.set()
    thread.join(20)

    assert seen == {0}


def test_a_reader_is_not_kept_waiting_by_a_long_write(store: Store) -> None:
    with store.database.write(), ThreadPoolExecutor(1) as pool:
        store.feeds.put_feeds([a_feed()])
        assert pool.submit(store.feeds.feeds).result(20) == []


def test_a_fault_inside_a_nested_write_undoes_the_outer_one_too(store: Store) -> None:
    def fail() -> None:
        store.feeds.put_feeds([a_feed()])
        with store.database.write():
            store.queue.put(an_entry(), wants_page=False)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), store.database.write():
        fail()

    assert (list(store.feeds.feeds()), store.queue.waiting()["ready"]) == ([], 0)
    store.feeds.put_feeds([a_feed()])
    assert len(store.feeds.feeds()) == 1


def test_a_reader_cannot_write(store: Store) -> None:
    with store.database.read() as connection, pytest.raises(Exception, match="readonly"):
        connection.execute("DELETE FROM feeds")


def test_a_store_that_was_closed_says_so_to_whoever_comes_late(store: Store) -> None:
    store.close()
    late: list[Callable[[], object]] = [
        store.feeds.feeds,
        store.search.count,
        lambda: store.feeds.put_feeds([a_feed()]),
    ]

    for call in late:
        with pytest.raises(StoreError):
            call()


def test_two_processes_over_one_file_see_what_the_other_wrote(store: Store, tmp_path: Path) -> None:
    other = open_store(tmp_path)
    try:
        store.articles.put_articles([an_article()])
        assert other.search.count() == 1
        other.feeds.put_feeds([a_feed()])
        assert len(store.feeds.feeds()) == 1
    finally:
        other.close()
