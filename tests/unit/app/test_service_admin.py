"""What the streams should be, and where they are not."""

import pytest

from marsad.config import KafkaSettings
from marsad.streams import STREAMS, stream, topic_name
from marsad_app.cluster.admin import Actual, plan, unknown, wanted_config

SETTINGS = KafkaSettings(prefix="m", partitions=4)


def as_wanted(**changes: Actual) -> dict[str, Actual]:
    return {
        topic_name("m", wanted.name): Actual(
            partitions=wanted.partitions or 4, replication=1, config=dict(wanted_config(wanted))
        )
        for wanted in STREAMS
    } | {f"m.{name.replace('_', '-')}.v1": actual for name, actual in changes.items()}


def altered(name: str, partitions: int = 4, replication: int = 1, **config: str) -> Actual:
    wanted = dict(wanted_config(stream(name))) | {key.replace("_", "."): value for key, value in config.items()}
    return Actual(partitions=partitions, replication=replication, config=wanted)


def test_streams_as_they_should_be_differ_in_nothing() -> None:
    assert plan(as_wanted(), SETTINGS) == []


def test_every_stream_is_missing_on_a_new_broker() -> None:
    found = plan({}, SETTINGS)
    assert [difference.where for difference in found] == [topic_name("m", wanted.name) for wanted in STREAMS]
    assert {difference.kind for difference in found} == {"missing"}


@pytest.mark.parametrize("key", ["cleanup.policy", "retention.ms", "max.message.bytes", "segment.ms"])
def test_a_setting_that_was_altered_by_hand_is_found_and_can_be_mended(key: str) -> None:
    (found,) = plan(as_wanted(alerts=altered("alerts.v1", **{key: "7"})), SETTINGS)
    assert (found.where, found.what, found.found, found.mendable) == ("m.alerts.v1", key, "7", True)
    assert found.wanted == wanted_config(stream("alerts.v1"))[key]


def test_the_order_of_a_list_is_no_difference() -> None:
    assert plan(as_wanted(alerts=altered("alerts.v1", cleanup_policy="delete, compact")), SETTINGS) == []


@pytest.mark.parametrize("partitions", [2, 8])
def test_another_number_of_partitions_cannot_be_mended_and_says_what_to_do(partitions: int) -> None:
    (found,) = plan(as_wanted(articles=altered("articles.v1", partitions=partitions)), SETTINGS)
    assert (found.kind, found.found, found.wanted, found.mendable) == ("partitions", str(partitions), "4", False)
    assert f"set kafka.partitions to {partitions}" in found.advice


def test_the_one_stream_of_one_partition_keeps_it() -> None:
    (found,) = plan(as_wanted(tagged=altered("tagged.v1", partitions=4)), SETTINGS)
    assert (found.where, found.wanted) == ("m.tagged.v1", "1")
    assert "stop `marsad process`" in found.advice


def test_fewer_copies_than_wanted_are_told() -> None:
    found = plan(as_wanted(), SETTINGS.model_copy(update={"replication": 3}))
    assert {(difference.kind, difference.what) for difference in found} == {
        ("replication", "replication"),
        ("setting", "min.insync.replicas"),
    }


def test_other_topics_under_the_prefix_are_listed_and_are_no_difference() -> None:
    there = as_wanted() | {"m.entries.v0": altered("entries.v1"), "other.entries.v1": altered("entries.v1")}
    assert plan(there, SETTINGS) == []
    assert unknown(there, SETTINGS) == ["m.entries.v0"]


@pytest.mark.parametrize("name", [wanted.name for wanted in STREAMS])
def test_compaction_and_deletion_can_really_happen(name: str) -> None:
    config, wanted = wanted_config(stream(name)), stream(name)
    assert int(config["segment.ms"]) <= 86_400_000
    assert ("compact" in config["cleanup.policy"]) is wanted.compacted
    assert ("min.cleanable.dirty.ratio" in config) is wanted.compacted
    if wanted.keep_days:
        assert int(config["retention.ms"]) == wanted.keep_days * 86_400_000
        assert "delete" in config["cleanup.policy"]
    else:
        assert config["retention.ms"] == "-1"
