import pytest

from marsad.streams import STREAMS, stream

ORDER = ["app", "producers", "agents", "group", "match", "index", "alerts", "web"]


def test_every_stream_has_one_writer_but_the_quarantine() -> None:
    assert {found.name for found in STREAMS if len(found.written_by) != 1} == {"quarantine.v1"}


def test_data_flows_one_way() -> None:
    backwards = [
        (found.name, writer, reader)
        for found in STREAMS
        for writer in found.written_by
        for reader in found.read_by
        if ORDER.index(reader) < ORDER.index(writer) and found.name != "quarantine.v1"
    ]

    assert backwards == []


def test_keys_are_fields_of_the_value() -> None:
    for found in STREAMS:
        fields = set(found.value.__struct_fields__)

        assert found.key in fields
        assert not found.partitioned_by or found.partitioned_by in fields


def test_a_stream_is_found_by_name() -> None:
    assert stream("entries.v1").read_by == ("agents",)
    with pytest.raises(KeyError):
        stream("entries.v2")
