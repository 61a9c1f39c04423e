import pytest

from marsad.streams import STREAMS, partition_of, stream, topic_name

ORDER = ["app", "producers", "agents", "group", "match", "index", "alerts", "web"]


# What goes back, and why.
BACK = {
    "quarantine.v1": "each stage may find something that it cannot use",
    "subscriptions.v1": "delivering notes which outlets were lost",
    "alerts.v1": "that an outlet was lost is an alert, too",
}


def test_every_stream_has_one_writer_but_those_that_take_something_back() -> None:
    assert {found.name for found in STREAMS if len(found.written_by) != 1} == set(BACK)


def test_data_flows_one_way() -> None:
    backwards = [
        (found.name, writer, reader)
        for found in STREAMS
        for writer in found.written_by
        for reader in found.read_by
        if ORDER.index(reader) < ORDER.index(writer) and found.name not in BACK
    ]

    assert backwards == []


def test_keys_are_fields_of_the_value() -> None:
    for found in STREAMS:
        assert found.key in set(found.value.__struct_fields__)


def test_what_is_state_has_one_writer_and_is_compacted_by_its_key() -> None:
    kept = {found.name for found in STREAMS if found.compacted}

    assert kept == {
        "feeds.v1",
        "feed-states.v1",
        "articles.v1",
        "subscriptions.v1",
        "owners.v1",
        "alerts.v1",
        "deliveries.v1",
        "quarantine.v1",
    }


def test_a_key_has_the_same_partition_for_ever() -> None:
    # Fixed numbers: another partition for a known key would lose its state.
    assert [partition_of(key, 4) for key in ("a", "مرصد", "9f86d081884c7d65")] == [3, 2, 2]


def test_a_topic_is_named_by_prefix_and_stream() -> None:
    assert topic_name("marsad", "entries.v1") == "marsad.entries.v1"


def test_a_stream_is_found_by_name() -> None:
    assert stream("entries.v1").read_by == ("agents",)
    with pytest.raises(KeyError):
        stream("entries.v2")
