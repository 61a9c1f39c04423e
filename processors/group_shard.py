"""Group, on streams: the tagged articles of one partition, each into its story; all of a batch and its place, or nothing."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Protocol

import msgspec
import structlog

from marsad.clock import Clock
from marsad.errors import CodecError, MarsadError
from marsad.events import EventSink, ItemOutcome, Outcome
from marsad.ports import Journal
from marsad.records import Article, decode, encode
from marsad.streams import Message, refused
from processors.placing import KnownArticles, Placing, restored
from processors.story_window import StoryWindow

__all__ = ["RETAG", "GroupShard", "Shelf"]

_log = structlog.get_logger(__name__)

RETAG = "retag"
"""Header of what comes from a reprocessing of history."""


class Shelf(KnownArticles, Protocol):
    """The articles that were written: a mirror of the stage's own output, up to date when it is given."""

    def put(self, written: Sequence[Message]) -> None:
        """Take in what was just committed, with its partitions and offsets."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class GroupShard:
    """The handler of a partition of the tagged articles.

    Args:
        journal: of that partition.
        shelf: what was written before; closed with the shard.
        make_window: makes an empty window of stories.
        clock: the time.
        events: takes outcomes.
        partitions: of the stream of articles.
        group_days: days of the story window.
    """

    def __init__(
        self,
        journal: Journal,
        shelf: Shelf,
        make_window: Callable[[], StoryWindow],
        clock: Clock,
        events: EventSink,
        *,
        partitions: int,
        group_days: float,
    ) -> None:
        self._journal = journal
        self._shelf = shelf
        self._make_window = make_window
        self._clock = clock
        self._events = events
        self._partitions = partitions
        # Twice the days: how rare words are, which weighs those in the window, rests on what came before them as well.
        self._span = timedelta(days=2 * group_days)
        self._window: StoryWindow | None = restored(make_window(), shelf, self._span)

    def take(self, batch: Sequence[Message]) -> None:
        """Group a batch; where that fails for a fault of one article, each is taken alone and that one goes to quarantine.

        Raises:
            FencedError: another process owns the partition.
            TransientError: it is not known whether the batch was written.
            StoreError: the shelf cannot be written; the batch is, and the next shard reads it from the stream.
        """
        try:
            written, outcomes = self._commit(batch)
        except MarsadError:
            raise
        except Exception as error:  # noqa: BLE001 - a fault of ours, met by one of them: found by taking each alone
            _log.warning("a batch failed, its articles go one by one", error=f"{type(error).__name__}: {error}")
            for message in batch:
                self._alone(message)
        else:
            self._settle(written, outcomes)

    def tick(self) -> int:
        """Nothing waits for time here."""
        return 0

    def close(self) -> None:
        """Let go of the window and the shelf."""
        self._window = None
        self._shelf.close()

    def _alone(self, message: Message) -> None:
        try:
            written, outcomes = self._commit([message])
        except MarsadError:
            raise
        except Exception as error:  # noqa: BLE001 - it is this one: kept with the reason
            _log.exception("grouping failed on an article", article=message.key)
            item, outcome = self._quarantined(message, f"{type(error).__name__}: {error}")
            self._journal.commit([item], upto=message.offset + 1)
            written, outcomes = [], [outcome]
        self._settle(written, outcomes)

    def _commit(self, batch: Sequence[Message]) -> tuple[Sequence[Message], Sequence[ItemOutcome]]:
        """Write what the batch comes to: the messages as they are on their streams, and the outcomes."""
        try:
            if self._window is None:
                self._window = restored(self._make_window(), self._shelf, self._span)
            placing = Placing(self._window, self._shelf, self._partitions)
            refused: list[Message] = []
            outcomes = [self._outcome(placing, message, refused) for message in batch]
            offsets = self._journal.commit([*placing.messages, *refused], upto=batch[-1].offset + 1)
        except BaseException:
            # The window has taken articles that were not written: it is built anew from those that were.
            self._window = None
            raise
        numbered = zip(placing.messages, offsets, strict=False)
        return [msgspec.structs.replace(message, offset=offset) for message, offset in numbered], outcomes

    def _settle(self, written: Sequence[Message], outcomes: Sequence[ItemOutcome]) -> None:
        self._shelf.put(written)
        for outcome in outcomes:
            self._events.emit(outcome)

    def _outcome(self, placing: Placing, message: Message, refused: list[Message]) -> ItemOutcome:
        try:
            incoming = decode(Article, message.value or b"")
        except CodecError as error:
            item, told = self._quarantined(message, str(error))
            refused.append(item)
            return told
        outcome, article = placing.place(incoming, retag=message.headers.get(RETAG) == b"1", turn=message.offset)
        return ItemOutcome(
            entry_id=article.article_id,
            outcome=outcome,
            title=article.title,
            topics=tuple(topic.id for topic in article.topics),
            reason=f"copy of {article.duplicate_of}" if outcome is Outcome.DUPLICATE else "",
        )

    def _quarantined(self, message: Message, reason: str) -> tuple[Message, ItemOutcome]:
        item = refused(message, "group", reason, self._clock.now())
        told = ItemOutcome(entry_id=message.key, outcome=Outcome.QUARANTINED, reason=reason)
        return Message(stream="quarantine.v1", key=item.id, value=encode(item)), told
