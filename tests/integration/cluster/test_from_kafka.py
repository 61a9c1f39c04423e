"""Reading as a member of a group: what is handed out, what is committed, and what a rebalance makes of it."""

import contextlib
import time
from collections.abc import Callable, Iterator

import pytest
from kafka import TopicPartition

from marsad.config import KafkaSettings
from marsad.errors import TransientError
from marsad.progress import Position, Progress
from marsad.streams import Message
from processors.transact import TransactionalJournal
from sinks.from_kafka import Batch, GroupReader

pytestmark = pytest.mark.cluster


@contextlib.contextmanager
def reader(kafka: KafkaSettings, instance: str = "one", progress: Progress | None = None) -> Iterator[GroupReader]:
    opened = GroupReader(kafka, "index", "articles.v1", instance=instance, progress=progress or Progress(), most=50)
    try:
        yield opened
    finally:
        opened.close()


def write(kafka: KafkaSettings, *keys: str, partition: int = 0) -> None:
    with contextlib.closing(TransactionalJournal(kafka, "group", "tagged.v1", 0)) as journal:
        journal.commit([Message(stream="articles.v1", key=key, value=b"x", partition=partition) for key in keys])


def gather(opened: GroupReader, reached: Callable[[list[Batch]], bool], seconds: float = 40) -> list[Batch]:
    taken: list[Batch] = []
    end = time.monotonic() + seconds
    while not reached(taken):
        assert time.monotonic() < end, keys(taken)
        taken += opened.take(0.05)
    return taken


def keys(batches: list[Batch]) -> list[str]:
    return [message.key for batch in batches for message in batch.messages]


def test_what_is_not_committed_is_given_to_the_next_one(kafka: KafkaSettings) -> None:
    write(kafka, *(f"k{n}" for n in range(120)))
    progress = Progress()
    with reader(kafka, progress=progress) as one:

        def committed(batches: list[Batch]) -> bool:
            # The client may tell of an assignment late; what was read before is not committed then, and read again.
            one.commit(batches[-2:-1])
            return progress.positions().get(("articles.v1", 0), Position(0, 0, 0)).offset > 0

        gather(one, committed)
        done = progress.positions()["articles.v1", 0].offset
    with reader(kafka) as again:
        first = gather(again, bool)[0].messages[0]
    assert 0 < done < 120
    assert first.offset == done


def test_a_partition_that_was_let_go_is_not_committed_by_its_former_owner(kafka: KafkaSettings) -> None:
    write(kafka, "a", "b", partition=0)
    write(kafka, "c", "d", partition=1)
    one_knows, two_knows = Progress(), Progress()
    with reader(kafka, "one", one_knows) as one:
        held = gather(one, lambda batches: set(keys(batches)) == {"a", "b", "c", "d"})
        with reader(kafka, "two", two_knows) as two:
            until = time.monotonic() + 40
            while not (len(one_knows.positions()) == len(two_knows.positions()) == 1):
                assert time.monotonic() < until
                one.take(0.05)
                two.take(0.05)
            # All tenures in which this was read are over, also that of the partition that stayed.
            one.commit(held)
            places = [TopicPartition(f"{kafka.prefix}.articles.v1", number) for number in (0, 1)]
            assert [one._consumer.committed(place) for place in places] == [None, None]


def test_nothing_is_handed_out_while_nothing_is_wanted(kafka: KafkaSettings) -> None:
    write(kafka, "a")
    with reader(kafka) as one:
        gather(one, lambda batches: keys(batches)[-1:] == ["a"])
        for _ in range(3):
            one.take(0.05, wanted=False)
        write(kafka, "b")
        assert not any(one.take(0.1, wanted=False) for _ in range(8))
        assert keys(gather(one, lambda batches: "b" in keys(batches)))[-1] == "b"


def test_a_join_that_the_client_forgets_comes_to_its_end(kafka: KafkaSettings) -> None:
    with reader(kafka) as one:
        write(kafka, "a")
        gather(one, lambda batches: "a" in keys(batches))
        for _ in range(5):
            one.take(0.05)
        coordinator = one._consumer._coordinator
        # It hears anew of the partitions, begins to join, and hears that nothing has changed before the answer is there.
        known, coordinator._metadata_snapshot = coordinator._metadata_snapshot, {}
        one._consumer.poll(timeout_ms=0)
        coordinator._metadata_snapshot = known
        assert coordinator._join_task is not None
        write(kafka, "b")
        assert "b" in keys(gather(one, lambda batches: "b" in keys(batches)))


def test_the_progress_knows_of_markers_behind_the_last_message(kafka: KafkaSettings) -> None:
    write(kafka, "a", "b")
    progress = Progress()
    with reader(kafka, progress=progress) as one:
        one.commit(gather(one, lambda batches: "b" in keys(batches))[-1:])
        end = time.monotonic() + 20
        while sum(place.lag for place in progress.positions().values()) or len(progress.positions()) < 2:
            assert time.monotonic() < end
            one.take(0.05)
        assert progress.positions()["articles.v1", 0].offset == 3


def test_a_stream_that_is_not_there_is_told(kafka: KafkaSettings) -> None:
    elsewhere = kafka.model_copy(update={"prefix": "nowhere"})
    with pytest.raises(TransientError, match=r"nowhere\.articles\.v1 is not there"):
        GroupReader(elsewhere, "index", "articles.v1", instance="one", progress=Progress())
