"""The view of a real broker's streams: filled, taken up again, shared, made anew."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kafka import KafkaAdminClient

from marsad.clock import SystemClock
from marsad.config import DataSettings, KafkaSettings, Settings
from marsad.connect import kafka_options
from marsad.errors import StoreError
from marsad.streams import STREAMS, topic_name
from marsad.testing.factories import a_feed, a_quarantined
from marsad_app.cluster.admin import create_streams
from marsad_app.cluster.store import ClusterStore

pytestmark = pytest.mark.cluster

Open = Callable[..., ClusterStore]


@pytest.fixture
def opened(kafka: KafkaSettings, tmp_path: Path) -> Iterator[Open]:
    """Opens stores on the same streams, each in the folder of that name."""
    stores = []

    def make(folder: str = "one", *, follow: bool = False, **fields: object) -> ClusterStore:
        settings = Settings(kafka=kafka.model_copy(update=fields), data=DataSettings(dir=tmp_path / folder))
        store = ClusterStore(settings, SystemClock())
        stores.append(store)
        if follow:
            store.follow()
            until(lambda: not store.materialiser.problem)
        return store

    yield make
    for store in stores:
        store.close()


def until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    limit = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < limit, "waited in vain"
        time.sleep(0.02)


def feed_ids(store: ClusterStore) -> list[str]:
    return [feed.id for feed in store.feeds.feeds()]


def test_what_one_machine_writes_another_reads(opened: Open) -> None:
    writer, reader = opened("one"), opened("two")
    writer.feeds.put_feeds([a_feed(id="a"), a_feed(id="b")])
    assert feed_ids(reader) == ["a", "b"]

    writer.feeds.remove_feed("a")
    reader.sync()
    assert feed_ids(reader) == ["b"]


def test_the_view_is_taken_up_where_it_was_left(opened: Open) -> None:
    first = opened()
    first.feeds.put_feeds([a_feed(id="a"), a_feed(id="b")])
    first.view.store.feeds.remove_feed(
        "a"
    )  # behind the stream's back: only reading from the beginning would bring it again
    first.close()
    opened("two").feeds.put_feeds([a_feed(id="c")])

    assert feed_ids(opened()) == ["b", "c"]


def test_the_view_is_made_anew_where_the_streams_were(opened: Open, kafka: KafkaSettings) -> None:
    first = opened()
    first.feeds.put_feeds([a_feed(id="a")])
    first.close()
    admin = KafkaAdminClient(**kafka_options(kafka))
    admin.delete_topics([topic_name(kafka.prefix, stream.name) for stream in STREAMS])
    until(lambda: not any(name.startswith(kafka.prefix) for name in admin.list_topics()))
    admin.close()
    create_streams(kafka)
    # As many records as before, so that the offsets alone would fit.
    opened("two").feeds.put_feeds([a_feed(id="b")])

    assert feed_ids(opened()) == ["b"]


def test_two_that_follow_and_write_into_one_file_do_not_disturb_each_other(opened: Open) -> None:
    stores = [opened(follow=True), opened(follow=True), opened()]
    faults: list[Exception] = []

    def write(name: str, store: ClusterStore) -> None:
        try:
            for number in range(10):
                store.feeds.put_feeds([a_feed(id=f"{name}{number}")])
                assert store.feeds.feed(f"{name}{number}") is not None
                if number % 2:
                    store.feeds.remove_feed(f"{name}{number}")
        except Exception as error:  # noqa: BLE001 - told by the test's thread
            faults.append(error)

    threads = [threading.Thread(target=write, args=pair) for pair in zip("abc", stores, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert faults == []
    stores[2].sync()
    for store in stores:
        assert feed_ids(store) == [f"{name}{number}" for name in "abc" for number in range(0, 10, 2)]


def test_what_others_write_is_seen_by_itself(opened: Open) -> None:
    following, writer = opened(follow=True), opened("two")
    writer.sync()
    writer.quarantine.quarantine([a_quarantined(id="q")])
    until(lambda: following.quarantine.quarantined_item("q") is not None)


def test_a_missing_stream_is_named_with_what_makes_it(opened: Open) -> None:
    with pytest.raises(StoreError, match=r"nobody\.feeds\.v1.*`marsad cluster init`"):
        opened(prefix="nobody").feeds.feeds()


def test_following_goes_on_when_the_streams_are_there_at_last(opened: Open, kafka: KafkaSettings) -> None:
    late = opened(prefix=f"{kafka.prefix}-late")
    late.follow()
    until(lambda: "cluster init" in late.materialiser.problem)

    create_streams(kafka.model_copy(update={"prefix": f"{kafka.prefix}-late"}))

    until(lambda: not late.materialiser.problem)
    late.feeds.put_feeds([a_feed(id="a")])
    assert feed_ids(late) == ["a"]
