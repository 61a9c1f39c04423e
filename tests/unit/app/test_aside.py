import time
from collections.abc import Callable

import pytest

from marsad.errors import ConfigError, TransientError
from marsad.progress import Progress
from marsad_app.cluster import aside as module
from marsad_app.cluster.aside import Aside


def until_true(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_rounds_go_on_until_they_are_closed() -> None:
    done: list[int] = []
    beside = Aside("boards", [lambda: done.append(1) or 1, lambda: done.append(2) or 1], Progress())  # type: ignore[func-returns-value]
    beside.start()
    until_true(lambda: len(done) > 10)
    beside.close()
    after = len(done)

    beside.look()
    assert done[:4] == [1, 2, 1, 2]
    assert len(done) == after


def test_what_cannot_be_done_now_is_waited_for_and_done_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_AGAIN_S", 0.01)
    progress, away = Progress(), [True]

    def one() -> int:
        if away:
            raise TransientError("no answer")
        return 1

    beside = Aside("boards", [one], progress)
    beside.start()
    until_true(lambda: progress.waiting() == {"boards": "no answer"})
    away.clear()
    until_true(lambda: progress.waiting() == {})
    beside.close()


def test_any_other_fault_is_the_services_own() -> None:
    begun: list[int] = []

    def one() -> int:
        begun.append(1)
        raise ConfigError("the templates are refused")

    beside = Aside("boards", [one], Progress())
    beside.start()
    until_true(lambda: begun != [])
    beside.close()

    with pytest.raises(ConfigError, match="refused"):
        beside.look()
