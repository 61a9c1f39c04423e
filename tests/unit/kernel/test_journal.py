"""The streams in memory are held to what the real journal does, and fail as they are told."""

from collections.abc import Callable, Sequence

import pytest

from marsad.errors import FencedError, TransientError
from marsad.ports import Journal
from marsad.streams import Message
from marsad.testing.journal import Blow, CrashError, InMemoryStreams, drive
from marsad.testing.journal_contracts import JOURNAL_CONTRACTS, Broker


@pytest.mark.parametrize("contract", JOURNAL_CONTRACTS, ids=lambda contract: contract.__name__)
def test_streams_in_memory_keep_the_contract(contract: Callable[[Broker], None]) -> None:
    contract(InMemoryStreams(partitions=2))


def article(key: str) -> Message:
    return Message(stream="articles.v1", key=key, value=b"{}", partition=0)


@pytest.mark.parametrize(
    ("blow", "error", "written"),
    [
        (Blow.CRASH_BEFORE, CrashError, False),
        (Blow.CRASH_AFTER, CrashError, True),
        (Blow.LOST, TransientError, False),
        (Blow.UNKNOWN, TransientError, True),
        (Blow.FENCED, FencedError, False),
    ],
)
def test_a_blow_hits_the_commit_of_its_number(blow: Blow, error: type[BaseException], written: bool) -> None:
    streams = InMemoryStreams()
    streams.blows = {2: blow}
    journal = streams.open("group", "tagged.v1", 0)
    journal.commit([article("a")], upto=1)

    with pytest.raises(error):
        journal.commit([article("b")], upto=2)

    assert [message.key for message in streams.read("articles.v1")] == (["a", "b"] if written else ["a"])
    assert streams.place("group", "tagged.v1", 0) == (2 if written else 1)


def test_a_fenced_owner_stays_fenced() -> None:
    streams = InMemoryStreams()
    streams.blows = {1: Blow.FENCED}
    journal = streams.open("group", "tagged.v1", 0)

    for _ in range(2):
        with pytest.raises(FencedError):
            journal.commit([article("a")])

    assert streams.read("articles.v1") == []


def test_each_commit_takes_an_offset_of_its_own() -> None:
    streams = InMemoryStreams()
    journal = streams.open("group", "tagged.v1", 0)

    assert [*journal.commit([article("a"), article("b")]), *journal.commit([article("c")])] == [0, 1, 3]


def test_compaction_keeps_the_last_message_of_each_key_at_its_offset() -> None:
    streams = InMemoryStreams()
    streams.write([article("a"), article("b"), article("a")])

    streams.compact("articles.v1")

    assert [(message.key, message.offset) for message in streams.read("articles.v1")] == [("b", 1), ("a", 2)]


class Copier:
    """Copies what it takes."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    def take(self, batch: Sequence[Message]) -> None:
        self.journal.commit([article(message.key) for message in batch], upto=batch[-1].offset + 1)

    def tick(self) -> int:
        return 0

    def close(self) -> None:
        return None


def test_driving_goes_on_after_every_blow_until_all_is_taken() -> None:
    streams = InMemoryStreams()
    streams.write([Message(stream="tagged.v1", key=str(number), value=b"{}") for number in range(20)])
    streams.blows = dict(enumerate((*Blow, *Blow), start=2))

    opened = drive(streams, "group", "tagged.v1", 0, Copier, sizes=(3, 1))

    assert opened == 11
    assert [message.key for message in streams.read("articles.v1")] == [str(number) for number in range(20)]


def test_driving_that_gets_nowhere_says_why() -> None:
    streams = InMemoryStreams()
    streams.write([Message(stream="tagged.v1", key="a", value=b"{}")])
    streams.blows = dict.fromkeys(range(1, 10), Blow.LOST)

    with pytest.raises(AssertionError, match="not through after 3") as caught:
        drive(streams, "group", "tagged.v1", 0, Copier, most_openings=3)

    assert isinstance(caught.value.__cause__, TransientError)
