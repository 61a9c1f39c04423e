"""``marsad topics``: what articles are tagged with, and why."""

from pathlib import Path
from typing import Annotated, Any

import typer

from marsad.config import load_settings
from marsad.errors import ConfigError
from marsad.taxonomy import Taxonomy, Topic, load_taxonomy
from marsad_app.cli.lazy import example
from marsad_app.cli.output import JsonOption, cell, json_line, note, table
from marsad_app.cli.topic_sources import ArticleSource
from marsad_app.live_topics import unfitting

__all__ = ["app"]

FileOption = typer.Option("--file", help="Lines of JSON instead of the store: title, text, lead, topics.")

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

    process = load_settings().process
    taxonomy = load_taxonomy(folder or process.topics_dir, learned=process.learned_topics)
    for warning in unfitting(taxonomy):
        note(warning)
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
        "marsad topics explain https://news.example/article",
        "echo 'توقيع اتفاق للتعاون العسكري بين البلدين' | marsad topics explain -",
    )
)
def explain(
    source: Annotated[
        str,
        typer.Argument(
            help="A text file (first line: the title), a stored article's id or address, or - for standard input."
        ),
    ],
    *,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Show which topics a text gets and which words say so; then the nearest misses, and which words spoke for them."""
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
    "dry-run",
    epilog=example(
        "marsad topics dry-run sanctions --since now-7d",
        "marsad topics dry-run my-topic --dir ./my-topics",
        "marsad export | marsad topics dry-run my-topic --file /dev/stdin",
    ),
)
def dry_run(
    topic_id: Annotated[str, typer.Argument(metavar="TOPIC", help="The topic's id.")],
    folder: Annotated[
        Path | None, typer.Option("--dir", help="Topic files to try; by default process.topics_dir.")
    ] = None,
    query: Annotated[str, typer.Option("--query", "-q", help="Only among the stored articles that match.")] = "",
    since: Annotated[str, typer.Option(help="Only what was published since: a date, or now-7d.")] = "",
    file: Annotated[Path | None, FileOption] = None,
    limit: Annotated[int, typer.Option(min=1, help="Articles shown of each kind.")] = 20,
    *,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Tag articles anew and show which would gain (+), lose (-), keep (=) or nearly get (~) the topic; nothing is changed."""
    from marsad_app.cli import topic_dry_run  # noqa: PLC0415 - compiles the whole taxonomy

    process = load_settings().process
    taxonomy = load_taxonomy(folder or process.topics_dir, learned=process.learned_topics)
    source = ArticleSource(file, query, since)
    result = topic_dry_run.dry_run(_topic(taxonomy, topic_id), taxonomy, source, limit)
    if as_json:
        json_line(result)
        return
    topic_dry_run.show(result)
    share = f", one in {result.articles / result.given:.0f}" if result.given else ""
    typer.echo(
        f"{result.articles} articles: {result.given} get {topic_id}{share}: {result.kept_count} keep {topic_id}, "
        f"{result.gained_count} gain it, {result.lost_count} lose it; {result.near_count} nearly get it"
    )


@app.command(
    "eval", epilog=example("marsad topics eval labelled.jsonl", "marsad topics eval labelled.jsonl --topic sanctions")
)
def evaluate(
    file: Annotated[Path, typer.Argument(help="Lines of JSON: title, text, lead, and the topics that are right.")],
    topic_id: Annotated[str, typer.Option("--topic", help="Only the errors of this topic.")] = "",
    limit: Annotated[int, typer.Option(min=0, help="Errors shown, worst first.")] = 20,
    *,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Precision, recall and F1 of each topic on labelled articles, what is taken for what, and the worst errors.

    Articles from which the learned layer was trained flatter it: `make eval ARGS=topics` judges those without them.
    """
    from marsad_app.cli import topic_measures  # noqa: PLC0415 - compiles the whole taxonomy

    taxonomy = _taxonomy()
    if topic_id:
        _topic(taxonomy, topic_id)
    topic_measures.evaluate(taxonomy, ArticleSource(file), topic_id, limit, as_json=as_json)


@app.command(epilog=example("marsad topics suggest sanctions", "marsad topics suggest sanctions --file labelled.jsonl"))
def suggest(
    topic_id: Annotated[str, typer.Argument(metavar="TOPIC", help="The topic's id.")],
    query: Annotated[str, typer.Option("--query", "-q", help="Only among the stored articles that match.")] = "",
    since: Annotated[str, typer.Option(help="Only what was published since: a date, or now-7d.")] = "",
    file: Annotated[Path | None, FileOption] = None,
    limit: Annotated[int, typer.Option(min=1, help="Terms shown.")] = 30,
    *,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Terms that set a topic's articles apart and that its file does not have: for you to choose from."""
    from marsad_app.cli import topic_measures  # noqa: PLC0415 - see above

    topic_measures.suggest(_topic(_taxonomy(), topic_id), ArticleSource(file, query, since), limit, as_json=as_json)


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
