"""``marsad pipe``: single stages as filters."""

import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Annotated, Final, NamedTuple, cast

import typer

from marsad_app.cli.jsonlines import Step, filter_lines
from marsad_app.cli.lazy import example

__all__ = ["FILTERS", "app"]

app = typer.Typer(
    help="Single stages as filters: JSON lines on standard input and output, one line out for each line in. "
    "A line that cannot be worked on becomes an object with id and error.",
    epilog=example("marsad pipe clean < raw.jsonl | marsad pipe tag > tagged.jsonl"),
    no_args_is_help=True,
)


class Filter(NamedTuple):
    """A stage as a filter."""

    module: str
    name: str
    does: str
    takes: str
    gives: str
    example: str
    made: bool = False
    """``name`` makes the function, once for the run."""


FILTERS: Final = {
    "parse": Filter(
        "producers.pipe",
        "pipe_parse",
        "Read feed documents: RSS, Atom, RDF, JSON Feed, however broken.",
        "id, url, content_type, body_base64",
        "id, feed, entries [{guid, url, title, summary, content, published, updated, authors}], problems",
        """echo '{"id":1,"url":"https://example.org/feed","body_base64":"PHJzcz48L3Jzcz4="}' | marsad pipe parse""",
    ),
    "extract": Filter(
        "processors.pipe",
        "PipeExtractor",
        "Find the article in a web page.",
        "id, url, html",
        "id, title, text, published, author, language, image, problems",
        "marsad pipe extract < pages.jsonl",
        made=True,
    ),
    "clean": Filter(
        "processors.pipe",
        "pipe_clean",
        "Make raw titles and texts fit to read: repair, normal form, language, date.",
        "id, title, text[, lead, published, country]",
        "id, title, lead, text, language, published",
        """echo '{"id":1,"title":"خبـر","text":"<p>نص</p>","published":"12 أيار 2026"}' | marsad pipe clean""",
    ),
    "analyze": Filter(
        "processors.pipe",
        "pipe_analyze",
        "Show the tokens that matching and search work on.",
        "id, text",
        "id, tokens [{key, stem, start, end}]",
        """echo '{"id":1,"text":"وبالتعاون العسكري"}' | marsad pipe analyze""",
    ),
    "dates": Filter(
        "processors.pipe",
        "pipe_dates",
        "Find dates in a text: Levantine, Maghrebi and Egyptian months, Hijri, relative.",
        "id, text, now",
        "id, dates [{text, start, end, iso, precision}]",
        """echo '{"id":1,"text":"أمس الأحد","now":"2026-05-12T09:00:00Z"}' | marsad pipe dates""",
    ),
    "tag": Filter(
        "marsad_app.cli.pipe_steps",
        "make_tagger",
        "Tag topics, countries, places and entities, with evidence.",
        "id, title, text[, lead, outlet, published]",
        "id, topics [{id, score, evidence}], countries [{code, mentions, role}], places, entities",
        """echo '{"id":1,"title":"اتفاق للتعاون العسكري بين روسيا والجزائر","text":""}' | marsad pipe tag""",
        made=True,
    ),
    "group": Filter(
        "marsad_app.cli.pipe_steps",
        "make_grouper",
        "Put articles into stories and find copies; lines come in order of time.",
        "id, title, text, published[, lead, outlet]",
        "id, story_id, duplicate_of",
        "jq -sc 'sort_by(.published)[]' articles.jsonl | marsad pipe group",
        made=True,
    ),
}


def _command(filter_: Filter) -> Callable[[], None]:
    def command() -> None:
        run(_step(filter_))

    return command


def _step(filter_: Filter) -> Step:
    found = getattr(import_module(filter_.module), filter_.name)
    return cast("Step", found() if filter_.made else found)


def run(step: Step) -> None:
    """Standard input through the step to standard output."""
    filter_lines(sys.stdin.buffer, sys.stdout, step)


for _name, _filter in FILTERS.items():
    app.command(
        _name,
        help=f"{_filter.does}\n\nIn: {_filter.takes}\n\nOut: {_filter.gives}",
        epilog=example(_filter.example),
    )(_command(_filter))


@app.command(
    epilog=example("marsad export | marsad pipe match --query 'topic:sanctions country:RU'"),
    help="Keep the articles that a query means, with the words that matched.\n\n"
    "In: id, title, text[, lead, outlet, published, topics, countries, …]\n\n"
    "Out: the lines that match, with evidence [{term, field, start, end}]",
)
def match(query: Annotated[str, typer.Option("--query", "-q", help="As for `marsad search`.")]) -> None:
    """Keep the articles that a query means."""
    from marsad.query import format_query  # noqa: PLC0415 - the other filters need no queries
    from marsad_app.cli.opening import parse_query  # noqa: PLC0415 - the same
    from processors.pipe_match import pipe_match  # noqa: PLC0415 - the same

    # Written anew, with ids for the names of topics and instants for relative times.
    run(partial(pipe_match, format_query(parse_query(query, names=None))))
