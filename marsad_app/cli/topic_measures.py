"""``marsad topics eval`` and ``marsad topics suggest``."""

import typer

from marsad.errors import ConfigError
from marsad.taxonomy import Taxonomy, Topic
from marsad_app.cli.output import cell, json_line, note, table
from marsad_app.cli.topic_sources import ArticleSource
from marsad_app.topic_quality import Fault, Quality, judged, ratios
from marsad_app.topic_suggestions import suggestions
from processors.tag import Tagger

__all__ = ["evaluate", "suggest"]

_CONFUSED = 15
_TITLE = 80


def evaluate(taxonomy: Taxonomy, source: ArticleSource, topic_id: str, limit: int, *, as_json: bool) -> None:
    """Judge the topics and print the outcome.

    Args:
        taxonomy: the topics.
        source: labelled articles.
        topic_id: only its errors are shown; empty for all.
        limit: errors shown.
        as_json: one line of JSON instead of tables.

    Raises:
        ConfigError: the articles cannot be read, or none of them has a topic.
    """
    with source.articles() as articles:
        quality = judged(Tagger(taxonomy), articles)
    if not quality.topics:
        raise ConfigError(f"{source.file}: no article there has a topic; `topics` should be a list of topic ids")
    faults = [fault for fault in quality.faults if topic_id in {"", fault.topic}][:limit]
    if as_json:
        json_line(_as_data(quality, faults))
        return
    _tables(quality, faults, topic_id)
    precision, recall, f1 = ratios(quality.total())
    typer.echo(
        f"{quality.articles} articles: micro-F1 {f1:.3f} (precision {precision:.3f}, recall {recall:.3f}), macro-F1 {quality.macro_f1():.3f}"
    )


def suggest(topic: Topic, source: ArticleSource, limit: int, *, as_json: bool) -> None:
    """Print terms that would suit a topic.

    Raises:
        ConfigError: the articles cannot be read.
        StoreError: there is no store.
    """
    with source.articles() as articles:
        known = list(articles)
    found = suggestions(topic, lambda: known, limit)
    if as_json:
        for suggestion in found:
            json_line(suggestion)
        return
    if not found:
        note(f"no term stands in four articles of {topic.id} and is three times as common there as in the others")
        return
    table(
        ("term", "inside", "outside", "times", "for example"),
        (
            (one.term, str(one.inside), str(one.outside), f"{one.ratio:.0f}", cell(one.example, longest=_TITLE))
            for one in found
        ),
    )


def _tables(quality: Quality, faults: list[Fault], topic_id: str) -> None:
    table(
        ("topic", "precision", "recall", "F1", "right", "wrong", "missed"),
        (
            (topic, *(f"{value:.2f}" for value in ratios(counts)), *(str(counts[key]) for key in ("tp", "fp", "fn")))
            for topic, counts in quality.topics.items()
        ),
    )
    confused = [row for row in quality.confused if topic_id in {"", row[0], row[1]}][:_CONFUSED]
    if confused:
        table(("missed", "given instead", "articles"), ((missed, given, str(n)) for missed, given, n in confused))
    if faults:
        table(
            ("error", "topic", "score", "id", "because of", "title"),
            (
                (
                    fault.kind, fault.topic, f"{fault.score:.2f}", fault.article_id, "، ".join(fault.words),
                    cell(fault.title, longest=_TITLE),
                )
                for fault in faults
            ),
        )  # fmt: skip


def _as_data(quality: Quality, faults: list[Fault]) -> dict[str, object]:
    precision, recall, f1 = ratios(quality.total())
    return {
        "articles": quality.articles,
        "precision": precision,
        "recall": recall,
        "micro_f1": f1,
        "macro_f1": quality.macro_f1(),
        "topics": {
            topic: dict(zip(("precision", "recall", "f1"), ratios(counts), strict=True)) | counts
            for topic, counts in quality.topics.items()
        },
        "confused": quality.confused,
        "faults": faults,
    }
