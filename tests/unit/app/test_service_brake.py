"""How far stages are behind, and who pauses for them."""

import threading

import pytest

from marsad.config import KafkaSettings
from marsad.errors import TransientError
from marsad.progress import Progress
from marsad_app.cluster.brake import Brake, closes
from marsad_app.cluster.lag import PartitionLag, lags_of, without_markers

SETTINGS = KafkaSettings(max_lag=1_000)


@pytest.mark.parametrize(
    ("was_closed", "lag", "closed"),
    [
        (False, 1_000, False),
        (False, 1_001, True),
        (True, 1_001, True),
        (True, 501, True),
        (True, 500, False),
        (False, 0, False),
    ],
)
def test_it_closes_above_the_limit_and_opens_below_half_of_it(was_closed: bool, lag: int, closed: bool) -> None:
    assert closes(was_closed, {"index": lag, "match": 3}, 1_000) is closed


def test_the_service_says_what_it_pauses_for_and_no_more_once_it_goes_on() -> None:
    lag, progress = {"index": 5_000, "match": 7}, Progress()
    brake = Brake(SETTINGS, ("index", "match"), progress, measure=lambda: lag, every=60)
    brake.look()
    assert progress.waiting() == {"stages behind": "index is 5000 messages behind; kafka.max_lag is 1000"}
    assert not brake.may_take()
    lag["index"] = 400
    brake.look()
    assert brake.may_take()
    assert progress.waiting() == {}
    brake.close()


def test_an_outage_of_the_broker_changes_nothing() -> None:
    answers: list[int | Exception] = [5_000, TransientError("no answer"), 0]

    def measure() -> dict[str, int]:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return {"index": answer}

    brake, seen = Brake(SETTINGS, ("index",), measure=measure, every=60), []
    for _ in range(3):
        brake.look()
        seen.append(brake._closed)
    assert seen == [True, True, False]


def test_the_first_question_begins_to_measure() -> None:
    measured = threading.Event()

    def measure() -> dict[str, int]:
        measured.set()
        return {"index": 0}

    with Brake(SETTINGS, ("index",), measure=measure, every=0.01) as brake:
        assert not measured.is_set()
        assert brake.may_take()
        assert measured.wait(5)


def test_a_stage_that_never_committed_has_all_before_it_and_none_of_what_was_deleted() -> None:
    new, old, ahead = lags_of({1: 3, 2: 9}, {0: 4, 1: 5, 2: 0}, {0: 10, 1: 10, 2: 9})
    assert (new.lag, old.lag, ahead.lag) == (6, 5, 0)


def test_markers_at_the_end_are_no_lag_and_only_few_offsets_are_looked_into() -> None:
    asked: list[tuple[int, int]] = []

    def holds(first: int, until: int) -> bool:
        asked.append((first, until))
        return first == 7

    rest = PartitionLag(partition=0, committed=9, begin=0, end=10)
    waits = PartitionLag(partition=0, committed=7, begin=0, end=10)
    much = PartitionLag(partition=0, committed=0, begin=0, end=5_000)
    assert [without_markers(row, holds).lag for row in (rest, waits, much)] == [0, 3, 5_000]
    assert asked == [(9, 10), (7, 10)]
