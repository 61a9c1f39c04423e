"""What ours is measured against: the client's own helper for bulk writing, as it comes, and an index of title and text alone."""

from collections.abc import Sequence
from typing import Any

import msgspec
from elasticsearch import Elasticsearch
from elasticsearch.helpers import parallel_bulk

from marsad.records import Article
from sinks.index.document import document_of, index_of, version_of

__all__ = ["actions_of", "make_bare", "write_bare", "write_plainly"]


def actions_of(articles: Sequence[Article], prefix: str) -> list[dict[str, Any]]:
    """The articles as the helper takes them: the same documents, indices and versions as the bulk writer's."""
    return [
        {
            "_index": index_of(article, prefix),
            "_id": article.article_id,
            "version": version_of(article),
            "version_type": "external_gte",
            "_source": msgspec.json.decode(document_of(article)),
        }
        for article in articles
    ]


def write_plainly(client: Elasticsearch, actions: Sequence[dict[str, Any]]) -> int:
    """Write them with ``parallel_bulk`` as it is set by default; how many were written.

    Raises:
        elasticsearch.helpers.BulkIndexError: the index refuses one.
    """
    return sum(ok for ok, _ in parallel_bulk(client, actions))


def make_bare(client: Elasticsearch, name: str) -> None:
    """Make an index with nothing but title and text, as the server analyses Arabic."""
    field = {"type": "text", "analyzer": "arabic"}
    client.indices.create(
        index=name,
        settings={"number_of_shards": 1, "number_of_replicas": 0},
        mappings={"properties": {"title": field, "text": field}},
    )


def write_bare(client: Elasticsearch, name: str, articles: Sequence[Article]) -> int:
    """Write title and text with ``parallel_bulk`` as it is set by default; how many were written."""
    actions = [
        {"_index": name, "_id": one.article_id, "_source": {"title": one.title, "text": one.text}} for one in articles
    ]
    return write_plainly(client, actions)
