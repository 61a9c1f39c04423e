"""``marsad quarantine``."""

from typing import Any

from marsad.records import encode


def test_the_list_can_be_limited_to_a_stage(marsad: Any, filled: Any) -> None:
    assert len(marsad("quarantine", "list", "--json").records) == 2
    assert [record["stage"] for record in marsad("quarantine", "list", "--stage", "parse", "--json").records] == [
        "parse"
    ]
    assert "nothing is in quarantine" in marsad("quarantine", "list", "--stage", "match").err


def test_an_item_is_shown_with_its_bytes_even_if_they_are_no_text(marsad: Any, filled: Any) -> None:
    item = marsad("quarantine", "list", "--stage", "parse", "--json").records[0]
    assert marsad("quarantine", "show", item["id"][:8], "--json").records[0]["payload"] == "\ufffd<rss"
    assert "no feed" in marsad("quarantine", "show", item["id"]).out


def test_an_entry_is_sent_through_again_and_leaves_quarantine(marsad: Any, filled: Any) -> None:
    item = marsad("quarantine", "list", "--stage", "clean", "--json").records[0]
    assert "1 of 1 replayed" in marsad("quarantine", "replay", item["id"]).err
    assert filled.queue.waiting()["ready"] == 1
    assert len(filled.quarantine.quarantined()) == 1


def test_an_entry_that_is_still_kept_is_queued_once(marsad: Any, filled: Any, make: Any) -> None:
    filled.queue.put(make["entry"](9), wants_page=False)
    marsad("quarantine", "replay", "--all", "--stage", "clean")
    assert filled.queue.waiting()["ready"] == 1


def test_what_is_no_entry_stays_and_the_reason_is_told(marsad: Any, filled: Any) -> None:
    answer = marsad("quarantine", "replay", "--all", status=1)
    assert "is no entry" in answer.err
    assert "1 of 2 could not be replayed" in answer.complaint
    assert [item.stage for item in filled.quarantine.quarantined()] == ["parse"]


def test_items_are_dropped_by_id_or_all_of_a_stage(marsad: Any, filled: Any) -> None:
    marsad("quarantine", "drop", "--all", "--stage", "parse")
    assert [item.stage for item in filled.quarantine.quarantined()] == ["clean"]
    assert marsad("quarantine", "drop", filled.quarantine.quarantined()[0].id, "--json").records[0]["dropped"] is True


def test_dropping_all_takes_more_than_a_page(marsad: Any, store: Any, make: Any) -> None:
    store.quarantine.quarantine(
        make["quarantined"]("clean", encode(make["entry"](n)), f"reason {n}") for n in range(700)
    )
    assert "700 of 700 dropped" in marsad("quarantine", "drop", "--all").err
    assert store.quarantine.quarantined() == []


def test_neither_ids_nor_all_is_wrong_usage(marsad: Any, filled: Any) -> None:
    assert "give ids, or --all" in marsad("quarantine", "drop", status=2).err
    assert "give ids, or --all" in marsad("quarantine", "replay", "abcd", "--all", status=2).err
    assert "no quarantined item" in marsad("quarantine", "drop", "ffffffff", status=1).complaint
