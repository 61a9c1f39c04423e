"""Stories that ended in others, in Elasticsearch: what they are now, and how large.

Collapsing cannot be left to the server, which groups by a stored field: the articles of a story that ended are not written anew.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

from marsad.query.following import living
from sinks.index.mapping import MOST_ROWS
from sinks.index.reading import Reader

__all__ = ["Forwarding"]

# Only sort values: then the server reads no document.
_ROWS_ONLY: Final[dict[str, Any]] = {
    "source": False,
    "stored_fields": "_none_",
    "filter_path": ["hits.hits.sort"],
    "track_total_hits": False,
}


class Forwarding:
    """What became of stories.

    Args:
        stories: reads their index.
    """

    def __init__(self, stories: Reader) -> None:
        self._stories = stories

    def living(self, ids: Iterable[str]) -> dict[str, str]:
        """For each story the one in which it goes on, however many steps that is; itself where it did not end."""
        return living(ids, self._ended)

    def family(self, story_id: str) -> list[str]:
        """The ids under which the articles of a story are filed: of the story that it is now, and of all that ended there."""
        parts = [self.living((story_id,)).get(story_id, story_id)]
        last = parts if story_id else []
        while last and len(parts) < MOST_ROWS:
            rows = self._rows([{"terms": {"merged_into": last}}], MOST_ROWS)
            last = [story for story, *_ in rows if story not in parts]
            parts += last
        return parts

    def sizes(self, ids: Iterable[str]) -> dict[str, int]:
        """The sizes of those of these stories that have more than one article."""
        wanted = sorted({each for each in ids if each})
        if not wanted:
            return {}
        conditions: list[dict[str, Any]] = [{"terms": {"story_id": wanted}}, {"range": {"size": {"gt": 1}}}]
        rows = self._rows(conditions, len(wanted))
        return {story: int(size) for story, _, size in rows}

    def _ended(self, ids: Collection[str]) -> dict[str, str]:
        conditions: list[dict[str, Any]] = [
            {"terms": {"story_id": sorted(ids)}},
            {"range": {"merged_into": {"gt": ""}}},
        ]
        return {story: into for story, into, _ in self._rows(conditions, len(ids))}

    def _rows(self, conditions: Sequence[dict[str, Any]], size: int) -> list[list[Any]]:
        """Id, the story that it is forwarded to, and size, of the stories that meet all conditions, by id."""
        answer = self._stories.search(
            query={"bool": {"filter": list(conditions)}},
            sort=[{"story_id": "asc"}, {"merged_into": "asc"}, {"size": "asc"}],
            size=min(size, MOST_ROWS),
            **_ROWS_ONLY,
        )
        # Where there is none, nothing is left of the answer at all.
        return [hit["sort"] for hit in answer.get("hits", {}).get("hits", ())]
