"""Stories that ended in others, followed by queries and by what reads their articles. Pure.

An article bears for good the id of the story under which it was filed; where that story went on in another one, readers mean
that one. Records forward one step; where a story's id is looked up, every step is followed.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final, TypeVar

import msgspec

from marsad.query.ast import And, Keyword, Node, Not, Or
from marsad.records import Article

__all__ = ["Family", "following", "in_living", "living"]

Family = Callable[[str], Sequence[str]]
"""The ids under which the articles of a story are filed: its own, that of the story it went on in, and all that ended there."""

_Id = TypeVar("_Id", str, int)

_STEPS: Final = 8
"""Records that are followed one after the other: each needs a story of its own that ended, and they are few."""


def following(node: Node, family: Family) -> Node:
    """The query in which ``story:`` finds all articles of the story that is meant, under whichever id they are filed.

    Args:
        node: as it was read.
        family: asked once for each story that is named.
    """
    match node:
        case And() | Or():
            return type(node)(tuple(following(part, family) for part in node.parts))
        case Not():
            return Not(following(node.part, family))
        case Keyword(field="story") if node.value != "*":
            ids = dict.fromkeys((node.value, *family(node.value)))
            return Or(tuple(Keyword("story", each) for each in ids)) if len(ids) > 1 else node
    return node


def living(ids: Iterable[_Id], ended: Callable[[Collection[_Id]], Mapping[_Id, _Id]]) -> dict[_Id, _Id]:
    """For each story the one in which it goes on; itself where it did not end.

    Args:
        ids: of stories, or numbers that stand for them; empty ones are passed over.
        ended: gives, of those stories that ended, the one that each is forwarded to.
    """
    found = {each: each for each in ids if each}
    asked = set(found)
    for _ in range(_STEPS):
        step = ended(asked) if asked else {}
        if not step:
            break
        found = {each: step.get(last, last) for each, last in found.items()}
        asked = set(step.values())
    return found


def in_living(article: Article, stories: Mapping[str, str]) -> Article:
    """The article under the story in which its own goes on.

    Args:
        article: as it is stored.
        stories: as ``living`` gives them.
    """
    now = stories.get(article.story_id, article.story_id)
    return article if now == article.story_id else msgspec.structs.replace(article, story_id=now)
