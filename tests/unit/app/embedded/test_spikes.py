"""A spike in one process: told once, with its figures, also by a process that was started in the middle of it."""

from datetime import timedelta

import pytest

from marsad.clock import FrozenClock
from marsad.records import Entry, Hit, Trigger
from marsad.taxonomy import Taxonomy
from marsad.testing.factories import NOW, a_feed, a_subscription, an_alert, an_entry
from marsad_app.embedded.store import Store
from marsad_app.embedded.testing import Recorder, RiggedPipeline, processor_over

CROPS = ("القمح", "الشعير", "الذرة", "الزيتون", "التمر", "القطن", "العنب", "الرمان")


def harvest(number: int) -> Entry:
    at = NOW + timedelta(minutes=number)
    return an_entry(
        entry_id=f"entry-{number}",
        article_id=f"{number:032}",
        url=f"http://news.example/{number}",
        guid=f"guid-{number}",
        guids=(f"guid-{number}",),
        title=f"محصول {CROPS[number]} يبلغ رقما لم يبلغه من قبل",
        summary_html="",
        content_html=f"<p>أعلنت وزارة الزراعة أن محصول {CROPS[number]} هذا الموسم بلغ {number + 2} ملايين طن.</p>",
        published_raw=at.isoformat(),
        first_seen_at=at,
        fetched_at=at,
    )


@pytest.mark.parametrize("restart", [False, True])
def test_a_spike_is_told_once_with_what_is_usual(
    store: Store, pipeline: RiggedPipeline, taxonomy: Taxonomy, clock: FrozenClock, events: Recorder, *, restart: bool
) -> None:
    store.feeds.put_feeds([a_feed()])
    created = NOW - timedelta(days=20)
    one = a_subscription(query="محصول", triggers=(Trigger.SPIKE,), created_at=created, outlets=("json://a.example/",))
    store.subscriptions.put_subscription(one)
    processor = processor_over(store, pipeline, taxonomy, clock, events)

    for number in range(len(CROPS)):
        store.queue.put(harvest(number), wants_page=False)
        while processor.step():
            pass
        if restart:
            processor = processor_over(store, pipeline, taxonomy, clock, events)

    (alert,) = store.alerts.alerts()
    assert (alert.reason, alert.hits, alert.usual, alert.hours) == (Trigger.SPIKE, 5, 0.0, 3)
    assert len(store.deliveries.deliveries()) == 1


def test_hits_are_forgotten_when_they_can_no_longer_matter(store: Store) -> None:
    def hit(number: int, days: int) -> Hit:
        at = NOW + timedelta(days=days)
        return Hit(
            subscription_id="s", article_id=str(number), published_at=at, first_seen_at=at, alert=an_alert(at=at)
        )

    store.hits.add([hit(1, 0), hit(2, 15)])
    assert [kept.article_id for kept in store.hits.kept()] == ["1", "2"]

    assert store.hits.add([hit(2, 15), hit(3, 17)]) == [hit(3, 17)]
    assert [kept.article_id for kept in store.hits.kept()] == ["2", "3"]
