"""``marsad doctor``: what is wrong, and how to mend it."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Annotated

import typer

from marsad.config import Settings, load_settings
from marsad.errors import ConfigError, MarsadError, said
from marsad_app.cli.finding import Finding, fail, ok
from marsad_app.cli.lazy import example
from marsad_app.cli.output import JsonOption, json_line

__all__ = ["app", "examine"]

app = typer.Typer()
_MARKS = {"ok": ("✓", typer.colors.GREEN), "warn": ("!", typer.colors.YELLOW), "fail": ("✗", typer.colors.RED)}
_LEAST_PYTHON = (3, 11)


@app.command(epilog=example("marsad doctor", "marsad doctor --json | jq 'select(.level != \"ok\")'"))
def doctor(*, as_json: Annotated[bool, JsonOption] = False) -> None:
    """Check the machine, the settings, the store (or broker, streams and index), topics, feeds and alerts.

    The exit status is 1 if something must be mended.
    """
    failed = 0
    for finding in examine():
        failed += finding.level == "fail"
        if as_json:
            json_line(finding)
            continue
        mark, colour = _MARKS[finding.level]
        typer.echo(f"{typer.style(mark, fg=colour)} {finding.name}: {finding.detail}")
        if finding.remedy:
            typer.echo(f"    → {finding.remedy}")
    if failed:
        raise ConfigError(f"{failed} {'check' if failed == 1 else 'checks'} failed")


def examine() -> Iterator[Finding]:
    """Run all checks in order; one that fails hides none of the others."""
    yield _python()
    try:
        settings = load_settings()
    except ConfigError as error:
        yield fail(
            "settings",
            str(error),
            "correct it; `marsad config --markdown` lists all settings. Other checks need it first",
        )
        return
    yield ok("settings", "read, every key is known")
    # Imported here, so that a fault in a data file or library is a finding and not the end of the doctor.
    from marsad_app.cli import checks  # noqa: PLC0415

    for check in (*checks.CHECKS, *_checks_of_size(settings)):
        yield from _guarded(check, settings)


def _checks_of_size(settings: Settings) -> Sequence[Callable[[Settings], Iterable[Finding]]]:
    if settings.clustered:
        from marsad_app.cli import cluster_checks  # noqa: PLC0415 - see above

        return cluster_checks.CHECKS
    from marsad_app.cli import store_checks  # noqa: PLC0415 - see above

    return store_checks.CHECKS


def _guarded(check: Callable[[Settings], Iterable[Finding]], settings: Settings) -> Iterator[Finding]:
    name = check.__name__.replace("_", " ")
    try:
        yield from check(settings)
    except MarsadError as error:
        yield fail(name, said(error), "")
    except Exception as error:  # noqa: BLE001 - a check that breaks is a finding too
        yield fail(name, f"the check itself broke: {type(error).__name__}: {error}", "report it with the whole line")


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info >= _LEAST_PYTHON:
        return ok("python", version)
    return fail("python", f"{version} is too old", "install Python 3.11 or newer and `make install` again")
