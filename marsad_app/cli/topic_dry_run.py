"""What a topic file would change among stored articles, or those of a file."""

from marsad.taxonomy import Taxonomy, Topic
from marsad_app.cli.output import cell, table
from marsad_app.cli.topic_sources import ArticleSource
from marsad_app.topic_trial import Shown, Trial, tried

__all__ = ["dry_run", "show"]

_TITLE = 90


def dry_run(topic: Topic, taxonomy: Taxonomy, source: ArticleSource, limit: int) -> Trial:
    """Tag articles anew, without storing anything.

    Args:
        topic: the one that is looked at.
        taxonomy: all topics, since a topic far behind the article's best one is not tagged.
        source: the articles.
        limit: articles listed of each kind.
    """
    with source.articles() as articles:
        return tried(topic.id, taxonomy, articles, limit)


def show(trial: Trial) -> list[tuple[str, str, str, str, str]]:
    """Print the outcome as a table: what gains, loses, keeps and nearly gets the topic."""
    kinds = (("+", trial.gained), ("-", trial.lost), ("=", trial.kept), ("~", trial.near))
    rows = [_row(sign, example) for sign, examples in kinds for example in examples]
    if rows:
        table(("", "id", "score", "because of", "title"), rows)
    return rows


def _row(sign: str, example: Shown) -> tuple[str, str, str, str, str]:
    words = "، ".join(example.words)
    return sign, example.article_id[:8], f"{example.score:.2f}", words, cell(example.title, longest=_TITLE)
