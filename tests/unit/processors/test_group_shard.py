"""Group on streams: what is written for each article, and the same stories wherever it crashes."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from marsad.clock import FrozenClock
from marsad.errors import FencedError, StoreError, TransientError
from marsad.events import Event, ItemOutcome
from marsad.ports import Journal
from marsad.records import Article, CountryTag, Quarantined, Story, TopicTag, decode, encode
from marsad.records.ids import split_story_id
from marsad.streams import Message, partition_of
from marsad.testing.factories import NOW, an_article
from marsad.testing.journal import Blow, CrashError, InMemoryStreams, drive
from processors.article_stream import Shelved, shelved_of, stories_beside, story_in
from processors.group import Grouper, Grouping
from processors.group import _Fitting as Fitting
from processors.group_shard import GroupShard
from processors.story_window import StoryWindow

DEAL = "وقعت الجزائر وروسيا اتفاقية للتعاون العسكري تشمل تدريب الضباط وصيانة السفن في ميناء وهران خلال العام المقبل"
OIL = "ارتفعت أسعار النفط في الأسواق العالمية بعد قرار منظمة أوبك خفض الإنتاج بمقدار مليون برميل يوميا حتى نهاية العام"
GRAIN = (
    "أعلنت وزارة الزراعة أن محصول القمح هذا الموسم بلغ ثلاثة ملايين طن بفضل أمطار الربيع الغزيرة في المناطق الشمالية"
)


@pytest.fixture(autouse=True)
def logs() -> Iterator[None]:
    """Kept, not shown: a traceback takes seconds to be drawn."""
    with capture_logs():
        yield


class DictShelf:
    """The articles in memory, read anew from the stream as the file is."""

    def __init__(self, journal: Journal) -> None:
        self._rows: dict[str, Shelved] = {}
        self._stories: dict[str, Story] = {}
        self.full = False
        self.closed = False
        self._take(list(journal.read("articles.v1")))

    def _take(self, messages: Sequence[Message]) -> None:
        for message in messages:
            known = self._rows.get(message.key)
            shelved = shelved_of(message)
            assert message.offset >= 0
            if known is None or known.article.edition <= shelved.article.edition:
                self._rows[message.key] = shelved
                for story in (story_in(message), *stories_beside(message)):
                    before = self._stories.get(story.story_id)
                    if before is None or before.edition <= story.edition:
                        self._stories[story.story_id] = story

    def _sorted(self) -> list[Shelved]:
        return sorted(self._rows.values(), key=lambda each: each.placed)

    def get(self, article_id: str) -> Shelved | None:
        return self._rows.get(article_id)

    def members(self, story_id: str, *, before: int | None = None) -> Iterator[Article]:
        found = [each for each in self._sorted() if each.article.story_id == story_id]
        return iter([each.article for each in found if before is None or each.placed < before])

    def story(self, story_id: str) -> Story | None:
        return self._stories.get(story_id)

    def recent(self, span: timedelta) -> Iterator[Shelved]:
        rows = self._sorted()
        newest = max((each.article.published_at for each in rows), default=NOW)
        first = min((each.placed for each in rows if each.article.published_at >= newest - span), default=0)
        return iter([each for each in rows if each.placed >= first])

    def next_place(self) -> int:
        return 1 + max((each.placed for each in self._rows.values()), default=0)

    def put(self, written: Sequence[Message]) -> None:
        if self.full:
            raise StoreError("the disk is full")
        self._take(written)

    def close(self) -> None:
        self.closed = True


class Told:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def emit(self, event: Event) -> None:
        self.events.append(event)

    def outcomes(self) -> list[tuple[str, str]]:
        return [(each.entry_id[-1], each.outcome.value) for each in self.events if isinstance(each, ItemOutcome)]


class Group:
    """A grouping stage over streams in memory."""

    def __init__(self, *, days: int = 7) -> None:
        self.streams = InMemoryStreams(partitions=2)
        self.events = Told()
        self.days = days
        self.shelves: list[DictShelf] = []
        self.bad = ""
        """Ids of articles on which grouping fails end so."""

    def open(self, journal: Journal) -> GroupShard:
        self.shelves.append(DictShelf(journal))
        clock = FrozenClock(NOW)
        return GroupShard(
            journal,
            self.shelves[-1],
            self.window,
            clock,
            self.events,
            partitions=self.streams.partitions,
            group_days=self.days,
        )

    def window(self) -> StoryWindow:
        group = self

        class Fragile(StoryWindow):
            def assign(self, article: Article, tokens: object = None) -> Grouping:
                grouping = super().assign(article)
                if group.bad and article.article_id.endswith(group.bad):
                    raise ZeroDivisionError("division by zero")
                return grouping

        return Fragile(days=self.days)

    def new_shard(self) -> GroupShard:
        return self.open(self.streams.open("group", "tagged.v1", 0))

    def give(self, *articles: Article | bytes, retag: bool = False) -> None:
        headers = {"retag": b"1"} if retag else {}
        for article in articles:
            value = article if isinstance(article, bytes) else encode(article)
            key = "bad" if isinstance(article, bytes) else article.article_id
            self.streams.write([Message(stream="tagged.v1", key=key, value=value, headers=headers)])

    def run(self, *sizes: int) -> int:
        return drive(self.streams, "group", "tagged.v1", 0, self.open, sizes=sizes or (500,))

    def written(self) -> list[Message]:
        return self.streams.read("articles.v1")

    def outcomes(self) -> list[tuple[str, str]]:
        in_order = sorted(self.written(), key=lambda message: message.at or NOW)
        return [(message.key[-1], message.headers["outcome"].decode()) for message in in_order]

    def newest(self) -> dict[str, Message]:
        """The newest message of each article, by the last digit of its id."""
        newest: dict[str, Message] = {}
        for message in self.written():
            known = newest.get(message.key[-1])
            if known is None or article_in(known).edition < article_in(message).edition:
                newest[message.key[-1]] = message
        return newest

    def article(self, key: str) -> Article:
        return article_in(self.newest()[key])

    def story(self, key: str) -> Story:
        return decode(Story, self.newest()[key].headers["story"])

    def quarantined(self) -> list[Quarantined]:
        return [decode(Quarantined, message.value or b"") for message in self.streams.read("quarantine.v1")]


def article_in(message: Message) -> Article:
    return decode(Article, message.value or b"")


def report(key: str, text: str = DEAL, *, feed: str = "a", minutes: float = 0, **fields: object) -> Article:
    at = NOW + timedelta(minutes=minutes)
    title = fields.pop("title", {DEAL: "اتفاقية للتعاون العسكري", OIL: "أوبك تخفض الإنتاج"}.get(text, "محصول القمح"))
    return an_article(
        article_id=f"{key:0>32}",
        title=title,
        text=text,
        outlet=f"outlet-{feed}",
        feed_ids=(feed,),
        guids=(f"{feed}-{key}",),
        published_at=at,
        first_seen_at=at,
        **fields,
    )


def correction(before: Article, *, minutes: float, revision: int = 2, text: str = "", title: str = "") -> Article:
    """The same entry as its feed gives it later."""
    return msgspec.structs.replace(
        before,
        title=title or f"تصحيح: {before.title}",
        text=text or before.text,
        first_seen_at=NOW + timedelta(minutes=minutes),
        revision=revision,
    )


def news() -> list[Article | bytes]:
    """Two events, a copy, a correction, a further feed for a known article, what is no record, and one thing twice."""
    first = report("1")
    return [
        first,
        report("2", OIL, feed="b", minutes=1),
        report("3", feed="c", minutes=2),
        correction(first, minutes=3, text=DEAL + " وقال الوزير إن الاتفاقية تاريخية"),
        msgspec.structs.replace(first, feed_ids=("d",), guids=("d-1",)),
        b"{}",
        report("2", OIL, feed="b", minutes=1),
        report("4", GRAIN, feed="e", minutes=4),
    ]


def test_each_article_is_written_with_its_story_outcome_place_and_what_it_was_before() -> None:
    group = Group()
    group.give(*news())
    group.run()

    assert group.outcomes() == [
        ("1", "indexed"),
        ("2", "indexed"),
        ("3", "duplicate"),
        ("1", "revised"),
        ("1", "unchanged"),
        ("4", "indexed"),
    ]
    assert {key: int(message.headers["placed"]) for key, message in group.newest().items()} == {
        "1": 1,
        "2": 2,
        "3": 3,
        "4": 4,
    }
    assert group.article("3").duplicate_of == group.article("1").article_id
    assert all(
        message.partition == partition_of(article_in(message).story_id, 2)
        and decode(Story, message.headers["story"]).story_id == article_in(message).story_id
        for message in group.written()
    )
    first, revised, gathered = (message for message in group.written() if message.key[-1] == "1")
    assert "previous" not in first.headers
    assert decode(Article, revised.headers["previous"]) == article_in(first)
    assert decode(Article, gathered.headers["previous"]) == article_in(revised)
    assert (article_in(revised).revision, article_in(gathered).revision) == (2, 2)
    assert article_in(gathered).feed_ids == ("a", "d")
    assert group.story("1").size == 2


def test_outcomes_are_told_once_for_each_message_also_where_nothing_is_written() -> None:
    group = Group()
    group.give(*news())
    group.run(3)

    assert group.events.outcomes() == [
        ("1", "indexed"),
        ("2", "indexed"),
        ("3", "duplicate"),
        ("1", "revised"),
        ("1", "unchanged"),
        ("d", "quarantined"),
        ("2", "unchanged"),
        ("4", "indexed"),
    ]


def test_where_nothing_has_changed_nothing_is_written_and_the_place_moves_all_the_same() -> None:
    group = Group()
    group.give(report("1"), report("1"), report("1"))
    group.run(1)

    assert group.outcomes() == [("1", "indexed")]
    assert group.streams.place("group", "tagged.v1", 0) == group.streams.read("tagged.v1")[-1].offset + 1


def test_what_is_no_article_goes_to_quarantine_with_its_bytes_and_the_others_go_on() -> None:
    group = Group()
    group.give(report("1"), b"{}", report("2", OIL))
    group.run()

    (item,) = group.quarantined()
    assert (item.stage, item.key, item.payload) == ("group", "bad", b"{}")
    assert item.detail == "tagged.v1 partition 0 offset 2"
    assert group.outcomes() == [("1", "indexed"), ("2", "indexed")]


def test_an_article_that_grouping_fails_on_is_taken_alone_to_quarantine_and_leaves_no_trace_in_the_stories() -> None:
    group = Group()
    group.bad = "2"
    group.give(report("1"), report("2", feed="b"), report("3", feed="c"))
    group.run()

    (item,) = group.quarantined()
    assert (item.key, item.reason) == (f"{2:0>32}", "ZeroDivisionError: division by zero")
    assert decode(Article, item.payload).article_id == f"{2:0>32}"
    assert group.outcomes() == [("1", "indexed"), ("3", "duplicate")]
    assert group.story("3").size == 2
    assert group.events.outcomes() == [("1", "indexed"), ("2", "quarantined"), ("3", "duplicate")]


def test_an_outage_and_a_lost_partition_are_passed_on_and_put_nothing_into_quarantine() -> None:
    for blow, error in ((Blow.LOST, TransientError), (Blow.FENCED, FencedError)):
        group = Group()
        group.streams.blows = {1: blow}
        group.give(report("1"), report("2", OIL))
        shard = group.new_shard()

        with pytest.raises(error):
            shard.take(group.streams.read("tagged.v1"))

        assert (group.written(), group.quarantined(), group.events.events) == ([], [], [])


def test_a_shelf_that_cannot_be_written_after_the_commit_has_nothing_written_twice() -> None:
    group = Group()
    group.give(report("1"), report("2", OIL))
    shard = group.new_shard()
    group.shelves[-1].full = True

    with pytest.raises(StoreError):
        shard.take(group.streams.read("tagged.v1"))
    group.run()

    assert group.outcomes() == [("1", "indexed"), ("2", "indexed")]


def test_the_shelf_is_closed_with_the_shard() -> None:
    group = Group()
    group.new_shard().close()

    assert group.shelves[-1].closed


def test_a_shard_that_was_taken_over_writes_nothing_more() -> None:
    group = Group()
    group.give(report("1"))
    old = group.new_shard()
    group.new_shard()

    with pytest.raises(FencedError):
        old.take(group.streams.read("tagged.v1"))

    assert group.written() == []


# --- revisions ---------------------------------------------------------------


def test_a_revision_in_the_window_keeps_its_story() -> None:
    group = Group()
    group.give(report("1"), report("2", feed="b", minutes=1), correction(report("2", feed="b"), minutes=9, text=GRAIN))
    group.run()

    assert group.outcomes()[-1] == ("2", "revised")
    assert group.article("2").story_id == group.article("1").story_id


def test_a_revision_after_the_window_keeps_its_story_and_that_story_is_whole() -> None:
    group = Group(days=1)
    first, second = report("1"), report("2", feed="b", minutes=1)
    group.give(first, second, report("3", OIL, feed="c", minutes=3 * 1440))
    group.give(correction(second, minutes=3 * 1440 + 1, text=GRAIN))
    group.run()

    revised = group.article("2")
    assert group.outcomes()[-1] == ("2", "revised")
    assert (revised.story_id, revised.duplicate_of) == (group.article("1").story_id, first.article_id)
    assert (group.story("2").size, group.story("2").outlets) == (2, ("outlet-a", "outlet-b"))
    assert int(group.newest()["2"].headers["placed"]) == 2


def test_two_revisions_of_one_ended_story_in_a_batch_both_count_in_its_record() -> None:
    group = Group(days=1)
    first, second = report("1", topics=(TopicTag("old", 1.0),)), report("2", feed="b", topics=(TopicTag("old", 1.0),))
    group.give(first, second, report("3", OIL, feed="c", minutes=3 * 1440))
    for one in (first, second):
        new = correction(one, minutes=3 * 1440 + 1, text=GRAIN)
        group.give(msgspec.structs.replace(new, topics=(TopicTag("new", 1.0),)))
    group.run()

    assert group.story("2").topics == ("new",)


def test_an_earlier_revision_that_is_handed_on_again_replaces_no_later_one() -> None:
    group = Group()
    first = report("1")
    second, third = correction(first, minutes=1, text=OIL), correction(first, minutes=2, revision=3, text=GRAIN)
    group.give(first, second, first, second, third, second, third)
    group.run()

    assert group.outcomes() == [("1", "indexed"), ("1", "revised"), ("1", "revised")]
    assert group.article("1").text == GRAIN


def test_what_another_feed_gave_before_a_correction_does_not_undo_it_when_it_comes_again() -> None:
    group = Group()
    first = report("1")
    other = msgspec.structs.replace(first, feed_ids=("b",), guids=("b-1",))
    corrected = correction(first, minutes=1, text=GRAIN)
    group.give(first, other, corrected, first, other, corrected)
    group.run(4)

    assert group.outcomes() == [("1", "indexed"), ("1", "unchanged"), ("1", "revised")]
    assert group.article("1").text == GRAIN


def test_words_that_a_feed_gives_again_on_purpose_are_a_revision() -> None:
    group = Group()
    first = report("1")
    group.give(first, correction(first, minutes=1, text=OIL))
    group.give(correction(first, minutes=2, revision=3, text=first.text, title=first.title))
    group.run(1)

    assert group.outcomes()[-1] == ("1", "revised")
    assert (group.article("1").text, group.article("1").revision) == (DEAL, 3)


# --- reprocessing ------------------------------------------------------------


def test_a_retagged_article_keeps_words_and_story_and_the_story_has_the_new_topics() -> None:
    group = Group()
    group.give(report("1", topics=(TopicTag("old", 1.0),)), report("2", feed="b"))
    group.run()
    before = group.article("1")
    countries = (CountryTag("DZ", 1),)
    group.give(report("1", topics=(TopicTag("new", 1.0),), countries=countries, taxonomy_version="2"), retag=True)
    group.run()

    after = group.article("1")
    assert group.outcomes()[-1] == ("1", "retagged")
    assert (after.taxonomy_version, after.story_id, after.revision) == ("2", before.story_id, before.revision)
    assert after.edition == before.edition + 1
    assert (group.story("1").topics, group.story("1").countries, group.story("1").size) == (("new",), ("DZ",), 2)


def test_history_that_is_reprocessed_brings_no_earlier_words_back_and_is_no_correction() -> None:
    group = Group()
    first = report("1")
    second = correction(first, minutes=1, text=GRAIN)
    group.give(first, second)
    group.run()
    for one in (first, second):
        group.give(msgspec.structs.replace(one, taxonomy_version="2", topics=(TopicTag("new", 1.0),)), retag=True)
    cleaner = msgspec.structs.replace(second, taxonomy_version="3", text=GRAIN + " وسيصدر منه الثلث")
    group.give(cleaner, retag=True)
    group.run()

    assert group.outcomes() == [("1", "indexed"), ("1", "revised"), ("1", "retagged"), ("1", "retagged")]
    assert group.article("1").text == cleaner.text


def test_what_was_never_written_is_new_also_when_it_is_reprocessed() -> None:
    group = Group()
    group.give(report("1"), retag=True)
    group.run()

    assert group.outcomes() == [("1", "indexed")]


# --- size --------------------------------------------------------------------


def test_the_previous_revision_is_left_out_where_the_message_would_be_too_large() -> None:
    group = Group()
    first = report("1", "كلمة " * 470_000)
    group.give(first, correction(first, minutes=1))
    group.run()

    assert [sorted(message.headers) for message in group.written()] == [
        ["outcome", "placed", "story", "taken", "turn"]
    ] * 2


# --- crashes -----------------------------------------------------------------

BLOWS = st.dictionaries(st.integers(1, 14), st.sampled_from(Blow), max_size=8)


@given(BLOWS, st.lists(st.integers(1, 4), min_size=1, max_size=3))
def test_every_article_is_written_once_and_the_same_wherever_it_crashes(
    blows: dict[int, Blow], sizes: list[int]
) -> None:
    calm, stormy = Group(), Group()
    calm.give(*news())
    calm.run(*sizes)
    stormy.give(*news())
    stormy.streams.blows = blows
    stormy.run(*sizes)

    assert [seen(message) for message in stormy.written()] == [seen(message) for message in calm.written()]
    assert stormy.quarantined() == calm.quarantined()


def seen(message: Message) -> Message:
    return msgspec.structs.replace(message, offset=-1, at=None)


def test_a_crash_in_a_batch_taken_one_by_one_repeats_nothing() -> None:
    for number in range(1, 8):
        group = Group()
        group.bad = "2"
        group.give(report("1"), report("2", feed="b"), report("3", feed="c"))
        group.streams.blows = {number: Blow.CRASH_AFTER}
        group.run()

        assert group.outcomes() == [("1", "indexed"), ("3", "duplicate")]
        assert len(group.quarantined()) == 1


def test_a_crash_is_no_fault_of_an_article() -> None:
    group = Group()
    group.streams.blows = {1: Blow.CRASH_BEFORE}
    group.give(report("1"))

    with pytest.raises(CrashError):
        group.new_shard().take(group.streams.read("tagged.v1"))

    assert group.quarantined() == []


def test_a_compacted_stream_restores_the_same_window() -> None:
    whole, compacted = Group(), Group()
    for group in (whole, compacted):
        group.give(*news()[:5])
        group.run()
        if group is compacted:
            group.streams.compact("articles.v1")
        group.give(*news()[5:], report("5", feed="f", minutes=5))
        group.run()

    assert compacted.story("5") == whole.story("5")
    assert compacted.newest().keys() == whole.newest().keys()


def test_after_a_restart_a_story_has_also_the_members_that_left_the_window_long_ago() -> None:
    """Its older half is no more in what the window is filled from, and it goes on all the same."""
    alike = [report(f"{number}", feed=f"f{number}", minutes=number * 1000) for number in range(1, 8)]
    calm, restarted = Group(days=1), Group(days=1)
    for group in (calm, restarted):
        group.give(*alike)
    calm.run()
    restarted.streams.blows = {6: Blow.CRASH_AFTER}
    assert restarted.run(1) == 2

    assert calm.story("7").size == 7
    assert restarted.story("7") == calm.story("7")


QUAKE = (
    "ضرب زلزال بقوة ست درجات ولاية هاكوري شمالي الجزيرة فجر الاثنين، وقالت هيئة الرصد إن مركزه يقع على عمق اثني عشر كيلومترا "
    "قرب بلدة ميناسو. وأفاد حاكم الولاية بأن 41 شخصا أصيبوا جراء سقوط سقوف وجدران."
)
TRAINS = (
    "بات مئات الركاب في صالة محطة كيساكا بعدما ألغت شركة السكك رحلات القطار السريع إلى موريتو، وقالت إن مهندسيها يفحصون "
    "نفق كيساكا. وأوضحت الشركة أن القطار السريع لن يعود إلى موريتو قبل مساء الغد، وأنها وزعت أغطية على الركاب."
)
BOTH = (
    "ضرب زلزال هاكوري فجرا فأصاب 41 شخصا في بلدة ميناسو، وألغت شركة السكك رحلات القطار السريع من كيساكا إلى موريتو، "
    "وقالت هيئة الرصد إن مركز الزلزال على عمق اثني عشر كيلومترا، وبات مئات الركاب في صالة محطة كيساكا."
)


def two_stories_that_become_one() -> list[Article]:
    quake = report("1", QUAKE, title="زلزال بقوة 6.2 يضرب هاكوري")
    trains = report("2", TRAINS, feed="b", minutes=60, title="إلغاء رحلات القطار السريع من كيساكا إلى موريتو")
    return [
        quake,
        trains,
        report("3", BOTH, feed="c", minutes=90, title="زلزال هاكوري يلغي رحلات القطار السريع من كيساكا إلى موريتو"),
        correction(trains, minutes=100, text=TRAINS + " وعاد القطار صباحا."),
        report("4", QUAKE + " وعلقت الدراسة.", feed="d", minutes=110, title="41 مصابا في زلزال هاكوري"),
        correction(quake, minutes=120, text=QUAKE + " وارتفع عدد المصابين."),
    ]


def states(group: Group) -> dict[str, Story]:
    """The last state of each story."""
    found: dict[str, Story] = {}
    for message in group.written():
        for story in (story_in(message), *stories_beside(message)):
            if story.story_id not in found or found[story.story_id].edition <= story.edition:
                found[story.story_id] = story
    return found


def test_an_article_stays_under_its_story_and_that_says_in_which_one_it_ended() -> None:
    group = Group()
    group.give(*two_stories_that_become_one())
    group.run()
    first, second = group.article("1").story_id, group.article("2").story_id
    stories = states(group)
    assert first != second
    assert set(stories) == {first, second}
    assert stories[second].merged_into == first
    assert stories[first].merged_into == ""
    assert stories[first].size == stories[second].size == 4


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_stories_that_became_one_stay_one_over_a_takeover(size: int) -> None:
    whole, stopped = Group(), Group()
    for group in (whole, stopped):
        group.give(*two_stories_that_become_one())
    whole.run()
    shard = stopped.new_shard()
    batch = stopped.streams.read("tagged.v1")
    shard.take(batch[:size])
    shard = stopped.new_shard()
    shard.take(batch[size:])
    assert states(stopped) == states(whole)
    assert {key: article_in(message) for key, message in stopped.newest().items()} == {
        key: article_in(message) for key, message in whole.newest().items()
    }


def test_what_is_split_off_is_filed_anew_without_news_and_stays_so_over_a_takeover(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With a grouper to which everything is one story, so that it drifts."""
    monkeypatch.setattr(
        Grouper, "_fitting", lambda grouper, *_: [Fitting(1.0, each, each) for each in grouper._members][-1:]
    )
    monkeypatch.setattr("processors.group._original", lambda *_: None)
    incoming = [
        report(
            f"{n}",
            f"{QUAKE if n < 4 else TRAINS} {n + 200}",
            feed=f"f{n}",
            minutes=n,
            title=f"{'زلزال هاكوري' if n < 4 else 'قطار كيساكا موريتو'} {n + 200}",
        )
        for n in range(1, 9)
    ]
    whole, stopped = Group(), Group()
    for group in (whole, stopped):
        group.give(*incoming)
    whole.run()
    first = whole.article("1").story_id
    split = split_story_id(first)
    moved = [message for message in whole.written() if message.headers["outcome"] == b"unchanged"]
    assert {message.key[-1] for message in moved} == {"4", "5"}
    assert all(article_in(message).story_id == split for message in moved)
    assert {message.partition for message in whole.written()} == {partition_of(first, 2)}
    assert states(whole)[split].split_from == first
    assert states(whole)[first].size == 3
    assert states(whole)[split].size == 5

    batch = stopped.streams.read("tagged.v1")
    for message in batch:
        stopped.new_shard().take([message])
    assert states(stopped) == states(whole)
    assert {key: article_in(message) for key, message in stopped.newest().items()} == {
        key: article_in(message) for key, message in whole.newest().items()
    }
