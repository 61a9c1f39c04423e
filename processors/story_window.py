"""The window of stories, with what a stage needs that must survive restarts: whole stories, and changes that are no news."""

from collections.abc import Collection, Sequence

import msgspec

from marsad.records import Article, CountryTag, Story, TopicTag
from processors.group import Grouper, Grouping
from processors.grouping.features import setting_of
from processors.grouping.stories import StoryBook

__all__ = ["StoryWindow", "retold"]


class StoryWindow(Grouper):
    """A grouper that can be asked what it holds."""

    def __contains__(self, article_id: str) -> bool:
        return self._window.get(article_id) is not None

    def alive(self) -> Collection[str]:
        """The stories that have an article in the window, by id."""
        return self._members.keys()

    def ended_in(self, story_id: str) -> Collection[str]:
        """The stories that ended in one of the window, by id, in order."""
        return sorted(self._ended.get(story_id, ()))

    def retell(self, story: Story, members: Sequence[Article]) -> None:
        """Make the record of a story in the window anew as it was last written; see ``retold``."""
        self._book.drop(story.story_id)
        retold(self._book, story, members)

    def amend(self, article: Article) -> Grouping | None:
        """Take in a change that does not move an article: its sources, its tags, or words that come after the window.

        Args:
            article: with its story.

        Returns:
            Its story as it stands now; None where that has no article in the window any more.
        """
        document = self._window.get(article.article_id)
        if document is not None:
            document.setting = setting_of(article)
            return self._placed(article, document.story, document.filed, article.duplicate_of)
        story = self._goes_on.get(article.story_id, article.story_id)
        return self._placed(article, story, article.story_id, article.duplicate_of) if story in self._members else None


def retold(book: StoryBook, story: Story, members: Sequence[Article]) -> StoryBook:
    """Put a story into a book so that its record comes out as it was last written.

    Its members as they are now do not tell all of it: which of them gave the headline, and in which order names came up, was
    settled by what they were when they came.

    Args:
        book: without that story.
        story: as last written.
        members: all its articles, in the order in which they came.
    """
    if not members:
        return book
    first = msgspec.structs.replace(
        members[0],
        title=story.headline,
        text="",
        topics=tuple(TopicTag(name, 1.0) for name in story.topics),
        countries=tuple(CountryTag(name, 1) for name in story.countries),
    )
    for outlet in story.outlets:
        book.put(story.story_id, msgspec.structs.replace(first, outlet=outlet), "")
    heading = [each for each in members if each.title == story.headline and not each.duplicate_of]
    for article in (*heading[:1], *members):
        book.put(story.story_id, article, article.duplicate_of)
    book.settle(story)
    return book
