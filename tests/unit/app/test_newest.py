"""Which revision of an entry is tagged again."""

from datetime import timedelta

from marsad.records.codec import encode
from marsad.streams import Message
from marsad.testing.factories import NOW, a_feed, an_entry
from marsad_app.cluster.newest import Newest


def message(name: str, offset: int, *, revision: int = 1, partition: int = 0, minutes: int = 0) -> Message:
    return Message(
        stream="entries.v1",
        key=name,
        value=encode(an_entry(entry_id=name, revision=revision)),
        partition=partition,
        offset=offset,
        at=NOW + timedelta(minutes=minutes),
    )


def test_only_the_newest_revision_counts_and_of_equal_ones_the_last() -> None:
    newest = Newest()
    newer = newest.see(
        [
            message("a", 0),
            message("b", 1, revision=3),
            message("a", 4, revision=2, minutes=1),
            message("b", 5, revision=2, minutes=1),
            message("c", 2, partition=1),
            message("c", 3, partition=1, minutes=1),
        ]
    )

    assert newer == {"a", "b", "c"}
    assert newest.places(None) == {0: [1, 4], 1: [3]}
    assert newest.ends == {0: 6, 1: 4}


def test_an_entry_whose_newest_revision_came_later_is_not_taken_by_an_older_one() -> None:
    newest = Newest()
    newest.see([message("a", 0), message("b", 1), message("a", 2, revision=2, minutes=10)])

    assert newest.ids(NOW + timedelta(minutes=5)) == {"b"}
    assert newest.places(NOW + timedelta(minutes=5)) == {0: [1]}


def test_what_comes_afterwards_is_told_once() -> None:
    newest = Newest()
    newest.see([message("a", 0), message("b", 1)])

    assert newest.see([message("a", 2, revision=2, minutes=1), message("d", 3)]) == {"a", "d"}
    assert newest.see([]) == set()
    assert newest.places(None, {"a"}) == {0: [2]}


def test_bytes_that_are_no_entry_are_passed_over() -> None:
    newest = Newest()
    broken = Message(stream="entries.v1", key="x", value=b"{no json", partition=0, offset=7, at=NOW)
    other = Message(stream="entries.v1", key="x", value=encode(a_feed()), partition=0, offset=8, at=NOW)

    assert newest.see([broken, other]) == set()
    assert newest.ends == {0: 9}
