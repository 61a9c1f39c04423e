"""Reads whole streams, all partitions at once, from given offsets on; no consumer group, so any number of processes may."""

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka import errors as kafka_errors

from marsad.config import KafkaSettings
from marsad.connect import consumer_options, kafka_options, message_of, poll
from marsad.errors import StoreError, said
from marsad.streams import topic_name
from marsad_app.cluster.view import Place, Slice, Span

__all__ = ["StreamReader", "answered", "partitions_of"]

# A broker that has just lost its place among the others needs some seconds to have a leader again.
_ANSWER_MS: Final = 8_000
_MOST_SAID: Final = 200
_MOST: Final = 2_000
# A stream that was made a moment ago is not known to the whole broker at once.
_LOOKS: Final = 5
_LOOK_S: Final = 0.2
_PATIENCE: Final = {"bootstrap_timeout_ms": _ANSWER_MS, "request_timeout_ms": 2 * _ANSWER_MS}


@contextlib.contextmanager
def answered(settings: KafkaSettings) -> Iterator[None]:
    """Turn an error of the client into one sentence that names the setting.

    Raises:
        StoreError: the broker does not answer, or refuses.
    """
    try:
        yield
    except kafka_errors.KafkaTimeoutError as error:
        raise StoreError(
            f"no broker answers at {settings.bootstrap}: start it, or set kafka.bootstrap to where it is"
        ) from error
    except kafka_errors.KafkaError as error:
        why = said(error, _MOST_SAID)
        raise StoreError(f"the broker at {settings.bootstrap} (kafka.bootstrap): {why}") from error


def partitions_of(settings: KafkaSettings, names: Sequence[str]) -> dict[Place, str]:
    """The partitions of streams, each with its topic's own id, which differs after the topic was deleted and made anew.

    Raises:
        StoreError: no answer, or a stream is missing.
    """
    found: dict[Place, str] = {}
    with answered(settings):
        admin = KafkaAdminClient(**kafka_options(settings), **_PATIENCE)
        try:
            for again in range(_LOOKS):
                time.sleep(_LOOK_S if again else 0)
                found = _described(admin, settings, names)
                missing = sorted(topic_name(settings.prefix, name) for name in set(names) - {name for name, _ in found})
                if not missing:
                    return found
        finally:
            admin.close()
    raise StoreError(
        f"{', '.join(missing)} missing on the broker at {settings.bootstrap}: `marsad cluster init` makes the streams"
        " (or set kafka.prefix)"
    )


def _described(admin: KafkaAdminClient, settings: KafkaSettings, names: Sequence[str]) -> dict[Place, str]:
    topics = {topic_name(settings.prefix, name): name for name in names}
    described: list[dict[str, Any]] = admin.describe_topics(list(topics))
    return {
        (topics[topic["name"]], int(part["partition_index"])): str(topic["topic_id"])
        for topic in described
        for part in topic["partitions"]
    }


class StreamReader:
    """A consumer of all partitions of some streams. Used by one thread.

    Args:
        settings: the broker.
        names: the streams.

    Raises:
        StoreError: the broker does not answer, or a stream is missing.
    """

    def __init__(self, settings: KafkaSettings, names: Sequence[str]) -> None:
        self._settings = settings
        self._names = names
        self.topic_ids: Mapping[Place, str] = partitions_of(settings, names)
        self._parts = {
            TopicPartition(topic_name(settings.prefix, name), part): (name, part) for name, part in self.topic_ids
        }
        self._reached: dict[Place, int] = {}
        with answered(settings):
            self._consumer = KafkaConsumer(**consumer_options(settings), **_PATIENCE)
            self._consumer.assign(list(self._parts))

    def spans(self) -> dict[Place, Span]:
        """What the partitions hold now."""
        with answered(self._settings):
            first = self._consumer.beginning_offsets(list(self._parts), timeout_ms=_ANSWER_MS)
        ends = self.ends()
        return {place: Span(self.topic_ids[place], first[part], ends[place]) for part, place in self._parts.items()}

    def ends(self) -> dict[Place, int]:
        """The offset after the last one that is committed, by partition.

        Raises:
            StoreError: the broker does not answer.
        """
        with answered(self._settings):
            ends = self._consumer.end_offsets(list(self._parts), timeout_ms=_ANSWER_MS)
        return {place: ends[part] for part, place in self._parts.items()}

    def go_on_from(self, places: Mapping[Place, int]) -> None:
        """Read on from there; partitions that are there already stay.

        Raises:
            StoreError: a partition is missing there.
        """
        for part, place in self._parts.items():
            if place not in places:
                raise StoreError(f"{place[0]} has other partitions than the view knows")
            if self._reached.get(place) != places[place]:
                self._consumer.seek(part, places[place])
                self._reached[place] = places[place]

    def read(self, timeout: float) -> list[Slice]:
        """What has come, waiting up to ``timeout`` seconds for the first of it."""
        with answered(self._settings):
            records = poll(self._consumer, int(timeout * 1000), _MOST)
            slices = []
            for part, place in self._parts.items():
                start, until = self._reached[place], self._consumer.position(part)
                if until > start:
                    messages = tuple(message_of(record, place[0]) for record in records.get(part, ()))
                    slices.append(Slice(place, start, until, messages))
                    self._reached[place] = until
        return slices

    def changed(self) -> bool:
        """Whether the streams have other partitions now, or were made anew."""
        return partitions_of(self._settings, self._names) != self.topic_ids

    def close(self) -> None:
        """Let go of the connection."""
        with contextlib.suppress(kafka_errors.KafkaError):
            self._consumer.close()
