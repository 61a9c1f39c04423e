"""How many lines client libraries may write."""

import logging
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from marsad_app.cluster.logs import Limiter, few_library_lines


@pytest.fixture
def library() -> Iterator[logging.Logger]:
    logger = logging.getLogger("somelib")
    yield logger
    assert logger.handlers == []
    assert logger.propagate


def test_lines_that_are_alike_are_shown_a_few_times_and_then_counted() -> None:
    limiter = Limiter(of_a_kind=2, of_a_library=20, window=60)
    shown = [limiter.shows("aiokafka", "cannot connect to %s", now) for now in range(50)]

    assert shown == [True, True] + [False] * 48
    assert limiter.ended(59) == []
    assert limiter.ended(60) == [("aiokafka", 48)]
    assert limiter.shows("aiokafka", "cannot connect to %s", 61)


def test_lines_that_all_differ_are_bounded_for_each_library() -> None:
    limiter = Limiter(of_a_kind=2, of_a_library=5, window=60)
    shown = [limiter.shows("faust", f"line {number}", 0) for number in range(30)]

    assert sum(shown) == 5
    assert limiter.shows("kafka", "another library", 0)


def test_a_quiet_minute_says_nothing_of_lines_left_out() -> None:
    limiter = Limiter()
    limiter.shows("kafka", "one line", 0)

    assert limiter.ended(100) == []


def test_a_storm_of_a_library_becomes_two_lines_and_a_count(library: logging.Logger) -> None:
    now = [0.0]
    with capture_logs() as lines, few_library_lines(["somelib"], clock=lambda: now[0]):
        for number in range(1_000):
            logging.getLogger("somelib.conn").error("no connection to %s, try %d", "127.0.0.1:9092", number)
        now[0] = 61.0
        library.warning("up again")

    assert [(line["event"], line["log_level"]) for line in lines] == [
        ("no connection to 127.0.0.1:9092, try 0", "error"),
        ("no connection to 127.0.0.1:9092, try 1", "error"),
        ("log lines left out", "warning"),
        ("up again", "warning"),
    ]
    assert lines[0]["library"] == "somelib.conn"
    assert lines[2]["lines"] == 998


def test_what_was_left_out_last_is_told_at_the_end(library: logging.Logger) -> None:
    with capture_logs() as lines, few_library_lines(["somelib"]):
        for _ in range(10):
            library.error("no connection")

    assert [line["event"] for line in lines] == ["no connection", "no connection", "log lines left out"]
    assert lines[-1]["lines"] == 8


def test_an_exception_is_told_in_one_line(library: logging.Logger) -> None:
    with capture_logs() as lines, few_library_lines(["somelib"]):
        try:
            int("refused")
        except ValueError:
            library.exception("task failed")

    assert lines == [
        {
            "event": "task failed",
            "error": "ValueError: invalid literal for int() with base 10: 'refused'",
            "library": "somelib",
            "log_level": "error",
        }
    ]


def test_a_line_whose_arguments_do_not_fit_its_template_is_shown_all_the_same(library: logging.Logger) -> None:
    with capture_logs() as lines, few_library_lines(["somelib"]):
        library.error("%d messages", "many")

    assert [line["event"] for line in lines] == ["%d messages"]


def test_inside_another_block_the_limits_are_set_up_once(library: logging.Logger) -> None:
    with capture_logs() as lines, few_library_lines(["somelib"]), few_library_lines(["somelib"]):
        library.error("no connection")

    assert [line["event"] for line in lines] == ["no connection"]


def test_lines_that_differ_in_numbers_and_addresses_are_alike(library: logging.Logger) -> None:
    with capture_logs() as lines, few_library_lines(["somelib"]):
        for number in range(10):
            library.warning(f"<Task at 0x7f{number}ab> ran for 0.{number} s")

    assert [line["event"] for line in lines] == [
        "<Task at 0x7f0ab> ran for 0.0 s",
        "<Task at 0x7f1ab> ran for 0.1 s",
        "log lines left out",
    ]
