"""A compacted stream as a table in memory, kept up to date by a thread of its own."""

import contextlib
import gc
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Generic, NamedTuple

import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka import errors as kafka_errors

from marsad.config import KafkaSettings
from marsad.connect import consumer_options, poll
from marsad.errors import CodecError, TransientError, said
from marsad.records.codec import Record, decode
from marsad.streams import topic_name

__all__ = ["Table"]

_log = structlog.get_logger(__name__)
_POLL_MS: Final = 100
_MOST: Final = 2_000
_ASK_MS: Final = 3_000
# How often the broker is asked for the ends where nothing comes: an outage is told after this and _ASK_MS at the latest.
_CHECK_S: Final = 5.0
_AGAIN_S: Final = 1.0
# kafka-python 3.0.12 closes no socket whose connection was refused: measured without a broker, 20 more in 70 s for each client,
# until Python happens to collect them. A process may have 1,024 open.
_COLLECT_S: Final = 60.0
_CLOSE_S: Final = 3.0


class _Held(NamedTuple, Generic[Record]):
    at: int
    """Milliseconds, as the broker noted the record."""
    record: Record


_Rows = dict[int, dict[str, _Held[Record]]]
"""By partition and key."""


class Table(Generic[Record]):
    """The newest record of each key of a compacted stream. Safe to use from several threads.

    Where a key lies in two partitions (it was given another one) the record that was written last is shown, and a tombstone
    takes away only what lies in its own partition. A record that cannot be read is logged and passed over.

    Args:
        settings: the broker.
        stream: name of the stream, such as ``feeds.v1``.
        kind: type of its records.
        on_trouble: told why the stream cannot be read, and told ``""`` when it can be read again.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        stream: str,
        kind: type[Record],
        on_trouble: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._settings = settings
        self._stream = stream
        self._kind = kind
        self._on_trouble = on_trouble
        self._moved = threading.Condition()
        self._rows: _Rows[Record] = {}
        self._places: dict[TopicPartition, int] = {}
        self._sorted: tuple[Record, ...] | None = ()
        self._version = 0
        self._waiters = 0
        self._trouble = ""
        self._collected_at = time.monotonic()
        self._loaded = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"table-{stream}", daemon=True)
        self._ask_lock = threading.Lock()
        self._asker: Any = None

    @property
    def version(self) -> int:
        """Grows whenever anything has changed."""
        return self._version

    def start(self, timeout: float = 60.0) -> None:
        """Read the stream to its present end, and follow it from then on.

        Args:
            timeout: seconds.

        Raises:
            TransientError: the stream cannot be read; the table is closed.
        """
        self._thread.start()
        if not self._loaded.wait(timeout):
            self.close()
            raise TransientError(
                f"{self._stream} could not be read within {timeout:g} s: {self._trouble or 'it is long'}"
            )

    def get(self, key: str) -> Record | None:
        """The record of a key."""
        held = [row for rows in list(self._rows.values()) if (row := rows.get(key)) is not None]
        return max(held, key=_written).record if held else None

    def all(self) -> Sequence[Record]:
        """All records, by key."""
        with self._moved:
            if self._sorted is None:
                self._sorted = _newest(self._rows)
            return self._sorted

    def refresh(self, timeout: float = 10.0) -> None:
        """Wait until everything is in that was committed before the call.

        Args:
            timeout: seconds.

        Raises:
            TransientError: the stream cannot be read, or a transaction that began before is still open in it.
        """
        until = time.monotonic() + timeout
        ends = self._ends(timeout)
        with self._moved:
            self._waiters += 1
            try:
                while any(self._places.get(place, 0) < end for place, end in ends.items()):
                    left = until - time.monotonic()
                    if left <= 0 or self._stop.is_set():
                        raise TransientError(
                            f"{self._stream} is not read to its end after {timeout:g} s: "
                            f"{self._trouble or 'a writer has not ended its transaction'}"
                        )
                    self._moved.wait(left)
            finally:
                self._waiters -= 1

    def close(self) -> None:
        """End the thread; what was read stays readable."""
        self._stop.set()
        with self._moved:
            self._moved.notify_all()
        if self._thread.is_alive():
            self._thread.join(_CLOSE_S)
        with self._ask_lock, contextlib.suppress(kafka_errors.KafkaError):
            if self._asker is not None:
                self._asker.close(timeout_ms=_ASK_MS)
                self._asker = None

    def _ends(self, timeout: float) -> Mapping[TopicPartition, int]:
        """The ends of all partitions, open transactions included: a reader of committed records would be told an earlier one."""
        try:
            with self._ask_lock:
                if self._asker is None:
                    self._asker = KafkaConsumer(**_options(self._settings) | {"isolation_level": "read_uncommitted"})
                places = _places_of(self._asker, self._settings, self._stream)
                ends: Mapping[TopicPartition, int] = self._asker.end_offsets(places, timeout_ms=timeout * 1000)
                return ends
        except kafka_errors.KafkaError as error:
            raise TransientError(f"no answer from the broker about {self._stream}: {said(error)}") from error

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._follow()
            except (kafka_errors.KafkaError, TransientError) as error:
                self._tell(said(error))
            except Exception as error:  # noqa: BLE001 - a fault of ours or of the client must not leave an old table for ever
                _log.exception("table cannot be read", stream=self._stream)
                self._tell(f"{type(error).__name__}: {error}")
            self._collect()
            self._stop.wait(_AGAIN_S)

    def _follow(self) -> None:
        """Read the stream from its beginning, beside what is shown, and show it from then on."""
        consumer = KafkaConsumer(**_options(self._settings))
        try:
            places = _places_of(consumer, self._settings, self._stream)
            consumer.assign(places)
            consumer.seek_to_beginning()
            ends = consumer.end_offsets(places, timeout_ms=_ASK_MS)
            rows: _Rows[Record] = {place.partition: {} for place in places}
            while any(consumer.position(place) < end for place, end in ends.items()):
                if self._stop.is_set():
                    return
                self._put(rows, poll(consumer, _POLL_MS, _MOST))
            self._show(rows, consumer, places)
            self._tell("")
            self._loaded.set()
            self._keep_up(consumer, places)
        finally:
            with contextlib.suppress(kafka_errors.KafkaError):
                consumer.close(timeout_ms=_ASK_MS)

    def _show(self, rows: _Rows[Record], consumer: Any, places: Sequence[TopicPartition]) -> None:
        read_to = {place: consumer.position(place) for place in places}
        with self._moved:
            self._rows, self._sorted, self._places = rows, None, read_to
            self._version += 1
            self._moved.notify_all()

    def _keep_up(self, consumer: Any, places: Sequence[TopicPartition]) -> None:
        checked = time.monotonic()
        while not self._stop.is_set():
            batches = poll(consumer, _POLL_MS, _MOST)
            with self._moved:
                if batches and self._put(self._rows, batches):
                    self._sorted = None
                    self._version += 1
                waited_for = self._waiters > 0
            if batches and self._trouble:
                self._tell("")
            if waited_for:
                read_to = {place: consumer.position(place, timeout_ms=_ASK_MS) for place in places}
                with self._moved:
                    self._places = read_to
                    self._moved.notify_all()
            if not batches and time.monotonic() - checked >= _CHECK_S:
                checked = self._check(consumer, places)

    def _check(self, consumer: Any, places: Sequence[TopicPartition]) -> float:
        """Tell whether the broker answers: a poll looks the same where nothing comes and where nobody is there."""
        try:
            consumer.end_offsets(places, timeout_ms=_ASK_MS)
        except kafka_errors.KafkaError as error:
            self._tell(said(error))
            self._collect()
        else:
            self._tell("")
        return time.monotonic()

    def _collect(self) -> None:
        """Close the sockets that the client has forgotten."""
        if time.monotonic() - self._collected_at >= _COLLECT_S:
            gc.collect()
            self._collected_at = time.monotonic()

    def _put(self, rows: _Rows[Record], batches: Mapping[TopicPartition, Iterable[Any]]) -> int:
        changed = 0
        for place, batch in batches.items():
            own = rows[place.partition]
            for read in batch:
                key = (read.key or b"").decode(errors="replace")
                if read.value is None:
                    changed += own.pop(key, None) is not None
                    continue
                try:
                    own[key] = _Held(read.timestamp, decode(self._kind, read.value))
                except CodecError as error:
                    _log.error(
                        "record passed over",
                        stream=self._stream,
                        partition=place.partition,
                        offset=read.offset,
                        key=key,
                        error=str(error),
                    )
                    continue
                changed += 1
        return changed

    def _tell(self, trouble: str) -> None:
        if trouble == self._trouble:
            return
        if trouble:
            _log.warning("stream cannot be read; what was read last is used", stream=self._stream, why=trouble)
        else:
            _log.info("stream is read again", stream=self._stream)
        self._trouble = trouble
        self._on_trouble(trouble)


def _written(held: _Held[Any]) -> int:
    return held.at


def _newest(rows: _Rows[Record]) -> tuple[Record, ...]:
    newest: dict[str, _Held[Record]] = {}
    for own in rows.values():
        for key, held in own.items():
            known = newest.get(key)
            if known is None or held.at > known.at:
                newest[key] = held
    return tuple(newest[key].record for key in sorted(newest))


def _options(settings: KafkaSettings) -> dict[str, Any]:
    return consumer_options(settings) | {"bootstrap_timeout_ms": _ASK_MS}


def _places_of(consumer: Any, settings: KafkaSettings, stream: str) -> list[TopicPartition]:
    topic = topic_name(settings.prefix, stream)
    numbers = consumer.partitions_for_topic(topic)
    if not numbers:
        raise TransientError(f"{topic} is not there; `marsad cluster init` makes it")
    return [TopicPartition(topic, number) for number in sorted(numbers)]
