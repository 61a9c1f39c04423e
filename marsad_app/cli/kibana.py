"""``marsad kibana``: data views, saved searches and dashboards, as a file or straight into Kibana."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from marsad.config import Settings, load_settings
from marsad.errors import ConfigError, StoreError
from marsad.records import Health, Standing, Trigger
from marsad.taxonomy import load_taxonomy
from marsad_app.cli.lazy import example
from marsad_app.cli.output import JsonOption, json_line, note
from marsad_app.web.explaining import whole_sentences
from marsad_app.web.texts import Language, Texts

if TYPE_CHECKING:
    from sinks.index.kibana.objects import Names

__all__ = ["app"]

# ``marsad kibana --help`` needs no client.
# ruff: noqa: PLC0415

app = typer.Typer(
    help="Data views, saved searches and dashboards for Kibana 8.12 and newer.",
    epilog=example("marsad kibana export --out marsad.ndjson", "marsad kibana import --url http://127.0.0.1:5601"),
    no_args_is_help=True,
)
_KINDS: Final = ("person", "organisation", "ship", "weapon", "other")
_SPACE: Final = re.compile(r"[a-z0-9_-]*")
_LanguageOption = Annotated[Language, typer.Option(help="Language of titles, labels and names.")]


@app.command(
    epilog=example("marsad kibana export > marsad.ndjson", "marsad kibana export --language en --out marsad.ndjson")
)
def export(
    language: _LanguageOption = "ar",
    out: Annotated[Path | None, typer.Option(help="File to be written; by default standard output.")] = None,
) -> None:
    """Write the saved objects as a file for Kibana: Stack Management, Saved Objects, Import."""
    content, count = _content(load_settings(), language)
    if out is None:
        typer.echo(content, nl=False)
        return
    try:
        out.write_text(content, encoding="utf-8")
    except OSError as error:
        raise StoreError(f"--out {out} cannot be written: {error.strerror}") from error
    note(f"{count} objects in {out}")


@app.command(
    "import",
    epilog=example(
        "marsad kibana import",
        "MARSAD_KIBANA__API_KEY=... marsad kibana import --url https://kibana.example:5601 --space news",
    ),
)
def import_(
    url: Annotated[str, typer.Option(help="Address of Kibana; by default kibana.url.")] = "",
    space: Annotated[str, typer.Option(help="Space; by default kibana.space.")] = "",
    language: _LanguageOption = "ar",
    *,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Import the saved objects; doing it again replaces them, and leaves everything else alone.

    Credentials come from the settings: kibana.api_key, or kibana.username and kibana.password; else those of elasticsearch.
    """
    from sinks.index.kibana.importing import import_objects

    settings = load_settings()
    if not _SPACE.fullmatch(space):
        raise ConfigError(f"--space {space!r} is no space: expected small letters, digits, - and _")
    kibana = settings.kibana.model_copy(
        update={name: value for name, value in (("url", url), ("space", space)) if value}
    )
    content, _ = _content(settings, language)
    count = import_objects(content, kibana, settings.elasticsearch)
    if as_json:
        json_line({"url": kibana.url, "space": kibana.space, "objects": count})
    else:
        note(f"{count} objects are in Kibana at {kibana.url}{f', space {kibana.space}' if kibana.space else ''}")


def _content(settings: Settings, language: Language) -> tuple[str, int]:
    from sinks.index.kibana import ndjson, saved_objects

    objects = saved_objects(settings.elasticsearch.prefix, _names(settings, language), language)
    return ndjson(objects), len(objects)


def _names(settings: Settings, language: Language) -> "Names":
    """What values are called, in the words of the web page."""
    from marsad.clock import SystemClock

    text = Texts(language, SystemClock().now())
    return {
        "topic": {
            topic.id: getattr(topic.names, language) for topic in load_taxonomy(settings.process.topics_dir).topics
        },
        "health": {state.value: text(f"health.{state.value}") for state in Health},
        # On a chart there is room for the name alone, which stands before the colon.
        "standing": {standing.value: text(f"standing.{standing.value}").partition(":")[0] for standing in Standing},
        "reason": {reason.value: text(f"subscriptions.reason-{reason.value}") for reason in Trigger},
        # What quotes a number or a server's words cannot be in a table of values, and stays in English.
        "fault": whole_sentences(language),
        "role": {role: text(f"article.{role}") for role in ("actor", "mention")},
        "entity": {kind: text(f"article.kind-{kind}") for kind in _KINDS},
    }
