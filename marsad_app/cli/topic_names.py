"""Topics by their names in queries: ``topic:العقوبات`` and ``topic:sanctions`` mean the same."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from marsad.config import load_settings
from marsad.taxonomy import load_taxonomy
from marsad.taxonomy.resolve import topic_resolver

__all__ = ["topic_id"]


def topic_id(field: str, value: str) -> str | None:
    """Resolve for ``marsad.query.parse``: the id of the topic with that id or name; None for another field or an unknown topic.

    Raises:
        TopicFileError: the topic files cannot be read.
    """
    return _resolver(load_settings().process.topics_dir)(field, value) if field == "topic" else None


@lru_cache(maxsize=1)
def _resolver(topics_dir: Path | None) -> Callable[[str, str], str | None]:
    return topic_resolver(load_taxonomy(topics_dir))
