"""Where a service says how it is."""

import urllib.error
import urllib.request
from pathlib import Path

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from marsad.config import DataSettings, HealthSettings, Settings
from marsad.errors import ConfigError, TransientError
from marsad.progress import Hole, Position, Progress
from marsad_app.cluster.health import HealthServer, Identity, Report, ask, make_report
from marsad_app.cluster.metrics import service_registry
from marsad_app.cluster.service import open_context
from marsad_app.cluster.slots import running_urls
from marsad_app.cluster.watchdog import Verdict, judge

WHO = Identity(stage="index", instance="host-index-0", starts=3, started=100.0)
OK = Verdict()


def at_work() -> Progress:
    progress = Progress()
    progress.opened("articles.v1", 1, 10, 100.0)
    progress.taken("articles.v1", 1, [10, 11], 130.0)
    progress.heard("articles.v1", 1, 20)
    progress.count("indexed", 2)
    return progress


def served(report: Report) -> tuple[HealthServer, str]:
    server = HealthServer(HealthSettings(), lambda: report, service_registry(lambda: report))
    server.start()
    return server, server.url


def status_of(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_the_report_has_positions_lag_and_counts() -> None:
    report = make_report(WHO, at_work(), OK, 190.0, (4, 0))
    (row,) = report.partitions
    assert (row.stream, row.partition, row.offset, row.end, row.lag, row.moved_seconds_ago) == (
        "articles.v1",
        1,
        12,
        20,
        8,
        60.0,
    )
    assert (report.lag, report.counts, report.uptime_seconds, report.holes) == (8, {"indexed": 2}, 90.0, 4)
    assert (report.healthy, report.ready) == (True, True)


def test_waiting_makes_a_service_not_ready_at_once_and_skipped_records_are_named() -> None:
    progress = at_work()
    progress.waits("elasticsearch", "refused")
    progress.found_skipped(Hole("articles.v1", 1, 3, 5))
    report = make_report(WHO, progress, OK, 190.0)
    assert (report.healthy, report.ready) == (True, False)
    assert report.skipped == ["articles.v1 1 3-4"]


@pytest.mark.parametrize(("waits", "healthy", "codes"), [("", True, (200, 200)), ("x", True, (200, 503))])
def test_healthz_and_readyz_answer_by_status(waits: str, healthy: bool, codes: tuple[int, int]) -> None:
    progress = at_work()
    progress.waits("elasticsearch", waits)
    server, url = served(make_report(WHO, progress, OK, 190.0))
    assert (status_of(f"{url}/healthz"), status_of(f"{url}/readyz?verbose")) == codes
    assert status_of(f"{url}/nothing") == 404
    assert ask(url).healthy is healthy
    server.close()


def test_an_unhealthy_service_answers_503_and_the_client_reads_why() -> None:
    settings = HealthSettings(stall_after=10, exit_after=100)
    position = {("articles.v1", 1): Position(1, 5, 0.0)}
    verdict = judge(judge(OK, position, {}, 0.0, settings), position, {}, 11.0, settings)
    server, url = served(make_report(WHO, at_work(), verdict, 190.0))
    assert status_of(f"{url}/healthz") == 503
    answer = ask(f"{url}/healthz")
    server.close()
    assert answer.verdict == "stalled"
    assert "has not moved for 11 s" in answer.why


def test_metrics_can_be_read_by_prometheus() -> None:
    progress = at_work()
    progress.waits("elasticsearch", "refused")
    server, url = served(make_report(WHO, progress, OK, 190.0))
    with urllib.request.urlopen(f"{url}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    server.close()
    found = {
        (sample.name, sample.labels.get("partition") or sample.labels.get("outcome") or sample.labels.get("what")): (
            sample.value
        )
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert found["marsad_service_lag", "1"] == 8
    assert found["marsad_service_items_total", "indexed"] == 2
    assert found["marsad_service_waiting", "elasticsearch"] == 1
    assert found["marsad_service_starts_total", None] == 3
    assert found["process_resident_memory_bytes", None] > 1_000_000


def test_a_port_that_is_taken_is_told_with_its_setting() -> None:
    report = make_report(WHO, at_work(), OK, 190.0)
    server, url = served(report)
    taken = HealthSettings(port=int(url.rsplit(":", 1)[1]))
    with pytest.raises(ConfigError, match=r"health\.port"):
        HealthServer(taken, lambda: report, service_registry(lambda: report))
    server.close()


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "127.0.0.1:9", "http://127.0.0.1:9/healthz"])
def test_asking_where_nobody_answers_is_one_sentence(url: str) -> None:
    with pytest.raises(TransientError, match="no service answers at"):
        ask(url)


def test_a_running_service_answers_and_can_be_found_by_its_slot(tmp_path: Path) -> None:
    settings = Settings(data=DataSettings(dir=tmp_path))
    with open_context(settings, "index") as context:
        ((name, url),) = running_urls(settings).items()
        assert name == f"index.{context.instance}"
        context.progress.waits("broker", "no answer")
        report = ask(url)
        assert (report.stage, report.instance, report.waiting) == ("index", context.instance, {"broker": "no answer"})
        assert msgspec.json.decode(msgspec.json.encode(report), type=Report) == report
    assert running_urls(settings) == {}
