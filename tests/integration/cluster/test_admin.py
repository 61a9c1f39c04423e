"""Streams and templates on real servers: made, found to differ, mended."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from marsad.clock import SystemClock
from marsad.config import ElasticsearchSettings, KafkaSettings
from marsad.connect import kafka_options
from marsad.errors import ConfigError, StoreError
from marsad.progress import Hole, Progress
from marsad.streams import STREAMS, Message
from marsad_app.cluster.admin import broker_streams, create_streams, mend, plan, unknown
from marsad_app.cluster.gaps import Audit, CommittedReader, found_in
from marsad_app.cluster.index_admin import mend_templates, template_differences
from marsad_app.cluster.lag import LagMeter, measure
from processors.transact import Shards, TransactionalJournal

pytestmark = pytest.mark.cluster


@contextlib.contextmanager
def by_hand(kafka: KafkaSettings) -> Iterator[KafkaAdminClient]:
    admin = KafkaAdminClient(**kafka_options(kafka))
    try:
        yield admin
    finally:
        admin.close()


def differences(kafka: KafkaSettings) -> list[tuple[str, str]]:
    return [(found.where, found.what) for found in plan(broker_streams(kafka), kafka)]


def test_streams_are_made_as_they_should_be_and_making_them_again_does_nothing(kafka: KafkaSettings) -> None:
    assert differences(kafka) == []
    assert create_streams(kafka) == []
    fresh = kafka.model_copy(update={"prefix": f"{kafka.prefix}.fresh"})
    assert len(create_streams(fresh)) == len(STREAMS)
    assert create_streams(fresh) == []
    assert differences(fresh) == []


def test_a_retention_that_was_altered_by_hand_is_told_and_mended(kafka: KafkaSettings) -> None:
    name = f"{kafka.prefix}.entries.v1"
    with by_hand(kafka) as admin:
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, configs={"retention.ms": "60000"})])
    (found,) = plan(broker_streams(kafka), kafka)
    assert (found.where, found.what, found.found) == (name, "retention.ms", "60000")
    assert mend(kafka, [found]) == [found]
    assert differences(kafka) == []


def test_a_stream_that_was_deleted_is_made_again_and_a_foreign_topic_is_left_alone(kafka: KafkaSettings) -> None:
    with by_hand(kafka) as admin:
        admin.delete_topics([f"{kafka.prefix}.deliveries.v1"])
        admin.create_topics({f"{kafka.prefix}.other": {"num_partitions": 1, "replication_factor": 1}})
    assert differences(kafka) == [(f"{kafka.prefix}.deliveries.v1", "missing")]
    mend(kafka, plan(broker_streams(kafka), kafka))
    assert differences(kafka) == []
    assert unknown(broker_streams(kafka), kafka) == [f"{kafka.prefix}.other"]


def test_another_number_of_partitions_is_told_and_left(kafka: KafkaSettings) -> None:
    more = kafka.model_copy(update={"partitions": 5})
    found = plan(broker_streams(more), more)
    assert {difference.kind for difference in found} == {"partitions"}
    assert mend(more, found) == []
    assert broker_streams(kafka)[f"{kafka.prefix}.articles.v1"].partitions == 2


def test_more_copies_than_brokers_is_a_wrong_setting(kafka: KafkaSettings) -> None:
    with pytest.raises(ConfigError, match=r"kafka\.replication is 9"):
        create_streams(kafka.model_copy(update={"prefix": f"{kafka.prefix}.many", "replication": 9}))


def test_templates_are_missing_then_put_then_found_to_differ(elastic: ElasticsearchSettings) -> None:
    assert {found.what for found in template_differences(elastic)} == {"missing"}
    assert len(mend_templates(elastic)) == 4
    assert template_differences(elastic) == []
    assert mend_templates(elastic) == []
    assert {found.what for found in template_differences(elastic.model_copy(update={"replicas": 1}))} == {"shape"}


def test_an_elasticsearch_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(StoreError, match=r"elasticsearch\.url \(http://127\.0\.0\.1:9\) does not answer"):
        template_differences(ElasticsearchSettings(url="http://127.0.0.1:9"))


def write(kafka: KafkaSettings, count: int, *, each: int) -> None:
    """Records in one partition, with a transaction marker after every few."""
    journal = TransactionalJournal(kafka, "test", "entries.v1", 0)
    for first in range(0, count, each):
        journal.commit(
            [Message(stream="entries.v1", key=f"k{first + n}", value=b"x", partition=0) for n in range(each)]
        )
    journal.close()


def test_markers_of_transactions_are_no_gaps_and_a_record_that_was_passed_over_is_found(kafka: KafkaSettings) -> None:
    write(kafka, 12, each=3)  # markers at 3, 7, 11 and 15
    clock, progress = SystemClock(), Progress()
    progress.opened("entries.v1", 0, 0, 0.0)
    progress.taken("entries.v1", 0, [0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14], 0.0)
    audit = Audit(progress, lambda: CommittedReader(kafka, clock), clock)
    audit.look()
    audit.look()
    assert audit.looked_into == 3
    assert progress.skipped == []
    assert progress.positions()["entries.v1", 0].lag == 0
    progress.opened("entries.v1", 0, 0, 0.0)
    progress.taken("entries.v1", 0, [0, 1, 2, 4, 6, 8, 9, 10], 0.0)
    audit.look()
    assert progress.skipped == [Hole("entries.v1", 0, 5, 6)]


def test_a_hole_reaches_no_further_than_the_stream(kafka: KafkaSettings) -> None:
    write(kafka, 3, each=3)
    reader = CommittedReader(kafka, SystemClock())
    try:
        assert list(reader.offsets(("entries.v1", 0), 0, 1_000)) == [0, 1, 2]
        assert found_in([Hole("entries.v1", 0, 3, 50)], reader) == []
        assert found_in([Hole("entries.v1", 0, 1, 50)], reader) == [Hole("entries.v1", 0, 1, 3)]
        assert reader.ends([("entries.v1", 0), ("entries.v1", 1)]) == {("entries.v1", 0): 4, ("entries.v1", 1): 0}
    finally:
        reader.close()


class Taker:
    """Commits its place and does nothing else."""

    def __init__(self, journal: TransactionalJournal) -> None:
        self.journal = journal

    def take(self, batch: list[Message]) -> None:
        self.journal.commit([], upto=batch[-1].offset + 1)

    def tick(self) -> int:
        return 0

    def close(self) -> None:
        """Hold nothing."""


def test_the_lag_of_a_stage_is_what_it_has_not_taken_and_markers_are_none(kafka: KafkaSettings, tmp_path: Path) -> None:
    write(kafka, 6, each=3)
    with LagMeter(kafka) as meter:
        assert meter.lags(["process"])[0].lag == 8
    progress = Progress()
    shards = Shards(kafka, "process", "entries.v1", Taker, instance="one", progress=progress)  # type: ignore[arg-type]
    clock = SystemClock()
    until = clock.monotonic() + 20
    while (stage := measure(kafka, clock)[1]).lag and clock.monotonic() < until:
        shards.step()
    shards.close()
    assert (stage.stage, stage.lag, stage.members) == ("process", 0, ("one",))
