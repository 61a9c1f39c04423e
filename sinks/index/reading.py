"""One index or alias, read: every request with the same care, every answer turned back into records."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from elasticsearch import Elasticsearch

from marsad.config import ElasticsearchSettings
from marsad.records import Article, Story, decode
from sinks.index.client import explained

__all__ = ["ROWS_ONLY", "Reader", "Source", "article_of", "sort_values", "story_of"]

Source = Mapping[str, Any]

_BATCH: Final = 500

# Of thousands of rows only the sort values are wanted. Then the server reads no document, not even for its id.
ROWS_ONLY: Final[dict[str, Any]] = {
    "source": False,
    "stored_fields": "_none_",
    "filter_path": ["hits.total", "hits.hits.sort", "aggregations"],
}


class Reader:
    """Searches in one index or alias; one that is not there yet has nothing in it.

    Args:
        client: of the cluster.
        settings: where it is, for messages.
        index: the index or alias.
    """

    def __init__(self, client: Elasticsearch, settings: ElasticsearchSettings, index: str) -> None:
        self._client = client
        self._settings = settings
        self._index = index

    def search(self, **request: Any) -> dict[str, Any]:
        """The answer to one search, of all shards.

        Raises:
            StoreError: the cluster, or one shard, does not answer.
        """
        with explained(self._settings):
            # Without the last argument, a broken shard would silently leave out its articles.
            found = self._client.search(
                index=self._index, ignore_unavailable=True, allow_partial_search_results=False, **request
            )
            return dict(found.body)

    def walk(self, query: dict[str, Any], sort: Sequence[dict[str, str]]) -> Iterator[Source]:
        """The sources of all matching documents, in order, 500 at a time.

        The order's keys never change for a document, so that none comes twice or is left out while others are written,
        however long the reader takes, and the cluster keeps nothing open.

        Args:
            query: in Elasticsearch's language.
            sort: the order, its keys together different for each document.
        """
        after: list[Any] | None = None
        while True:
            more: dict[str, Any] = {} if after is None else {"search_after": after}
            found = self.search(query=query, sort=sort, size=_BATCH, track_total_hits=False, **more)["hits"]["hits"]
            yield from (hit["_source"] for hit in found)
            if len(found) < _BATCH:
                return
            after = found[-1]["sort"]

    def count(self) -> int:
        """How many documents there are.

        Raises:
            StoreError: the cluster does not answer.
        """
        with explained(self._settings):
            return int(self._client.count(index=self._index, ignore_unavailable=True)["count"])

    def sources(self, ids: Sequence[str]) -> dict[str, Source]:
        """The documents with these ids that were indexed a refresh ago; of one that lies in two indices the later edition."""
        return {hit["_id"]: hit["_source"] for hit in self._later({"ids": {"values": list(ids)}}, len(ids))}

    def placed(self, orders: Sequence[int]) -> dict[tuple[int, int], Source]:
        """The documents with these numbers of order, by that and the number of their story."""
        found = self._later({"terms": {"search.order": list(orders)}}, len(orders))
        places = ((hit["_source"], hit["_source"]["search"]) for hit in found)
        return {(search["order"], search["story"]): source for source, search in places}

    def _later(self, query: dict[str, Any], count: int) -> list[dict[str, Any]]:
        """So many documents, a later edition after an earlier one that still lies in another index."""
        if not count:
            return []
        found = self.search(query=query, size=2 * count, version=True)["hits"]["hits"]
        return sorted(found, key=lambda hit: hit["_version"])


def sort_values(answer: Mapping[str, Any]) -> list[list[Any]]:
    """What ``ROWS_ONLY`` leaves of each hit; where there is none, nothing is left at all."""
    return [hit["sort"] for hit in answer.get("hits", {}).get("hits", ())]


def article_of(source: Source) -> Article:
    """The article that was stored.

    Raises:
        CodecError: it is none, or of a newer version of Marsad.
    """
    return decode(Article, msgspec.json.encode(source))


def story_of(source: Source) -> Story:
    """The story that was stored.

    Raises:
        CodecError: it is none, or of a newer version of Marsad.
    """
    return decode(Story, msgspec.json.encode(source))
