"""What blows are drawn, and how recovery from them is read off."""

import random

import pytest

from marsad_app.bench.blows import Kind, Struck, draw


def test_every_kind_of_blow_is_drawn_in_order_of_time() -> None:
    blows = draw(random.Random(3), 30, 120.0)

    assert len(blows) == 30
    assert {blow.kind for blow in blows} == set(Kind)
    assert [blow.at for blow in blows] == sorted(blow.at for blow in blows)
    assert all(2 <= blow.at <= 120 for blow in blows)


def test_the_same_seed_draws_the_same_blows() -> None:
    assert draw(random.Random(1), 10, 60.0) == draw(random.Random(1), 10, 60.0)


def test_recovery_is_the_time_from_the_end_of_a_blow_until_the_index_grows() -> None:
    cluster = pytest.importorskip("marsad_app.bench.cluster")
    samples = [cluster.Sample(at, indexed) for at, indexed in [(0, 5), (1, 9), (2, 9), (3, 9), (4.5, 12)]]
    struck = [Struck(Kind.KAFKA, "kafka", 1.2, 2.0), Struck(Kind.KILL, "poll-1", 5.0, 5.1)]

    assert cluster.recovery(struck, samples) == {Kind.KAFKA.value: (2.5,)}


def test_memory_that_grows_by_a_megabyte_a_minute_has_a_slope_of_sixty_an_hour() -> None:
    latency = pytest.importorskip("marsad_app.bench.latency")

    assert latency.slope([(0, 100), (60, 101), (120, 102)]) == pytest.approx(60)
