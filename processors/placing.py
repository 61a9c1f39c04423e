"""Puts articles into their stories, against what is known of them: merge, assign, and what is to be written. No I/O but reading.

What is decided for a batch is kept apart until it is written; only the window takes it at once, and is thrown away where that fails.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final, Protocol

import msgspec

from marsad.events import Outcome
from marsad.records import Article, Story
from marsad.records.ids import story_root
from marsad.streams import Message
from processors.article_stream import Shelved, Taken, article_message
from processors.grouping.stories import StoryBook
from processors.merge import Merged, merge
from processors.story_window import StoryWindow, retold

__all__ = ["KnownArticles", "Placing", "restored"]

_ASSIGNED: Final = frozenset({Outcome.INDEXED, Outcome.REVISED})


class KnownArticles(Protocol):
    """The articles that were written, by id."""

    def get(self, article_id: str) -> Shelved | None:
        """One article."""
        ...

    def members(self, story_id: str, *, before: int | None = None) -> Iterator[Article]:
        """The articles of a story in the order of ``placed``, or those of them that were placed before that one."""
        ...

    def story(self, story_id: str) -> Story | None:
        """A story as it was last written."""
        ...

    def recent(self, span: timedelta) -> Iterator[Shelved]:
        """In the order of ``placed``, all from the first one on that was published at most ``span`` before the newest."""
        ...

    def next_place(self) -> int:
        """One more than the highest ``placed``."""
        ...


class Placing:
    """What is decided for one batch.

    Args:
        window: takes every article at once.
        known: what was written before.
        partitions: of the stream of articles.

    Attributes:
        messages: what is to be written, in order.
    """

    def __init__(self, window: StoryWindow, known: KnownArticles, partitions: int) -> None:
        self._window = window
        self._known = known
        self._partitions = partitions
        self._next = known.next_place()
        self._shelved: dict[str, Shelved] = {}
        self._stories: dict[str, Story] = {}
        self._ended: dict[str, StoryBook] = {}
        self._turn = -1
        self.messages: list[Message] = []

    def place(self, incoming: Article, *, retag: bool = False, turn: int = -1) -> tuple[Outcome, Article]:
        """Decide on one article.

        Args:
            incoming: cleaned and tagged.
            retag: it comes from a reprocessing of history: no news, whatever has changed.
            turn: greater for each that comes later.

        Returns:
            What became of it, and the article as it is now.
        """
        self._turn = turn
        before = self._shelved.get(incoming.article_id) or self._known.get(incoming.article_id)
        if before is not None and _superseded(before, incoming, retag=retag):
            return Outcome.UNCHANGED, before.article
        merged = merge(before.article if before is not None else None, incoming, retag=retag)
        if not merged.changed:
            return merged.outcome, merged.article
        article, stories, moved = self._in_its_story(merged, before.article if before is not None else None)
        outcome = merged.outcome
        if outcome is Outcome.INDEXED and article.duplicate_of:
            outcome = Outcome.DUPLICATE
        elif outcome is Outcome.REVISED and retag:
            outcome = Outcome.RETAGGED
        self._write(article, stories, before, outcome, _with_taken(before, incoming))
        for each in moved:
            self._move(each, stories)
        return outcome, article

    def _move(self, article_id: str, stories: tuple[Story, ...]) -> None:
        """File an article under the story that was split off: no news, for it was told under the other."""
        before = self._shelved.get(article_id) or self._known.get(article_id)
        assert before is not None
        off = next(story for story in stories if story.split_from)
        others = tuple(story for story in stories if story is not off)
        edition = before.article.edition + 1
        article = msgspec.structs.replace(before.article, story_id=off.story_id, edition=edition)
        self._write(article, (off, *others), before, Outcome.UNCHANGED, before.taken)

    def _in_its_story(
        self, merged: Merged, before: Article | None
    ) -> tuple[Article, tuple[Story, ...], tuple[str, ...]]:
        """The article with its story, the stories whose record changed (its own, then others), and what moved to another."""
        article = merged.article
        if before is None or (merged.outcome in _ASSIGNED and article.article_id in self._window):
            grouping = self._window.assign(article)
            placed = msgspec.structs.replace(article, story_id=grouping.story_id, duplicate_of=grouping.duplicate_of)
            return placed, (grouping.story, *grouping.also), grouping.moved
        # Not in the window any more: it stays where its readers, its alerts and its partition know it.
        article = msgspec.structs.replace(article, story_id=before.story_id, duplicate_of=before.duplicate_of)
        amended = self._window.amend(article)
        stories = (amended.story, *amended.also) if amended is not None else (self._ended_story(article),)
        return article, stories, ()

    def _ended_story(self, article: Article) -> Story:
        """The record of a story that has no article in the window any more."""
        story_id = article.story_id
        book = self._ended.get(story_id)
        story = self._stories.get(story_id) or self._known.story(story_id)
        assert story is not None
        if book is None:
            book = self._ended[story_id] = StoryBook()
            members = {member.article_id: member for member in self._known.members(story_id)}
            pending = [each.article for each in self._shelved.values() if each.article.story_id == story_id]
            members |= {member.article_id: member for member in pending}
            retold(book, story, list(members.values()))
        told = book.put(story_id, article, article.duplicate_of)
        return msgspec.structs.replace(
            told, merged_into=story.merged_into, absorbed=story.absorbed, split_from=story.split_from
        )

    def _write(
        self,
        article: Article,
        stories: tuple[Story, ...],
        before: Shelved | None,
        outcome: Outcome,
        taken: Mapping[str, Taken],
    ) -> None:
        shelved = Shelved(article, before.placed if before is not None else self._next, taken)
        self._next += before is None
        self._shelved[article.article_id] = shelved
        self._stories.update({story.story_id: story for story in stories})
        previous = before.article if before is not None else None
        self.messages.append(article_message(shelved, stories, previous, outcome, self._partitions, turn=self._turn))


def restored(window: StoryWindow, known: KnownArticles, span: timedelta) -> StoryWindow:
    """Fill an empty window as it was when the last article was written.

    Args:
        window: the empty one.
        known: what was written.
        span: how far back, from the newest publication; the window moves with what is published, not with the clock.
    """
    first: int | None = None
    changed: set[str] = set()

    def noting() -> Iterator[Article]:
        nonlocal first
        for shelved in known.recent(span):
            first = shelved.placed if first is None else first
            if shelved.article.edition > 1:
                changed.update((shelved.article.story_id, story_root(shelved.article.story_id)))
            yield shelved.article

    def goes_on(story_id: str) -> str:
        story = known.story(story_id)
        return story.merged_into or story_id if story is not None else story_id

    window.restore(noting(), goes_on)
    for story_id in list(window.alive()):
        parts = (story_id, *window.ended_in(story_id))
        if not changed.isdisjoint(parts) or any(next(known.members(each, before=first), None) for each in parts):
            story = known.story(story_id)
            assert story is not None
            window.retell(story, [article for each in parts for article in known.members(each)])
    return window


def _superseded(before: Shelved, incoming: Article, *, retag: bool) -> bool:
    """Whether this revision, or a later one of its feed, was taken already.

    The stage before hands on again what a killed worker had in hand, and reprocessing begins with the oldest revisions: an
    earlier one must not replace a later one, nor bring it back as a further correction.
    """
    known, mark = before.taken.get(_source(incoming)), _mark(incoming)
    if not retag:
        return known is not None and mark <= known
    same_words = (incoming.title, incoming.text) == (before.article.title, before.article.text)
    return not same_words and mark < max(before.taken.values(), default=mark)


def _with_taken(before: Shelved | None, incoming: Article) -> dict[str, Taken]:
    taken = dict(before.taken) if before is not None else {}
    source, mark = _source(incoming), _mark(incoming)
    return taken | {source: max(mark, taken.get(source, mark))}


def _source(incoming: Article) -> str:
    return incoming.feed_ids[0] if incoming.feed_ids else ""


def _mark(incoming: Article) -> Taken:
    return Taken(int(incoming.first_seen_at.timestamp() * 1_000_000), incoming.revision)
