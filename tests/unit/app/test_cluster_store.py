"""What of the quarantine goes where when it is replayed on the cluster."""

import pytest

from marsad.records import encode
from marsad.streams import Message, stream
from marsad.testing.factories import a_quarantined, an_article, an_entry
from marsad_app.cluster.store import message_again


def again(stage: str, payload: bytes) -> Message:
    found = message_again(a_quarantined(stage=stage, payload=payload))
    assert isinstance(found, Message), found
    return found


@pytest.mark.parametrize("stage", ["poll", "clean", "tag", "process"])
def test_an_entry_goes_back_to_the_entries_under_its_own_key(stage: str) -> None:
    entry = an_entry()
    message = again(stage, encode(entry))
    assert (message.stream, message.key, message.value) == ("entries.v1", entry.article_id, encode(entry))
    assert message.partition is None


def test_an_article_that_could_not_be_grouped_goes_back_to_the_grouping() -> None:
    article = an_article()
    message = again("group", encode(article))
    assert (message.stream, message.key, message.value) == ("tagged.v1", article.article_id, encode(article))


def test_an_entry_that_was_too_large_goes_without_its_page() -> None:
    entry = an_entry(page_html="x" * (stream("entries.v1").max_bytes + 1))
    value = again("poll", encode(entry)).value
    assert value is not None
    assert len(value) < stream("entries.v1").max_bytes


@pytest.mark.parametrize(
    ("stage", "payload"),
    [("parse", b"<rss"), ("clean", b""), ("group", encode(an_entry())), ("match", encode(an_article()))],
)
def test_what_no_stage_can_take_is_refused_with_a_reason(stage: str, payload: bytes) -> None:
    found = message_again(a_quarantined(stage=stage, payload=payload))
    assert isinstance(found, str)
    assert stage in found


def test_an_entry_that_no_message_can_hold_is_refused() -> None:
    entry = an_entry(content_html="x" * (stream("entries.v1").max_bytes + 1))
    found = message_again(a_quarantined(stage="poll", payload=encode(entry)))
    assert isinstance(found, str)
    assert "larger" in found
