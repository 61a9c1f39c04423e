"""What a topic file would change among the stored articles."""

import msgspec

from marsad.taxonomy import Taxonomy, Topic
from marsad_app.cli.opening import existing_store, parse_query
from marsad_app.cli.output import progress
from processors.tag import Tagger

__all__ = ["DryRun", "dry_run"]

Row = tuple[str, float, str]
"""Article id, score, title."""


class DryRun(msgspec.Struct, frozen=True):
    """The outcome; of the articles that gain or lose the topic only the first are listed."""

    topic: str
    articles: int
    kept: int
    gained_count: int
    lost_count: int
    gained: list[Row]
    lost: list[Row]


def dry_run(topic: Topic, taxonomy: Taxonomy, query: str, limit: int) -> DryRun:
    """Tag stored articles anew, without storing anything.

    Args:
        topic: the one that is looked at.
        taxonomy: all topics, since a topic far behind the article's best one is not tagged.
        query: only among its matches; empty for all.
        limit: articles listed of each kind.
    """
    node = parse_query(query) if query else None
    articles = kept = gained_count = lost_count = 0
    gained: list[Row] = []
    lost: list[Row] = []
    with existing_store() as store:
        tagger = Tagger(taxonomy)
        for article in progress(store.search.export(node), "articles", 0 if node else store.search.count()):
            articles += 1
            before = {tag.id: tag.score for tag in article.topics}.get(topic.id)
            after = {tag.id: tag.score for tag in tagger.tag(article.title, article.lead, article.text)}.get(topic.id)
            if before is not None and after is not None:
                kept += 1
            elif after is not None:
                gained_count += 1
                gained += [(article.article_id, after, article.title)] if gained_count <= limit else []
            elif before is not None:
                lost_count += 1
                lost += [(article.article_id, before, article.title)] if lost_count <= limit else []
    return DryRun(topic.id, articles, kept, gained_count, lost_count, gained, lost)
