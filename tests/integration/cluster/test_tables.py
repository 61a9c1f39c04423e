"""A compacted stream as a table, on a real broker."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from structlog.testing import capture_logs

from marsad.config import KafkaSettings
from marsad.errors import TransientError
from marsad.records import Feed
from marsad.records.codec import encode
from marsad.streams import Message
from marsad.testing.factories import a_feed
from marsad_app.cluster.tables import Table
from processors.transact import TransactionalJournal

pytestmark = pytest.mark.cluster


@pytest.fixture
def journal(kafka: KafkaSettings) -> Iterator[TransactionalJournal]:
    journal = TransactionalJournal(kafka, "app", "feeds.v1", 0)
    yield journal
    journal.close()


@pytest.fixture
def table(kafka: KafkaSettings) -> Iterator[Table[Feed]]:
    table = Table(kafka, "feeds.v1", Feed)
    yield table
    table.close()


def put(feed: Feed, partition: int | None = None) -> Message:
    return Message(stream="feeds.v1", key=feed.id, value=encode(feed), partition=partition)


def tombstone(key: str, partition: int | None = None) -> Message:
    return Message(stream="feeds.v1", key=key, value=None, partition=partition)


def until(done: Callable[[], bool], seconds: float = 20) -> None:
    limit = time.monotonic() + seconds
    while not done() and time.monotonic() < limit:
        time.sleep(0.02)
    assert done()


def test_the_newest_record_of_each_key_is_there_from_the_start(
    journal: TransactionalJournal, table: Table[Feed]
) -> None:
    journal.commit([put(a_feed(id=f"f{n}", title="old")) for n in range(40)])
    journal.commit([put(a_feed(id="f3", title="new")), tombstone("f4")])

    table.start()

    assert [feed.id for feed in table.all()] == sorted(f"f{n}" for n in range(40) if n != 4)
    assert table.get("f4") is None
    found = table.get("f3")
    assert found is not None
    assert found.title == "new"


def test_what_was_committed_is_there_after_a_refresh(journal: TransactionalJournal, table: Table[Feed]) -> None:
    table.start()
    version = table.version
    for n in range(5):
        journal.commit([put(a_feed(id=f"f{n}"))])
        table.refresh()
        assert table.get(f"f{n}") is not None
    assert table.version >= version + 5
    version = table.version
    table.refresh()
    assert table.version == version


def test_changes_come_by_themselves(journal: TransactionalJournal, table: Table[Feed]) -> None:
    table.start()
    journal.commit([put(a_feed(id="a"))])
    until(lambda: table.get("a") is not None)
    journal.commit([tombstone("a")])
    until(lambda: not table.all())


def test_a_tombstone_takes_away_only_what_lies_in_its_partition(
    journal: TransactionalJournal, table: Table[Feed]
) -> None:
    journal.commit([put(a_feed(id="a", title="first"), 0)])
    time.sleep(0.01)
    journal.commit([put(a_feed(id="a", title="second"), 1)])
    table.start()
    found = table.get("a")
    assert found is not None
    assert found.title == "second"
    assert table.all() == (found,)

    journal.commit([tombstone("a", 0)])
    table.refresh()
    assert table.get("a") == found

    journal.commit([tombstone("a", 1)])
    table.refresh()
    assert table.get("a") is None
    assert table.all() == ()


def test_a_record_that_cannot_be_read_is_logged_and_passed_over(
    journal: TransactionalJournal, table: Table[Feed]
) -> None:
    good = a_feed(id="a")
    journal.commit([put(good, 0), Message(stream="feeds.v1", key="a", value=b"{broken", partition=0)])
    with capture_logs() as logs:
        table.start()

    assert table.get("a") == good
    assert [(line["event"], line["key"]) for line in logs if line["log_level"] == "error"] == [
        ("record passed over", "a")
    ]


def test_a_refresh_waits_for_a_commit_behind_a_transaction_that_is_still_open(
    kafka: KafkaSettings, journal: TransactionalJournal, table: Table[Feed]
) -> None:
    table.start()
    other = TransactionalJournal(kafka, "other", "feeds.v1", 0)
    other._producer.begin_transaction()
    other._send(put(a_feed(id="open"), 0)).get(timeout=10)
    journal.commit([put(a_feed(id="behind"), 0)])

    with pytest.raises(TransientError, match="transaction"):
        table.refresh(timeout=0.5)
    ended = threading.Timer(0.3, other._producer.abort_transaction)
    ended.start()
    table.refresh()
    ended.join()

    assert [feed.id for feed in table.all()] == ["behind"]
    other.close()


def test_a_stream_that_is_not_there_is_told(kafka: KafkaSettings) -> None:
    told: list[str] = []
    table = Table(kafka.model_copy(update={"prefix": "nothing-here"}), "feeds.v1", Feed, told.append)

    with pytest.raises(TransientError, match="cluster init"):
        table.start(timeout=1.5)

    assert "nothing-here.feeds.v1 is not there" in told[0]
