"""The stories of the window: what is known of each, and the record that is written.

Counts are kept and not taken anew, so that an article costs the same in a story of two and in one of thousands.
"""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Collection
from datetime import datetime
from typing import Final

from marsad.records import Article, Story
from marsad.records.story import PACE

__all__ = ["StoryBook"]

_FULL_REPORT: Final = 300
"""Characters of text from which an article is a report and no caption or flash."""
_MOST_NAMED: Final = 12


class _Member:
    __slots__ = ("at", "copy", "countries", "key", "order", "outlet", "title", "topics", "whole")

    def __init__(self, article: Article, order: int, *, copy: bool) -> None:
        self.key = article.article_id
        self.order = order
        self.at = article.published_at
        self.outlet = article.outlet
        self.title = article.title
        self.copy = copy
        self.whole = len(article.text) >= _FULL_REPORT and not copy
        self.topics = tuple(topic.id for topic in article.topics)
        self.countries = tuple(country.code for country in article.countries)


class _Tally:
    """One story."""

    __slots__ = (
        "copies",
        "countries",
        "edition",
        "first",
        "first_outlet",
        "headed_by",
        "headline",
        "last",
        "members",
        "outlets",
        "texts_at",
        "topics",
    )

    def __init__(self, first: _Member) -> None:
        self.members: dict[str, _Member] = {}
        self.edition = 0
        self.copies = 0
        self.outlets: Counter[str] = Counter()
        self.countries: Counter[str] = Counter()
        self.topics: Counter[str] = Counter()
        self.headline = first.title
        self.headed_by = ""
        self.first = self.last = first.at
        self.first_outlet = first.outlet
        self.texts_at: list[datetime] = []
        """When the members that are no copy were published, in order."""

    def put(self, member: _Member) -> None:
        self.edition += 1
        old = self.members.get(member.key)
        if old is not None:
            self._count(old, -1)
            if not old.copy:
                del self.texts_at[bisect_left(self.texts_at, old.at)]
        self.members[member.key] = member
        self._count(member, 1)
        if not member.copy:
            insort(self.texts_at, member.at)
        if member.at < self.first:
            self.first, self.first_outlet = member.at, member.outlet
        self.last = max(self.last, member.at)
        if self.headed_by == member.key or (member.whole and not self.headed_by):
            self.headline, self.headed_by = member.title, member.key

    def _count(self, member: _Member, by: int) -> None:
        self.copies += by * member.copy
        self.outlets[member.outlet] += by
        for counts, names in ((self.countries, member.countries), (self.topics, member.topics)):
            for name in names:
                counts[name] += by

    def record(self, story_id: str) -> Story:
        return Story(
            story_id=story_id,
            headline=self.headline,
            first_seen_at=self.first,
            last_seen_at=self.last,
            size=len(self.members),
            texts=len(self.members) - self.copies,
            outlets=tuple(outlet for outlet, count in self.outlets.items() if outlet and count > 0),
            countries=_commonest(self.countries),
            topics=_commonest(self.topics),
            first_outlet=self.first_outlet,
            edition=self.edition,
            recent=len(self.texts_at) - bisect_left(self.texts_at, self.last - PACE),
        )


class StoryBook:
    """All stories that have an article in the window."""

    def __init__(self) -> None:
        self._stories: dict[str, _Tally] = {}
        self._next = 0

    def __len__(self) -> int:
        return len(self._stories)

    def size(self, story_id: str) -> int:
        """How many articles a story has."""
        tally = self._stories.get(story_id)
        return len(tally.members) if tally is not None else 0

    def put(self, story_id: str, article: Article, duplicate_of: str) -> Story:
        """Add an article or its revision to a story, and return the story as it stands now."""
        tally = self._stories.get(story_id)
        old = tally.members.get(article.article_id) if tally is not None else None
        self._next += 1
        member = _Member(article, old.order if old is not None else self._next, copy=bool(duplicate_of))
        if tally is None:
            tally = self._stories[story_id] = _Tally(member)
        tally.put(member)
        return tally.record(story_id)

    def merge(self, story_id: str, ended: str) -> None:
        """Make one story of two, as if all their articles had come to the first of them. Costs as much as both have articles."""
        parts = (self._stories[story_id], self._stories.pop(ended))
        members = [member for part in parts for member in part.members.values()]
        members.sort(key=lambda member: member.order)
        tally = self._stories[story_id] = _Tally(members[0])
        for member in members:
            tally.put(member)
        tally.edition = sum(part.edition for part in parts)

    def split(self, story_id: str, off: str, keys: Collection[str]) -> None:
        """Make two stories of one, each as if its articles had come to it alone.

        Args:
            story_id: keeps the others, and goes on counting its editions.
            off: the new one.
            keys: of its articles.
        """
        whole = self._stories[story_id]
        members = sorted(whole.members.values(), key=lambda member: member.order)
        for name, chosen in (
            (off, [member for member in members if member.key in keys]),
            (story_id, [member for member in members if member.key not in keys]),
        ):
            tally = self._stories[name] = _Tally(chosen[0])
            for member in chosen:
                tally.put(member)
        self._stories[story_id].edition = whole.edition + 1

    def record(self, story_id: str) -> Story:
        """A story as it stands now."""
        return self._stories[story_id].record(story_id)

    def settle(self, story: Story) -> None:
        """Take over what the articles of a story do not tell any more: who reported it first, and how often it changed."""
        tally = self._stories[story.story_id]
        tally.first_outlet, tally.edition = story.first_outlet, story.edition

    def drop(self, story_id: str) -> None:
        """Forget a story whose articles have all left the window."""
        self._stories.pop(story_id, None)


def _commonest(counts: Counter[str]) -> tuple[str, ...]:
    return tuple(name for name, count in counts.most_common(_MOST_NAMED) if count > 0)
