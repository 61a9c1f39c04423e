"""What every journal must do, as functions that a test runs on the streams in memory and on a real broker."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

import msgspec

from marsad.errors import FencedError, TransientError
from marsad.ports import Journal
from marsad.streams import Message, partition_of

__all__ = ["JOURNAL_CONTRACTS", "Broker"]

_FURTHER: Final = 3
_FURTHEST: Final = 5


class Broker(Protocol):
    """Two partitions of each stream, empty at first."""

    def open(self, stage: str, source: str, partition: int) -> Journal:
        """The journal of a partition's new owner."""
        ...

    def place(self, stage: str, source: str, partition: int) -> int:
        """The offset that the stage takes next; 0 before the first commit."""
        ...


def _message(key: str, value: bytes | None = b"{}", partition: int | None = 0) -> Message:
    return Message(stream="articles.v1", key=key, value=value, partition=partition)


def _keys(journal: Journal, partition: int | None = None, *, start: int = 0) -> list[str]:
    return [message.key for message in journal.read("articles.v1", partition, start=start)]


@contextmanager
def _refused() -> Iterator[None]:
    """A broken client may not know any more that it was fenced; what counts is that nothing comes through."""
    try:
        yield
    except (FencedError, TransientError):
        return
    raise AssertionError("a commit of an owner that lost its partition went through")


def what_is_committed_is_read_in_order(broker: Broker) -> None:
    """By the owner, at once, and by the next owner."""
    journal = broker.open("group", "tagged.v1", 0)
    journal.commit([_message("a"), _message("b")])
    journal.commit([_message("a")])
    assert _keys(journal) == ["a", "b", "a"]
    assert _keys(broker.open("group", "tagged.v1", 0)) == ["a", "b", "a"]


def offsets_say_where_each_message_is(broker: Broker) -> None:
    """Those that a commit returns are those that are read; reading can begin after each of them."""
    journal = broker.open("group", "tagged.v1", 0)
    first = journal.commit([_message("a"), _message("x", partition=1), _message("b")])
    second = journal.commit([_message("c")])
    read = {message.key: message.offset for message in journal.read("articles.v1")}
    assert [read[key] for key in ("a", "x", "b", "c")] == [*first, *second]
    assert _keys(journal, 0, start=first[0] + 1) == ["b", "c"]
    assert _keys(journal, 0, start=first[2] + 1) == ["c"]
    assert _keys(journal, 0, start=second[0] + 1) == []


def one_partition_is_read_or_all_one_after_the_other(broker: Broker) -> None:
    """In the order of their numbers."""
    journal = broker.open("group", "tagged.v1", 0)
    journal.commit([_message("b", partition=1), _message("a", partition=0)])
    journal.commit([_message("d", partition=1), _message("c", partition=0)])
    assert _keys(journal, 0) == ["a", "c"]
    assert _keys(journal, 1) == ["b", "d"]
    assert _keys(journal) == ["a", "c", "b", "d"]


def a_message_without_a_partition_takes_its_keys(broker: Broker) -> None:
    """As every writer does."""
    journal = broker.open("group", "tagged.v1", 0)
    journal.commit([_message(key, partition=None) for key in ("a", "b", "c", "d")])
    assert {message.key: message.partition for message in journal.read("articles.v1")} == {
        key: partition_of(key, 2) for key in ("a", "b", "c", "d")
    }


def headers_and_tombstones_are_kept(broker: Broker) -> None:
    """A message comes back as it was given, with its place and time."""
    journal = broker.open("group", "tagged.v1", 0)
    sent = [
        msgspec.structs.replace(_message("a", "عربي".encode()), headers={"outcome": b"indexed", "story": b"{}"}),
        _message("a", None),
    ]
    journal.commit(sent)
    read = list(journal.read("articles.v1", 0))
    assert [msgspec.structs.replace(message, offset=-1, at=None) for message in read] == sent
    assert all(message.at is not None and message.at.tzinfo is not None for message in read)


def the_place_moves_with_the_messages(broker: Broker) -> None:
    """Also where there is nothing to write; a commit without a place leaves it."""
    journal = broker.open("group", "tagged.v1", 0)
    journal.commit([_message("a")], upto=_FURTHER)
    assert broker.place("group", "tagged.v1", 0) == _FURTHER
    journal.commit([], upto=_FURTHEST)
    assert broker.place("group", "tagged.v1", 0) == _FURTHEST
    journal.commit([_message("b")])
    assert broker.place("group", "tagged.v1", 0) == _FURTHEST
    assert _keys(journal) == ["a", "b"]


def an_earlier_owner_can_write_no_more(broker: Broker) -> None:
    """Neither messages nor its place, however often it tries."""
    old = broker.open("group", "tagged.v1", 0)
    old.commit([_message("a")], upto=1)
    new = broker.open("group", "tagged.v1", 0)
    for _ in range(2):
        with _refused():
            old.commit([_message("late")], upto=9)
    assert _keys(new) == ["a"]
    assert broker.place("group", "tagged.v1", 0) == 1
    new.commit([_message("b")], upto=2)
    assert _keys(new) == ["a", "b"]


def owners_of_other_partitions_and_stages_do_not_fence_each_other(broker: Broker) -> None:
    """The fence is around one partition of one stage."""
    journals = [
        broker.open("match", "articles.v1", 0),
        broker.open("match", "articles.v1", 1),
        broker.open("group", "tagged.v1", 0),
    ]
    assert [journal.partition for journal in journals] == [0, 1, 0]
    for number, journal in enumerate(journals):
        journal.commit([_message(str(number))])
    assert _keys(journals[0]) == ["0", "1", "2"]


def an_empty_stream_is_read_to_its_end(broker: Broker) -> None:
    """Nothing comes, and nothing waits; neither for an offset that is not there yet."""
    journal = broker.open("match", "articles.v1", 1)
    assert list(journal.read("alerts.v1", 1)) == []
    assert list(journal.read("alerts.v1", 1, start=7)) == []


JOURNAL_CONTRACTS: tuple[Callable[[Broker], None], ...] = (
    what_is_committed_is_read_in_order,
    offsets_say_where_each_message_is,
    one_partition_is_read_or_all_one_after_the_other,
    a_message_without_a_partition_takes_its_keys,
    headers_and_tombstones_are_kept,
    the_place_moves_with_the_messages,
    an_earlier_owner_can_write_no_more,
    owners_of_other_partitions_and_stages_do_not_fence_each_other,
    an_empty_stream_is_read_to_its_end,
)
