"""Tags history again: entries that came since some time go through the present pipeline, marked so that no alert is raised twice.

Only the newest revision of an entry counts. Writing the same again changes nothing, so a run that was cut off is simply started
again; a small file in ``data.dir`` lets it go on where it was.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self

import msgspec
import structlog
from kafka import KafkaProducer
from kafka import errors as kafka_errors
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from marsad.clock import SystemClock
from marsad.config import KafkaSettings, Settings
from marsad.connect import producer_options
from marsad.errors import StoreError, TransientError
from marsad.records import Feed
from marsad.streams import Message, topic_name
from marsad.taxonomy import load_taxonomy
from marsad_app.cluster.brake import Brake
from marsad_app.cluster.newest import Newest
from marsad_app.cluster.tables import Table
from processors.agents.tagging import RETAG, Steps, incoming, outgoing
from processors.pipeline import PIPELINE_VERSION, Pipeline
from processors.transact import read_stream

__all__ = ["reprocess"]

_log = structlog.get_logger(__name__)
_SOURCE: Final = "entries.v1"
_BEHIND: Final = ("group",)
# What is live waits behind this much: some seconds of the grouper's work.
_MOST_WAITING: Final = 2_000
_AT_ONCE: Final = 100
_DELIVERY_S: Final = 60.0
_PAUSE_S: Final = 0.2
_MEASURE_S: Final = 1.0
_FILE: Final = "reprocess.json"

Told = Callable[[int, int], None]
"""Called now and then with the number of entries done, and of all."""


class _Kept(msgspec.Struct):
    """How far a run is that may be cut off."""

    since: datetime
    until: datetime | None
    versions: tuple[str, str]
    done: dict[int, int] = {}
    """By partition: all offsets before it are done."""


def reprocess(
    settings: Settings,
    since: datetime,
    until: datetime | None = None,
    told: Told | None = None,
    *,
    steps: Steps | None = None,
) -> int:
    """Tag again what was written to the entries' stream in a period; how many entries.

    An entry with which the pipeline fails, or whose feed was removed, is left as it is. While the grouper is behind by more than some thousand articles
    this waits, so that what is live does not wait long.

    Args:
        settings: everything that can be set.
        since: first instant, aware.
        until: instant after the last one; None for now.
        told: shows how far it is; by default a bar on the terminal.
        steps: the pipeline; by default the shipped one with ``process.topics_dir``.

    Raises:
        TransientError: the broker does not answer, or takes nothing; what is done stays done, and the same call goes on.
        StoreError: ``data.dir`` cannot be written.
    """
    version = ""
    if steps is None:
        taxonomy = load_taxonomy(settings.process.topics_dir, learned=settings.process.learned_topics)
        steps, version = Pipeline.build(taxonomy), taxonomy.version
    file = settings.data.dir / _FILE
    kept = _read(file, _Kept(since, until, (version, PIPELINE_VERSION)))
    with contextlib.ExitStack() as opened:
        feeds = Table(settings.kafka, "feeds.v1", Feed)
        feeds.start()
        opened.callback(feeds.close)
        show = told or opened.enter_context(_bar())
        brake = opened.enter_context(Brake(_gentle(settings.kafka), _BEHIND, every=_MEASURE_S))
        writer = opened.enter_context(_Writer(settings.kafka, brake))
        again = _Again(settings, kept, file, steps, feeds, writer, show)
        done = again.period()
    file.unlink(missing_ok=True)
    return done


def _gentle(settings: KafkaSettings) -> KafkaSettings:
    return settings.model_copy(update={"max_lag": min(settings.max_lag, _MOST_WAITING)})


class _Again:
    """One run."""

    def __init__(
        self,
        settings: Settings,
        kept: _Kept,
        file: Path,
        steps: Steps,
        feeds: Table[Feed],
        writer: "_Writer",
        show: Told,
    ) -> None:
        self._kafka = settings.kafka
        self._kept = kept
        self._file = file
        self._steps = steps
        self._feeds = feeds
        self._writer = writer
        self._show = show
        self._now = SystemClock().now
        self._failed = self._orphans = 0
        self._done = 0
        self._all = 0

    def period(self) -> int:
        """The whole period, and then whatever came newer in the meantime; the number of entries."""
        newest = Newest()
        newest.see(read_stream(self._kafka, _SOURCE, since=self._kept.since))
        places = newest.places(self._kept.until)
        ours = newest.ids(self._kept.until)
        self._all = len(ours)
        for partition, offsets in places.items():
            self._partition(partition, offsets)
        # A revision that a live worker has tagged before this run wrote an older one must have the last word.
        while newer := self._come_since(newest) & ours:
            self._all += len(newer)
            for partition, offsets in newest.places(None, newer).items():
                self._take(partition, offsets)
        if self._failed:
            _log.warning("entries with which the pipeline fails were left as they are", entries=self._failed)
        if self._orphans:
            _log.warning("entries whose feed was removed were left as they are", entries=self._orphans)
        return self._done - self._failed - self._orphans

    def _come_since(self, newest: Newest) -> set[str]:
        newer = set()
        for partition, end in list(newest.ends.items()):
            newer |= newest.see(read_stream(self._kafka, _SOURCE, partition, start=end))
        return newer

    def _partition(self, partition: int, offsets: Sequence[int]) -> None:
        begin = self._kept.done.get(partition, 0)
        left = [offset for offset in offsets if offset >= begin]
        self._done += len(offsets) - len(left)
        for first in range(0, len(left), _AT_ONCE * 10):
            part = left[first : first + _AT_ONCE * 10]
            self._take(partition, part)
            self._kept.done[partition] = part[-1] + 1
            _write(self._file, self._kept)

    def _take(self, partition: int, offsets: Sequence[int]) -> None:
        """Tag the entries at these offsets again; all are with the broker when it returns."""
        wanted = set(offsets)
        if not wanted:
            return
        batch: list[Message] = []
        for message in read_stream(self._kafka, _SOURCE, partition, start=min(wanted)):
            if message.offset > offsets[-1]:
                break
            if message.offset in wanted:
                batch.append(message)
            if len(batch) >= _AT_ONCE:
                self._tag(batch)
                batch = []
        self._tag(batch)

    def _tag(self, batch: Sequence[Message]) -> None:
        results = []
        for message in batch:
            item = incoming(message)
            feed = self._feeds.get(item.entry.feed_id) if item.entry is not None else None
            if item.entry is not None and feed is None:
                # Without the feed's own words, such as its outlet's name in titles, it would be cleaned in another way.
                self._orphans += 1
                continue
            result = outgoing(item, self._steps, feed, self._now())
            if result.problem:
                self._failed += 1
            else:
                results.append(msgspec.structs.replace(result.message, headers={RETAG: b"1"}))
        self._writer.write(results)
        self._done += len(batch)
        self._show(self._done, self._all)


class _Writer:
    """Writes to the grouper's stream, as fast as the grouper is.

    Args:
        settings: the broker.
        brake: asks how far the grouper is behind.
    """

    def __init__(self, settings: KafkaSettings, brake: Brake) -> None:
        self._settings = settings
        self._brake = brake
        try:
            self._producer = KafkaProducer(**producer_options(settings))
        except kafka_errors.KafkaError as error:
            raise TransientError(f"no broker at {settings.bootstrap} (kafka.bootstrap): {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(kafka_errors.KafkaError):
            self._producer.close(timeout=2.0)

    def write(self, messages: Sequence[Message]) -> None:
        """Write, and wait until all are on the broker.

        Raises:
            TransientError: they are not.
        """
        while not self._brake.may_take():
            time.sleep(_PAUSE_S)
        try:
            sent: list[Any] = [
                self._producer.send(
                    topic_name(self._settings.prefix, message.stream),
                    key=message.key.encode(),
                    value=message.value,
                    partition=message.partition,
                    headers=list(message.headers.items()),
                )
                for message in messages
            ]
            for future in sent:
                future.get(timeout=_DELIVERY_S)
        except kafka_errors.KafkaError as error:
            raise TransientError(
                f"the broker at {self._settings.bootstrap} takes nothing: {error}; run the same again to go on"
            ) from error


def _read(file: Path, fresh: _Kept) -> _Kept:
    """What an earlier run of the same period with the same versions has done; else ``fresh``."""
    try:
        kept = msgspec.json.decode(file.read_bytes(), type=_Kept)
    except (OSError, msgspec.DecodeError):
        return fresh
    same = (kept.since, kept.until, kept.versions) == (fresh.since, fresh.until, fresh.versions)
    if same and kept.done:
        _log.info("goes on where an earlier run of the same period was cut off")
    return kept if same else fresh


def _write(file: Path, kept: _Kept) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        beside = file.with_suffix(".new")
        beside.write_bytes(msgspec.json.encode(kept))
        beside.replace(file)
    except OSError as error:
        raise StoreError(f"{file}: cannot be written: {error.strerror}; set data.dir to a folder that can") from error


@contextlib.contextmanager
def _bar() -> Iterator[Told]:
    """A bar on standard error, where that is a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("tag again"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task("", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
