"""The stories of the window: what is known of each, and the record that is written."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from marsad.records import Article, Story

__all__ = ["StoryBook"]

_FULL_REPORT: Final = 300
"""Characters of text from which an article is a report and no caption or flash."""
_MOST_NAMED: Final = 12


class _Member:
    __slots__ = ("copy", "countries", "key", "outlet", "seen", "title", "topics", "whole")

    def __init__(self, article: Article, duplicate_of: str) -> None:
        self.key = article.article_id
        self.title = article.title
        self.outlet = article.outlet
        self.seen = article.published_at
        self.copy = bool(duplicate_of)
        self.whole = len(article.text) >= _FULL_REPORT
        self.topics = tuple(topic.id for topic in article.topics)
        self.countries = tuple(country.code for country in article.countries)


class StoryBook:
    """Members of each story, in order of arrival."""

    def __init__(self) -> None:
        self._stories: dict[str, dict[str, _Member]] = {}

    def __len__(self) -> int:
        return len(self._stories)

    def put(self, story_id: str, article: Article, duplicate_of: str) -> Story:
        """Add an article or its revision to a story, and return the story as it stands now."""
        members = self._stories.setdefault(story_id, {})
        members[article.article_id] = _Member(article, duplicate_of)
        return _record(story_id, list(members.values()))

    def drop(self, story_id: str) -> None:
        """Forget a story whose articles have all left the window."""
        self._stories.pop(story_id, None)


def _record(story_id: str, members: list[_Member]) -> Story:
    reports = [member for member in members if member.whole and not member.copy]
    times: list[datetime] = [member.seen for member in members]
    return Story(
        story_id=story_id,
        headline=(reports or members)[0].title,
        first_seen_at=min(times),
        last_seen_at=max(times),
        size=len(members),
        texts=sum(not member.copy for member in members),
        outlets=_distinct(member.outlet for member in members),
        countries=_commonest(member.countries for member in members),
        topics=_commonest(member.topics for member in members),
    )


def _distinct(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))


def _commonest(lists: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    counts: Counter[str] = Counter()
    for values in lists:
        counts.update(values)
    return tuple(value for value, _ in counts.most_common(_MOST_NAMED))
