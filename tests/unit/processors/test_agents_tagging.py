"""One message of the entries' stream to what is written for it."""

import msgspec
import pytest

from marsad.errors import PoisonError
from marsad.records import Article, Entry, Feed, Quarantined
from marsad.records.codec import decode, encode
from marsad.records.ids import quarantine_id
from marsad.streams import Message
from marsad.testing.factories import NOW, a_feed, an_article, an_entry
from processors.agents.tagging import Outgoing, incoming, outgoing


class Steps:
    """Makes an article of the entry's id, or fails as it is told; remembers the feeds."""

    def __init__(self, error: Exception | None = None, text: str = "نص") -> None:
        self.error = error
        self.text = text
        self.feeds: list[Feed] = []

    def stateless(self, entry: Entry, feed: Feed) -> Article:
        self.feeds.append(feed)
        if self.error is not None:
            raise self.error
        return an_article(article_id=entry.article_id, text=self.text)


def message(value: bytes | None = None, **fields: object) -> Message:
    entry = an_entry()
    default = {"stream": "entries.v1", "key": entry.article_id, "value": value or encode(entry), "partition": 3}
    return Message(**{**default, "offset": 7, **fields})  # type: ignore[arg-type]


def out(sent: Message, steps: Steps | None = None, feed: Feed | None = None) -> Outgoing:
    return outgoing(incoming(sent), steps or Steps(), feed or a_feed(), NOW)


def quarantined(result: Outgoing) -> Quarantined:
    assert result.message.stream == "quarantine.v1"
    assert result.message.value is not None
    record = decode(Quarantined, result.message.value)
    assert result.message.key == record.id
    assert result.problem == record.reason
    return record


def test_an_entry_becomes_an_article_in_the_one_partition_of_its_stream() -> None:
    steps = Steps()
    result = out(message(), steps)

    article = an_article(article_id=an_entry().article_id, text="نص")
    assert result.message == Message(stream="tagged.v1", key=article.article_id, value=encode(article), partition=0)
    assert (result.entry_id, result.title, result.problem) == (an_entry().entry_id, article.title, "")
    assert steps.feeds == [a_feed()]


def test_what_comes_from_a_reprocessing_stays_marked_and_other_headers_are_not_passed_on() -> None:
    result = out(message(headers={"retag": b"1", "feed": b"x"}))

    assert result.message.headers == {"retag": b"1"}


def test_a_removed_feed_is_stood_in_for_by_its_id_alone() -> None:
    steps = Steps()
    outgoing(incoming(message()), steps, None, NOW)

    assert steps.feeds == [Feed(id="feed-1", url="", title="", outlet="")]


def test_an_entry_without_text_goes_to_quarantine_with_its_own_bytes_and_the_reason() -> None:
    sent = message()
    record = quarantined(out(sent, Steps(PoisonError("no text"))))

    entry = an_entry()
    assert record == Quarantined(
        id=quarantine_id("clean", entry.entry_id, "no text"),
        stage="clean",
        key=entry.entry_id,
        reason="no text",
        payload=sent.value or b"",
        at=NOW,
        detail=entry.url,
    )


def test_a_fault_of_ours_is_quarantined_with_its_kind() -> None:
    record = quarantined(out(message(), Steps(ZeroDivisionError("division by zero"))))

    assert (record.stage, record.reason) == ("clean", "ZeroDivisionError: division by zero")


@pytest.mark.parametrize("value", [b"", b"no json", b'{"record":"feed","v":1}', encode(a_feed())])
def test_bytes_that_are_no_entry_are_quarantined_with_their_place(value: bytes) -> None:
    sent = msgspec.structs.replace(message(), value=value)
    record = quarantined(out(sent))

    assert record.payload == value
    assert record.key == sent.key
    assert record.detail == "entries.v1 partition 3 offset 7"
    assert "Entry" in record.reason


def test_bytes_without_a_key_are_kept_apart_by_their_place() -> None:
    first = out(msgspec.structs.replace(message(), value=None, key="", offset=1))
    second = out(msgspec.structs.replace(message(), value=None, key="", offset=2))

    assert quarantined(first).payload == b""
    assert first.message.key != second.message.key


def test_an_article_that_its_stream_would_refuse_is_quarantined_and_not_sent() -> None:
    sent = message()
    record = quarantined(out(sent, Steps(text="ا" * 2_200_000)))

    assert record.stage == "tag"
    assert "tagged.v1 takes 4190208" in record.reason
    assert record.payload == sent.value


def test_bytes_too_large_for_quarantine_are_left_where_they_are_and_the_place_is_told() -> None:
    entry = an_entry(page_html="x" * 7_900_000)
    result = out(message(encode(entry)), Steps(PoisonError("no text")))

    record = quarantined(result)
    assert len(result.message.value or b"") < 10_000
    assert record.payload == b""
    assert record.detail.endswith("they are in entries.v1 partition 3 offset 7)")


def test_a_reason_of_any_length_still_fits() -> None:
    record = quarantined(out(message(), Steps(ValueError("x" * 20_000))))

    assert len(record.reason) == 2_000
    assert record.payload
