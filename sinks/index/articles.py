"""Articles written at once and found at once: for tests and small imports. The index service writes in bulk."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from elasticsearch import Elasticsearch

from marsad.config import ElasticsearchSettings
from marsad.errors import StoreError
from marsad.records import Article
from sinks.index.client import explained, shown_url
from sinks.index.document import document_of, index_of, version_of
from sinks.index.mapping import ensure_templates

__all__ = ["ElasticArticles", "put_documents"]

_CONFLICT: Final = 409
_BATCH: Final = 500


class ElasticArticles:
    """``marsad.ports.ArticleWriter``."""

    def __init__(self, client: Elasticsearch, settings: ElasticsearchSettings) -> None:
        self._client = client
        self._settings = settings
        ensure_templates(client, settings)

    def put_articles(self, articles: Sequence[Article]) -> None:
        """Add or replace by ``article_id``; an older revision or edition than the stored one changes nothing.

        Raises:
            StoreError: the cluster does not answer, or refuses one of them.
        """
        put_documents(self._client, self._settings, (_operation(article, self._settings) for article in articles))


def _operation(article: Article, settings: ElasticsearchSettings) -> tuple[dict[str, Any], bytes]:
    target = {
        "_index": index_of(article, settings.prefix),
        "_id": article.article_id,
        "version": version_of(article),
        "version_type": "external_gte",
    }
    return {"index": target}, document_of(article)


def put_documents(
    client: Elasticsearch, settings: ElasticsearchSettings, operations: Iterable[tuple[dict[str, Any], bytes]]
) -> None:
    """Write documents, some hundred at a time, so that the next search finds them; older versions are passed over.

    Args:
        client: of the cluster.
        settings: where it is, for messages.
        operations: the action and the document of each.

    Raises:
        StoreError: the cluster does not answer, or refuses one of them; the ones before it are written.
    """
    lines: list[dict[str, Any] | bytes] = []
    for operation in operations:
        lines.extend(operation)
        if len(lines) >= 2 * _BATCH:
            _put(client, settings, lines)
            lines = []
    if lines:
        _put(client, settings, lines)


def _put(client: Elasticsearch, settings: ElasticsearchSettings, lines: list[dict[str, Any] | bytes]) -> None:
    with explained(settings):
        answer = client.bulk(operations=lines, refresh=True)  # type: ignore[arg-type]  # bytes are sent as they are
    for item in answer["items"]:
        result = item["index"]
        if "error" in result and result["status"] != _CONFLICT:
            reason = result["error"].get("reason", "no reason given")
            where = f"Elasticsearch at elasticsearch.url ({shown_url(settings)})"
            raise StoreError(f"{where} refused {result['_id']} for {result['_index']}: {reason}")
