"""What is thought of a service, from what moved and what did not."""

import threading
from datetime import UTC, datetime

from marsad.clock import FrozenClock, SystemClock
from marsad.config import HealthSettings
from marsad.progress import Hole, Position, Progress
from marsad_app.cluster.watchdog import Beat, Verdict, Watchdog, judge

SETTINGS = HealthSettings(stall_after=60, exit_after=300)
PLACE = ("articles.v1", 0)


def judged(
    *moments: tuple[float, int, int], waiting: dict[str, str] | None = None, step_since: float | None = None
) -> Verdict:
    """The verdict after moments (now, offset, end), and after every ten seconds between them."""
    verdict = Verdict()
    before, offset, end = moments[0]
    for moment in moments:
        for now in range(int(before) + 10, int(moment[0]), 10):
            known = {PLACE: Position(offset, end, 0.0)}
            verdict = judge(verdict, known, waiting or {}, float(now), SETTINGS, step_since=step_since)
        before, offset, end = moment
        known = {PLACE: Position(offset, end, 0.0)}
        verdict = judge(verdict, known, waiting or {}, before, SETTINGS, step_since=step_since)
    return verdict


def test_a_service_that_moves_is_well_however_far_behind_it_is() -> None:
    assert judged((0, 10, 90_000), (50, 11, 90_000), (100, 12, 90_000), (900, 13, 90_000)).state == "ok"


def test_work_that_waits_without_a_move_makes_it_stalled_and_then_dead() -> None:
    assert judged((0, 10, 20), (59, 10, 20)).state == "ok"
    stalled = judged((0, 10, 20), (61, 10, 25))
    assert (stalled.state, stalled.healthy) == ("stalled", False)
    assert stalled.why == "articles.v1 partition 0 has 15 messages waiting and has not moved for 61 s"
    assert judged((0, 10, 20), (299, 10, 20)).state == "stalled"
    assert judged((0, 10, 20), (301, 10, 20)).state == "dead"


def test_a_service_with_nothing_to_do_is_well_for_ever_and_new_work_starts_the_count_anew() -> None:
    assert judged((0, 20, 20), (9_000, 20, 20)).state == "ok"
    assert judged((0, 20, 20), (9_000, 20, 21), (9_045, 20, 21)).state == "ok"
    assert judged((0, 20, 20), (9_000, 20, 21), (9_061, 20, 21)).state == "stalled"


def test_a_service_that_waits_for_something_outside_is_shown_unhealthy_but_never_dead() -> None:
    why = {"elasticsearch": "connection refused"}
    early = judged((0, 10, 20), (30, 10, 20), waiting=why)
    assert (early.state, early.healthy, early.why) == ("waiting", True, "elasticsearch: connection refused")
    late = judged((0, 10, 20), (4_000, 10, 20), waiting=why)
    assert (late.state, late.healthy) == ("waiting", False)


def test_a_service_that_tries_again_now_and_then_is_not_ended_in_the_moment_between_two_waits() -> None:
    position, verdict = {PLACE: Position(10, 20, 0.0)}, Verdict()
    for now in range(0, 2_000, 5):
        waiting = {} if now % 15 == 0 else {"articles.v1 partition 0": "elasticsearch: refused"}
        verdict = judge(verdict, position, waiting, float(now), SETTINGS)
        assert verdict.state != "dead"
    assert not verdict.healthy
    for now in range(2_000, 2_310, 5):
        verdict = judge(verdict, position, {}, float(now), SETTINGS)
    assert verdict.state == "dead"


def test_waiting_without_a_partition_of_its_own_is_unhealthy_in_time_too() -> None:
    verdict = Verdict()
    for now in range(0, 70, 5):
        verdict = judge(verdict, {}, {"broker": "no answer"}, float(now), SETTINGS)
    assert (verdict.state, verdict.healthy) == ("waiting", False)
    assert judge(verdict, {}, {}, 71.0, SETTINGS).state == "ok"


def test_a_step_that_does_not_return_is_a_stall_though_no_work_is_known_to_wait() -> None:
    assert judged((0, 20, 20), (170, 20, 20), step_since=0.0).state == "ok"
    assert judged((0, 20, 20), (185, 20, 20), step_since=0.0).state == "stalled"
    assert judged((0, 20, 20), (905, 20, 20), step_since=0.0).state == "dead"


def test_a_process_that_was_frozen_is_given_time_to_go_on() -> None:
    verdict = judge(Verdict(), {PLACE: Position(10, 20, 0.0)}, {}, 0.0, SETTINGS)
    verdict = judge(verdict, {PLACE: Position(10, 20, 0.0)}, {}, 1_000.0, SETTINGS, step_since=0.0)
    assert verdict.state == "ok"


def test_items_that_nearly_all_end_in_quarantine_make_it_unhealthy_until_a_window_is_better() -> None:
    def of(verdict: Verdict, **counts: int) -> Verdict:
        return judge(verdict, {}, {}, 1.0, SETTINGS, counts=counts)

    assert of(Verdict(), quarantined=49).state == "ok"
    bad = of(Verdict(), quarantined=50, alert=900)
    assert (bad.state, bad.healthy, bad.why) == ("poisoned", False, "50 of the last 50 items ended in quarantine")
    assert of(bad, quarantined=51, indexed=3).state == "poisoned"
    assert of(bad, quarantined=51, indexed=60).state == "ok"
    assert of(Verdict(), quarantined=45, indexed=5).state == "ok"


def test_records_that_were_passed_over_are_never_well() -> None:
    verdict = judge(Verdict(), {}, {}, 1.0, SETTINGS, skipped=2)
    assert (verdict.state, verdict.healthy) == ("skipped", False)


def test_the_watchdog_ends_a_dead_process_with_a_status_that_asks_for_a_new_start() -> None:
    progress, gone, status = Progress(), threading.Event(), list[int]()

    def leave(number: int) -> None:
        status.append(number)
        gone.set()

    progress.opened("entries.v1", 0, 5, 0.0)
    progress.heard("entries.v1", 0, 9)
    quick = HealthSettings(stall_after=0.1, exit_after=0.3)
    watchdog = Watchdog(progress, Beat(), quick, SystemClock(), leave=leave)
    watchdog.start()
    assert gone.wait(5)
    watchdog.close()
    assert status == [70]


def test_the_watchdog_sees_what_the_progress_says() -> None:
    progress, clock = Progress(), FrozenClock(datetime(2026, 1, 1, tzinfo=UTC))
    watchdog = Watchdog(progress, Beat(), SETTINGS, clock)
    assert watchdog.look().state == "ok"
    progress.found_skipped(Hole("entries.v1", 0, 3, 5))
    assert watchdog.look().state == "skipped"
    progress.waits("elasticsearch", "refused")
    assert watchdog.look().state == "waiting"
