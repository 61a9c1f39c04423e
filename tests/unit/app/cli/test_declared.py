"""``marsad subscriptions apply``."""

from pathlib import Path
from typing import Any

import pytest

FILE = """
owner: desk
subscriptions:
  - name: Sanctions
    query: "topic:sanctions"
    cadence: daily
    at: 08:30
    zone: Africa/Cairo
    quiet: 22:00-07:00
    outlets: ["json://user:hush@hooks.example/in"]
  - name: Energy
    query: "topic:energy country:DZ"
    triggers: [new-story, story-countries]
    cap: 5
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "desk.yaml"
    path.write_text(FILE, encoding="utf-8")
    return path


def test_a_file_makes_subscriptions_and_a_second_time_changes_nothing(marsad: Any, store: Any, file: Path) -> None:
    assert "+ Sanctions" in marsad("subscriptions", "apply", "-f", str(file)).out
    before = store.subscriptions.subscriptions()
    assert marsad("subscriptions", "apply", "-f", str(file)).out == ""

    assert store.subscriptions.subscriptions() == before
    sanctions = next(one for one in before if one.name == "Sanctions")
    assert (sanctions.owner, sanctions.cadence, f"{sanctions.at:%H:%M}", sanctions.quiet.zone) == (
        "desk", "daily", "08:30", "Africa/Cairo",
    )  # fmt: skip


def test_a_dry_run_shows_the_difference_without_passwords_and_changes_nothing(
    marsad: Any, store: Any, file: Path
) -> None:
    marsad("subscriptions", "apply", "-f", str(file))
    file.write_text(FILE.replace("cap: 5", "cap: 9").replace("hush", "other"), encoding="utf-8")
    before = store.subscriptions.subscriptions()
    said = marsad("subscriptions", "apply", "-f", str(file), "--dry-run").out

    assert "~ Energy" in said
    assert "cap: 5 → 9" in said
    assert "hush" not in said
    assert store.subscriptions.subscriptions() == before


def test_what_the_file_no_longer_names_goes_only_when_asked_and_only_of_its_owner(
    marsad: Any, store: Any, file: Path
) -> None:
    marsad("subscriptions", "add", "روسيا", "--name", "Mine")
    marsad("subscriptions", "apply", "-f", str(file))
    file.write_text(FILE[: FILE.index("  - name: Energy")], encoding="utf-8")
    marsad("subscriptions", "apply", "-f", str(file))
    assert len(store.subscriptions.subscriptions()) == 3
    assert "- Energy" in marsad("subscriptions", "apply", "-f", str(file), "--prune").out

    assert sorted(one.name for one in store.subscriptions.subscriptions()) == ["Mine", "Sanctions"]


@pytest.mark.parametrize(
    ("wrong", "line", "said"),
    [
        (FILE.replace("cap: 5", "cap: many"), 14, "cap"),
        (FILE.replace("cap: 5", "cap: 5000"), 11, "0 to 1000"),
        (FILE.replace("cap: 5", "limit: 5"), 14, "no field 'limit'"),
        (FILE.replace("cap: 5", "cap: 5\n    cap: 6"), 15, "twice"),
        (FILE.replace("topic:energy country:DZ", "(topic:energy"), 11, "at character"),
        (FILE.replace("Africa/Cairo", "Mars/Base"), 4, "time zone"),
        (FILE.replace("story-countries", "outlet-lost"), 13, "outlet-lost"),
        (FILE.replace("json://user", "nonsense://user"), 4, "no address"),
        (FILE.replace("08:30", "25:99"), 4, "hour"),
        (FILE.replace('    query: "topic:energy country:DZ"\n', ""), 11, "'query' is missing"),
        (FILE + '  - name: Energy\n    query: "topic:energy country:DZ"\n', 15, "already in line 11"),
        (FILE.replace("cap: 5", "cap: [5"), 15, "no YAML"),
        ("- x", 1, "fields"),
        ("subscriptions: x", 1, "a list"),
        ("", 1, "fields"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_line_and_nothing_is_changed(
    marsad: Any, store: Any, file: Path, wrong: str, line: int, said: str
) -> None:
    file.write_text(wrong, encoding="utf-8")
    complaint = marsad("subscriptions", "apply", "-f", str(file), status=1).complaint

    assert f"desk.yaml:{line}: " in complaint
    assert said in complaint
    assert "hush" not in complaint
    assert not store.subscriptions.subscriptions()
