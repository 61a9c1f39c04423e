"""How far each stage is behind its input, as the broker knows it."""

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self

import msgspec
from kafka import IsolationLevel, KafkaAdminClient, TopicPartition
from kafka import errors as kafka_errors
from kafka.admin import OffsetSpec

from marsad.clock import Clock
from marsad.config import KafkaSettings
from marsad.connect import kafka_options
from marsad.errors import TransientError, said
from marsad.streams import topic_name
from marsad_app.cluster.gaps import CommittedReader

__all__ = ["SOURCES", "LagMeter", "PartitionLag", "StageLag", "lags_of", "measure", "without_markers"]

SOURCES: Final[Mapping[str, str]] = {
    "process": "entries.v1",
    "group": "tagged.v1",
    "match": "articles.v1",
    "match-spikes": "hits.v1",
    "index": "articles.v1",
    "deliver": "alerts.v1",
}
"""The input of each stage whose place in it the broker keeps; ``poll`` has none: its partitions are shards of the feeds."""

_BOOTSTRAP_MS: Final = 8_000
_REQUEST_MS: Final = 10_000
_FEW: Final = 200
_NOT_YET: Final = (
    kafka_errors.CoordinatorLoadInProgressError,
    kafka_errors.CoordinatorNotAvailableError,
    kafka_errors.NotCoordinatorError,
)
_TRIES: Final = 10
_AGAIN_S: Final = 0.5
_DEAD: Final = frozenset({"Dead", ""})


class PartitionLag(msgspec.Struct, frozen=True, kw_only=True):
    """How far a stage is in one partition; ``committed`` is None where it has never committed."""

    partition: int
    committed: int | None
    begin: int
    end: int

    @property
    def start(self) -> int:
        """The first offset that is still to be taken."""
        return self.begin if self.committed is None else max(self.begin, self.committed)

    @property
    def lag(self) -> int:
        """Offsets that are still to be taken."""
        return max(0, self.end - self.start)


class StageLag(msgspec.Struct, frozen=True, kw_only=True):
    """How far a stage is.

    Attributes:
        stage: its name.
        stream: its input.
        members: names of the processes in its consumer group; None where that was not asked.
        partitions: by number.
    """

    stage: str
    stream: str
    members: tuple[str, ...] | None
    partitions: tuple[PartitionLag, ...]

    @property
    def lag(self) -> int:
        """Of all partitions."""
        return sum(row.lag for row in self.partitions)


def lags_of(
    committed: Mapping[int, int], begins: Mapping[int, int], ends: Mapping[int, int]
) -> tuple[PartitionLag, ...]:
    """The partitions of a stage's input, from what the broker says of each."""
    return tuple(
        PartitionLag(partition=number, committed=committed.get(number), begin=begins.get(number, 0), end=end)
        for number, end in sorted(ends.items())
    )


def without_markers(row: PartitionLag, holds_record: Callable[[int, int], bool]) -> PartitionLag:
    """The same without the transaction markers at the end, which nobody takes: a stage at rest shows a lag of 0.

    Args:
        row: as the broker's offsets say.
        holds_record: whether a committed record lies between two offsets; asked only where few lie there.
    """
    if 0 < row.lag <= _FEW and not holds_record(row.start, row.end):
        return msgspec.structs.replace(row, end=row.start)
    return row


class LagMeter:
    """Asks the broker. Used by one thread; to be entered.

    Args:
        settings: the broker.

    Raises:
        TransientError: no broker answers.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        options = kafka_options(settings) | {"bootstrap_timeout_ms": _BOOTSTRAP_MS, "request_timeout_ms": _REQUEST_MS}
        try:
            self._admin = KafkaAdminClient(**options)
        except kafka_errors.KafkaError as error:
            raise TransientError(
                f"no Kafka broker answers at {settings.bootstrap}; check kafka.bootstrap, and that it runs"
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def lags(self, stages: Sequence[str]) -> list[StageLag]:
        """How far stages are.

        Raises:
            TransientError: the broker cannot be asked, or a stream is missing.
        """
        settings = self._settings
        try:
            names = sorted({topic_name(settings.prefix, SOURCES[stage]) for stage in stages})
            places = self._places(names)
            begins = self._offsets(places, OffsetSpec.EARLIEST)
            ends = self._offsets(places, OffsetSpec.LATEST)
            groups = [f"{settings.prefix}.{stage}" for stage in stages]
            kept = self._committed(groups)
        except kafka_errors.KafkaError as error:
            raise TransientError(f"{settings.bootstrap}: {said(error)}") from error
        found = []
        for stage, group in zip(stages, groups, strict=True):
            name = topic_name(settings.prefix, SOURCES[stage])
            committed = {
                place.partition: int(kept_at.offset) for place, kept_at in kept[group].items() if place.topic == name
            }
            rows = lags_of(committed, _of(begins, name), _of(ends, name))
            found.append(StageLag(stage=stage, stream=SOURCES[stage], members=None, partitions=rows))
        return found

    def _committed(self, groups: Sequence[str]) -> Any:
        """What the groups have committed; a broker that has just started has nobody to ask for a second or two."""
        for _ in range(_TRIES - 1):
            with contextlib.suppress(*_NOT_YET):
                return self._admin.list_group_offsets(groups)
            time.sleep(_AGAIN_S)
        return self._admin.list_group_offsets(groups)

    def members(self, stage: str) -> tuple[str, ...]:
        """Names of the processes in a stage's consumer group.

        Raises:
            TransientError: the broker cannot be asked.
        """
        group = f"{self._settings.prefix}.{stage}"
        try:
            told = self._admin.describe_groups([group])[group]
        except kafka_errors.GroupIdNotFoundError:
            return ()
        except kafka_errors.KafkaError as error:
            raise TransientError(f"{self._settings.bootstrap}: {said(error)}") from error
        if told.get("group_state") in _DEAD:
            return ()
        return tuple(sorted(member.get("group_instance_id") or member["client_id"] for member in told["members"]))

    def _places(self, names: Sequence[str]) -> list[TopicPartition]:
        places = []
        for topic in self._admin.describe_topics(list(names)):
            if topic["error_code"]:
                raise TransientError(f"there is no stream {topic['name']}; `marsad cluster init` makes it")
            places += [TopicPartition(topic["name"], row["partition_index"]) for row in topic["partitions"]]
        return places

    def _offsets(self, places: Sequence[TopicPartition], spec: OffsetSpec) -> dict[TopicPartition, int]:
        asked = dict.fromkeys(places, spec)
        # Records of a transaction that is still open cannot be taken yet.
        told: Mapping[TopicPartition, Any] = self._admin.list_partition_offsets(asked, IsolationLevel.READ_COMMITTED)
        return {place: int(answer.offset) for place, answer in told.items()}

    def close(self) -> None:
        """Let go of the broker."""
        with contextlib.suppress(kafka_errors.KafkaError):
            self._admin.close()


def measure(settings: KafkaSettings, clock: Clock) -> list[StageLag]:
    """How far every stage is, with its members; transaction markers at the end are no lag.

    Args:
        settings: the broker.
        clock: the time.

    Raises:
        TransientError: the broker cannot be asked, or a stream is missing.
    """
    with LagMeter(settings) as meter, contextlib.closing(CommittedReader(settings, clock)) as reader:
        found = []
        for stage in meter.lags(list(SOURCES)):

            def holds(partition: int, stream: str = stage.stream) -> Callable[[int, int], bool]:
                return lambda first, until: next(reader.offsets((stream, partition), first, until), None) is not None

            rows = tuple(without_markers(row, holds(row.partition)) for row in stage.partitions)
            found.append(msgspec.structs.replace(stage, members=meter.members(stage.stage), partitions=rows))
        poll = StageLag(stage="poll", stream="", members=meter.members("poll"), partitions=())
        return [poll, *found]


def _of(offsets: Mapping[TopicPartition, int], name: str) -> dict[int, int]:
    return {place.partition: offset for place, offset in offsets.items() if place.topic == name}
