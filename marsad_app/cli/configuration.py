"""``marsad config``: every setting."""

from typing import Annotated, Any

import msgspec
import typer
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from marsad.config import Settings, load_settings, setting_sources
from marsad_app.cli.lazy import example
from marsad_app.cli.output import JsonOption, json_line, table

__all__ = ["Setting", "app", "settings_in_force", "to_markdown"]

app = typer.Typer()
_INTRODUCTION = """\
# Configuration

<!-- Written by `make docs` (`marsad config --markdown`) from the settings themselves; edit their descriptions, not this file. -->

Settings are read from `marsad.toml` in the current folder, or from the file that `MARSAD_CONFIG` names. Each one can also be
set by an environment variable, which wins over the file. A key that is not listed here is an error, so that a typing mistake
is not silent. `marsad config` shows every value in force and where it comes from; `marsad doctor` says what is wrong.

```toml
[data]
dir = "/var/lib/marsad"

[poll]
min_interval = 300
allow_networks = ["10.1.0.0/16"]
```

Lists are written in the environment as words between commas: `MARSAD_POLL__ALLOW_NETWORKS=10.1.0.0/16,10.2.0.0/16`.
"""


class Setting(msgspec.Struct, frozen=True):
    """One setting as it is in force. Secrets are never in it."""

    name: str
    value: Any
    default: Any
    source: str
    variable: str
    description: str


@app.command(epilog=example("marsad config", "marsad config --json | jq 'select(.source != \"default\")'"))
def config(
    *,
    as_json: Annotated[bool, JsonOption] = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="The reference of all settings, as docs/configuration.md.")
    ] = False,
) -> None:
    """Every setting with its value, its default, where the value comes from, and what it does."""
    if markdown:
        typer.echo(to_markdown(), nl=False)
        return
    settings = settings_in_force(load_settings(), setting_sources())
    if as_json:
        for setting in settings:
            json_line(setting)
        return
    table(
        ("setting", "value", "from", "default", "what it does"),
        ((one.name, _shown(one.value), one.source, _shown(one.default), one.description) for one in settings),
    )


def settings_in_force(settings: Settings, sources: dict[str, str]) -> list[Setting]:
    """All settings, section by section.

    Args:
        settings: as loaded.
        sources: from ``marsad.config.setting_sources``; a setting that is not in it has its default.
    """
    return [
        Setting(
            f"{section}.{key}",
            _plain(getattr(getattr(settings, section), key)),
            _plain(field.get_default(call_default_factory=True)),
            sources.get(f"{section}.{key}", "default"),
            _variable(section, key),
            field.description or "",
        )
        for section, key, field in _fields()
    ]


def to_markdown() -> str:
    """The reference of all settings: a table for each section."""
    parts = [_INTRODUCTION]
    section = ""
    for name, key, field in _fields():
        if name != section:
            section = name
            model = Settings.model_fields[name].annotation
            parts.append(f"\n## {name}\n\n{(model.__doc__ or '').strip()}\n\n")
            parts.append("| Setting | Environment variable | Default | What it does |\n|---|---|---|---|\n")
        default = _shown(_plain(field.get_default(call_default_factory=True)))
        description = (field.description or "").replace("|", "\\|")
        parts.append(
            f"| `{name}.{key}` | `{_variable(name, key)}` | {f'`{default}`' if default else 'none'} | {description} |\n"
        )
    return "".join(parts)


def _fields() -> list[tuple[str, str, FieldInfo]]:
    return [
        (section, key, field)
        for section, info in Settings.model_fields.items()
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel)
        for key, field in info.annotation.model_fields.items()
    ]


def _variable(section: str, key: str) -> str:
    return f"MARSAD_{section}__{key}".upper()


def _plain(value: Any) -> Any:
    """As JSON has it; of a secret only whether it is set."""
    if isinstance(value, SecretStr):
        return "********" if value.get_secret_value() else ""
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(map(_shown, value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
