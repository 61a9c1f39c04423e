"""Index templates: how each field of an article, a story or a board is indexed, and how the indices are laid out."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from elasticsearch import BadRequestError, Elasticsearch, NotFoundError

from marsad.config import ElasticsearchSettings
from marsad.records.ids import digest
from sinks.index.analysis import KEY, STEM, analysis
from sinks.index.client import explained
from sinks.index.document import (
    BOARDS,
    Board,
    board_index,
    index_pattern,
    month_index,
    read_alias,
    story_index,
)

__all__ = [
    "MAPPING_VERSION",
    "MOST_ROWS",
    "article_template",
    "board_template",
    "ensure_indices",
    "ensure_templates",
    "shape_of",
    "story_template",
    "templates",
]

MAPPING_VERSION: Final = 4
"""Grows with every change of what is written here, of the analysers or of ``document_of``."""

MOST_ROWS: Final = 10_100
"""Rows that a page may reach into: the largest offset and a page of the largest size."""

_DATE: Final = {"type": "date"}
_LONG: Final = {"type": "long"}
_DOUBLE: Final = {"type": "double"}
# Terms end at 32,766 bytes; a longer value would have its document refused. It stays in the source.
_KEYWORD: Final = {"type": "keyword", "ignore_above": 8_000}
_TEXT: Final = {"type": "text", "analyzer": KEY, "fields": {"stem": {"type": "text", "analyzer": STEM}}}
_EXISTS: Final = "resource_already_exists_exception"
_PRIORITY: Final = 300
"""Above templates for all indices that an operator may have."""

_ARTICLE: Final[dict[str, Any]] = {
    "article_id": _KEYWORD,
    "url": _KEYWORD,
    "guids": _KEYWORD,
    "feed_ids": _KEYWORD,
    "title": _TEXT,
    "text": _TEXT,
    "language": _KEYWORD,
    "authors": _KEYWORD,
    "outlet": _KEYWORD,
    "outlet_country": _KEYWORD,
    "sections": _KEYWORD,
    "published_at": _DATE,
    "published_precision": _KEYWORD,
    "date_problem": _KEYWORD,
    "first_seen_at": _DATE,
    "updated_at": _DATE,
    # The words that spoke for a topic, as their topic file names them: a field to count and filter by.
    "topics": {"properties": {"id": _KEYWORD, "score": _DOUBLE, "evidence": {"properties": {"term": _KEYWORD}}}},
    "countries": {"properties": {"code": _KEYWORD, "role": _KEYWORD, "mentions": _LONG}},
    "places": {"properties": {"name": _KEYWORD, "country": _KEYWORD, "geonames_id": _LONG}},
    "entities": {"properties": {"id": _KEYWORD, "kind": _KEYWORD, "name_ar": _KEYWORD, "name_en": _KEYWORD}},
    "story_id": _KEYWORD,
    "duplicate_of": _KEYWORD,
    "revision": _LONG,
    "edition": _LONG,
    "taxonomy_version": _KEYWORD,
    "pipeline_version": _KEYWORD,
    "partial": _KEYWORD,
    "search": {
        "properties": {
            # The lead where the text does not begin with it: searched as part of the text, far enough from it (the
            # position gap of 100) that no phrase runs from one into the other.
            "lead": {"type": "text", "index": False, "norms": False, "copy_to": "text"},
            # What articles are listed by, and their story for grouping: numbers, since text would have to be looked up for
            # every row that is looked at.
            "order": _LONG,
            "story": {"type": "long", "index": False},
            "seen": _LONG,
            "delay": _LONG,
            "score": _DOUBLE,
            "tags": {**_KEYWORD, "doc_values": False},
            "location": {"type": "geo_point", "ignore_malformed": True},
        }
    },
}

_STORY: Final[dict[str, Any]] = {
    "story_id": _KEYWORD,
    "headline": _TEXT,
    "first_seen_at": _DATE,
    "last_seen_at": _DATE,
    "size": _LONG,
    "texts": _LONG,
    "outlets": _KEYWORD,
    "countries": _KEYWORD,
    "topics": _KEYWORD,
    **dict.fromkeys(("merged_into", "absorbed", "split_from"), _KEYWORD),
    "first_outlet": _KEYWORD,
    "recent": _LONG,
    "edition": _LONG,
    "search": {"properties": dict.fromkeys(("last_second", "number", "into"), _LONG)},
}

_FEED: Final[dict[str, Any]] = {
    **dict.fromkeys(("feed_id", "title", "outlet", "country", "section", "language", "url"), _KEYWORD),
    **dict.fromkeys(("health", "standing", "detail", "reason"), _KEYWORD),
    **dict.fromkeys(("health_since", "next_poll_at", "last_poll_at", "last_ok_at", "last_new_at"), _DATE),
    **dict.fromkeys(("interval", "rate"), _DOUBLE),
    **dict.fromkeys(("polls", "entries_seen", "failures", "gap_count", "missed", "backfilled", "silence"), _LONG),
    "muted": {"type": "boolean"},
}

_ALERT: Final[dict[str, Any]] = {
    **dict.fromkeys(("alert_id", "subscription_id", "subscription", "story_id", "article_id", "feed_id"), _KEYWORD),
    **dict.fromkeys(("reason", "outlet", "url", "topics", "countries", "evidence", "copy_of"), _KEYWORD),
    **dict.fromkeys(("story_outlets", "hits", "hours"), _LONG),
    "usual": _DOUBLE,
    "title": _TEXT,
    "at": _DATE,
}

_BOARDS: Final[dict[Board, tuple[dict[str, Any], tuple[str, ...]]]] = {
    "feeds": (_FEED, ("title", "outlet")),
    "alerts": (_ALERT, ("title", "title.stem", "subscription")),
}
"""Properties, and the fields that words without a field are searched in."""


def article_template(settings: ElasticsearchSettings) -> dict[str, Any]:
    """The template of the month indices."""
    return _template(
        settings,
        pattern=index_pattern(settings.prefix),
        properties=_ARTICLE,
        aliases={read_alias(settings.prefix): {}},
        searched=("title", "title.stem", "text", "text.stem"),
        shards=settings.shards,
        refresh=settings.refresh,
    )


def story_template(settings: ElasticsearchSettings) -> dict[str, Any]:
    """The template of the one index of stories."""
    return _template(
        settings,
        pattern=story_index(settings.prefix),
        properties=_STORY,
        aliases={},
        searched=("headline", "headline.stem"),
        shards=1,
        refresh=settings.refresh,
    )


def board_template(settings: ElasticsearchSettings, board: Board) -> dict[str, Any]:
    """The template of the one index of a board."""
    properties, searched = _BOARDS[board]
    return _template(
        settings,
        pattern=board_index(board, settings.prefix),
        properties=properties,
        aliases={},
        searched=searched,
        shards=1,
        # Measured at 20 articles a second: 40 % of the time of all refreshes went into these two.
        refresh=settings.refresh_boards,
    )


def templates(settings: ElasticsearchSettings) -> dict[str, dict[str, Any]]:
    """All index templates by name."""
    return {
        read_alias(settings.prefix): article_template(settings),
        story_index(settings.prefix): story_template(settings),
        **{board_index(board, settings.prefix): board_template(settings, board) for board in BOARDS},
    }


def shape_of(template: dict[str, Any]) -> str:
    """What tells a template, and the indices that were made by it, from those of another shape."""
    return str(template["meta"]["shape"])


def ensure_templates(client: Elasticsearch, settings: ElasticsearchSettings) -> list[str]:
    """Put the templates that are not there as they should be.

    Indices that exist keep the shape that they were made with.

    Returns:
        The names of those that were put.

    Raises:
        StoreError: the cluster cannot be reached or refuses.
    """
    wanted = templates(settings)
    with explained(settings):
        changed = [name for name, body in wanted.items() if not _stands(client, name, body)]
        for name in changed:
            client.indices.put_index_template(name=name, **wanted[name])
    return changed


def ensure_indices(client: Elasticsearch, settings: ElasticsearchSettings, now: datetime) -> list[str]:
    """Put the templates, and make the index of the present month and those of stories and boards, so that no article waits for them.

    Args:
        client: of the cluster.
        settings: names of the indices.
        now: the present, with a zone.

    Returns:
        The names of the indices that were made.

    Raises:
        StoreError: the cluster cannot be reached or refuses.
    """
    ensure_templates(client, settings)
    boards = [board_index(board, settings.prefix) for board in BOARDS]
    wanted = (month_index(now, settings.prefix), story_index(settings.prefix), *boards)
    with explained(settings):
        return [name for name in wanted if not client.indices.exists(index=name) and _made(client, name)]


def _made(client: Elasticsearch, name: str) -> bool:
    """Make an index; False where another process was quicker."""
    try:
        client.indices.create(index=name)
    except BadRequestError as error:
        if error.error != _EXISTS:
            raise
        return False
    return True


def _stands(client: Elasticsearch, name: str, wanted: dict[str, Any]) -> bool:
    try:
        answer = client.indices.get_index_template(name=name)
    except NotFoundError:
        return False
    found = answer["index_templates"][0]["index_template"]
    # The server gives settings back in its own shape: what was put is told by its digest.
    return bool(found.get("_meta") == wanted["meta"])


def _template(
    settings: ElasticsearchSettings,
    *,
    pattern: str,
    properties: dict[str, Any],
    aliases: dict[str, Any],
    searched: Sequence[str],
    shards: int,
    refresh: str,
) -> dict[str, Any]:
    """The arguments of ``put_index_template``; ``meta`` tells this shape from any other."""
    index = {
        "number_of_shards": shards,
        "number_of_replicas": settings.replicas,
        # Written out, it also holds for shards that nobody searches: left to its default, the server stops refreshing
        # those after 30 s, and the first search after a pause would miss the newest articles.
        "refresh_interval": refresh,
        "max_result_window": MOST_ROWS,
        "analysis": analysis(),
        "query": {"default_field": list(searched)},
    }
    # dynamic: false stores a field that is not named here (what a later version adds) without indexing it.
    template: dict[str, Any] = {
        "settings": {"index": index},
        "mappings": {"dynamic": False, "date_detection": False, "properties": properties},
        "aliases": aliases,
    }
    shape = digest(json.dumps([pattern, MAPPING_VERSION, template], sort_keys=True))
    # In each index too, so that one of an older shape can be told.
    template["mappings"]["_meta"] = {"shape": shape}
    return {
        "index_patterns": [pattern],
        "priority": _PRIORITY,
        "version": MAPPING_VERSION,
        "template": template,
        "meta": {"description": "written by Marsad", "shape": shape},
    }
