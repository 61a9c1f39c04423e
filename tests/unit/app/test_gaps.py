"""Offsets that were never taken: markers, or records that were passed over."""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

import pytest

from marsad.clock import FrozenClock, SystemClock
from marsad.errors import TransientError
from marsad.progress import Hole, Progress
from marsad_app.cluster import gaps
from marsad_app.cluster.gaps import Audit, found_in, merged


class Log:
    """A reader over partitions given as sets of the offsets that hold records."""

    def __init__(
        self, records: dict[tuple[str, int], set[int]], ends: dict[tuple[str, int], int] | None = None
    ) -> None:
        self.records = records
        self.at_end = ends or {}
        self.reads: list[tuple[int, int]] = []
        self.broken = False
        self.closed = False

    def offsets(self, place: tuple[str, int], first: int, until: int) -> Iterator[int]:
        if self.broken:
            raise TransientError("no answer")
        self.reads.append((first, until))
        yield from sorted(offset for offset in self.records.get(place, ()) if first <= offset < until)

    def ends(self, places: Sequence[tuple[str, int]]) -> dict[tuple[str, int], int]:
        if self.broken:
            raise TransientError("no answer")
        return {place: self.at_end[place] for place in places if place in self.at_end}

    def close(self) -> None:
        self.closed = True


def hole(first: int, until: int, partition: int = 0) -> Hole:
    return Hole("entries.v1", partition, first, until)


def audit(progress: Progress, log: Log) -> Audit:
    return Audit(progress, lambda: log, FrozenClock(datetime(2026, 1, 1, tzinfo=UTC)))


def test_near_holes_of_one_partition_are_read_in_one_go() -> None:
    holes = [hole(900, 901), hole(10, 11), hole(20, 21, partition=1), hole(15, 17)]
    assert merged(holes, near=50) == [[hole(10, 11), hole(15, 17)], [hole(900, 901)], [hole(20, 21, partition=1)]]


def test_one_reading_does_not_become_endless() -> None:
    assert [len(run) for run in merged([hole(n, n + 1) for n in range(0, 100, 10)], longest=45)] == [5, 5]


def test_the_same_hole_twice_is_one() -> None:
    assert merged([hole(1, 2), hole(1, 2)]) == [[hole(1, 2)]]


def test_markers_are_no_skipped_records_and_records_that_were_taken_are_not_either() -> None:
    log = Log({("entries.v1", 0): {1, 2, 4, 5, 7}})
    assert found_in([hole(3, 4), hole(6, 7)], log) == []


def test_records_in_a_hole_are_found_and_the_hole_is_cut_down_to_them() -> None:
    log = Log({("entries.v1", 0): {1, 5, 6, 20, 33}})
    assert found_in([hole(2, 9), hole(10, 12), hole(30, 40)], log) == [hole(5, 7), hole(33, 34)]


def test_a_skipped_record_stays_in_the_progress_of_the_service() -> None:
    progress = Progress()
    progress.opened("entries.v1", 0, 0, 0.0)
    progress.taken("entries.v1", 0, [0, 1, 4, 6], 0.0)
    audit(progress, Log({("entries.v1", 0): {0, 1, 3, 4, 6}})).look()
    assert progress.skipped == [hole(3, 4)]


def test_holes_wait_while_the_broker_is_away() -> None:
    progress, log = Progress(), Log({("entries.v1", 0): {3}})
    progress.taken("entries.v1", 0, [0, 5], 0.0)
    log.broken = True
    looking = audit(progress, log)
    with pytest.raises(TransientError):
        looking.look()
    assert progress.skipped == []
    log.broken = False
    looking.look()
    assert progress.skipped == [hole(3, 4)]
    looking.look()
    assert progress.skipped == [hole(3, 4)]


def test_a_round_takes_no_longer_than_its_budget_and_goes_on_in_the_next() -> None:
    clock = FrozenClock(datetime(2026, 1, 1, tzinfo=UTC))

    class Slow(Log):
        def offsets(self, place: tuple[str, int], first: int, until: int) -> Iterator[int]:
            clock.advance(0.3)
            return super().offsets(place, first, until)

    progress = Progress()
    progress.opened("entries.v1", 0, 0, 0.0)
    taken = [first + n for first in (1_000, 2_000, 3_000, 4_000) for n in range(300)]
    progress.taken("entries.v1", 0, taken, 0.0)
    log = Slow({})
    looking = Audit(progress, lambda: log, clock)
    looking.look()
    assert looking.looked_into == 2
    looking.look()
    assert looking.looked_into == 4
    assert log.reads == [(0, 1_000), (1_300, 2_000), (2_300, 3_000), (3_300, 4_000)]


def test_a_service_that_hangs_is_told_how_far_its_input_reaches() -> None:
    progress, place = Progress(), ("entries.v1", 0)
    progress.opened(*place, 5, 0.0)
    looking = audit(progress, Log({place: {5, 6, 7}}, {place: 9}))
    looking.look()
    looking.look()
    assert progress.positions()[place].lag == 4


def test_markers_at_the_end_are_no_work_that_waits() -> None:
    progress, place = Progress(), ("entries.v1", 0)
    progress.opened(*place, 8, 0.0)
    looking = audit(progress, Log({place: {5, 6, 7}}, {place: 9}))
    looking.look()
    assert progress.positions()[place].lag == 1
    looking.look()
    assert progress.positions()[place].lag == 0


def test_a_broker_that_is_away_is_what_the_service_waits_for_until_it_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gaps, "_EVERY_S", 0.01)
    progress, log = Progress(), Log({}, {("entries.v1", 0): 5})
    progress.opened("entries.v1", 0, 0, 0.0)
    log.broken = True
    looking = Audit(progress, lambda: log, SystemClock())
    looking.start()
    until_true(lambda: progress.waiting() == {"broker": "no answer"})
    log.broken = False
    until_true(lambda: progress.waiting() == {})
    looking.close()
    assert log.closed


def test_a_service_that_stands_by_without_a_partition_hears_of_an_outage_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gaps, "_EVERY_S", 0.01)
    progress, log = Progress(), Log({})
    looking = Audit(progress, lambda: log, SystemClock())
    looking.start()
    log.broken = True
    until_true(lambda: progress.waiting() == {"broker": "no answer"})
    log.broken = False
    until_true(lambda: progress.waiting() == {})
    looking.close()


def until_true(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)
