"""Names of topics in queries: by id, or by any of their names."""

from collections.abc import Callable

from marsad.arabic import key_form
from marsad.taxonomy.schema import Taxonomy

__all__ = ["topic_resolver"]


def topic_resolver(taxonomy: Taxonomy) -> Callable[[str, str], str | None]:
    """A function that finds the id of a topic from its id or one of its names; None for other fields and unknown topics."""
    names = {
        key_form(name): topic.id
        for topic in taxonomy.topics
        for name in (topic.names.fr, topic.names.en, topic.names.ar)
    }
    # An id wins over a name of another topic.
    ids = names | {key_form(topic.id): topic.id for topic in taxonomy.topics}

    def resolve(field: str, value: str) -> str | None:
        return ids.get(key_form(value)) if field == "topic" else None

    return resolve
