"""Real articles served as living feeds with the faults of the wild, read by a real process: nothing missing, nothing twice."""

from pathlib import Path

import pytest
from rich.console import Console

from marsad.clock import SystemClock
from marsad.config import eval_data_dir, stack_dir
from marsad_app.bench.chaos import chaos
from marsad_app.bench.corpus import CORPUS
from marsad_app.bench.habits import try_habits
from marsad_app.bench.replay import Comparison, Marsad, compare, settled, watch_everything, wire

PROGRAM, DOCUMENTS = stack_dir() / "replay-feeds", eval_data_dir() / CORPUS

pytestmark = [
    pytest.mark.skipif(
        not (PROGRAM.is_file() and DOCUMENTS.is_file()),
        reason=f"needs {PROGRAM} and {DOCUMENTS}: set MARSAD_STACK and MARSAD_EVAL_DATA",
    ),
    pytest.mark.timeout(400),
]


def explained(result: Comparison) -> str:
    return f"missing {result.missing[:5]} twice {result.twice[:5]} alerts missing {result.alerts_missing} twice {result.alerts_twice}"


def test_every_published_article_is_indexed_once_with_its_full_text(tmp_path: Path) -> None:
    with wire(PROGRAM, DOCUMENTS, tmp_path, limit=300, rate=15, faults=True) as newswire:
        marsad = Marsad(tmp_path, newswire.opml, MARSAD_ALERTS__TERMINAL="false")
        store = marsad.store()
        watch_everything(store, SystemClock().now())
        store.close()
        marsad.start()
        try:
            truth = settled(newswire, marsad, limit=200)
        finally:
            took = marsad.stop()
    store = marsad.store()
    result = compare(truth, store, store.queue.outcomes())
    store.close()

    assert result.ok(), explained(result)
    assert result.published == 300
    assert result.partial == 0
    assert took < 5


def test_every_habit_of_the_wild_is_survived_and_reported_as_what_it_is() -> None:
    report = try_habits(PROGRAM, DOCUMENTS, limit=180, rate=6)

    assert report.wrong == ()
    assert report.ok(), explained(report.comparison)
    assert (report.comparison.published, report.lost) == (180, 0)
    assert len(report.states) == 12


def test_nothing_is_lost_or_doubled_when_the_process_is_killed_again_and_again() -> None:
    result = chaos(PROGRAM, DOCUMENTS, limit=200, rate=12, kills=4, seed=11, console=Console(quiet=True))

    assert result.ok(), explained(result)
    assert result.published == 200
