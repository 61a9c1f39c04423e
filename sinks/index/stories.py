"""Stories in Elasticsearch."""

from collections.abc import Iterable, Sequence
from typing import Any

from elasticsearch import Elasticsearch

from marsad.config import ElasticsearchSettings
from marsad.query.document import published_second
from marsad.query.following import in_living
from marsad.records import Article, Story
from sinks.index.articles import put_documents
from sinks.index.document import read_alias, story_document_of, story_index
from sinks.index.forwarding import Forwarding
from sinks.index.mapping import MOST_ROWS, ensure_templates
from sinks.index.reading import Reader, article_of, story_of

__all__ = ["ElasticStories"]


class ElasticStories:
    """``marsad.ports.Stories``."""

    def __init__(self, client: Elasticsearch, settings: ElasticsearchSettings) -> None:
        self._client = client
        self._settings = settings
        self._stories = Reader(client, settings, story_index(settings.prefix))
        self._articles = Reader(client, settings, read_alias(settings.prefix))

    def story(self, story_id: str) -> Story | None:
        """One story."""
        found = self._stories.sources([story_id]).get(story_id)
        return story_of(found) if found else None

    def put_stories(self, stories: Iterable[Story]) -> None:
        """Add or replace.

        Raises:
            StoreError: the cluster does not answer, or refuses one of them.
        """
        ensure_templates(self._client, self._settings)
        put_documents(self._client, self._settings, (_operation(story, self._settings) for story in stories))

    def latest_stories(self, *, limit: int = 20, offset: int = 0, min_size: int = 1) -> Sequence[Story]:
        """The most recently extended first; none beyond the first 10,100."""
        offset = max(offset, 0)
        size = min(limit, MOST_ROWS - offset)
        if size <= 0:
            return []
        found = self._stories.search(
            query={"bool": {"filter": [{"range": {"size": {"gte": min_size}}}, {"term": {"merged_into": ""}}]}},
            sort=[{"search.last_second": "desc"}, {"story_id": "asc"}],
            from_=offset,
            size=size,
            track_total_hits=False,
        )
        return [story_of(hit["_source"]) for hit in found["hits"]["hits"]]

    def story_articles(self, story_id: str) -> Sequence[Article]:
        """All articles of the story, or of the one that it went on in, under that one's id, oldest first."""
        parts = Forwarding(self._stories).family(story_id)
        query = {"bool": {"filter": [{"terms": {"story_id": parts}}]}}
        found = self._articles.walk(query, [{"search.order": "asc"}, {"article_id": "asc"}])
        now = dict.fromkeys(parts, parts[0])
        articles = [in_living(article_of(source), now) for source in found]
        return sorted(articles, key=lambda article: (published_second(article), article.article_id))


def _operation(story: Story, settings: ElasticsearchSettings) -> tuple[dict[str, Any], bytes]:
    return {"index": {"_index": story_index(settings.prefix), "_id": story.story_id}}, story_document_of(story)
