"""Stories that ended in others, in Elasticsearch: what they are now, and how large.

Collapsing cannot be left to the server, which groups by a stored field: the articles of a story that ended are not written anew.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final, Generic, TypeVar

import msgspec

from marsad.query.following import living
from sinks.index.mapping import MOST_ROWS
from sinks.index.reading import ROWS_ONLY, Reader, sort_values

__all__ = ["Forwarding", "Now"]

_Id = TypeVar("_Id", str, int)
_NAMED: Final = ("story_id", "merged_into")
_NUMBERED: Final = ("search.number", "search.into")
# Of the others, most by far, there is nothing to be told.
_LARGER: Final = {"range": {"size": {"gt": 1}}}


class Now(msgspec.Struct, Generic[_Id], frozen=True, gc=False):
    """What a story is now.

    Attributes:
        story: the one in which it goes on; itself where it did not end.
        size: articles of that.
    """

    story: _Id
    size: int = 1


class Forwarding:
    """What became of stories.

    Args:
        stories: reads their index.
    """

    def __init__(self, stories: Reader) -> None:
        self._stories = stories

    def now(self, ids: Iterable[str]) -> dict[str, Now[str]]:
        """What stories are now that ended, however many steps that is, or have more than one article."""
        return self._now(ids, _NAMED, "", _LARGER)

    def living(self, ids: Iterable[str]) -> dict[str, str]:
        """For each story the one in which it goes on; itself where it did not end."""
        found = {story: story for story in ids if story}
        return found | {story: now.story for story, now in self.now(found).items()}

    def numbered(self, numbers: Iterable[int]) -> dict[int, Now[int]]:
        """The same as ``now`` by the numbers that stand for stories: for thousands of them."""
        return self._now(numbers, _NUMBERED, 0, _LARGER)

    def numbered_ended(self, numbers: Iterable[int]) -> dict[int, Now[int]]:
        """The same of those alone that ended."""
        return self._now(numbers, _NUMBERED, 0)

    def family(self, story_id: str) -> list[str]:
        """The ids under which the articles of a story are filed: of the story that it is now, and of all that ended there."""
        parts = [self.living((story_id,)).get(story_id, story_id)]
        last = parts if story_id else []
        while last and len(parts) < MOST_ROWS:
            rows = self._rows([{"terms": {"merged_into": last}}], _NAMED, MOST_ROWS)
            last = [story for story, *_ in rows if story not in parts]
            parts += last
        return parts

    def _now(
        self, ids: Iterable[_Id], fields: tuple[str, str], none: _Id, *others: dict[str, Any]
    ) -> dict[_Id, Now[_Id]]:
        own, into = fields
        told = [{"range": {into: {"gt": none}}}, *others]
        sizes: dict[_Id, int] = {}

        def ended(some: Collection[_Id]) -> dict[_Id, _Id]:
            rows = self._rows([{"terms": {own: list(some)}}, {"bool": {"should": told}}], fields, len(some))
            sizes.update((story, int(size)) for story, _, size in rows)
            return {story: goes_on for story, goes_on, _ in rows if goes_on}

        wanted = {each for each in ids if each}
        first = ended(wanted) if wanted else {}
        found = dict(sizes)
        last = living(first.values(), ended)
        return {
            story: Now(last[first[story]], sizes.get(last[first[story]], 1)) if story in first else Now(story, size)
            for story, size in found.items()
        }

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
