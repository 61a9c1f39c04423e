"""Group on streams: the same stories as in one go, wherever it crashes."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.clock import Clock
from marsad.errors import FencedError, TransientError
from marsad.events import Event
from marsad.records import Article, Quarantined, Story, decode, encode
from marsad.streams import Message
from marsad.testing.factories import NOW, an_article
from marsad.testing.journal import InMemoryJournal, InMemoryStreams
from processors.group import Grouper
from processors.group_shard import GroupShard, Shelved


class Still:
    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0


class Told:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def emit(self, event: Event) -> None:
        self.events.append(event)


class DictShelf:
    """A shelf that is read anew from the stream, as the file is."""

    def __init__(self, journal: InMemoryJournal) -> None:
        self.rows: dict[str, Shelved] = {}
        for message in journal.read("articles.v1"):
            if message.value is not None:
                article = decode(Article, message.value)
                known = self.rows.get(article.article_id)
                if known is None or known.article.edition <= article.edition:
                    placed = int(message.headers["placed"])
                    self.rows[article.article_id] = Shelved(article, placed, message.partition or 0, message.offset)

    def get(self, article_id: str) -> Shelved | None:
        return self.rows.get(article_id)

    def put(self, written: Sequence[Shelved]) -> None:
        self.rows.update({each.article.article_id: each for each in written})

    def next_place(self) -> int:
        return 1 + max((each.placed for each in self.rows.values()), default=0)

    def latest(self) -> datetime | None:
        return max((each.article.published_at for each in self.rows.values()), default=None)

    def since(self, instant: datetime) -> Iterator[Article]:
        rows = sorted(self.rows.values(), key=lambda each: each.placed)
        return iter([each.article for each in rows if each.article.first_seen_at >= instant])


def shard(
    streams: InMemoryStreams, crashes: Iterator[str] | None = None, grouper: type[Grouper] = Grouper
) -> GroupShard:
    clock: Clock = Still()
    journal = InMemoryJournal(streams, "group", 0, (lambda: next(crashes, "")) if crashes else (lambda: ""))
    return GroupShard(journal, DictShelf(journal), grouper, clock, Told(), partitions=streams.partitions, group_days=7)


def news() -> list[Message]:
    """Two events, a copy, a correction, a further feed for a known article, and a record that is none."""
    first = (
        "وقعت الجزائر وروسيا اتفاقية للتعاون العسكري تشمل تدريب الضباط وصيانة السفن في ميناء وهران خلال العام المقبل"
    )
    other = "ارتفعت أسعار النفط في الأسواق العالمية بعد قرار منظمة أوبك خفض الإنتاج بمقدار مليون برميل يوميا حتى نهاية العام"
    base = an_article(
        article_id="1" * 32, title="اتفاقية للتعاون العسكري بين الجزائر وروسيا", text=first, feed_ids=("a",)
    )
    articles = [
        base,
        an_article(article_id="2" * 32, title="أوبك تخفض الإنتاج", text=other, feed_ids=("b",)),
        msgspec.structs.replace(base, article_id="3" * 32, outlet="أخرى", feed_ids=("c",), guids=("c-1",)),
        msgspec.structs.replace(base, text=first + " وقال الوزير إن الاتفاقية تاريخية", title="تصحيح: " + base.title),
        msgspec.structs.replace(base, feed_ids=("d",), guids=("d-1",), text=first),
    ]
    timed = [
        msgspec.structs.replace(article, published_at=NOW + timedelta(minutes=number))
        for number, article in enumerate(articles)
    ]
    values = [*(encode(article) for article in timed), b"{}", encode(timed[1])]
    return [Message(stream="tagged.v1", key=f"k{number}", value=value) for number, value in enumerate(values)]


def filled() -> InMemoryStreams:
    streams = InMemoryStreams()
    for message in news():
        streams.append(msgspec.structs.replace(message, partition=0))
    return streams


def run(streams: InMemoryStreams, crashes: Iterator[str] | None = None, size: int = 3) -> None:
    """Work through the input in batches, with a new shard after each crash, as the loop over partitions does."""
    handler = shard(streams, crashes)
    tagged = streams.messages["tagged.v1", 0]
    while (place := streams.places["group", 0]) < len(tagged):
        try:
            handler.take(tagged[place : place + size])
        except TransientError:
            handler = shard(streams, crashes)


def outcome(streams: InMemoryStreams) -> dict[str, tuple[Article, bytes]]:
    written = [message for message in streams.all("articles.v1") if message.value is not None]
    found: dict[str, tuple[Article, bytes]] = {}
    for message in written:
        article = decode(Article, message.value or b"")
        if message.key not in found or found[message.key][0].edition < article.edition:
            found[message.key] = (article, message.headers["placed"])
    return found


def test_articles_come_out_with_story_outcome_and_what_they_were_before() -> None:
    streams = filled()
    run(streams)
    written = [message for message in streams.all("articles.v1") if message.value is not None]
    by_outcome = sorted(message.headers["outcome"].decode() for message in written)
    assert by_outcome == ["duplicate", "indexed", "indexed", "revised", "unchanged"]
    revised = next(message for message in written if message.headers["outcome"] == b"revised")
    assert decode(Article, revised.headers["previous"]).revision == 1
    assert decode(Article, revised.value or b"").revision == 2
    assert decode(Story, revised.headers["story"]).size == 2


def test_a_record_that_is_no_article_goes_to_quarantine_and_the_others_go_on() -> None:
    streams = filled()
    run(streams, size=100)
    (item,) = [decode(Quarantined, message.value or b"") for message in streams.all("quarantine.v1")]
    assert (item.stage, item.payload) == ("group", b"{}")
    assert len(outcome(streams)) == 3


def test_an_article_that_grouping_fails_on_is_found_and_kept_apart() -> None:
    class Fails(Grouper):
        def assign(self, article: Article, tokens: object = None) -> object:  # type: ignore[override]
            if article.article_id == "2" * 32:
                raise ZeroDivisionError("a fault of ours")
            return super().assign(article)

    streams = filled()
    shard(streams, grouper=Fails).take(streams.messages["tagged.v1", 0])
    reasons = [decode(Quarantined, message.value or b"").reason for message in streams.all("quarantine.v1")]
    assert "ZeroDivisionError: a fault of ours" in reasons
    assert set(outcome(streams)) == {"1" * 32, "3" * 32}
    assert streams.places["group", 0] == 7


def test_a_shard_that_was_taken_over_writes_nothing_more() -> None:
    streams = filled()
    old = shard(streams)
    shard(streams)
    with pytest.raises(FencedError):
        old.take(streams.messages["tagged.v1", 0])
    assert streams.all("articles.v1") == []


def test_a_retagged_article_keeps_its_words_and_story_and_says_so() -> None:
    streams = filled()
    run(streams)
    before = outcome(streams)["2" * 32][0]
    again = msgspec.structs.replace(decode(Article, news()[1].value or b""), taxonomy_version="new")
    streams.append(Message(stream="tagged.v1", key="2", value=encode(again), partition=0, headers={"retag": b"1"}))
    run(streams)
    after = outcome(streams)["2" * 32][0]
    assert after.taxonomy_version == "new"
    assert (after.story_id, after.revision) == (before.story_id, before.revision)
    assert after.edition == before.edition + 1
    assert any(message.headers.get("outcome") == b"retagged" for message in streams.all("articles.v1"))


@given(st.lists(st.sampled_from(["", "", "before", "after"]), max_size=20), st.integers(1, 4))
def test_the_result_is_the_same_wherever_it_crashes(crashes: list[str], size: int) -> None:
    calm, stormy = filled(), filled()
    run(calm, size=size)
    run(stormy, iter(crashes), size=size)
    assert outcome(stormy) == outcome(calm)
    assert len(stormy.all("articles.v1")) == len(calm.all("articles.v1"))
