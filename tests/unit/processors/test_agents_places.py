"""How far a worker may commit."""

from hypothesis import given
from hypothesis import strategies as st

from processors.agents.places import Part, Places

ONE = Part("entries", 0)
TWO = Part("entries", 1)


def places(*parts: Part, begin: int = 0) -> Places:
    made = Places()
    made.assigned(parts or (ONE,), 1)
    for part in parts or (ONE,):
        made.began(part, begin)
    return made


def test_nothing_moves_until_results_are_with_the_broker() -> None:
    made = places(begin=5)
    made.read(ONE, [5, 6, 8], 9)

    assert made.next(ONE) == 5
    assert made.done(ONE, 5) == []
    assert made.next(ONE) == 6
    assert made.done(ONE, 6) == made.done(ONE, 8) == []
    assert made.next(ONE) == 9


def test_a_record_dropped_on_the_way_is_found_and_never_committed_past() -> None:
    made = places()
    made.read(ONE, [0, 1, 2, 3], 4)
    made.done(ONE, 0)

    assert made.done(ONE, 3) == [1, 2]
    assert made.next(ONE) == 1


def test_what_is_handed_over_twice_counts_once() -> None:
    made = places()
    made.read(ONE, [0, 1, 2], 3)
    made.done(ONE, 0)
    made.read(ONE, [0, 1, 2, 3], 4)

    assert [made.done(ONE, offset) for offset in (0, 1, 2, 0, 1, 2, 3)] == [[]] * 7
    assert made.next(ONE) == 4


def test_a_new_generation_begins_anew_and_the_old_one_counts_no_more() -> None:
    made = places(ONE, TWO)
    made.read(ONE, [0, 1, 2], 3)
    made.assigned([ONE], 2)
    made.began(ONE, 0)

    assert not made.current(ONE, 1)
    assert made.current(ONE, 2)
    assert not made.current(TWO, 2)
    assert made.parts() == [ONE]
    assert made.next(ONE) == 0
    assert made.next(TWO) is None


def test_markers_at_the_end_are_passed_only_where_nothing_is_open() -> None:
    made = places()
    made.read(ONE, [0, 1], 3)
    made.done(ONE, 0)

    assert (made.next(ONE), made.idle(ONE)) == (1, False)
    made.done(ONE, 1)
    assert (made.next(ONE), made.idle(ONE)) == (3, True)
    made.read(ONE, [], 7)
    assert made.next(ONE) == 7
    assert not made.idle(TWO)


def test_a_client_that_was_set_back_moves_nothing_back() -> None:
    made = places(begin=9)
    made.read(ONE, [], 4)

    assert made.next(ONE) == 9


def test_a_partition_of_another_worker_is_passed_over() -> None:
    made = places(ONE)
    made.read(TWO, [4], 5)

    assert made.done(TWO, 4) == []
    assert made.next(TWO) is None


@given(
    st.lists(st.booleans(), min_size=1, max_size=40),
    st.lists(st.integers(0, 39), max_size=10),
    st.data(),
)
def test_the_place_never_passes_an_offset_that_is_not_done(
    kept: list[bool], again: list[int], data: st.DataObject
) -> None:
    """Whatever is dropped between client and agent, and from wherever the client begins again."""
    made = places()
    offsets = [number for number, wanted in enumerate(kept) if wanted]
    made.read(ONE, offsets, len(kept) + 1)
    dropped = data.draw(st.sets(st.sampled_from(offsets or [0])))
    done: set[int] = set()
    for offset in offsets:
        if offset not in dropped:
            made.done(ONE, offset)
            done.add(offset)
        for start in [a for a in again if a == offset]:
            made.read(ONE, [other for other in offsets if other >= start], len(kept) + 1)

    place = made.next(ONE) or 0
    assert all(offset in done for offset in offsets if offset < place)
