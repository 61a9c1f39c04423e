"""A story: the reports of one event."""

from datetime import datetime, timedelta
from typing import Final

import msgspec

__all__ = ["PACE", "Story", "is_breaking"]

PACE: Final = timedelta(hours=3)
"""The span at the end of a story whose reports are counted in ``Story.recent``."""
_BREAKING: Final = 3
"""Independent reports within ``PACE`` below which nothing is breaking, however quiet it was before."""
_FASTER: Final = 2.0
"""How many times its usual pace a story must grow at."""


class Story(msgspec.Struct, frozen=True, kw_only=True, tag="story", tag_field="record"):
    """Articles that report one event, copies counted once in ``outlets`` of independent texts."""

    story_id: str
    headline: str
    first_seen_at: datetime
    last_seen_at: datetime
    size: int = 1
    """Articles, copies included."""
    texts: int = 1
    """Articles that are no copy of another."""
    outlets: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    merged_into: str = ""
    """The story that it went on in; articles that bear its id keep it."""
    absorbed: tuple[str, ...] = ()
    """The stories that ended in this one, or in the one that it went on in."""
    split_from: str = ""
    """The story that it was part of until that told two events."""
    first_outlet: str = ""
    """Who reported it first."""
    recent: int = 1
    """Articles that are no copy, of the ``PACE`` before ``last_seen_at``."""
    edition: int = 1
    """Grows with every change of the record."""
    v: int = 1

    @property
    def others(self) -> tuple[str, ...]:
        """The stories that are one with this: what it went on in, and what ended there."""
        named = (self.merged_into, *self.absorbed)
        return tuple(dict.fromkeys(each for each in named if each and each != self.story_id))


def is_breaking(story: Story, now: datetime) -> bool:
    """Whether it grows much faster than it used to, just now.

    Args:
        story: as it stands.
        now: aware.
    """
    if story.recent < _BREAKING or now - story.last_seen_at > PACE:
        return False
    before = (story.last_seen_at - PACE) - story.first_seen_at
    usual = (story.texts - story.recent) / max(before / PACE, 1.0)
    return story.recent >= _FASTER * usual
