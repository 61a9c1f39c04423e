"""Group: copies of one text, and the reports of one event, online and in one pass.

Each article is compared with those of the last days that share its rarest words. One that shares nearly all its text
with an earlier one is a copy of it; one that reports the same event joins that one's story; else it begins a story.
The same articles in the same order give the same groups on every machine. Only this module keeps state between articles.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from marsad.arabic import Tokens
from marsad.records import Article, Story
from marsad.records.ids import split_story_id, story_id, story_root
from processors.grouping.features import Document, Words, read_article, setting_of
from processors.grouping.judge import Comparer, copy_odds, event_odds, told_before
from processors.grouping.split import CHECKED_AT, second_event
from processors.grouping.stories import StoryBook
from processors.grouping.window import Window

__all__ = ["Grouper", "Grouping"]

_DAY: Final = 86_400.0
_STORIES: Final = 5
"""Stories looked at closely for one article."""
_WITNESSES: Final = 10
"""Members of a story that an article is compared with: the first and the latest ones."""
_MOST_ALIKE: Final = 0.4
"""Weight of the member that an article is most alike, against the mean of all."""
_UNLIKE: Final = -3.0
"""Log odds below which a member is no less alike: one part of an affair would else outweigh the other."""
_OWN_ONLY: Final = -1.1
"""Log odds for a story that nobody told yet but the outlet itself: what it writes next is mostly the next event of an affair."""
_JOIN: Final = -0.3
_MERGE: Final = 0.5
"""Log odds from which an article that fits two stories shows that they are one."""
_MERGED: Final = 20
"""Articles of a story that is made of two, at most: what is large is a running affair, and affairs would grow into one."""
_COPY: Final = 0.0


class Grouping(msgspec.Struct, frozen=True):
    """Where an article belongs."""

    story_id: str
    """For good: an article keeps it where its story goes on in another one."""
    duplicate_of: str
    """The article that it is a copy of; empty for an original."""
    story: Story
    """The story of that id, with this article in it."""
    also: tuple[Story, ...] = ()
    """Other stories whose record goes with it: those that ended in this one, the one that this one ended in, the one that it was
    split off from or that was split off from it."""
    moved: tuple[str, ...] = ()
    """Articles that are filed under the story that was split off now, by id; not this one."""


class Grouper:
    """Groups articles in the order in which they come.

    Args:
        days: How long an article waits for others.
    """

    def __init__(self, days: float = 7) -> None:
        self._window = Window(days * _DAY)
        self._book = StoryBook()
        self._members: dict[str, list[Document]] = {}
        self._ended: dict[str, set[str]] = {}
        """The ids of the stories that ended in a story."""
        self._goes_on: dict[str, str] = {}
        """The story in which an ended one goes on."""

    def __len__(self) -> int:
        return len(self._window)

    def assign(self, article: Article, tokens: Tokens | None = None) -> Grouping:
        """Put an article into its story.

        Args:
            article: Clean and tagged. A revision of an article in the window keeps its story.
            tokens: Tokens of its text, where they are known already.
        """
        self._advance(article.published_at)
        words = read_article(article, tokens)
        known = self._window.get(article.article_id)
        if known is not None:
            known.setting = setting_of(article)
            comparer = Comparer(known, self._window.replace(known, words))
            known.before = told_before(comparer, self._window.candidates(known), self._window.reaches(known))
            copy_of = known.root if known.root != known.key else ""
            return self._placed(article, known.story, known.filed, copy_of)
        document = self._new_document(article)
        comparer, candidates = self._read(document, words)
        original = _original(candidates, comparer)
        if original is not None:
            document.root, document.story, document.filed = original.root, original.story, original.filed
        else:
            fitting = self._fitting(comparer, candidates)
            new = story_id(article.article_id)
            document.story, document.filed = (fitting[0].story, fitting[0].filed) if fitting else (new, new)
            self._merge(document, fitting)
        self._enter(document)
        copy_of = document.root if original is not None else ""
        placed = self._placed(article, document.story, document.filed, copy_of)
        second = self._second_event(document.story) if original is None else []
        return self._split(document, copy_of, second) if second else placed

    def restore(self, articles: Iterable[Article], goes_on: Callable[[str], str] = str) -> int:
        """Rebuild the window from stored articles.

        Args:
            articles: Those of the last twice ``days``, in the order in which they were assigned: the words of the
                older half weigh those of the younger. All bear the story and original that they were given.
            goes_on: The story that a story has ended in; the story itself where it has not.

        Returns:
            How many are in the window now.
        """
        stories = _Lookup(goes_on)
        for article in articles:
            self._advance(article.published_at)
            document = self._new_document(article)
            self._read(document, read_article(article))
            document.filed = article.story_id or story_id(article.article_id)
            document.story = stories[document.filed]
            document.root = article.duplicate_of or article.article_id
            if document.story != document.filed:
                self._end((document.filed,), document.story)
            self._enter(document)
            self._book.put(document.story, article, article.duplicate_of)
        return len(self._window)

    def _advance(self, now: datetime) -> None:
        for document in self._window.evict(now.timestamp()):
            members = self._members[document.story]
            members.remove(document)
            if not members:
                del self._members[document.story]
                for ended in self._ended.pop(document.story, ()):
                    del self._goes_on[ended]
                self._book.drop(document.story)

    def _end(self, stories: Iterable[str], goes_on: str) -> None:
        for story in stories:
            self._ended.setdefault(goes_on, set()).add(story)
            self._goes_on[story] = goes_on

    def _new_document(self, article: Article) -> Document:
        document = self._window.new_document(article.article_id, article.published_at.timestamp())
        document.setting = setting_of(article)
        return document

    def _read(self, document: Document, words: Words) -> tuple[Comparer, list[Document]]:
        """Give a document that is not in the window its words; what compares it, and those that it may go with."""
        comparer = Comparer(document, self._window.fill(document, words))
        candidates = self._window.candidates(document)
        document.before = told_before(comparer, candidates, self._window.reaches(document))
        return comparer, candidates

    def _enter(self, document: Document) -> None:
        self._window.add(document)
        self._members.setdefault(document.story, []).append(document)

    def _placed(self, article: Article, story: str, filed: str, copy_of: str) -> Grouping:
        self._book.put(story, article, copy_of)
        return self._told(story, filed, copy_of)

    def _told(self, story: str, filed: str, copy_of: str) -> Grouping:
        # All of them each time: a compacted stream keeps the last message of an article only.
        halves = (
            each for each in (story_root(story), split_story_id(story)) if each != story and each in self._members
        )
        records = {name: record for each in (story, *halves) for name, record in self._records(each).items()}
        own = records.pop(filed)
        return Grouping(filed, copy_of, own, tuple(records.values()))

    def _records(self, story: str) -> dict[str, Story]:
        """The record of a story in the window, and of those that ended in it."""
        ended = sorted(self._ended.get(story, ()))
        root = story_root(story)
        record = msgspec.structs.replace(
            self._book.record(story), absorbed=tuple(ended), split_from=root if root != story else ""
        )
        return {each: _ending(each, record) for each in ended} | {story: record}

    def _second_event(self, story: str) -> list[Document]:
        """The articles of a story that tell another event; only of one that is whole in the window and was neither merged nor split."""
        members = self._members[story]
        alone = story not in self._ended and story_root(story) == story and split_story_id(story) not in self._members
        if len(members) not in CHECKED_AT or not alone or self._book.size(story) != len(members):
            return []
        comparers = {each.number: Comparer(each, self._window.rarities(each.lead)) for each in members[1:]}
        return second_event(members, lambda one, other: event_odds(comparers[other.number].compare(one, texts=False)))

    def _split(self, document: Document, copy_of: str, second: list[Document]) -> Grouping:
        story = document.story
        off = split_story_id(story)
        keys = {each.key for each in second}
        self._members[story] = [each for each in self._members[story] if each.key not in keys]
        self._members[off] = second
        for each in second:
            each.story = each.filed = off
        self._book.split(story, off, keys)
        told = self._told(document.story, document.filed, copy_of)
        return msgspec.structs.replace(told, moved=tuple(each.key for each in second if each is not document))

    def _fitting(self, comparer: Comparer, candidates: list[Document]) -> list["_Fitting"]:
        """Return the stories that fit, best first: by their most alike member and by all of them."""
        found = []
        for story in list(dict.fromkeys(other.story for other in candidates))[:_STORIES]:
            witnesses = _witnesses(self._members[story])
            members = _texts(witnesses)
            odds = [event_odds(comparer.compare(member, texts=False)) for member in members]
            most = max(odds)
            fit = _MOST_ALIKE * most + (1 - _MOST_ALIKE) * sum(max(each, _UNLIKE) for each in odds) / len(odds)
            fit += _OWN_ONLY * comparer.only_of_its_outlet(witnesses)
            if fit > _JOIN:
                found.append(_Fitting(fit, story, members[odds.index(most)].filed))
        return sorted(found, key=lambda each: -each.odds)

    def _merge(self, document: Document, fitting: list["_Fitting"]) -> None:
        """Let the stories that an article fits well go on in the oldest of them."""
        for fit, other, _ in fitting[1:]:
            one = document.story
            if (
                fit <= _MERGE
                or story_root(one) == story_root(other)
                or self._book.size(one) + self._book.size(other) >= _MERGED
            ):
                continue
            older, ended = sorted((one, other), key=lambda story: self._members[story][0].number)
            members = [*self._members[older], *self._members.pop(ended)]
            for member in members:
                member.story = older
            self._members[older] = sorted(members, key=lambda member: member.number)
            self._end((ended, *self._ended.pop(ended, ())), older)
            self._book.merge(older, ended)
            document.story = older


class _Fitting(NamedTuple):
    """A story that an article fits, and the id under which the most alike of its articles is filed."""

    odds: float
    story: str
    filed: str


class _Lookup(dict[str, str]):
    """Asks once for each story."""

    def __init__(self, goes_on: Callable[[str], str]) -> None:
        super().__init__()
        self._goes_on = goes_on

    def __missing__(self, story: str) -> str:
        self[story] = self._goes_on(story)
        return self[story]


def _ending(story_id: str, goes_on: Story) -> Story:
    """The record of a story that ended in another: what that has become, under its own id."""
    return msgspec.structs.replace(goes_on, story_id=story_id, merged_into=goes_on.story_id)


def _witnesses(members: list[Document]) -> list[Document]:
    return members if len(members) <= _WITNESSES else [members[0], *members[1 - _WITNESSES :]]


def _texts(witnesses: list[Document]) -> list[Document]:
    """Those that say something of their own: a copy beside its original would count it twice."""
    keys = {each.key for each in witnesses}
    return [each for each in witnesses if each.root == each.key or each.root not in keys]


def _original(candidates: list[Document], comparer: Comparer) -> Document | None:
    """Return the document published first of those that the new one is a copy of."""
    copies = [other for other in candidates if comparer.may_copy(other) and copy_odds(comparer.compare(other)) > _COPY]
    return min(copies, key=lambda other: (other.at, other.number), default=None)
