"""The loop and the surroundings of every cluster service."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from marsad.config import DataSettings, KafkaSettings, Settings, child_environment
from marsad.errors import ConfigError, FencedError, TransientError
from marsad.events import AlertRaised, ItemOutcome, Outcome
from marsad_app.cluster import service
from marsad_app.cluster.service import Context, open_context, run_stage
from marsad_app.cluster.slots import held_slot


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=DataSettings(dir=tmp_path))


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "_FIRST_WAIT_S", 0.01)
    monkeypatch.setattr(service, "_LONGEST_WAIT_S", 0.02)


class Script:
    """Builds a step that does what it is told, one thing after the other, then asks to end."""

    def __init__(self, *acts: Exception | int) -> None:
        self.acts = list(acts)
        self.built = 0
        self.left = 0
        self.waiting: list[dict[str, str]] = []
        self.context: Context | None = None

    @contextlib.contextmanager
    def build(self, context: Context) -> Iterator[Callable[[], int]]:
        self.built += 1
        self.context = context

        def step() -> int:
            self.waiting.append(context.progress.waiting())
            if not self.acts:
                context.stop.set()
                return 0
            act = self.acts.pop(0)
            if isinstance(act, Exception):
                raise act
            return act

        try:
            yield step
        finally:
            self.left += 1


def test_the_step_is_repeated_until_the_service_is_asked_to_end(settings: Settings) -> None:
    script = Script(1, 0, 2)
    assert run_stage(settings, "index", script.build) == 0
    assert (script.built, script.left, script.acts) == (1, 1, [])


def test_after_a_transient_error_the_same_step_goes_on_and_the_wait_is_shown_until_then(settings: Settings) -> None:
    script = Script(TransientError("no answer from the broker"), 1)
    assert run_stage(settings, "index", script.build) == 0
    assert script.built == 1
    assert [shown.get("index", "") for shown in script.waiting] == ["", "no answer from the broker", ""]


def test_a_fault_of_ours_makes_everything_be_built_anew(settings: Settings) -> None:
    script = Script(1, ValueError("a fault"), 1)
    assert run_stage(settings, "index", script.build) == 0
    assert (script.built, script.left) == (2, 2)


def test_a_fault_that_comes_again_and_again_ends_the_process_to_be_started_anew(settings: Settings) -> None:
    script = Script(*[ValueError("a fault")] * 20)
    assert run_stage(settings, "index", script.build) == 70
    assert script.built == script.left == 6


def test_a_process_whose_place_another_has_taken_ends_with_a_status_of_its_own(settings: Settings) -> None:
    script = Script(FencedError("another process owns it"))
    assert run_stage(settings, "index", script.build) == 75
    assert script.left == 1


def test_a_wrong_setting_found_while_building_is_not_tried_again(settings: Settings) -> None:
    script = Script(ConfigError("wrong"))
    with pytest.raises(ConfigError, match="wrong"):
        run_stage(settings, "index", script.build)
    assert script.built == 1


def test_events_are_counted_by_how_the_item_ended(settings: Settings) -> None:
    with open_context(settings, "index") as context:
        context.events.emit(ItemOutcome(entry_id="a", outcome=Outcome.INDEXED))
        context.events.emit(ItemOutcome(entry_id="b", outcome=Outcome.INDEXED))
        context.events.emit(AlertRaised(alert_id="a", subscription="s", title="t", reason="r"))
        assert context.progress.counts == {"indexed": 2, "alert": 1}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_asks_the_service_to_end_and_the_handlers_are_put_back(settings: Settings, number: int) -> None:
    before = signal.getsignal(number)
    with open_context(settings, "index") as context:
        os.kill(os.getpid(), number)
        assert context.stop.wait(2)
    assert signal.getsignal(number) is before


def test_a_service_that_hangs_is_ended_all_the_same(tmp_path: Path) -> None:
    code = (
        "import contextlib, time\n"
        "from marsad.config import load_settings\n"
        "from marsad_app.cluster import service\n"
        "service._END_WITHIN_S = 0.3\n"
        "@contextlib.contextmanager\n"
        "def build(context):\n"
        "    print('up', flush=True)\n"
        "    yield lambda: time.sleep(60) or 0\n"
        "service.run_stage(load_settings(), 'index', build)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        env=child_environment(MARSAD_DATA__DIR=str(tmp_path)),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        while process.stdout.readline().strip() != "up":
            assert process.poll() is None
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert time.monotonic() - began < 5


def test_names_are_given_out_from_the_first_free_slot_and_come_back_after_a_restart(settings: Settings) -> None:
    with held_slot(settings, "index", "host") as first, held_slot(settings, "index", "host") as second:
        assert (first.instance, second.instance) == ("host-index-0", "host-index-1")
    with held_slot(settings, "index", "host") as again, held_slot(settings, "match", "host") as other:
        assert (again.instance, again.starts, other.instance) == ("host-index-0", 2, "host-match-0")


def test_a_name_that_is_set_is_kept_and_belongs_to_one_process_of_a_stage(tmp_path: Path) -> None:
    settings = Settings(data=DataSettings(dir=tmp_path), kafka=KafkaSettings(instance="worker-a"))
    with held_slot(settings, "index") as slot:
        assert slot.instance == "worker-a"
        with pytest.raises(ConfigError, match="worker-a already"), held_slot(settings, "index"):
            pass
        with held_slot(settings, "match") as other:
            assert other.instance == "worker-a"


def test_a_folder_that_cannot_be_written_is_told_with_the_setting_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    settings = Settings(data=DataSettings(dir=tmp_path / "file"))
    with pytest.raises(ConfigError, match=r"data\.dir"), held_slot(settings, "index"):
        pass


def test_a_context_can_be_opened_in_another_thread_without_signals(settings: Settings) -> None:
    seen: list[str] = []

    def work() -> None:
        with open_context(settings, "index") as context:
            seen.append(context.instance)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(5)
    assert seen[0].endswith("-index-0")
