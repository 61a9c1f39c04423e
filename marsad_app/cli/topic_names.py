"""Topics by their names in queries: ``topic:العقوبات`` and ``topic:sanctions`` mean the same."""

from functools import lru_cache
from pathlib import Path

from marsad.arabic import key_form
from marsad.config import load_settings
from marsad.taxonomy import load_taxonomy

__all__ = ["topic_id"]


def topic_id(field: str, value: str) -> str | None:
    """Resolve for ``marsad.query.parse``: the id of the topic with that id or name; None for another field or an unknown topic.

    Raises:
        TopicFileError: the topic files cannot be read.
    """
    return _ids(load_settings().process.topics_dir).get(key_form(value)) if field == "topic" else None


@lru_cache(maxsize=1)
def _ids(topics_dir: Path | None) -> dict[str, str]:
    topics = load_taxonomy(topics_dir).topics
    names = {key_form(name): topic.id for topic in topics for name in (topic.names.fr, topic.names.en, topic.names.ar)}
    # An id wins over a name of another topic.
    return names | {key_form(topic.id): topic.id for topic in topics}
