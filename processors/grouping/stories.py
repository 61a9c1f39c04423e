"""The stories of the window: what is known of each, and the record that is written.

Counts are kept and not taken anew, so that an article costs the same in a story of two and in one of thousands.
"""

from collections import Counter
from typing import Final

from marsad.records import Article, Story

__all__ = ["StoryBook"]

_FULL_REPORT: Final = 300
"""Characters of text from which an article is a report and no caption or flash."""
_MOST_NAMED: Final = 12


class _Member:
    __slots__ = ("copy", "countries", "outlet", "topics")

    def __init__(self, article: Article, *, copy: bool) -> None:
        self.outlet = article.outlet
        self.copy = copy
        self.topics = tuple(topic.id for topic in article.topics)
        self.countries = tuple(country.code for country in article.countries)


class _Tally:
    """One story."""

    def __init__(self, article: Article) -> None:
        self.members: dict[str, _Member] = {}
        self.copies = 0
        self.outlets: Counter[str] = Counter()
        self.countries: Counter[str] = Counter()
        self.topics: Counter[str] = Counter()
        self.headline = article.title
        self.headed_by = ""
        self.first = self.last = article.published_at

    def put(self, article: Article, *, copy: bool) -> None:
        old = self.members.get(article.article_id)
        if old is not None:
            self._count(old, -1)
        member = self.members[article.article_id] = _Member(article, copy=copy)
        self._count(member, 1)
        self.first, self.last = min(self.first, article.published_at), max(self.last, article.published_at)
        whole = len(article.text) >= _FULL_REPORT and not copy
        if self.headed_by == article.article_id or (whole and not self.headed_by):
            self.headline, self.headed_by = article.title, article.article_id

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
        )


class StoryBook:
    """All stories that have an article in the window."""

    def __init__(self) -> None:
        self._stories: dict[str, _Tally] = {}

    def __len__(self) -> int:
        return len(self._stories)

    def put(self, story_id: str, article: Article, duplicate_of: str) -> Story:
        """Add an article or its revision to a story, and return the story as it stands now."""
        tally = self._stories.get(story_id)
        if tally is None:
            tally = self._stories[story_id] = _Tally(article)
        tally.put(article, copy=bool(duplicate_of))
        return tally.record(story_id)

    def drop(self, story_id: str) -> None:
        """Forget a story whose articles have all left the window."""
        self._stories.pop(story_id, None)


def _commonest(counts: Counter[str]) -> tuple[str, ...]:
    return tuple(name for name, count in counts.most_common(_MOST_NAMED) if count > 0)
