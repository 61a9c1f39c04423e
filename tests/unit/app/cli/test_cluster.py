"""``marsad cluster`` and the services, where no server is needed."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest

from marsad.config import DataSettings, Settings
from marsad.errors import StoreError, TransientError
from marsad.streams import STREAMS, topic_name
from marsad_app.cli import cluster_services, logs
from marsad_app.cluster import admin, index_admin, lag
from marsad_app.cluster.admin import Actual, Difference, wanted_config
from marsad_app.cluster.lag import PartitionLag, StageLag
from marsad_app.cluster.service import Context, open_context


class Servers:
    """A broker and an index in memory, in the place of the calls to the real ones."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.streams: dict[str, Actual] = {}
        self.templates = ["m-articles"]
        self.index_away = False
        monkeypatch.setattr(admin, "broker_streams", lambda kafka: self.streams)
        monkeypatch.setattr(admin, "mend", self.mend)
        monkeypatch.setattr(index_admin, "template_differences", self.differences)
        monkeypatch.setattr(index_admin, "mend_templates", lambda elastic: self.templates.clear())

    def mend(self, kafka: Any, differences: list[Difference], told: Any) -> list[Difference]:
        done = [one for one in differences if one.mendable]
        by_name = {topic_name(kafka.prefix, known.name): known for known in STREAMS}
        for one in done:
            known = by_name[one.where]
            self.streams[one.where] = Actual(
                partitions=known.partitions or kafka.partitions, replication=1, config=dict(wanted_config(known))
            )
            told(one)
        return done

    def differences(self, elastic: Any) -> list[Difference]:
        if self.index_away:
            raise StoreError("Elasticsearch does not answer")
        return [
            Difference(where=name, kind="template", what="missing", found="", wanted="x") for name in self.templates
        ]

    def alter(self, name: str, **config: str) -> None:
        now = self.streams[name]
        self.streams[name] = Actual(partitions=now.partitions, replication=1, config={**now.config, **config})


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Servers:
    return Servers(monkeypatch)


def test_init_makes_what_is_missing_and_nothing_the_second_time(marsad: Any, servers: Servers) -> None:
    made = marsad("cluster", "init").lines
    assert len(made) == len(STREAMS) + 1
    assert made[0] == "made marsad.feeds.v1"
    again = marsad("cluster", "init")
    assert (again.out, again.err) == ("", "all streams and index templates are there\n")


def test_init_leaves_what_differs_and_fails_only_where_a_stream_cannot_be_used(marsad: Any, servers: Servers) -> None:
    marsad("cluster", "init")
    servers.alter("marsad.entries.v1", **{"retention.ms": "1"})
    assert "`marsad cluster check` shows them" in marsad("cluster", "init").err
    marsad.env["MARSAD_KAFKA__PARTITIONS"] = "8"
    assert "set kafka.partitions to 4" in marsad("cluster", "init", status=1).err


def test_check_tells_drift_with_status_1_and_fix_mends_it(marsad: Any, servers: Servers) -> None:
    marsad("cluster", "init")
    servers.alter("marsad.entries.v1", **{"retention.ms": "60000"})
    told = marsad("cluster", "check", status=1).lines
    assert told[1].split("\t") == ["marsad.entries.v1", "retention.ms", "60000", "2592000000", "--fix"]
    assert marsad("cluster", "check", "--json", status=1).records[0]["where"] == "marsad.entries.v1"
    mended = marsad("cluster", "check", "--fix").lines
    assert mended == ["marsad.entries.v1: retention.ms set from 60000 to 2592000000"]
    assert marsad("cluster", "check").err == "streams and index templates are as they should be\n"


def test_what_cannot_be_mended_stays_told_with_one_advice(marsad: Any, servers: Servers) -> None:
    marsad("cluster", "init")
    marsad.env["MARSAD_KAFKA__PARTITIONS"] = "8"
    answer = marsad("cluster", "check", "--fix", status=1)
    assert len(answer.lines) == len(STREAMS)
    assert answer.err.count("set kafka.partitions to 4") == 1


def test_check_shows_the_streams_also_while_elasticsearch_is_away(marsad: Any, servers: Servers) -> None:
    marsad("cluster", "init")
    servers.alter("marsad.entries.v1", **{"retention.ms": "60000"})
    servers.index_away = True
    answer = marsad("cluster", "check", status=1)
    assert "retention.ms" in answer.out
    assert answer.complaint == "marsad: Elasticsearch does not answer"


def test_a_topic_of_nobody_we_know_is_mentioned(marsad: Any, servers: Servers) -> None:
    marsad("cluster", "init")
    servers.streams["marsad.entries.v0"] = servers.streams["marsad.entries.v1"]
    assert "marsad.entries.v0 is under kafka.prefix" in marsad("cluster", "check").err


def test_lag_is_shown_by_stage_and_partition(marsad: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = (
        PartitionLag(partition=0, committed=None, begin=0, end=3),
        PartitionLag(partition=1, committed=5, begin=0, end=9),
    )
    found = [StageLag(stage="index", stream="articles.v1", members=("host-index-0",), partitions=rows)]
    monkeypatch.setattr(lag, "measure", lambda kafka, clock: found)
    answer = marsad("cluster", "lag")
    assert [line.split("\t") for line in answer.lines[1:]] == [
        ["index", "articles.v1", "0", "-", "3", "3"],
        ["index", "articles.v1", "1", "5", "9", "4"],
    ]
    assert answer.err == "index: host-index-0\n"
    assert marsad("cluster", "lag", "--json").records[1] == {
        "stage": "index",
        "stream": "articles.v1",
        "partition": 1,
        "committed": 5,
        "end": 9,
        "lag": 4,
        "members": ["host-index-0"],
    }


def test_a_broker_that_is_away_is_one_sentence(marsad: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(kafka: Any, clock: Any) -> None:
        raise TransientError("no Kafka broker answers at broker:9092; check kafka.bootstrap, and that it runs")

    monkeypatch.setattr(lag, "measure", measure)
    assert "check kafka.bootstrap" in marsad("cluster", "lag", status=1).complaint


@pytest.fixture
def service(marsad: Any) -> Iterator[Context]:
    with open_context(Settings(data=DataSettings(dir=marsad.folder)), "index") as context:
        yield context


def test_health_finds_the_services_here_and_tells_each(marsad: Any, service: Context) -> None:
    (row,) = marsad("cluster", "health").lines[1:]
    assert row.split("\t")[:3] == [service.instance, "ok", "0"]
    (record,) = marsad("cluster", "health", "--json").records
    assert (record["stage"], record["healthy"]) == ("index", True)


def test_health_ends_with_status_1_where_a_service_is_silent_or_none_runs(marsad: Any) -> None:
    assert "no service runs" in marsad("cluster", "health", status=1).err
    assert "silent" in marsad("cluster", "health", "--url", "http://127.0.0.1:9", status=1).out
    marsad.env["MARSAD_HEALTH__PORT"] = "9"
    assert json.loads(marsad("cluster", "health", "--json", status=1).out)["url"] == "http://127.0.0.1:9"


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the commands call, and with what."""
    seen: dict[str, Any] = {}

    def load(name: str) -> ModuleType:
        module = ModuleType(name)
        stage = name.rpartition(".")[2]

        def run(settings: Settings) -> int:
            seen["ran"] = stage
            return 75

        def again(settings: Settings, since: datetime, until: datetime | None) -> int:
            seen["since"], seen["until"] = since, until
            return 12

        vars(module).update(run=run, reprocess=again)
        return module

    def leave(status: int) -> None:
        seen["status"] = status

    monkeypatch.setattr(cluster_services, "import_module", load)
    monkeypatch.setattr(logs, "configure_logs", lambda settings: None)
    monkeypatch.setattr(cluster_services, "_leave", leave)
    return seen


@pytest.mark.parametrize("stage", ["poll", "process", "group", "match", "index", "deliver"])
def test_each_service_is_run_by_its_command_and_its_status_is_the_commands(
    marsad: Any, modules: dict[str, Any], stage: str
) -> None:
    marsad(stage)
    assert (modules["ran"], modules["status"]) == (stage, 75)


def test_reprocessing_takes_a_day_or_a_time_ago(marsad: Any, modules: dict[str, Any]) -> None:
    answer = marsad("process", "--reprocess", "--since", "2026-11-01", "--until", "2026-11-02")
    assert modules["since"] == datetime(2026, 11, 1, tzinfo=UTC)
    assert modules["until"] == datetime(2026, 11, 3, tzinfo=UTC)
    assert "12 entries are tagged again" in answer.err
    marsad("process", "--reprocess", "--since", "now-7d")
    assert modules["until"] is None
    assert "ran" not in modules


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--reprocess"], "needs --since"),
        (["--reprocess", "--since", "soon"], "'soon' cannot be read"),
        (["--reprocess", "--since", "2026-11-02", "--until", "2026-11-01"], "is not after"),
        (["--since", "2026-11-02"], "go with --reprocess"),
    ],
)
def test_a_wrong_span_is_told_before_anything_is_done(
    marsad: Any, modules: dict[str, Any], arguments: list[str], complaint: str
) -> None:
    assert complaint in marsad("process", *arguments, status=1).complaint
    assert "ran" not in modules
    assert "since" not in modules
