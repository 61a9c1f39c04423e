"""Entries through the real steps into a real store."""

import contextlib
from collections.abc import Callable, Iterator, Sequence

import msgspec
import pytest

from marsad.clock import FrozenClock
from marsad.errors import PoisonError, StoreError
from marsad.events import AlertRaised, Outcome
from marsad.query import parse
from marsad.records import Article, Entry, Trigger
from marsad.records.ids import split_story_id, story_id
from marsad.taxonomy import Taxonomy
from marsad.testing.factories import NOW, a_feed, a_subscription, an_entry
from marsad_app.embedded.processor import Processor
from marsad_app.embedded.store import Store
from marsad_app.embedded.testing import Recorder, RiggedPipeline, processor_over
from processors.group import Grouper, _Fitting
from sinks.alerts.plan import TERMINAL

Made = Callable[..., Processor]

DRILL = "انطلقت في خليج العقبة مناورات بحرية مشتركة بين القوات البحرية للبلدين تستمر أسبوعا وتشمل تدريبات على الإنقاذ."
GRAIN = "أعلنت وزارة الزراعة أن محصول القمح هذا الموسم بلغ ثلاثة ملايين طن بفضل أمطار الربيع الغزيرة."


@pytest.fixture
def made(
    store: Store, pipeline: RiggedPipeline, taxonomy: Taxonomy, clock: FrozenClock, events: Recorder
) -> Callable[..., Processor]:
    store.feeds.put_feeds([a_feed(), a_feed(id="feed-2", section="defence", url="http://feeds.example/2.xml")])

    def make(*, batch: int = 32, extra_outlets: Sequence[str] = ()) -> Processor:
        return processor_over(store, pipeline, taxonomy, clock, events, batch=batch, extra_outlets=extra_outlets)

    return make


def news(key: str, title: str, text: str = GRAIN, **fields: object) -> Entry:
    return an_entry(
        entry_id=f"entry-{key}",
        article_id=f"{key:0>32}",
        url=f"http://news.example/{key}",
        guid=f"guid-{key}",
        guids=(f"guid-{key}",),
        title=title,
        summary_html="",
        content_html=f"<p>{text}</p>",
        **fields,
    )


def queue(store: Store, *entries: Entry) -> None:
    for entry in entries:
        store.queue.put(entry, wants_page=False)


def drain(processor: Processor) -> int:
    steps = 0
    while processor.step():
        steps += 1
    return steps


def article(store: Store, key: str) -> Article:
    found = store.articles.article(f"{key:0>32}")
    assert found is not None
    return found


def test_an_entry_becomes_an_article_with_topics_story_and_one_outcome(
    store: Store, made: Made, events: Recorder
) -> None:
    queue(store, news("1", "مناورات بحرية مشتركة في خليج العقبة", DRILL))

    assert drain(made()) == 1

    assert "military-exercise" in {topic.id for topic in article(store, "1").topics}
    story = store.stories.story(article(store, "1").story_id)
    assert story is not None
    assert story.size == 1
    assert events.outcomes() == [Outcome.INDEXED]
    assert store.queue.outcomes() == {"indexed": 1}


def test_nothing_to_do_is_said_and_costs_no_batch(made: Made, events: Recorder) -> None:
    assert made().step() == 0
    assert events.events == []


def test_batches_are_as_large_as_they_may_be(store: Store, made: Made) -> None:
    queue(store, *(news(str(n), f"خبر رقم {n}") for n in range(1, 8)))

    assert [made(batch=3).step() for _ in range(4)] == [3, 3, 1, 0]


def test_poison_and_unexpected_errors_are_quarantined_and_the_others_go_on(
    store: Store, made: Made, pipeline: RiggedPipeline
) -> None:
    pipeline.faults = {"مسموم": PoisonError("no text left"), "عطل": ZeroDivisionError("division by zero")}
    queue(store, news("1", "خبر أول"), news("2", "خبر مسموم"), news("3", "خبر فيه عطل"), news("4", "خبر أخير"))

    drain(made())

    assert {found.article_id[-1] for found in store.search.export()} == {"1", "4"}
    reasons = {item.key: item.reason for item in store.quarantine.quarantined()}
    assert reasons == {"entry-2": "no text left", "entry-3": "ZeroDivisionError: division by zero"}
    assert store.queue.outcomes() == {"indexed": 1, "duplicate": 1, "quarantined": 2}


def test_an_article_at_which_grouping_or_matching_fails_is_quarantined_and_the_others_go_on(
    store: Store, made: Made, events: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    processor = made()
    assign = processor._make_grouper

    def fragile() -> object:
        grouper = assign()
        real = grouper.assign

        def fails_once_in_three(found: Article) -> object:
            if "عطل" in found.title:
                raise ZeroDivisionError("division by zero")
            return real(found)

        monkeypatch.setattr(grouper, "assign", fails_once_in_three)
        return grouper

    monkeypatch.setattr(processor, "_make_grouper", fragile)
    queue(store, news("1", "خبر أول"), news("2", "خبر فيه عطل"), news("3", "خبر أخير", DRILL))

    drain(processor)

    assert {found.article_id[-1] for found in store.search.export()} == {"1", "3"}
    assert [item.key for item in store.quarantine.quarantined()] == ["entry-2"]
    assert sorted(events.outcomes()) == [Outcome.INDEXED, Outcome.INDEXED, Outcome.QUARANTINED]
    assert store.queue.waiting()["ready"] == 0


def test_a_quarantined_entry_comes_through_after_the_repair(store: Store, made: Made, pipeline: RiggedPipeline) -> None:
    pipeline.faults = {"عطل": ZeroDivisionError("division by zero")}
    queue(store, news("1", "خبر فيه عطل"))
    processor = made()
    drain(processor)
    (item,) = store.quarantine.quarantined()

    pipeline.faults = {}
    assert store.redo(item) == ""
    drain(processor)

    assert article(store, "1").title == "خبر فيه عطل"
    assert list(store.quarantine.quarantined()) == []
    assert store.queue.outcomes() == {"indexed": 1}


def test_entries_of_a_feed_that_was_removed_meanwhile_still_come_through(store: Store, made: Made) -> None:
    queue(store, news("1", "خبر من مصدر أزيل", feed_id="removed"))

    drain(made())

    assert article(store, "1").feed_ids == ("removed",)


@contextlib.contextmanager
def full_disk_at_the_last_write(store: Store) -> Iterator[None]:
    """Whatever the transaction wrote before, ending an entry fails."""
    with store.database.write() as connection:
        connection.execute(
            "CREATE TRIGGER full BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'disk is full'); END"
        )
    yield
    with store.database.write() as connection:
        connection.execute("DROP TRIGGER full")


def test_a_commit_that_fails_changes_nothing_and_the_next_step_takes_the_same_batch(
    store: Store, made: Made, events: Recorder
) -> None:
    batch = [news("1", "خبر أول"), news("2", "مناورات بحرية مشتركة", DRILL), news("3", "مناورات مشتركة", DRILL)]
    store.subscriptions.put_subscription(a_subscription(query="مناورات"))
    queue(store, *batch)
    processor = made()

    with full_disk_at_the_last_write(store), pytest.raises(StoreError, match="disk is full"):
        processor.step()

    assert store.search.count() == 0
    assert (list(store.stories.latest_stories()), list(store.alerts.alerts())) == ([], [])
    assert store.queue.waiting()["ready"] == 3
    assert events.events == []
    assert processor.step() == 3
    assert [found.story_id for found in store.search.export()] == [
        story_id(f"{1:0>32}"),
        story_id(f"{2:0>32}"),
        story_id(f"{2:0>32}"),
    ]
    assert len(store.alerts.alerts()) == 1
    assert len(events.outcomes()) == 3


def test_a_commit_that_fails_again_and_again_leaves_the_story_as_large_as_it_is(store: Store, made: Made) -> None:
    processor = made()
    queue(store, news("1", "مناورات بحرية مشتركة", DRILL))
    drain(processor)
    queue(store, news("2", "مناورات بحرية", DRILL))

    with full_disk_at_the_last_write(store):
        for _ in range(3):
            with pytest.raises(StoreError):
                processor.step()
    drain(processor)

    (story,) = store.stories.latest_stories()
    assert story.size == 2


def test_a_commit_that_fails_leaves_no_trace_in_the_window_of_stories(store: Store, made: Made) -> None:
    processor = made()
    store.queue.put(news("1", "مناورات بحرية مشتركة", DRILL), wants_page=True)
    queue(store, news("2", "مناورات بحرية", DRILL))
    with full_disk_at_the_last_write(store), pytest.raises(StoreError):
        processor.step()

    (first,) = store.queue.wanting_page(NOW, 1)
    store.queue.page_read(first.seq, first.entry)
    drain(processor)

    assert {found.story_id for found in store.search.export()} == {story_id(f"{1:0>32}")}
    assert article(store, "2").duplicate_of == article(store, "1").article_id


def test_the_same_article_from_two_feeds_is_one_article_with_both_sections(
    store: Store, made: Made, events: Recorder
) -> None:
    first = news("1", "مناورات بحرية مشتركة", DRILL)
    again = msgspec.structs.replace(first, entry_id="entry-again", feed_id="feed-2", guids=("other",), guid="other")
    queue(store, first)
    processor = made()
    drain(processor)
    queue(store, again)
    drain(processor)

    assert store.search.count() == 1
    assert article(store, "1").sections == ("news", "defence")
    assert article(store, "1").guids == ("guid-1", "other")
    assert article(store, "1").feed_ids == ("feed-1", "feed-2")
    assert (article(store, "1").revision, article(store, "1").story_id) == (1, story_id(f"{1:0>32}"))
    assert events.outcomes() == [Outcome.INDEXED, Outcome.UNCHANGED]


def test_the_same_article_from_two_feeds_in_one_batch_is_one_article_too(store: Store, made: Made) -> None:
    first = news("1", "مناورات بحرية مشتركة", DRILL)
    queue(store, first, msgspec.structs.replace(first, entry_id="entry-again", feed_id="feed-2"))

    drain(made())

    assert store.search.count() == 1
    assert article(store, "1").sections == ("news", "defence")
    (story,) = store.stories.latest_stories()
    assert story.size == 1


def test_a_copy_is_indexed_beside_its_original_and_counted_as_a_duplicate(
    store: Store, made: Made, events: Recorder
) -> None:
    queue(store, news("1", "مناورات بحرية مشتركة", DRILL), news("2", "تدريبات بحرية في العقبة", DRILL))

    drain(made())

    assert events.outcomes() == [Outcome.INDEXED, Outcome.DUPLICATE]
    assert article(store, "2").duplicate_of == article(store, "1").article_id
    assert store.search.count() == 2


def test_a_revision_is_a_correction_only_for_those_who_were_alerted(store: Store, made: Made) -> None:
    both = (Trigger.NEW_STORY, Trigger.CORRECTION)
    store.subscriptions.put_subscription(a_subscription(id="alerted", query="مناورات", triggers=both))
    store.subscriptions.put_subscription(a_subscription(id="elsewhere", query="القمح", triggers=both))
    store.subscriptions.put_subscription(a_subscription(id="stories-only", query="مناورات"))
    processor = made()
    queue(store, news("1", "مناورات بحرية مشتركة", DRILL))
    drain(processor)
    queue(store, news("1", "تصحيح: مناورات بحرية مشتركة", DRILL, revision=2))
    drain(processor)

    raised = sorted((alert.subscription_id, alert.reason) for alert in store.alerts.alerts())
    assert raised == [
        ("alerted", Trigger.CORRECTION),
        ("alerted", Trigger.NEW_STORY),
        ("stories-only", Trigger.NEW_STORY),
    ]
    assert article(store, "1").revision == 2
    (story,) = store.stories.latest_stories()
    assert story.size == 1


def test_a_revision_after_a_restart_keeps_its_story_and_alerts_no_second_time(store: Store, made: Made) -> None:
    store.subscriptions.put_subscription(a_subscription(query="مناورات"))
    queue(store, news("1", "مناورات بحرية مشتركة", DRILL), news("2", "تدريبات بحرية", DRILL))
    drain(made())
    queue(store, news("2", "تصحيح: مناورات بحرية في العقبة", DRILL, revision=2))
    drain(made())

    assert article(store, "2").story_id == article(store, "1").story_id
    assert len(store.alerts.alerts()) == 1


def test_subscriptions_are_taken_up_changed_and_let_go_of_while_running(
    store: Store, made: Made, events: Recorder
) -> None:
    processor = made()
    queue(store, news("1", "مناورات أولى", DRILL))
    drain(processor)
    assert list(store.alerts.alerts()) == []

    store.subscriptions.put_subscription(a_subscription(query="القمح"))
    queue(store, news("2", "محصول القمح"))
    drain(processor)
    assert [alert.article_id[-1] for alert in store.alerts.alerts()] == ["2"]

    store.subscriptions.put_subscription(a_subscription(query="القمح", enabled=False))
    queue(store, news("3", "سعر القمح", "ارتفع سعر القمح في الأسواق العالمية بعد إغلاق الموانئ عدة أيام متتالية."))
    drain(processor)
    store.subscriptions.remove_subscription("subscription-1")
    queue(store, news("4", "استيراد القمح", "تعاقدت الهيئة على استيراد شحنة من القمح تكفي حاجة البلاد ستة أشهر."))
    drain(processor)
    assert len(store.alerts.alerts()) == 1
    assert [event.subscription for event in events.events if isinstance(event, AlertRaised)] == ["التعاون الدفاعي"]


def test_a_subscription_that_cannot_be_read_does_not_stop_the_others(store: Store, made: Made) -> None:
    store.subscriptions.put_subscription(a_subscription(id="broken", query="(القمح"))
    store.subscriptions.put_subscription(a_subscription(id="sound", query="القمح"))
    queue(store, news("1", "محصول القمح"))

    drain(made())

    assert [alert.subscription_id for alert in store.alerts.alerts()] == ["sound"]


def test_alerts_go_to_the_subscribers_outlets_and_to_the_extra_ones(store: Store, made: Made) -> None:
    store.subscriptions.put_subscription(a_subscription(query="القمح", outlets=("json://hooks.example/in",)))
    queue(store, news("1", "محصول القمح"))

    drain(made(extra_outlets=[TERMINAL]))

    assert {found.outlet for found in store.deliveries.deliveries()} == {"json://hooks.example/in", TERMINAL}


def test_an_entry_taken_again_after_its_outcome_was_lost_changes_nothing(
    store: Store, made: Made, events: Recorder
) -> None:
    store.subscriptions.put_subscription(a_subscription(query="القمح"))
    queue(store, news("1", "محصول القمح"))
    drain(made())
    before = list(store.search.export())

    store.queue.redo("entry-1")
    drain(made())

    assert list(store.search.export()) == before
    assert len(store.alerts.alerts()) == 1
    assert events.outcomes() == [Outcome.INDEXED, Outcome.UNCHANGED]


def test_articles_that_are_split_off_are_filed_under_the_new_story_and_alerted_to_once(
    store: Store, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a grouper to which everything is one story, so that it drifts."""
    one_story = lambda grouper, *_: [_Fitting(1.0, each, each) for each in grouper._members][-1:]  # noqa: E731
    monkeypatch.setattr(Grouper, "_fitting", one_story)
    monkeypatch.setattr("processors.group._original", lambda *_: None)
    store.subscriptions.put_subscription(a_subscription(query="*:*", triggers=(Trigger.NEW_STORY,)))
    for n in range(1, 9):
        title, text = ("مناورات بحرية", DRILL) if n < 4 else ("محصول القمح", GRAIN)
        queue(store, news(str(n), f"{title} {n + 200}", f"{text} {n + 300}"))
        drain(made())

    first = story_id(f"{1:0>32}")
    assert [article(store, str(n)).story_id for n in range(1, 9)] == [first] * 3 + [split_story_id(first)] * 5
    assert {story.story_id: (story.size, story.split_from) for story in store.stories.latest_stories()} == {
        first: (3, ""),
        split_story_id(first): (5, first),
    }
    assert len(store.alerts.alerts()) == 1
    found = store.search.search(parse(f"story:{split_story_id(first)}", now=NOW))
    assert found.total == 5
