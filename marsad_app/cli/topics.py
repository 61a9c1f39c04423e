"""``marsad topics``: what articles are tagged with, and why."""

from pathlib import Path
from typing import Annotated, Any

import typer

from marsad.config import load_settings
from marsad.errors import ConfigError
from marsad.taxonomy import Taxonomy, Topic, load_taxonomy
from marsad_app.cli.lazy import example
from marsad_app.cli.output import JsonOption, cell, json_line, note, table

__all__ = ["app"]

app = typer.Typer(
    help="What articles are tagged with, and why.",
    epilog=example("marsad topics list", "marsad topics explain article.txt"),
    no_args_is_help=True,
)


@app.command("list", epilog=example("marsad topics list", "marsad topics list --json"))
def list_topics(*, as_json: Annotated[bool, JsonOption] = False) -> None:
    """All topics in force: the shipped ones and those of process.topics_dir."""
    taxonomy = _taxonomy()
    if as_json:
        for topic in taxonomy.topics:
            json_line(_short(topic))
        return
    table(
        ("id", "parent", "terms", "English", "Arabic"),
        ((topic.id, topic.parent, str(_terms(topic)), topic.names.en, topic.names.ar) for topic in taxonomy.topics),
    )


@app.command(epilog=example("marsad topics show sanctions", "marsad topics show sanctions --json | jq .term"))
def show(
    topic_id: Annotated[str, typer.Argument(metavar="TOPIC", help="The topic's id.")],
    *,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """One topic: its definition and the words that speak for it."""
    topic = _topic(_taxonomy(), topic_id)
    if as_json:
        json_line(topic)
        return
    typer.echo(f"{topic.id}: {topic.names.en} / {cell(topic.names.ar)} / {topic.names.fr}\n{topic.definition}")
    typer.echo(f"threshold {topic.threshold:g}; title ×{topic.boosts.title:g}, lead ×{topic.boosts.lead:g}")
    table(("weight", "words"), _rows(topic))


def _rows(topic: Topic) -> list[tuple[str, str]]:
    rows = [
        (f"{term.weight:g}", "، ".join((term.text, *term.spellings) if term.text else term.any)) for term in topic.term
    ]
    rows += [
        (f"{near.weight:g}", f"({') + ('.join('، '.join(group) for group in near.words)}) within {near.within}")
        for near in topic.near
    ]
    rows += [("needed", "، ".join(group.any)) for group in topic.require]
    return rows + [(f"-{veto.weight:g}" if veto.weight else "cancels", "، ".join(veto.any)) for veto in topic.veto]


@app.command(epilog=example("marsad topics check", "marsad topics check ./my-topics"))
def check(
    folder: Annotated[
        Path | None, typer.Argument(help="A folder of topic files; by default process.topics_dir.")
    ] = None,
    *,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Read the topic files and tag their examples; the exit status is 1 if a file is wrong or an example fails."""
    from marsad_app.cli.topic_examples import failing_examples  # noqa: PLC0415 - compiles the whole taxonomy

    taxonomy = load_taxonomy(folder or load_settings().process.topics_dir)
    failures = failing_examples(taxonomy)
    examples = sum(len(topic.positive) + len(topic.negative) for topic in taxonomy.topics)
    if as_json:
        json_line(
            {"topics": len(taxonomy.topics), "version": taxonomy.version, "examples": examples, "failures": failures}
        )
    else:
        for failure in failures:
            typer.echo(f"{failure.topic}: {failure.problem}: {cell(failure.title)}")
        typer.echo(f"{len(taxonomy.topics)} topics, {examples} examples, {len(failures)} of them fail")
    if failures:
        raise ConfigError(f"{len(failures)} examples are not tagged as their topic files say")


@app.command(
    epilog=example(
        "marsad topics explain article.txt",
        "marsad topics explain 5e1f0c77",
        "echo 'توقيع اتفاق للتعاون العسكري بين البلدين' | marsad topics explain -",
    )
)
def explain(
    source: Annotated[
        str, typer.Argument(help="A text file (first line: the title), a stored article's id, or - for standard input.")
    ],
    *,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Show which topics a text gets, and which words say so."""
    from marsad_app.cli.topic_explain import explained  # noqa: PLC0415 - compiles the whole taxonomy

    result = explained(source, _taxonomy())
    if as_json:
        json_line(result)
        return
    typer.echo(cell(result.title))
    if not any(score.tagged for score in result.topics):
        note("no topic reaches its threshold")
    table(
        ("topic", "score", "tagged", "because of"),
        (
            (score.id, f"{score.score:.2f}", "yes" if score.tagged else "no", "، ".join(dict.fromkeys(score.words)))
            for score in result.topics
        ),
    )


@app.command(
    "dry-run", epilog=example("marsad topics dry-run sanctions", "marsad topics dry-run my-topic --dir ./my-topics")
)
def dry_run(
    topic_id: Annotated[str, typer.Argument(metavar="TOPIC", help="The topic's id.")],
    folder: Annotated[
        Path | None, typer.Option("--dir", help="Topic files to try; by default process.topics_dir.")
    ] = None,
    query: Annotated[str, typer.Option("--query", "-q", help="Only among the articles that match.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="Articles shown of those that gain or lose the topic.")] = 20,
    *,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Tag the stored articles anew and show which would gain or lose the topic; nothing is changed."""
    from marsad_app.cli.topic_dry_run import dry_run as tried  # noqa: PLC0415 - compiles the whole taxonomy

    process = load_settings().process
    taxonomy = load_taxonomy(folder or process.topics_dir, learned=process.learned_topics)
    result = tried(_topic(taxonomy, topic_id), taxonomy, query, limit)
    if as_json:
        json_line(result)
        return
    rows = [*(("+", *row) for row in result.gained), *(("-", *row) for row in result.lost)]
    if rows:
        table(
            ("", "id", "score", "title"),
            ((sign, row_id[:8], f"{score:.2f}", title) for sign, row_id, score, title in rows),
        )
    typer.echo(
        f"{result.articles} articles: {result.kept} keep {topic_id}, {result.gained_count} gain it, {result.lost_count} lose it"
    )


def _taxonomy() -> Taxonomy:
    process = load_settings().process
    return load_taxonomy(process.topics_dir, learned=process.learned_topics)


def _topic(taxonomy: Taxonomy, topic_id: str) -> Topic:
    topic = taxonomy.topic(topic_id)
    if topic is None:
        raise ConfigError(f"there is no topic {topic_id!r}; `marsad topics list` shows them")
    return topic


def _terms(topic: Topic) -> int:
    return sum(len(term.any) or 1 for term in topic.term) + len(topic.near)


def _short(topic: Topic) -> dict[str, Any]:
    return {
        "id": topic.id,
        "parent": topic.parent,
        "names": {"ar": topic.names.ar, "en": topic.names.en, "fr": topic.names.fr},
        "definition": topic.definition,
        "iptc": topic.iptc,
        "threshold": topic.threshold,
    }
