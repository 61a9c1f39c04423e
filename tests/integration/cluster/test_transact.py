"""Consume, transform, produce on a real broker."""

import threading
import time
from collections.abc import Callable, Sequence

import msgspec
import pytest

from marsad.config import KafkaSettings
from marsad.errors import FencedError
from marsad.ports import Journal
from marsad.progress import Progress
from marsad.streams import Message
from processors.transact import Shards, TransactionalJournal, read_stream

pytestmark = pytest.mark.cluster


class Copier:
    """Copies entries to quarantine, in one transaction a batch."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.closed = False
        self.restored = [message.key for message in journal.read("quarantine.v1", journal.partition)]

    def take(self, batch: Sequence[Message]) -> None:
        copies = [
            Message(stream="quarantine.v1", key=message.key, value=message.value, partition=self.journal.partition)
            for message in batch
        ]
        self.journal.commit(copies, upto=batch[-1].offset + 1)

    def tick(self) -> int:
        return 0

    def close(self) -> None:
        self.closed = True


def run_until(shards: Shards, done: Callable[[], bool], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not done() and time.monotonic() < until:
        shards.step()
    assert done()


def fill(kafka: KafkaSettings, count: int, start: int = 0) -> None:
    journal = TransactionalJournal(kafka, "test-fill", "entries.v1", 0)
    for first in range(start, start + count, 50):
        journal.commit(
            [
                Message(stream="entries.v1", key=f"k{n}", value=b"x" * 100)
                for n in range(first, min(first + 50, start + count))
            ]
        )
    journal.close()


def copied(kafka: KafkaSettings) -> list[str]:
    return [message.key for message in read_stream(kafka, "quarantine.v1")]


def test_every_message_goes_through_once(kafka: KafkaSettings) -> None:
    fill(kafka, 500)
    progress = Progress()
    shards = Shards(kafka, "copy", "entries.v1", Copier, instance="one", progress=progress)
    run_until(shards, lambda: len(copied(kafka)) >= 500)
    shards.step()
    lag = [position.lag for position in progress.positions().values()]
    shards.close()
    assert sorted(copied(kafka)) == sorted(f"k{n}" for n in range(500))
    assert lag == [0, 0]


def test_an_owner_that_lost_its_partition_can_write_no_more(kafka: KafkaSettings) -> None:
    old = TransactionalJournal(kafka, "poll", "feed-states.v1", 0)
    old.commit([Message(stream="feed-states.v1", key="a", value=b"1", partition=0)])
    new = TransactionalJournal(kafka, "poll", "feed-states.v1", 0)
    with pytest.raises(FencedError):
        old.commit([Message(stream="feed-states.v1", key="a", value=b"2", partition=0)])
    new.commit([Message(stream="feed-states.v1", key="a", value=b"3", partition=0)])
    assert [message.value for message in read_stream(kafka, "feed-states.v1")] == [b"1", b"3"]
    old.close()
    new.close()


def test_a_failing_batch_is_taken_again_with_the_state_read_anew(kafka: KafkaSettings) -> None:
    fill(kafka, 100)
    opened: list[Copier] = []

    class FailsOnce(Copier):
        def take(self, batch: Sequence[Message]) -> None:
            if len(opened) <= 2:
                raise ValueError("a fault of ours")
            super().take(batch)

    def open_handler(journal: Journal) -> FailsOnce:
        opened.append(FailsOnce(journal))
        return opened[-1]

    shards = Shards(kafka, "copy", "entries.v1", open_handler, instance="one", progress=Progress())
    run_until(shards, lambda: len(copied(kafka)) >= 100)
    shards.close()
    assert sorted(copied(kafka)) == sorted(f"k{n}" for n in range(100))
    assert opened[0].closed


def test_two_workers_share_the_partitions_and_one_takes_over_when_the_other_goes(kafka: KafkaSettings) -> None:
    stop = threading.Event()
    workers = [Shards(kafka, "copy", "entries.v1", Copier, instance=name, progress=Progress()) for name in ("a", "b")]
    gone = threading.Event()

    def work(number: int) -> None:
        while not stop.is_set() and not (number == 1 and gone.is_set()):
            workers[number].step()
        workers[number].close()

    threads = [threading.Thread(target=work, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    fill(kafka, 300)
    gone.set()
    fill(kafka, 300, start=300)
    until = time.monotonic() + 30
    while len(copied(kafka)) < 600 and time.monotonic() < until:
        time.sleep(0.3)
    stop.set()
    for thread in threads:
        thread.join(10)
    assert sorted(copied(kafka)) == sorted(f"k{n}" for n in range(600))


def test_messages_carry_headers_and_tombstones(kafka: KafkaSettings) -> None:
    journal = TransactionalJournal(kafka, "app", "feeds.v1", 0)
    sent = Message(stream="feeds.v1", key="a", value=None, partition=1, headers={"why": b"removed"})
    journal.commit([sent])
    journal.close()
    (read,) = read_stream(kafka, "feeds.v1")
    assert msgspec.structs.replace(read, offset=-1, at=None) == sent
