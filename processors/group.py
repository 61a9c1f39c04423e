"""Group: copies of one text, and the reports of one event, online and in one pass.

Each article is compared with those of the last days that share its rarest words. One that shares nearly all its text
with an earlier one is a copy of it; one that reports the same event joins that one's story; else it begins a story.
The same articles in the same order give the same groups on every machine. Only this module keeps state between articles.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec

from marsad.arabic import Tokens, tokenize
from marsad.records import Article, Story
from marsad.records.ids import story_id
from processors.grouping.features import Document, Words, read_words, setting_of
from processors.grouping.judge import Comparer, Likeness, copy_odds, event_odds
from processors.grouping.stories import StoryBook
from processors.grouping.window import Window

__all__ = ["Grouper", "Grouping"]

_DAY: Final = 86_400.0
_STORIES: Final = 5
"""Stories looked at closely for one article."""
_WITNESSES: Final = 10
"""Members of a story that an article is compared with: the first and the latest ones."""
_UNLIKE: Final = -4.0
"""Log odds that stand for a pair with no rare word in common."""
_JOIN: Final = 0.0
_COPY: Final = 0.0
_MAX_CHARS: Final = 8_000
"""Of the text that is compared: 99 in 100 articles are shorter, and a copy of a longer one shows in its beginning."""


class Grouping(msgspec.Struct, frozen=True):
    """Where an article belongs."""

    story_id: str
    duplicate_of: str
    """The article that it is a copy of; empty for an original."""
    story: Story
    """The story with this article in it."""


class Grouper:
    """Groups articles in the order in which they come.

    Args:
        days: How long an article waits for others.
    """

    def __init__(self, days: float = 7) -> None:
        self._window = Window(days * _DAY)
        self._book = StoryBook()
        self._members: dict[str, list[Document]] = {}

    def __len__(self) -> int:
        return len(self._window)

    def assign(self, article: Article, tokens: Tokens | None = None) -> Grouping:
        """Put an article into its story.

        Args:
            article: Clean and tagged. A revision of an article in the window keeps its story.
            tokens: Tokens of its text, where they are known already.
        """
        self._advance(article.published_at)
        words = _words(article, tokens)
        known = self._window.get(article.article_id)
        if known is not None:
            self._window.replace(known, words)
            known.setting = setting_of(article)
            copy_of = known.root if known.root != known.key else ""
            return self._placed(article, known.story, copy_of)
        document = self._new_document(article)
        comparer = Comparer(document, self._window.fill(document, words))
        candidates = self._window.candidates(document.vector)
        judged = {other.number: comparer.compare(other) for other in candidates}
        original = _original(candidates, judged)
        if original is not None:
            document.root, document.story = original.root, original.story
        else:
            document.story = self._story_of(comparer, candidates, judged) or story_id(article.article_id)
        self._enter(document)
        return self._placed(article, document.story, document.root if original is not None else "")

    def restore(self, articles: Iterable[Article]) -> int:
        """Rebuild the window from stored articles.

        Args:
            articles: Those of the last twice ``days``, in the order in which they were assigned: the words of the
                older half weigh those of the younger. All bear the story and original that they were given.

        Returns:
            How many are in the window now.
        """
        for article in articles:
            self._advance(article.published_at)
            words = _words(article, None)
            document = self._new_document(article)
            self._window.fill(document, words)
            document.story = article.story_id or story_id(article.article_id)
            document.root = article.duplicate_of or article.article_id
            self._enter(document)
            self._book.put(document.story, article, article.duplicate_of)
        return len(self._window)

    def _advance(self, now: datetime) -> None:
        for document in self._window.evict(now.timestamp()):
            members = self._members[document.story]
            members.remove(document)
            if not members:
                del self._members[document.story]
                self._book.drop(document.story)

    def _new_document(self, article: Article) -> Document:
        document = self._window.new_document(article.article_id, article.published_at.timestamp())
        document.setting = setting_of(article)
        return document

    def _enter(self, document: Document) -> None:
        self._window.add(document)
        self._members.setdefault(document.story, []).append(document)

    def _placed(self, article: Article, story: str, copy_of: str) -> Grouping:
        return Grouping(story, copy_of, self._book.put(story, article, copy_of))

    def _story_of(self, comparer: Comparer, candidates: list[Document], judged: dict[int, Likeness]) -> str:
        """Return the story that fits best, if one fits: half by its most alike member, half by all of them."""
        best, chosen = _JOIN, ""
        for story in list(dict.fromkeys(other.story for other in candidates))[:_STORIES]:
            odds = []
            for member in _witnesses(self._members[story]):
                likeness = judged.get(member.number) or comparer.compare(member)
                odds.append(event_odds(likeness))
            fit = (max(odds) + sum(max(each, _UNLIKE) for each in odds) / len(odds)) / 2
            if fit > best:
                best, chosen = fit, story
        return chosen


def _words(article: Article, tokens: Tokens | None) -> Words:
    if tokens is None:
        tokens = tokenize((article.text or article.lead)[:_MAX_CHARS])
    return read_words(tokenize(article.title), tokens)


def _witnesses(members: list[Document]) -> list[Document]:
    return members if len(members) <= _WITNESSES else [members[0], *members[1 - _WITNESSES :]]


def _original(candidates: list[Document], judged: dict[int, Likeness]) -> Document | None:
    """Return the earliest document that the new one is a copy of."""
    copies = [other for other in candidates if copy_odds(judged[other.number]) > _COPY]
    return min(copies, key=lambda other: other.number, default=None)
