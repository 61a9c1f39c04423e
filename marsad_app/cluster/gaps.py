"""Looks into the offsets that a service never took: markers of transactions and removed records if all is well.

A consumer that passes a record over says nothing; its place simply moves. So every hole in the offsets that were taken is read
again by a reader that has no part in the service's group. A committed record in a hole was skipped: that is told and stays in
the service's health.
"""

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, Protocol

import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka import errors as kafka_errors

from marsad.clock import Clock
from marsad.config import KafkaSettings
from marsad.connect import consumer_options, poll
from marsad.errors import TransientError, said
from marsad.progress import Hole, Progress
from marsad.streams import topic_name

__all__ = ["Audit", "CommittedReader", "Reader", "found_in", "merged"]

_log = structlog.get_logger(__name__)

_NEAR: Final = 200
_LONGEST: Final = 5_000
_EVERY_S: Final = 5.0
# A tenth of a processor at most.
_BUDGET_S: Final = 0.5
_MOST_PENDING: Final = 20_000
_TOLD_AT_ONCE: Final = 10
_FETCH: Final = 131_072
_ANSWER_S: Final = 10.0
_BOOTSTRAP_MS: Final = 10_000
# Above the session's ten seconds, which the client insists on.
_REQUEST_MS: Final = 11_000
_BROKER: Final = "broker"

Place = tuple[str, int]
_ALWAYS_THERE: Final[Place] = ("entries.v1", 0)
# Rounds without a partition after which a service stands by: half a minute.
_STANDS_BY: Final = 6


class Reader(Protocol):
    """Reads a stream from outside the service's group. Every call may raise ``TransientError``."""

    def offsets(self, place: Place, first: int, until: int) -> Iterator[int]:
        """Offsets of the committed records from ``first`` to before ``until``, in order."""
        ...

    def ends(self, places: Sequence[Place]) -> dict[Place, int]:
        """The offset after the last one that a reader of committed records can see."""
        ...

    def close(self) -> None:
        """Let go of the broker."""
        ...


def merged(holes: Iterable[Hole], near: int = _NEAR, longest: int = _LONGEST) -> list[list[Hole]]:
    """Holes of one partition that lie near each other, to be read in one go; by stream, partition and offset.

    Args:
        holes: in any order; those of one partition do not overlap.
        near: offsets between two holes up to which one reading is cheaper than two.
        longest: offsets of one reading, so that it ends in time; a single hole may be longer.
    """
    runs: list[list[Hole]] = []
    for hole in sorted(set(holes), key=lambda hole: (hole.stream, hole.partition, hole.first, hole.until)):
        last = runs[-1][-1] if runs else None
        same = last is not None and (last.stream, last.partition) == (hole.stream, hole.partition)
        if last and same and hole.first - last.until <= near and hole.until - runs[-1][0].first <= longest:
            runs[-1].append(hole)
        else:
            runs.append([hole])
    return runs


def found_in(run: Sequence[Hole], reader: Reader) -> list[Hole]:
    """The holes of a run in which committed records are, each cut down to its first and last one."""
    place, until = (run[0].stream, run[0].partition), max(hole.until for hole in run)
    seen: dict[int, tuple[int, int]] = {}
    number = 0
    for offset in reader.offsets(place, run[0].first, until):
        while number < len(run) and run[number].until <= offset:
            number += 1
        if number < len(run) and run[number].first <= offset:
            seen[number] = (seen.get(number, (offset, offset))[0], offset)
    return [Hole(place[0], place[1], first, last + 1) for first, last in seen.values()]


class Audit:
    """Looks into holes every few seconds, in a thread of its own, and asks how far the partitions reach.

    The ends come from here too because a service that hangs hears of nothing new.

    Args:
        progress: of the service.
        open_reader: makes the reader, in the audit's thread.
        clock: the time.
    """

    def __init__(self, progress: Progress, open_reader: Callable[[], Reader], clock: Clock) -> None:
        self._progress = progress
        self._open_reader = open_reader
        self._clock = clock
        self._reader: Reader | None = None
        self._pending: deque[Hole] = deque()
        self._still: dict[Place, int] = {}
        self._empty = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="marsad-audit", daemon=True)
        self.looked_into = 0
        """Holes that were read again."""
        self.left_out = 0
        """Holes that there was no time to read: more came than a tenth of a processor can look into."""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End; a reading under way is not waited for longer than a second."""
        self._done.set()
        self._thread.join(1.0)

    def look(self) -> None:
        """One round; what there is no time for is left for the next.

        Raises:
            TransientError: the broker cannot be asked; nothing is lost.
        """
        self._pending.extend(self._progress.take_holes())
        while len(self._pending) > _MOST_PENDING:
            self._pending.popleft()
            self.left_out += 1
        self._empty = 0 if self._progress.positions() else self._empty + 1
        if self._reader is None and (self._pending or self._progress.positions() or self._empty >= _STANDS_BY):
            self._reader = self._open_reader()
        if self._reader is not None:
            self._ends(self._reader)
            self._holes(self._reader)

    def _ends(self, reader: Reader) -> None:
        positions = self._progress.positions()
        if not positions:
            # One that stands by for others hears of an outage only if it asks.
            reader.ends([_ALWAYS_THERE])
            return
        still, self._still = self._still, {place: position.offset for place, position in positions.items()}
        for place, end in reader.ends(list(positions)).items():
            offset = positions[place].offset
            self._progress.heard(*place, end)
            # Only markers between the place and the end: nothing that could be taken waits there.
            if still.get(place) == offset < end and next(reader.offsets(place, offset, end), None) is None:
                self._progress.heard(*place, end, position=end)

    def _holes(self, reader: Reader) -> None:
        until = self._clock.monotonic() + _BUDGET_S
        runs = deque(merged(self._pending))
        told = 0
        try:
            while runs and self._clock.monotonic() < until:
                for hole in found_in(runs[0], reader):
                    self._progress.found_skipped(hole)
                    told += 1
                    if told <= _TOLD_AT_ONCE:
                        self._tell(hole)
                self.looked_into += len(runs.popleft())
        finally:
            self._pending = deque(hole for run in runs for hole in run)
        if told > _TOLD_AT_ONCE:
            _log.error("records were passed over, in more places than are named", more=told - _TOLD_AT_ONCE)

    def _tell(self, hole: Hole) -> None:
        _log.error(
            "records were passed over", stream=hole.stream, partition=hole.partition, first=hole.first, until=hole.until
        )

    def _run(self) -> None:
        while not self._done.wait(_EVERY_S):
            try:
                self.look()
                self._progress.waits(_BROKER)
            except TransientError as error:
                # The service's own client goes on in silence while the broker is away.
                self._progress.waits(_BROKER, str(error))
                self._drop_reader()
            except Exception:  # noqa: BLE001 - a fault of the audit must not end it in silence
                _log.exception("the audit of offsets failed; it goes on")
                self._drop_reader()
        self._drop_reader()

    def _drop_reader(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None


class CommittedReader:
    """Reads committed records by offset, without a consumer group. Used by one thread.

    Args:
        settings: the broker.
        clock: the time.

    Raises:
        TransientError: no broker answers.
    """

    def __init__(self, settings: KafkaSettings, clock: Clock) -> None:
        self._prefix = settings.prefix
        self._clock = clock
        options = consumer_options(settings) | {
            "max_partition_fetch_bytes": _FETCH,
            "fetch_max_bytes": _FETCH,
            "bootstrap_timeout_ms": _BOOTSTRAP_MS,
            "request_timeout_ms": _REQUEST_MS,
        }
        with _as_transient(f"no broker answers at {settings.bootstrap}"):
            self._consumer = KafkaConsumer(**options)

    def offsets(self, place: Place, first: int, until: int) -> Iterator[int]:
        """Offsets of the committed records from ``first`` to before ``until``, in order.

        Raises:
            TransientError: the broker did not answer in time.
        """
        where = TopicPartition(topic_name(self._prefix, place[0]), place[1])
        with _as_transient(f"{where.topic} {where.partition} cannot be read"):
            self._consumer.assign([where])
            first = max(first, self._consumer.beginning_offsets([where])[where])
            until = min(until, self._consumer.end_offsets([where])[where])
            self._consumer.seek(where, first)
            deadline = self._clock.monotonic() + _ANSWER_S
            while first < until:
                for record in poll(self._consumer, 200, 1_000).get(where, ()):
                    if record.offset >= until:
                        return
                    yield record.offset
                place_now = self._consumer.position(where, timeout_ms=1_000)
                if place_now is not None and place_now > first:
                    first, deadline = place_now, self._clock.monotonic() + _ANSWER_S
                elif self._clock.monotonic() > deadline:
                    raise TransientError(f"{where.topic} {where.partition} gives nothing at {first}")

    def ends(self, places: Sequence[Place]) -> dict[Place, int]:
        """The offset after the last one that a reader of committed records can see.

        Raises:
            TransientError: the broker did not answer in time.
        """
        names = {
            TopicPartition(topic_name(self._prefix, stream), number): (stream, number) for stream, number in places
        }
        with _as_transient("the ends of the streams cannot be asked"):
            return {names[where]: int(end) for where, end in self._consumer.end_offsets(list(names)).items()}

    def close(self) -> None:
        """Let go of the broker."""
        with contextlib.suppress(kafka_errors.KafkaError):
            self._consumer.close()


@contextlib.contextmanager
def _as_transient(what: str) -> Iterator[None]:
    try:
        yield
    except kafka_errors.KafkaError as error:
        raise TransientError(f"{what}: {said(error)}") from error
