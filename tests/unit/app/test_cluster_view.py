"""The view takes in each record once, whoever brings it and in whatever order, and knows when it must begin anew."""

import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from marsad.records import FeedState, encode
from marsad.streams import Message
from marsad.testing.factories import NOW, a_delivery, a_feed, a_quarantined, a_subscription, an_alert
from marsad_app.cluster.applying import is_forgotten, removed_at
from marsad_app.cluster.view import KEPT, Place, Slice, Span, View, fits, open_view

FEEDS: Place = ("feeds.v1", 0)
STATES: Place = ("feed-states.v1", 0)


@pytest.fixture
def view(tmp_path: Path) -> Iterator[View]:
    opened = open_view(tmp_path, "test")
    yield opened
    opened.close()


def spans(*places: Place, end: int = 100, topic: str = "t", first: int = 0) -> dict[Place, Span]:
    return {place: Span(topic, first, end) for place in places or (FEEDS,)}


def message(
    record: msgspec.Struct | None, key: str, offset: int = 0, *, place: Place = FEEDS, at: datetime = NOW
) -> Message:
    value = None if record is None else encode(record)
    return Message(stream=place[0], key=key, value=value, partition=place[1], offset=offset, at=at)


def slice_of(messages: Sequence[Message], *, place: Place = FEEDS, start: int = 0, until: int | None = None) -> Slice:
    return Slice(place, start, start + len(messages) if until is None else until, tuple(messages))


def feed_ids(view: View) -> list[str]:
    return [feed.id for feed in view.store.feeds.feeds()]


def test_a_new_view_begins_where_the_streams_begin(view: View) -> None:
    assert view.begin(spans(first=7), NOW)
    assert view.places() == {FEEDS: 7}


def test_a_slice_that_another_process_took_in_is_passed_over(view: View, tmp_path: Path) -> None:
    other = View(tmp_path / "view-test.db")
    view.begin(spans(), NOW)
    both = slice_of([message(a_feed(id="a"), "a"), message(None, "a", 1), message(a_feed(id="b"), "b", 2)])
    view.apply([both])

    assert other.apply([both]) == {FEEDS: 3}
    assert feed_ids(other) == ["b"]
    other.close()


def test_of_a_slice_that_begins_earlier_only_what_is_new_is_taken_in(view: View) -> None:
    view.begin(spans(), NOW)
    view.apply([slice_of([message(a_feed(id="a"), "a")])])
    view.store.feeds.remove_feed("a")

    view.apply([slice_of([message(a_feed(id="a"), "a"), message(a_feed(id="b"), "b", 1)])])

    assert feed_ids(view) == ["b"]
    assert view.places() == {FEEDS: 2}


def test_a_slice_beyond_the_place_that_was_reached_is_refused(view: View) -> None:
    view.begin(spans(), NOW)

    assert view.apply([slice_of([message(a_feed(id="c"), "c", 5)], start=5)]) == {FEEDS: 0}
    assert feed_ids(view) == []


def test_places_move_over_offsets_that_hold_no_record(view: View) -> None:
    view.begin(spans(), NOW)

    assert view.apply([slice_of([], start=0, until=4)]) == {FEEDS: 4}


@pytest.mark.parametrize(
    ("changed", "later"),
    [
        (spans(FEEDS, topic="another"), timedelta()),
        (spans(FEEDS, end=0), timedelta()),
        (spans(FEEDS, first=9), timedelta()),
        (spans(STATES), timedelta()),
        (spans(FEEDS), KEPT + timedelta(minutes=1)),
    ],
    ids=["the stream was made anew", "it is shorter", "its beginning is gone", "it is not there", "read too long ago"],
)
def test_a_view_that_does_not_fit_is_thrown_away(view: View, changed: dict[Place, Span], later: timedelta) -> None:
    view.begin(spans(), NOW)
    view.apply([slice_of([message(a_feed(id="a"), "a")])])

    assert view.begin(changed, NOW + later)
    assert feed_ids(view) == []
    assert view.places() == {place: span.first for place, span in changed.items()}


def test_a_view_that_fits_goes_on_and_takes_new_partitions_along(view: View) -> None:
    view.begin(spans(), NOW)
    view.apply([slice_of([message(a_feed(id="a"), "a")])])
    view.completed(NOW + KEPT)

    assert view.begin(spans(FEEDS, ("feeds.v1", 1)), NOW + KEPT * 2) == ""
    assert feed_ids(view) == ["a"]
    assert view.places() == {FEEDS: 1, ("feeds.v1", 1): 0}


@pytest.mark.parametrize(("reached", "fit"), [(2, False), (3, True), (9, True), (10, False)])
def test_reading_can_go_on_only_inside_what_a_partition_holds(reached: int, *, fit: bool) -> None:
    assert fits(reached, Span("t", 3, 9)) is fit


def test_a_record_that_cannot_be_read_stops_nothing(view: View) -> None:
    view.begin(spans(), NOW)
    broken = Message(stream="feeds.v1", key="x", value=b"no record", partition=0, offset=0, at=NOW)

    view.apply([slice_of([broken, message(a_feed(id="a"), "a", 1)])])

    assert feed_ids(view) == ["a"]


def test_a_damaged_file_is_made_anew(view: View, tmp_path: Path) -> None:
    view.close()
    (tmp_path / "view-test.db").write_bytes(b"this is no database" * 500)

    opened = open_view(tmp_path, "test")

    assert opened.places() == {}
    opened.close()


def known_states(view: View) -> list[str]:
    removed = removed_at(view.store)
    return [state.feed_id for state in view.store.polls.states() if not is_forgotten(state, removed)]


def test_a_removed_feed_takes_its_earlier_state_along_and_no_later_one(view: View) -> None:
    view.begin(spans(FEEDS, STATES), NOW)
    gone = message(None, "a", 1, at=NOW)

    def polled(after: timedelta, offset: int) -> Slice:
        state = FeedState(feed_id="a", last_poll_at=NOW + after)
        return slice_of([message(state, "a", offset, place=STATES)], place=STATES, start=offset)

    view.apply([polled(-timedelta(minutes=1), 0)])
    assert known_states(view) == ["a"]
    view.apply([slice_of([message(a_feed(id="a"), "a"), gone])])
    assert known_states(view) == []
    view.apply([polled(timedelta(minutes=1), 1)])
    assert known_states(view) == ["a"]


def test_a_state_that_a_feed_left_in_another_partition_comes_never_back(view: View) -> None:
    other: Place = ("feed-states.v1", 1)
    view.begin(spans(STATES, other), NOW)
    new = message(FeedState(feed_id="a", etag="new", last_poll_at=NOW), "a", place=other)
    old = message(FeedState(feed_id="a", etag="old", last_poll_at=NOW - timedelta(hours=1)), "a", place=STATES)
    swept = message(None, "a", 1, place=STATES, at=NOW - timedelta(minutes=1))

    view.apply([slice_of([new], place=other)])
    view.apply([slice_of([old, swept], place=STATES)])

    state = view.store.polls.state("a")
    assert state is not None
    assert state.etag == "new"


def ledger_messages() -> list[Message]:
    """Alerts of three minutes in two partitions, their deliveries, one of them changed, and quarantined items."""
    found = []
    for number in range(6):
        at = NOW + timedelta(minutes=number // 2)
        alert = an_alert(alert_id=f"alert-{number}", at=at)
        place: Place = ("alerts.v1", number % 2)
        found.append(message(alert, alert.alert_id, number // 2, place=place, at=at))
        item = a_quarantined(id=f"item-{number}", at=at)
        found.append(message(item, item.id, number // 2, place=("quarantine.v1", number % 2), at=at))
        one = a_delivery(delivery_id=f"delivery-{number}", alert_id=alert.alert_id)
        found.append(message(one, one.delivery_id, number // 2, place=("deliveries.v1", number % 2), at=at))
    gone = message(None, "item-0", 3, place=("quarantine.v1", 0), at=NOW)
    changed = a_subscription(id="s", name="second")
    subscriptions: Place = ("subscriptions.v1", 0)
    return [
        *found,
        gone,
        message(a_subscription(id="s", name="first"), "s", place=subscriptions),
        message(changed, "s", 1, place=subscriptions),
    ]


def read_in_order(folder: Path, messages: Sequence[Message], order: random.Random) -> list[object]:
    """What a view shows that was given the messages, each partition in order, the partitions in any order."""
    parts: dict[Place, list[Message]] = {}
    for one in messages:
        parts.setdefault((one.stream, one.partition or 0), []).append(one)
    view = open_view(folder, "test")
    view.begin(spans(*parts), NOW)
    while parts:
        place = order.choice(sorted(parts))
        one = parts[place].pop(0)
        view.apply([slice_of([one], place=place, start=one.offset)])
        if not parts[place]:
            del parts[place]
    store = view.store
    shown = [store.alerts.alerts(), store.quarantine.quarantined(), store.subscriptions.subscriptions()]
    shown.append([one.delivery_id for one in store.deliveries.deliveries()])
    view.close()
    return shown


def test_the_order_in_which_partitions_are_read_changes_nothing(tmp_path: Path) -> None:
    messages = ledger_messages()
    first = read_in_order(tmp_path / "first", messages, random.Random(1))
    alerts, items, subscriptions, deliveries = first

    assert [alert.at for alert in alerts] == sorted((alert.at for alert in alerts), reverse=True)  # type: ignore[attr-defined]
    assert {item.id for item in items} == {f"item-{n}" for n in range(1, 6)}  # type: ignore[attr-defined]
    assert [one.name for one in subscriptions] == ["second"]  # type: ignore[attr-defined]
    assert sorted(deliveries) == [f"delivery-{n}" for n in range(6)]  # type: ignore[call-overload]
    assert read_in_order(tmp_path / "second", messages, random.Random(2)) == first


def test_a_delivery_that_changes_keeps_its_place(view: View) -> None:
    place: Place = ("deliveries.v1", 0)
    view.begin(spans(place), NOW)
    old, new = a_delivery(delivery_id="old"), a_delivery(delivery_id="new")
    tried = msgspec.structs.replace(old, attempts=1)

    view.apply(
        [
            slice_of(
                [
                    message(old, "old", 0, place=place),
                    message(new, "new", 1, place=place, at=NOW + timedelta(seconds=1)),
                    message(tried, "old", 2, place=place, at=NOW + timedelta(seconds=2)),
                ],
                place=place,
            )
        ]
    )

    assert [(one.delivery_id, one.attempts) for one in view.store.deliveries.deliveries()] == [("new", 0), ("old", 1)]
