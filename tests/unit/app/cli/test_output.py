"""What reaches a terminal."""

import os
import pty
import re
import subprocess
import sys
from typing import Any

import pytest

from marsad_app.cli.output import cell, one_line, progress, to_json


def _on_a_terminal(*arguments: str) -> str:
    """What a command writes to a terminal 100 columns wide."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", "import sys; from marsad_app.cli import main; sys.exit(main())", *arguments]
    with subprocess.Popen(command, stdout=theirs, stderr=subprocess.DEVNULL) as process:
        os.close(theirs)
        written = b""
        try:
            while chunk := os.read(ours, 65_536):
                written += chunk
        except OSError:  # the other end is gone: that is how a terminal says it
            pass
        assert process.wait(60) == 0
    os.close(ours)
    return written.decode()


@pytest.fixture
def _terminal(marsad: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**marsad.env, "COLUMNS": "100", "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("_terminal")
def test_on_a_terminal_arabic_cells_and_latin_names_in_them_are_isolated(filled: Any) -> None:
    shown = _on_a_terminal("search", "سفينة")
    assert "\u2068سفينة \u2068KILDIN SSV-512\u2069 الروسية" in re.sub(r"\x1b\[[0-9;]*m", "", shown)


@pytest.mark.usefixtures("_terminal")
def test_a_title_cannot_command_the_terminal(store: Any, make: Any) -> None:
    store.articles.put_articles([make["article"](1, "خبر \x1b]0;owned\x07\x9b31m [red]x[/red] \u202e")])
    shown = _on_a_terminal("search", "خبر")
    assert "\x1b]" not in shown
    assert "\x9b" not in shown
    assert "\u202e" not in shown
    assert "[red]x[/red]" in re.sub("[\u2068\u2069]", "", shown)


def test_text_elsewhere_than_on_a_terminal_is_left_alone() -> None:
    assert cell("سفينة KILDIN SSV-512") == "سفينة KILDIN SSV-512"
    assert cell("a" * 50, longest=10) == "a" * 9 + "…"


@pytest.mark.parametrize("text", ["a\r\nb", "a\tb", "a\x1bb", "a\u2066b", "  a \u200f b "])
def test_a_line_stays_a_line(text: str) -> None:
    assert one_line(text) == "a b"


def test_json_is_valid_utf_8_whatever_is_in_it() -> None:
    assert to_json({"a\ud800": ["\udfff", "ع"]}) == '{"a\ufffd":["\ufffd","ع"]}'


def test_long_work_is_counted_on_a_terminal_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert list(progress(range(1_200), "things", 1_200)) == list(range(1_200))
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert len(list(progress(range(1_200), "things", 1_200))) == 1_200
    assert capsys.readouterr().err == "\r500 of 1200 things\r1000 of 1200 things\r\x1b[K"
