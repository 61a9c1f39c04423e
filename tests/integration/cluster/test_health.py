"""Services that say how they are, on real servers."""

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from marsad.config import ElasticsearchSettings, KafkaSettings, child_environment
from marsad.errors import TransientError
from marsad.streams import Message
from marsad_app.cluster.health import Report, ask
from processors.transact import TransactionalJournal

pytestmark = pytest.mark.cluster

MARSAD = [sys.executable, "-c", "import sys; from marsad_app.cli import main; sys.exit(main())"]
STAGES = ("poll", "process", "group", "match", "index", "deliver")

# A service whose first batch never ends; its audit looks often, so that the test is short.
HANGING = """
import contextlib, sys, time
from marsad.config import load_settings
from marsad_app.cluster import gaps, service
from processors.transact import Shards

gaps._EVERY_S = 0.2

class Handler:
    def __init__(self, journal): pass
    def take(self, batch): time.sleep(600)
    def tick(self): return 0
    def close(self): pass

@contextlib.contextmanager
def build(context):
    shards = Shards(context.settings.kafka, "process", "entries.v1", Handler, instance=context.instance, progress=context.progress)
    try:
        yield shards.step
    finally:
        shards.close()

sys.exit(service.run_stage(load_settings(), "process", build))
"""

# The same, but it says that it waits for something outside.
WAITING = HANGING.replace("time.sleep(600)", "raise TransientError('elasticsearch: refused')").replace(
    "from marsad_app.cluster", "from marsad.errors import TransientError\nfrom marsad_app.cluster", 1
)


class Service:
    """A process; its log says where it can be asked."""

    def __init__(self, process: "subprocess.Popen[str]", log: Path) -> None:
        self.process = process
        self.log = log

    def url(self) -> str:
        for line in self.log.read_text().splitlines():
            if '"service started"' in line and line.endswith("}"):
                told: dict[str, Any] = json.loads(line)
                return str(told["health"])
        return ""

    def until(self, wanted: Callable[[Report], bool], seconds: float = 90) -> Report:
        end = time.monotonic() + seconds
        seen: Report | None = None
        while time.monotonic() < end:
            if url := self.url():
                with contextlib.suppress(TransientError):
                    seen = ask(url)
                    if wanted(seen):
                        return seen
            assert self.process.poll() is None, f"it ended with {self.process.returncode}: {self.tail()}"
            time.sleep(0.1)
        raise AssertionError(f"not within {seconds} s; last: {seen}; log: {self.tail()}")

    def tail(self) -> str:
        return self.log.read_text()[-1_500:]


@contextlib.contextmanager
def started(command: list[str], log: Path, **environment: str) -> Iterator[Service]:
    """A service process, killed at the end if it still runs."""
    with (
        log.open("w") as file,
        subprocess.Popen(
            command, env=child_environment(**environment), stderr=file, cwd=log.parent, text=True
        ) as process,
    ):
        try:
            yield Service(process, log)
        finally:
            if process.poll() is None:
                process.kill()


def environment(kafka: KafkaSettings, folder: Path, **more: str) -> dict[str, str]:
    return {
        "MARSAD_KAFKA__BOOTSTRAP": kafka.bootstrap,
        "MARSAD_KAFKA__PREFIX": kafka.prefix,
        "MARSAD_KAFKA__PARTITIONS": str(kafka.partitions),
        "MARSAD_DATA__DIR": str(folder / "data"),
        "MARSAD_LOG__FORMAT": "json",
        **more,
    }


def write_one(kafka: KafkaSettings) -> None:
    journal = TransactionalJournal(kafka, "test", "entries.v1", 0)
    journal.commit([Message(stream="entries.v1", key="a", value=b"x", partition=0)])
    journal.close()


def logged(script: str) -> list[str]:
    """The script, with logs set up as the command line does."""
    setup = (
        "from marsad.config import load_settings\n"
        "from marsad_app.cli.logs import configure_logs\n"
        "configure_logs(load_settings().log)\n"
    )
    return [sys.executable, "-c", setup + script]


QUICK = {"MARSAD_HEALTH__STALL_AFTER": "1.5", "MARSAD_HEALTH__EXIT_AFTER": "4"}


def test_a_service_that_hangs_is_told_unhealthy_and_then_ends_itself_to_be_started_anew(
    kafka: KafkaSettings, tmp_path: Path
) -> None:
    with started(logged(HANGING), tmp_path / "log", **environment(kafka, tmp_path, **QUICK)) as service:
        service.until(lambda report: report.healthy and bool(report.partitions))
        write_one(kafka)
        report = service.until(lambda report: report.verdict == "stalled")
        assert not report.healthy
        assert "entries.v1 partition 0 has 2 messages waiting" in report.why
        assert service.process.wait(20) == 70


def test_a_service_that_waits_for_something_outside_is_told_unhealthy_and_lives_on(
    kafka: KafkaSettings, tmp_path: Path
) -> None:
    with started(logged(WAITING), tmp_path / "log", **environment(kafka, tmp_path, **QUICK)) as service:
        service.until(lambda report: report.healthy and bool(report.partitions))
        write_one(kafka)
        report = service.until(lambda report: report.verdict == "waiting" and not report.healthy)
        assert report.waiting == {"entries.v1 partition 0": "elasticsearch: refused"}
        time.sleep(float(QUICK["MARSAD_HEALTH__EXIT_AFTER"]) + 1)
        assert service.process.poll() is None
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(5) == 0


@pytest.mark.timeout(240)
def test_every_service_is_well_can_be_asked_and_ends_in_order_when_told(
    kafka: KafkaSettings, elastic: ElasticsearchSettings, tmp_path: Path
) -> None:
    env = environment(
        kafka,
        tmp_path,
        MARSAD_ELASTICSEARCH__URL=elastic.url,
        MARSAD_ELASTICSEARCH__PREFIX=elastic.prefix,
    )
    with contextlib.ExitStack() as opened:
        services = {
            stage: opened.enter_context(started([*MARSAD, stage], tmp_path / f"{stage}.log", **env)) for stage in STAGES
        }
        for stage, service in services.items():
            report = service.until(lambda report: report.ready and (bool(report.partitions) or report.stage == "poll"))
            assert (report.stage, report.instance.rsplit("-", 1)[1]) == (stage, "0")
        asked = subprocess.run(
            [*MARSAD, "cluster", "health", "--json"],
            env=child_environment(**env),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert asked.returncode == 0, asked.stdout + asked.stderr
        assert sorted(json.loads(line)["stage"] for line in asked.stdout.splitlines()) == sorted(STAGES)
        for service in services.values():
            service.process.send_signal(signal.SIGTERM)
        ended = {stage: service.process.wait(15) for stage, service in services.items()}
        assert ended == dict.fromkeys(STAGES, 0)
        assert not [stage for stage, service in services.items() if "did not end in time" in service.log.read_text()]
