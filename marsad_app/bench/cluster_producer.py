"""Entries a second into the broker: the poller's ledger against a bare loop of ``KafkaProducer.send`` with the same records."""

import contextlib
import itertools
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from msgspec.structs import replace

from marsad.clock import SystemClock
from marsad.config import KafkaSettings, eval_data_dir, test_servers
from marsad.records import Entry, Feed, FeedState, Health, Seen
from marsad.records.codec import encode
from marsad.records.ids import digest, feed_id
from marsad.streams import partition_of
from marsad_app.bench.corpus import documents, entry_of
from marsad_app.bench.servers import servers
from marsad_app.bench.speed import Row
from marsad_app.cluster.baseline import BareSender, passing_streams
from processors.transact import TransactionalJournal
from producers.bunched import MOST
from producers.politeness import site_of
from producers.sharding import Placement
from producers.to_kafka import ShardLedger
from producers.visit import STORING

__all__ = ["producing"]

_POLL = 32
_TURN = 8192
_WARM = 2
_GOAL = 0.8
# One of two pollers.
_SHARDS = 2


class _Feeds:
    """A table of feeds that stays as it is."""

    version = 1

    def __init__(self, count: int, shards: int) -> None:
        every = (f"http://f{number}.invalid/rss" for number in itertools.count())
        urls = itertools.islice((url for url in every if partition_of(site_of(url), shards) < _SHARDS), count)
        self._feeds = [Feed(id=feed_id(url), url=url, title="", outlet="") for url in urls]

    def all(self) -> Sequence[Feed]:
        """All feeds."""
        return self._feeds

    def get(self, key: str) -> Feed | None:
        """One feed."""
        return next((feed for feed in self._feeds if feed.id == key), None)

    def refresh(self, timeout: float = 0.0) -> None:
        """Nothing."""


class _Ledger:
    """Polls that end at once, each with some entries and a state that remembers a hundred, committed as ``producers.visit`` does."""

    def __init__(self, settings: KafkaSettings, feeds: _Feeds) -> None:
        placement = Placement(feeds, settings.partitions)
        self._ledger = ShardLedger(placement, SystemClock())
        self._journals = [TransactionalJournal(settings, "poll", "feed-states.v1", shard) for shard in range(_SHARDS)]
        for journal in self._journals:
            self._ledger.open(journal)
        self._pool = ThreadPoolExecutor(STORING)
        seen = {digest(str(n)): Seen("0" * 16, digest(str(n)), 1, n) for n in range(100)}
        now = SystemClock().now()
        self._states = {
            feed.id: FeedState(feed_id=feed.id, next_poll_at=now, last_poll_at=now, health=Health.OK, seen=seen)
            for feed in feeds.all()
        }

    def take(self, entries: Sequence[Entry]) -> None:
        """Commit the entries, each feed's in one poll."""
        polls = [entries[at : at + _POLL] for at in range(0, len(entries), _POLL)]
        list(self._pool.map(self._commit, [polls[at : at + MOST] for at in range(0, len(polls), MOST)]))

    def records(self, entries: Sequence[Entry]) -> Iterator[tuple[str, str, Entry | FeedState]]:
        """What committing them writes: the state of each poll and its entries, with stream and key."""
        for at in range(0, len(entries), _POLL):
            state = self._states[entries[at].feed_id]
            yield "feed-states.v1", state.feed_id, state
            for entry in entries[at : at + _POLL]:
                yield "entries.v1", entry.article_id, entry

    def _commit(self, polls: Sequence[Sequence[Entry]]) -> None:
        states = [self._states[entries[0].feed_id] for entries in polls]
        for state in states:
            self._ledger.state(state.feed_id)
        for error in self._ledger.commit_polls(list(zip(states, polls, strict=True))):
            if error is not None:
                raise error

    def close(self) -> None:
        """Let go."""
        self._pool.shutdown()
        for journal in self._journals:
            journal.close()


def producing(data: Path, settings: KafkaSettings, count: int = 131_072) -> list[Row]:
    """The ratio of both, with article pages and without; both in turn, so that what else the machine does falls on both.

    Args:
        data: folder of the corpus.
        settings: a broker on which streams under a new prefix may be made.
        count: entries.
    """
    rows: list[Row] = []
    for page, label in ((True, "with article pages"), (False, "feed text only")):
        with passing_streams(settings) as fresh:
            rows += _rows(data, fresh, count, page=page, label=label)
    return rows


def _rows(data: Path, settings: KafkaSettings, count: int, *, page: bool, label: str) -> list[Row]:
    feeds = _Feeds(count // _POLL, settings.partitions)
    ids = [feed.id for feed in feeds.all()]
    corpus = itertools.islice(itertools.cycle(documents(data, count)), count // _POLL * _POLL)
    entries = [
        replace(entry_of(document, number, page=page), feed_id=ids[number // _POLL])
        for number, document in enumerate(corpus)
    ]
    ledger, bare = _Ledger(settings, feeds), BareSender(settings)
    spent = (_Spent(), _Spent())
    try:
        for turn, at in enumerate(range(0, len(entries), _TURN)):
            for which in (0, 1) if turn % 2 else (1, 0):
                # The first turns open connections and fill caches.
                with spent[which].taken(counts=turn >= _WARM):
                    if which:
                        bare.send(ledger.records(entries[at : at + _TURN]))
                    else:
                        ledger.take(entries[at : at + _TURN])
    finally:
        ledger.close()
        bare.close()
    ours, theirs = spent
    counted = len(entries) - _WARM * _TURN
    size = sum(len(encode(entry)) for entry in entries) // len(entries)
    detail = (
        f"{counted / ours.seconds:.0f} entries/s committed with their states, {counted / theirs.seconds:.0f} bare; "
        f"{size} bytes each, {_POLL} in a poll, {MOST} polls in a trip, {_SHARDS} of {settings.partitions} shards"
    )
    name = f"producer, {label}: ratio to a bare loop"
    return [
        Row(name, theirs.seconds / ours.seconds, _GOAL, detail=detail),
        Row(f"{name}, by processor time", theirs.cpu / ours.cpu, _GOAL),
    ]


class _Spent:
    """Seconds by the clock and of the processor that one of both has taken."""

    def __init__(self) -> None:
        self.seconds = self.cpu = 0.0

    @contextlib.contextmanager
    def taken(self, *, counts: bool) -> Iterator[None]:
        """One turn."""
        began, cpu = time.perf_counter(), time.process_time()
        yield
        if counts:
            self.seconds += time.perf_counter() - began
            self.cpu += time.process_time() - cpu


def main() -> None:
    """Take the figures on the broker of the tests, or on one of its own."""
    bootstrap = test_servers()[0]
    with contextlib.ExitStack() as opened:
        if not bootstrap:
            bootstrap = opened.enter_context(servers(elastic=False))[0].address
        for row in producing(eval_data_dir(), KafkaSettings(bootstrap=bootstrap)):
            sys.stdout.write(f"{row.measure}: {row.value:.2f} (goal {row.target:g}); {row.detail}\n")


if __name__ == "__main__":
    main()
