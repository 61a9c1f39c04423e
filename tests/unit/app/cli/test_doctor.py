"""``marsad doctor``."""

import socket
from collections import namedtuple
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from marsad.clock import SystemClock
from marsad.records import Subscription


@pytest.fixture(autouse=True)
def _free_port(marsad: Any) -> None:
    marsad.env["MARSAD_WEB__PORT"] = "0"


def _findings(marsad: Any, status: int = 0) -> dict[str, Any]:
    return {record["name"]: record for record in marsad("doctor", "--json", status=status).records}


def _failed(marsad: Any, name: str, said: str) -> None:
    """The one thing wrong is found, explained, and everything else is still looked at."""
    findings = _findings(marsad, status=1)
    assert [key for key, record in findings.items() if record["level"] == "fail"] == [name]
    assert said in findings[name]["detail"]
    if name != "settings":
        assert {"python", "settings", "topics", "catalogue"} <= set(findings)


def test_a_healthy_installation_passes_with_and_without_a_store(marsad: Any, make: Any) -> None:
    assert {record["level"] for record in _findings(marsad).values()} == {"ok"}
    assert not marsad.folder.exists()
    marsad("feeds", "add", "https://x.example/rss", "--no-check")
    findings = _findings(marsad)
    assert {record["level"] for record in findings.values()} == {"ok"}
    assert findings["feeds"]["detail"] == "1 feeds: 1 new"


def test_the_text_form_marks_what_is_wrong_and_says_what_to_do(marsad: Any) -> None:
    marsad.env["MARSAD_WEB__HOST"] = "0.0.0.0"
    answer = marsad("doctor", status=1)
    assert "✗ web access" in answer.out
    assert "→ set web.token" in answer.out
    assert answer.complaint == "marsad: 1 check failed"


def test_a_wrong_setting_is_found(marsad: Any, tmp_path: Path) -> None:
    (tmp_path / "marsad.toml").write_text("[poll]\nconcurrency = 0\n")
    _failed(marsad, "settings", "poll.concurrency")


def test_a_port_that_another_program_has_is_found(marsad: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        taken.settimeout(0.1)
        marsad.env["MARSAD_WEB__PORT"] = str(taken.getsockname()[1])
        _failed(marsad, "web port", "taken by another program")


def test_an_address_of_another_machine_is_found(marsad: Any) -> None:
    marsad.env |= {"MARSAD_WEB__HOST": "192.0.2.1", "MARSAD_WEB__TOKEN": "t"}
    _failed(marsad, "web port", "cannot listen on 192.0.2.1:0")


def test_a_data_folder_that_is_a_file_is_found(marsad: Any, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("x")
    _failed(marsad, "data folder", "is a file")


_Usage = namedtuple("_Usage", "total used free")  # noqa: PYI024 - the shape of shutil's


@pytest.mark.parametrize(("free", "level"), [(10_000_000, "fail"), (1_000_000_000, "warn"), (50_000_000_000, "ok")])
def test_a_disk_that_fills_up_is_found(marsad: Any, monkeypatch: pytest.MonkeyPatch, free: int, level: str) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda place: _Usage(10**12, 0, free))
    assert _findings(marsad, status=int(level == "fail"))["data folder"]["level"] == level


def test_a_corrupt_store_is_found(marsad: Any) -> None:
    marsad.folder.mkdir()
    (marsad.folder / "marsad.db").write_bytes(b"no database " * 1_000)
    _failed(marsad, "store", "no sound Marsad store")


def test_a_damaged_page_in_the_store_is_found(marsad: Any, filled: Any) -> None:
    filled.close()
    path = marsad.folder / "marsad.db"
    content = bytearray(path.read_bytes())
    # Page numbers of a table's inner structure: every page but the first, which holds the schema.
    for start in range(4_096 * 4, len(content), 4_096):
        content[start : start + 100] = b"\xff" * 100
    path.write_bytes(bytes(content))
    findings = _findings(marsad, status=1)
    assert findings["store"]["level"] == "fail"


def test_a_store_of_a_newer_version_is_found(marsad: Any, store: Any) -> None:
    with store.database.write() as connection:
        connection.execute("PRAGMA user_version=9999")
    _failed(marsad, "store", "written by a newer Marsad")


def test_a_bad_topic_file_is_found(marsad: Any, tmp_path: Path) -> None:
    (tmp_path / "topics").mkdir()
    (tmp_path / "topics" / "bees.toml").write_text("id = 'bees'\n")
    marsad.env["MARSAD_PROCESS__TOPICS_DIR"] = str(tmp_path / "topics")
    _failed(marsad, "topics", "bees.toml:")


def test_a_subscription_that_cannot_work_is_found(marsad: Any, store: Any) -> None:
    now = SystemClock().now()
    store.subscriptions.put_subscription(Subscription(id="a" * 32, name="Bad", query="(", created_at=now))
    _failed(marsad, "subscriptions", "'Bad'")
    store.subscriptions.put_subscription(
        Subscription(id="a" * 32, name="Lost", query="x", outlets=("nonsense",), created_at=now)
    )
    _failed(marsad, "alerts", "'Lost'")


def test_a_clock_that_went_back_is_found(marsad: Any, filled: Any) -> None:
    state = next(iter(filled.polls.states()))
    later = datetime.now(UTC) + timedelta(days=900)  # noqa: TID251 - later than the clock that the doctor reads
    filled.polls.commit_poll(msgspec.structs.replace(state, last_poll_at=later), [])
    findings = _findings(marsad, status=1)
    assert "future" in findings["clock"]["detail"]


@pytest.mark.parametrize(
    ("networks", "level"),
    [
        ("", "ok"),
        ("127.0.0.0/8,10.1.0.0/16", "ok"),
        ("169.254.0.0/16", "warn"),
        ("0.0.0.0/0", "warn"),
        ("fd00::/8", "warn"),
    ],
)
def test_networks_that_open_the_guard_too_far_are_pointed_out(marsad: Any, networks: str, level: str) -> None:
    marsad.env["MARSAD_POLL__ALLOW_NETWORKS"] = networks
    assert _findings(marsad)["allowed networks"]["level"] == level


def test_many_feeds_unwell_are_pointed_out(marsad: Any, filled: Any) -> None:
    finding = _findings(marsad)["feeds"]
    assert finding["level"] == "warn"
    assert "network" in finding["remedy"]
