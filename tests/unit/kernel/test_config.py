import os
from ipaddress import ip_network
from pathlib import Path

import pytest

from marsad.config import Settings, load_settings
from marsad.errors import ConfigError


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):  # noqa: TID251 - what the module under test reads
        if name.startswith("MARSAD_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_without_a_file_the_defaults_stand() -> None:
    assert load_settings() == Settings()


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("marsad.toml").write_text("[poll]\nmin_interval = 60\nconcurrency = 3\n", encoding="utf-8")
    monkeypatch.setenv("MARSAD_POLL__MIN_INTERVAL", "5")

    settings = load_settings()

    assert (settings.poll.min_interval, settings.poll.concurrency) == (5, 3)


def test_networks_are_written_as_a_list_in_the_file_and_between_commas_in_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path("marsad.toml").write_text('[poll]\nallow_networks = ["127.0.0.0/8", "::1/128"]\n', encoding="utf-8")
    expected = (ip_network("127.0.0.0/8"), ip_network("::1/128"))

    assert load_settings().poll.allow_networks == expected

    monkeypatch.setenv("MARSAD_POLL__ALLOW_NETWORKS", "127.0.0.0/8, ::1/128")
    assert load_settings().poll.allow_networks == expected


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[poll]\nmin_intervall = 60\n", "poll.min_intervall"),
        ("[pol]\nx = 1\n", "pol"),
        ("[poll]\nconcurrency = 'many'\n", "poll.concurrency"),
        ("[poll]\nallow_networks = ['nonsense']\n", "poll.allow_networks"),
        ("[poll\n", "not valid TOML"),
        ("[poll]\nmin_interval = 100\nmax_interval = 50\n", "greater than"),
    ],
)
def test_a_wrong_file_is_one_sentence_that_names_the_setting(text: str, named: str) -> None:
    Path("marsad.toml").write_text(text, encoding="utf-8")

    with pytest.raises(ConfigError) as caught:
        load_settings()

    assert named in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_named_file_must_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARSAD_CONFIG", "elsewhere.toml")

    with pytest.raises(ConfigError, match=r"elsewhere\.toml"):
        load_settings()


def test_an_unknown_variable_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARSAD_POLL__MIN_INTERVALL", "5")

    with pytest.raises(ConfigError, match="MARSAD_POLL__MIN_INTERVALL"):
        load_settings()


def test_a_token_does_not_show() -> None:
    assert "hush" not in repr(Settings.model_validate({"web": {"token": "hush"}}))
