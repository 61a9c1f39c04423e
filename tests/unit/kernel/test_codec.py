import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.errors import CodecError
from marsad.records import Entry, Feed, FeedState, codec, decode, encode
from marsad.streams import STREAMS

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
INSTANT = st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC))

ENTRIES = st.builds(
    Entry,
    entry_id=TEXT,
    article_id=TEXT,
    feed_id=TEXT,
    title=TEXT,
    summary_html=TEXT,
    authors=st.lists(TEXT).map(tuple),
    first_seen_at=INSTANT,
    fetched_at=INSTANT,
)


@given(ENTRIES)
def test_an_entry_comes_back_as_it_was(entry: Entry) -> None:
    assert decode(Entry, encode(entry)) == entry


def test_every_stream_carries_a_record_with_a_version() -> None:
    assert all(codec.version_of(stream.value) >= 1 for stream in STREAMS)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"nonsense",
        b"\xff\xfe",
        b"[1]",
        b'{"record":"entry","v":1}',
        b'{"record":"feed","v":"x"}',
        b'{"record":"feed","v":1}',
    ],
)
def test_what_is_no_record_is_poison(data: bytes) -> None:
    with pytest.raises(CodecError):
        decode(Feed, data)


def test_a_record_of_a_newer_version_says_to_update() -> None:
    data = json.loads(encode(FeedState(feed_id="a")))
    data["v"] = 99

    with pytest.raises(CodecError, match="update Marsad"):
        decode(FeedState, json.dumps(data).encode())


def test_fields_that_this_version_does_not_know_are_passed_over() -> None:
    data = json.loads(encode(FeedState(feed_id="a")))
    data["invented_later"] = 1

    assert decode(FeedState, json.dumps(data).encode()) == FeedState(feed_id="a")


class _Renamed(msgspec.Struct, frozen=True, kw_only=True, tag="renamed", tag_field="record"):
    name: str
    v: int = 3


def test_an_old_version_is_lifted_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    def from_1(fields: dict[str, Any]) -> dict[str, Any]:
        return {"record": "renamed", "label": fields["title"]}

    def from_2(fields: dict[str, Any]) -> dict[str, Any]:
        return {"record": "renamed", "name": fields["label"]}

    monkeypatch.setitem(codec.UPGRADES, ("renamed", 1), from_1)
    monkeypatch.setitem(codec.UPGRADES, ("renamed", 2), from_2)

    assert decode(_Renamed, b'{"record":"renamed","v":1,"title":"x"}') == _Renamed(name="x")
    assert decode(_Renamed, b'{"record":"renamed","v":2,"label":"y"}') == _Renamed(name="y")


def test_a_version_without_a_step_is_poison() -> None:
    with pytest.raises(CodecError, match="no upgrade"):
        decode(_Renamed, b'{"record":"renamed","v":1}')
