"""``marsad config``."""

from pathlib import Path
from typing import Any

from marsad_app.cli.configuration import to_markdown

DOCUMENT = Path(__file__).parents[4] / "docs" / "configuration.md"


def _by_name(marsad: Any) -> dict[str, Any]:
    return {record["name"]: record for record in marsad("config", "--json").records}


def test_the_committed_reference_is_what_the_settings_say() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == to_markdown(), "run `make docs`"


def test_the_reference_is_printed_as_it_is_committed(marsad: Any) -> None:
    assert marsad("config", "--markdown").out == to_markdown()


def test_every_setting_says_what_it_does(marsad: Any) -> None:
    assert [name for name, record in _by_name(marsad).items() if not record["description"]] == []


def test_each_value_tells_where_it_comes_from(marsad: Any, tmp_path: Path) -> None:
    (tmp_path / "marsad.toml").write_text('[poll]\nmin_interval = 5\ntimeout = 7\nallow_networks = ["127.0.0.0/8"]\n')
    marsad.env["MARSAD_POLL__TIMEOUT"] = "9"
    known = _by_name(marsad)
    assert (known["poll.min_interval"]["value"], known["poll.min_interval"]["source"]) == (5, "file")
    assert (known["poll.timeout"]["value"], known["poll.timeout"]["source"]) == (9, "env")
    assert known["poll.allow_networks"]["value"] == ["127.0.0.0/8"]
    assert known["poll.concurrency"]["source"] == "default"
    assert known["data.dir"]["variable"] == "MARSAD_DATA__DIR"
    line = next(line for line in marsad("config").lines if line.startswith("poll.timeout"))
    assert line.split("\t")[1:4] == ["9", "env", "30"]


def test_a_secret_is_never_shown(marsad: Any) -> None:
    marsad.env["MARSAD_WEB__TOKEN"] = "open-sesame"
    assert _by_name(marsad)["web.token"]["value"] == "********"
    assert "open-sesame" not in marsad("config").out + marsad("config", "--json").out


def test_an_unknown_variable_is_one_sentence(marsad: Any) -> None:
    marsad.env["MARSAD_POLL__TIMEOUTS"] = "9"
    assert "MARSAD_POLL__TIMEOUTS" in marsad("config", status=1).complaint
