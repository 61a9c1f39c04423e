"""Group, on streams: merge with what is known, decide the story, write the article; all of a batch or nothing."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

import msgspec
import structlog

from marsad.clock import Clock
from marsad.errors import CodecError, FencedError, TransientError
from marsad.events import EventSink, ItemOutcome, Outcome
from marsad.ports import Journal
from marsad.records import Article, Quarantined, decode, encode
from marsad.records.ids import quarantine_id
from marsad.streams import Message, partition_of
from processors.group import Grouper
from processors.merge import merge

__all__ = ["GroupShard", "Shelf", "Shelved"]

_log = structlog.get_logger(__name__)
_ARTICLES: Final = "articles.v1"


class Shelved(msgspec.Struct, frozen=True):
    """An article as it was last written."""

    article: Article
    placed: int
    """Its place in the order in which articles were first given a story."""
    partition: int
    offset: int


class Shelf(Protocol):
    """The articles that were written, by id: a mirror of the stage's own output."""

    def get(self, article_id: str) -> Shelved | None:
        """One article."""
        ...

    def put(self, written: Sequence[Shelved]) -> None:
        """Take in what was just written and committed."""
        ...

    def next_place(self) -> int:
        """One more than the highest ``placed``."""
        ...

    def latest(self) -> datetime | None:
        """When the newest article was published; None where there is none."""
        ...

    def since(self, instant: datetime) -> Iterator[Article]:
        """Articles first seen from then on, in the order of ``placed``."""
        ...


class _Plan:
    """What one transaction is going to write."""

    def __init__(self, next_place: int) -> None:
        self.next_place = next_place
        self.messages: list[Message] = []
        self.shelved: dict[str, tuple[int, Shelved]] = {}
        """By article: where its message is in ``messages``, and what goes on the shelf."""
        self.outcomes: list[ItemOutcome] = []


class GroupShard:
    """The handler of a partition of the tagged articles.

    Args:
        journal: of that partition.
        shelf: what was written before.
        make_grouper: makes an empty window of stories.
        clock: the time.
        events: takes outcomes.
        partitions: of the stream of articles.
        group_days: days of the story window.
    """

    def __init__(
        self,
        journal: Journal,
        shelf: Shelf,
        make_grouper: Callable[[], Grouper],
        clock: Clock,
        events: EventSink,
        *,
        partitions: int,
        group_days: int,
    ) -> None:
        self._journal = journal
        self._shelf = shelf
        self._make_grouper = make_grouper
        self._clock = clock
        self._events = events
        self._partitions = partitions
        # Twice the days: how rare words are, which weighs those in the window, rests on what came before them as well.
        self._kept = timedelta(days=2 * group_days)
        self._grouper: Grouper | None = None
        self._window()

    def take(self, batch: Sequence[Message]) -> None:
        """Group a batch; where that fails for a fault of one article, each is taken alone and that one goes to quarantine.

        Raises:
            FencedError: another process owns the partition.
            TransientError: it is not known whether the batch was written.
        """
        try:
            self._through(batch)
        except (FencedError, TransientError):
            raise
        except Exception as error:  # noqa: BLE001 - a fault of ours, met by one of them: found by taking each alone
            _log.warning("a batch failed, its articles go one by one", error=f"{type(error).__name__}: {error}")
            for message in batch:
                self._alone(message)

    def tick(self) -> int:
        """Nothing waits for time here."""
        return 0

    def close(self) -> None:
        """Let the window go."""
        self._grouper = None

    def _alone(self, message: Message) -> None:
        try:
            self._through([message])
        except (FencedError, TransientError):
            raise
        except Exception as error:  # noqa: BLE001 - it is this one: kept with the reason
            _log.exception("grouping failed on an article", article=message.key)
            self._journal.commit(
                [self._quarantined(message, f"{type(error).__name__}: {error}")], upto=message.offset + 1
            )
            self._events.emit(ItemOutcome(entry_id=message.key, outcome=Outcome.QUARANTINED, reason=str(error)))

    def _through(self, batch: Sequence[Message]) -> None:
        plan = _Plan(self._shelf.next_place())
        try:
            for message in batch:
                self._plan(plan, message)
            offsets = self._journal.commit(plan.messages, upto=batch[-1].offset + 1)
            self._shelf.put(
                [msgspec.structs.replace(shelved, offset=offsets[at]) for at, shelved in plan.shelved.values()]
            )
        except BaseException:
            # The window has taken articles that were not written: it is built anew from those that were.
            self._grouper = None
            raise
        for outcome in plan.outcomes:
            self._events.emit(outcome)

    def _plan(self, plan: _Plan, message: Message) -> None:
        try:
            incoming = decode(Article, message.value or b"")
        except CodecError as error:
            plan.messages.append(self._quarantined(message, str(error)))
            plan.outcomes.append(ItemOutcome(entry_id=message.key, outcome=Outcome.QUARANTINED, reason=str(error)))
            return
        here = plan.shelved.get(incoming.article_id)
        known = here[1] if here else self._shelf.get(incoming.article_id)
        stored = known.article if known else None
        merged = merge(stored, incoming, retag=message.headers.get("retag") == b"1")
        outcome, article = merged.outcome, merged.article
        headers: dict[str, bytes] = {}
        if outcome in {Outcome.INDEXED, Outcome.REVISED}:
            grouping = self._window().assign(article)
            article = msgspec.structs.replace(article, story_id=grouping.story_id, duplicate_of=grouping.duplicate_of)
            headers["story"] = encode(grouping.story)
            if outcome is Outcome.INDEXED and article.duplicate_of:
                outcome = Outcome.DUPLICATE
        if merged.changed:
            self._write(plan, article, outcome, known, headers)
        plan.outcomes.append(
            ItemOutcome(
                entry_id=article.article_id,
                outcome=outcome,
                title=article.title,
                topics=tuple(topic.id for topic in article.topics),
                reason=f"copy of {article.duplicate_of}" if outcome is Outcome.DUPLICATE else "",
            )
        )

    def _write(
        self, plan: _Plan, article: Article, outcome: Outcome, known: Shelved | None, headers: Mapping[str, bytes]
    ) -> None:
        placed = known.placed if known else plan.next_place
        plan.next_place += known is None
        partition = partition_of(article.story_id, self._partitions)
        told = {**headers, "outcome": outcome.value.encode(), "placed": str(placed).encode()}
        if known is not None:
            told["previous"] = encode(known.article)
            if known.partition != partition:
                # It has gone to another story: what its old partition keeps of it for ever would be out of date.
                plan.messages.append(
                    Message(stream=_ARTICLES, key=article.article_id, value=None, partition=known.partition)
                )
        plan.shelved[article.article_id] = (len(plan.messages), Shelved(article, placed, partition, -1))
        plan.messages.append(
            Message(stream=_ARTICLES, key=article.article_id, value=encode(article), partition=partition, headers=told)
        )

    def _window(self) -> Grouper:
        if self._grouper is None:
            grouper = self._make_grouper()
            # The window moves with what is published, not with the clock: a backlog finds it as it was.
            latest = self._shelf.latest()
            if latest is not None:
                grouper.restore(self._shelf.since(latest - self._kept))
            self._grouper = grouper
        return self._grouper

    def _quarantined(self, message: Message, reason: str) -> Message:
        item = Quarantined(
            id=quarantine_id("group", message.key, reason),
            stage="group",
            key=message.key,
            reason=reason,
            payload=message.value or b"",
            at=self._clock.now(),
        )
        return Message(stream="quarantine.v1", key=item.id, value=encode(item))
