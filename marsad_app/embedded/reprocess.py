"""Tags stored articles again by the present topics and names. No alert is raised, and running it twice changes nothing more."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Final

import msgspec

from marsad.config import Settings
from marsad.errors import StoreError
from marsad.records import Article, Story
from marsad.taxonomy import load_taxonomy
from marsad_app.embedded.store import FILE_NAME, Store, open_store
from processors.grouping.stories import StoryBook
from processors.merge import merge
from processors.pipeline import Pipeline
from processors.story_window import retold

__all__ = ["reprocess", "tag_again"]

_AT_ONCE: Final = 100
"""Articles of one transaction: what runs beside this waits for no longer than that."""


def reprocess(settings: Settings, since: datetime, until: datetime | None = None) -> int:
    """Tag again what was first seen in a period; how many articles.

    Args:
        settings: everything that can be set.
        since: first instant, aware.
        until: instant after the last one; None for now.

    Raises:
        StoreError: there is no store, or it cannot be opened.
        TopicFileError: the topics cannot be read.
    """
    if not (settings.data.dir / FILE_NAME).is_file():
        raise StoreError(f"no store at {settings.data.dir / FILE_NAME} yet: run `marsad run` first")
    process = settings.process
    pipeline = Pipeline.build(load_taxonomy(process.topics_dir, learned=process.learned_topics))
    store = open_store(settings.data.dir)
    try:
        return tag_again(store, pipeline, since, until)
    finally:
        store.close()


def tag_again(store: Store, pipeline: Pipeline, since: datetime, until: datetime | None = None) -> int:
    """Tag again, as ``reprocess``, with these steps."""
    done = 0
    wanted = (
        article
        for article in store.search.export()
        if article.first_seen_at >= since and (until is None or article.first_seen_at < until)
    )
    for batch in _batches(wanted):
        tagged = [pipeline.enrich(article) for article in batch]
        with store.database.write():
            _put(store, tagged)
        done += len(batch)
    return done


def _put(store: Store, tagged: Sequence[Article]) -> None:
    """Store the tags of articles whose words are still those that were tagged."""
    changed: list[Article] = []
    for article in tagged:
        stored = store.articles.article(article.article_id)
        if stored is None or (stored.title, stored.text) != (article.title, article.text):
            continue
        merged = merge(stored, article, retag=True)
        if merged.changed:
            changed.append(merged.article)
    parts = {part for article in changed for part in store.stories.family(article.story_id)}
    stories = [_story(store, part, changed) for part in sorted(parts)]
    store.articles.put_articles(changed)
    store.stories.put_stories(story for story in stories if story is not None)


def _story(store: Store, story_id: str, changed: Iterable[Article]) -> Story | None:
    """Return the story as it is once these of its articles, or of the story that it went on in, are stored."""
    story = store.stories.story(story_id)
    if story is None:
        return None
    book = retold(StoryBook(), story, store.stories.story_articles(story_id))
    family = store.stories.family(story_id)
    told = [book.put(story_id, each, each.duplicate_of) for each in changed if each.story_id in family]
    return msgspec.structs.replace(
        told[-1], merged_into=story.merged_into, absorbed=story.absorbed, split_from=story.split_from
    )


def _batches(articles: Iterator[Article]) -> Iterator[list[Article]]:
    while batch := list(islice(articles, _AT_ONCE)):
        yield batch
