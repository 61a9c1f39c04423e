"""How fast to go on, and what an answer means: decisions without a cluster."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.index.adaptive import MOST_FLIGHTS, Failure, Pace, Verdict, judge_document, judge_request, pause


@pytest.mark.parametrize(
    ("status", "kind", "verdict"),
    [
        (200, "", Verdict.WRITTEN),
        (201, "", Verdict.WRITTEN),
        (409, "version_conflict_engine_exception", Verdict.STALE),
        (400, "document_parsing_exception", Verdict.REFUSED),
        (400, "illegal_argument_exception", Verdict.REFUSED),
        (429, "es_rejected_execution_exception", Verdict.AGAIN),
        (503, "unavailable_shards_exception", Verdict.AGAIN),
        (500, "", Verdict.AGAIN),
        (403, "cluster_block_exception", Verdict.AGAIN),
        (404, "index_not_found_exception", Verdict.AGAIN),
        (400, "index_closed_exception", Verdict.AGAIN),
        (400, "validation_exception", Verdict.AGAIN),
    ],
)
def test_each_answer_for_a_document_has_one_meaning(status: int, kind: str, verdict: Verdict) -> None:
    assert judge_document(status, kind) is verdict


def test_a_document_that_is_not_there_is_deleted() -> None:
    assert judge_document(404, "", deletion=True) is Verdict.WRITTEN
    assert judge_document(404, "index_not_found_exception", deletion=True) is Verdict.WRITTEN


@given(status=st.integers(min_value=100, max_value=599), kind=st.text(max_size=8))
def test_only_a_refusal_of_the_document_itself_ends_its_tries(status: int, kind: str) -> None:
    if judge_document(status, kind) is Verdict.REFUSED:
        assert status in {400, 413}


@pytest.mark.parametrize(
    ("status", "kind", "failure"),
    [
        (0, "", Failure.OUTAGE),
        (500, "", Failure.OUTAGE),
        (503, "cluster_block_exception", Failure.OUTAGE),
        (401, "security_exception", Failure.OUTAGE),
        (403, "security_exception", Failure.OUTAGE),
        (404, "", Failure.OUTAGE),
        (400, "media_type_header_exception", Failure.OUTAGE),
        (400, "", Failure.OUTAGE),
        (429, "es_rejected_execution_exception", Failure.PRESSURE),
        (413, "", Failure.TOO_LARGE),
        (400, "action_request_validation_exception", Failure.MALFORMED),
    ],
)
def test_each_failure_of_a_request_has_one_meaning(status: int, kind: str, failure: Failure) -> None:
    assert judge_request(status, kind) is failure


def test_silence_means_slow() -> None:
    assert judge_request(0, "", timed_out=True) is Failure.SLOW


def test_requests_grow_while_they_go_well_and_no_further_than_the_limits() -> None:
    pace = Pace()
    first = pace.grown(pace.documents, pace.bytes)
    assert first.documents > pace.documents
    assert first.bytes > pace.bytes
    for _ in range(1_000):
        pace = pace.grown(pace.documents, pace.bytes)
    assert (pace.documents, pace.flights) == (1_000, MOST_FLIGHTS)
    assert pace.bytes == pace.ceiling


def test_a_small_request_that_goes_well_says_nothing() -> None:
    assert Pace().grown(3, 4_000) == Pace()


def test_a_refusal_halves_everything_down_to_one_document_at_a_time() -> None:
    pace = Pace(documents=100, bytes=1_000_000, flights=4)
    assert (pace.halved().documents, pace.halved().bytes, pace.halved().flights) == (50, 500_000, 2)
    for _ in range(50):
        pace = pace.halved()
    assert (pace.documents, pace.flights) == (1, 1)


def test_a_pace_of_one_document_finds_its_way_up_again() -> None:
    pace = Pace(documents=1, bytes=65_536, flights=1)
    for _ in range(100):
        pace = pace.grown(pace.documents, pace.documents * 8_000)
    assert pace.documents > 250


def test_what_was_too_large_once_is_never_tried_again() -> None:
    pace = Pace(bytes=8_000_000).below(8_000_000)
    for _ in range(100):
        pace = pace.grown(pace.documents, pace.bytes)
    assert pace.bytes <= 4_000_000


@given(
    failures=st.integers(min_value=1, max_value=10_000), chance=st.floats(min_value=0, max_value=1, exclude_max=True)
)
def test_pauses_grow_and_stay_below_five_seconds(failures: int, chance: float) -> None:
    assert 0.125 <= pause(failures, chance) <= 5
    assert pause(failures + 1, chance) >= pause(failures, chance)
