"""Stories that ended in others, in Elasticsearch: what they are now, and how large.

Collapsing cannot be left to the server, which groups by a stored field: the articles of a story that ended are not written anew.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar

import msgspec

from marsad.query.following import living
from sinks.index.mapping import MOST_ROWS
from sinks.index.reading import ROWS_ONLY, Reader, sort_values

__all__ = ["Forwarding", "Told"]

_Id = TypeVar("_Id", str, int)
_NAMED: Final = ("story_id", "merged_into")
_NUMBERED: Final = ("search.number", "search.into")
# Of the others, most by far, there is nothing to be told.
_LARGER: Final = {"range": {"size": {"gt": 1}}}


class Told(msgspec.Struct, Generic[_Id], frozen=True):
    """What stories are now, of those that were asked about.

    Attributes:
        ended: of those that ended, the one in which each goes on, however many steps that is.
        sizes: of those, and of those in which they go on, that have more than one article.
    """

    ended: Mapping[_Id, _Id]
    sizes: Mapping[_Id, int]

    def now(self, story: _Id) -> _Id:
        """The story in which this one goes on; itself where it did not end."""
        return self.ended.get(story, story)

    def size(self, story: _Id) -> int:
        """Articles of the story that this one is now."""
        return self.sizes.get(self.now(story), 1)


class Forwarding:
    """What became of stories.

    Args:
        stories: reads their index.
    """

    def __init__(self, stories: Reader) -> None:
        self._stories = stories

    def told(self, ids: Iterable[str]) -> Told[str]:
        """What these stories are now."""
        return self._told(ids, _NAMED, "", _LARGER)

    def numbered(self, numbers: Iterable[int]) -> Told[int]:
        """The same by the numbers that stand for stories: for thousands of them."""
        return self._told(numbers, _NUMBERED, 0, _LARGER)

    def numbered_ended(self, numbers: Iterable[int]) -> Told[int]:
        """The same without sizes."""
        return self._told(numbers, _NUMBERED, 0)

    def family(self, story_id: str) -> list[str]:
        """The ids under which the articles of a story are filed: of the story that it is now, and of all that ended there."""
        parts = [self.told((story_id,)).now(story_id)]
        last = parts if story_id else []
        while last and len(parts) < MOST_ROWS:
            rows = self._rows([{"terms": {"merged_into": last}}], _NAMED, MOST_ROWS)
            last = [story for story, *_ in rows if story not in parts]
            parts += last
        return parts

    def _told(self, ids: Iterable[_Id], fields: tuple[str, str], none: _Id, *others: dict[str, Any]) -> Told[_Id]:
        own, into = fields
        asked = [{"range": {into: {"gt": none}}}, *others]
        sizes: dict[_Id, int] = {}

        def ended(some: Collection[_Id]) -> dict[_Id, _Id]:
            rows = self._rows([{"terms": {own: list(some)}}, {"bool": {"should": asked}}], fields, len(some))
            sizes.update((story, size) for story, _, size in rows)
            return {story: goes_on for story, goes_on, _ in rows if goes_on}

        wanted = {each for each in ids if each}
        first = ended(wanted) if wanted else {}
        last = living(first.values(), ended)
        return Told({story: last[into] for story, into in first.items()}, sizes)

    def _rows(self, conditions: Sequence[dict[str, Any]], fields: tuple[str, str], size: int) -> list[list[Any]]:
        """Id, the story that it is forwarded to, and size, of the stories that meet all conditions, by id."""
        answer = self._stories.search(
            query={"bool": {"filter": list(conditions)}},
            sort=[{fields[0]: "asc"}, {fields[1]: "asc"}, {"size": "asc"}],
            size=min(size, MOST_ROWS),
            track_total_hits=False,
            **ROWS_ONLY,
        )
        return sort_values(answer)
