"""What holds for every command."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from marsad import __version__
from marsad_app.cli.root import RootGroup, app

SERVICES = {"run", "demo", "web", "newsroom", "poll", "process", "group", "match", "index", "deliver"}
MARSAD = [sys.executable, "-c", "import sys; from marsad_app.cli import main; sys.exit(main())"]


def _commands() -> Iterator[tuple[str, ...]]:
    root: Any = typer.main.get_command(app)
    for name in root.table:
        command = root.load(name)
        yield (name,)
        yield from ((name, part) for part in getattr(command, "commands", {}))


def test_every_command_of_the_design_is_there_and_the_owners() -> None:
    wanted = "demo run newsroom web search feeds topics stories subscriptions owners alerts quarantine status stats export pipe config doctor bench poll process group match index deliver kibana cluster"
    assert set(wanted.split()) == set(RootGroup.table)


@pytest.mark.parametrize("path", [(), *_commands()], ids=" ".join)
def test_every_help_ends_with_an_example_that_is_a_command_of_ours(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": "300", "NO_COLOR": "1"})
    assert result.exit_code == 0
    _, found, examples = result.output.partition("Example:")
    assert found
    lines = [line.strip() for line in examples.splitlines() if line.strip()]
    assert lines
    assert all(line.startswith("$ ") for line in lines)
    assert any(" ".join(("marsad", *path)) in line for line in lines)


def test_the_line_in_the_list_says_what_the_command_is_about() -> None:
    assert all(entry.help.endswith(".") for entry in RootGroup.table.values())


@pytest.mark.parametrize("path", [path for path in _commands() if path[0] not in {"pipe", *SERVICES}], ids=" ".join)
def test_every_command_that_answers_with_data_has_a_json_form(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": "300", "NO_COLOR": "1"})
    is_group = "COMMAND [ARGS]" in result.output
    assert is_group or "--json" in result.output or path in {("export",), ("feeds", "export"), ("kibana", "export")}


def test_the_version_is_shown(marsad: Any) -> None:
    assert marsad("--version").out == f"marsad {__version__}\n"


@pytest.mark.parametrize(
    "arguments", [["nosuch"], ["search"], ["search", "x", "--limit", "0"], ["feeds", "nosuch"], ["run", "--port", "x"]]
)
def test_wrong_usage_ends_with_status_2(marsad: Any, arguments: list[str]) -> None:
    assert "Usage: marsad" in marsad(*arguments, status=2).err


def test_a_wrong_setting_is_one_sentence_that_names_it(marsad: Any, tmp_path: Path) -> None:
    (tmp_path / "marsad.toml").write_text("[poll]\nmin_intervall = 5\n")
    assert "poll.min_intervall" in marsad("status", status=1).complaint
    (tmp_path / "marsad.toml").write_text("[poll\n")
    assert "not valid TOML" in marsad("search", "x", status=1).complaint


def test_a_fault_of_ours_is_one_line_and_a_traceback_only_with_debug(
    marsad: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise KeyError("oh\nno")

    monkeypatch.setattr("marsad_app.cli.status.load_settings", broken)
    monkeypatch.setattr("marsad_app.cli.opening.load_settings", broken)
    assert "a fault in Marsad itself: KeyError" in marsad("status", status=1).complaint
    assert "Traceback" in marsad("--debug", "status", status=1).err


def test_an_interrupt_ends_with_status_130_and_nothing_said(marsad: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("marsad_app.cli.opening.load_settings", interrupted)
    assert marsad("search", "x", status=130).err == ""


def test_help_imports_none_of_the_heavy_libraries() -> None:
    script = (
        "import sys\nfrom marsad_app.cli.root import app\n"
        "try:\n app(['--help'], prog_name='marsad')\nexcept SystemExit: pass\n"
        "heavy = {'aiohttp', 'fastapi', 'trafilatura', 'apprise', 'pydantic', 'luqum', 'lxml', 'sqlite3', 'feedparser'}\n"
        "print('loaded:', sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "loaded: []"


@contextmanager
def _started(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A process of its own, gone at the end whatever happens."""
    with subprocess.Popen([*MARSAD, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def outside(marsad: Any, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The settings of the command line, for processes of its own."""
    for name, value in marsad.env.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_a_reader_that_goes_away_is_no_error(outside: Any, filled: Any, make: Any) -> None:
    filled.articles.put_articles([make["article"](number, "خبر طويل " * 200) for number in range(10, 200)])
    with _started("export") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
        assert process.wait(30) == 141


def test_output_is_utf_8_whatever_the_locale(outside: pytest.MonkeyPatch, filled: Any) -> None:
    outside.setenv("PYTHONIOENCODING", "ascii")
    done = subprocess.run([*MARSAD, "search", "روسيا"], capture_output=True, check=True)
    assert "للتعاون العسكري" in done.stdout.decode("utf-8")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_web_page_alone_ends_in_good_order(
    outside: pytest.MonkeyPatch, filled: Any, number: signal.Signals
) -> None:
    outside.setenv("MARSAD_WEB__PORT", "0")
    with _started("web") as process:
        assert process.stderr is not None
        assert "http://127.0.0.1:" in process.stderr.readline()
        process.send_signal(number)
        out, complaint = process.communicate(timeout=30)
        assert (process.returncode, out) == (0, "")
        assert "Traceback" not in complaint
