"""The client's own helper for bulk writing, as it comes: what the bulk writer is measured against."""

from collections.abc import Sequence
from typing import Any

import msgspec
from elasticsearch import Elasticsearch
from elasticsearch.helpers import parallel_bulk

from marsad.records import Article
from sinks.index.document import document_of, index_of, version_of

__all__ = ["actions_of", "write_plainly"]


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
