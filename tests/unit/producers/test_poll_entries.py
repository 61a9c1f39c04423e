"""Which entries a poll brings: new, revised, known, merged, and missed."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from marsad.records import Health
from marsad.records.ids import article_id
from marsad.testing.factories import a_feed
from producers.identity import kept
from producers.parse import ParsedEntry
from producers.testing import START, History, entries_of, entry


def test_the_first_poll_brings_every_entry_oldest_first() -> None:
    history = History()

    result = history.poll(entries_of(1, 2, 3))

    assert [one.guid for one in result.entries] == ["g1", "g2", "g3"]
    assert (result.new, result.revised, result.state.health) == (3, 0, Health.OK)
    assert all(one.first_seen_at == history.now and one.revision == 1 for one in result.entries)


def test_a_known_entry_is_not_new_again() -> None:
    history = History()
    history.poll(entries_of(1, 2))

    assert [one.guid for one in history.poll(entries_of(1, 2, 3)).entries] == ["g3"]


def test_an_entry_that_left_for_a_poll_is_known_when_it_returns() -> None:
    history = History()
    history.poll(entries_of(1, 2))
    history.poll(entries_of(2, 3))

    assert history.poll(entries_of(1, 2, 3)).new == 0


def test_an_edited_entry_is_a_revision_of_the_same_article() -> None:
    history = History()
    first = history.poll([entry(1), entry(2)]).entries[1]

    second = history.poll([entry(1, title="خبر رقم 1: تصحيح"), entry(2)]).entries[0]

    assert (second.entry_id, second.article_id, second.revision) == (first.entry_id, first.article_id, 2)
    assert second.content_hash != first.content_hash


def test_a_revision_leads_to_the_article_that_its_page_named() -> None:
    history = History()
    first = history.poll([entry(1), entry(2)]).entries[1]
    assert history.state is not None
    own = "https://news.example/own/48213"
    seen = replace(history.state.seen[first.entry_id], canonical=own)
    history.state = replace(history.state, seen=history.state.seen | {first.entry_id: seen})

    second = history.poll([entry(1, title="خبر رقم 1: تصحيح"), entry(2)])

    assert [(one.article_id, one.canonical, one.revision) for one in second.entries] == [
        (article_id(own, "", ""), own, 2)
    ]
    assert history.poll([entry(1, title="خبر رقم 1: تصحيح"), entry(2)]).new == 0


def test_new_dates_markup_and_white_space_are_no_revision() -> None:
    history = History()
    history.poll([entry(1, summary="ملخص الخبر")])

    later = history.poll([entry(1, summary="<p>ملخص \n الخبر</p>", published="later", published_at=START)])

    assert (later.new, later.revised) == (0, 0)


def test_two_guids_of_one_link_are_one_entry() -> None:
    history = History()

    result = history.poll(
        [entry(1), entry(1, guid="g1#2"), entry(1, guid="g1#3", url="https://www.news.example/1?utm_source=rss")]
    )

    assert result.new == 1
    assert result.entries[0].guids == ("g1", "g1#2", "g1#3")


def test_a_feed_that_gives_all_its_entries_new_guids_does_not_flood() -> None:
    history = History()
    history.poll(entries_of(1, 2, 3))

    again = history.poll([entry(number, guid=f"other-{number}") for number in (1, 2, 3)])

    assert (again.new, again.revised) == (0, 0)


def test_a_feed_that_gives_all_its_entries_new_guids_and_links_does_not_flood() -> None:
    history = History()
    history.poll(entries_of(*range(8)))

    again = history.poll([entry(n, guid=f"o{n}", url=f"https://news.example/{n}?sid=77") for n in range(9)])

    assert [one.title for one in again.entries] == ["خبر رقم 8"]


def test_a_link_that_changed_under_the_same_guid_keeps_the_article() -> None:
    history = History()
    first = history.poll([entry(1), entry(2)]).entries[1]

    moved = history.poll([entry(1, url="https://news.example/new-slug", title="عنوان جديد"), entry(2)]).entries[0]

    assert moved.article_id == first.article_id
    assert moved.url == "https://news.example/new-slug"


def test_guids_that_are_reused_for_other_news_hide_nothing() -> None:
    history = History()
    history.poll([entry(n, guid=f"slot-{n}") for n in range(4)])

    fresh = history.poll([entry(n + 10, guid=f"slot-{n}") for n in range(4)])

    assert (fresh.new, fresh.revised) == (4, 0)
    assert len({one.article_id for one in history.entries}) == 8


def test_one_guid_for_all_entries_tells_nothing_apart() -> None:
    history = History()

    assert history.poll([entry(n, guid="0") for n in range(5)]).new == 5
    assert history.poll([entry(n, guid="0") for n in range(6)]).new == 1


def test_one_link_for_all_entries_tells_nothing_apart() -> None:
    history = History()

    assert history.poll([entry(n, url="https://news.example/live") for n in range(5)]).new == 5
    assert history.poll([entry(n, url="https://news.example/") for n in range(6)]).new == 1
    assert len({one.article_id for one in history.entries}) == 6


def test_entries_without_guid_and_link_are_known_by_their_content() -> None:
    history = History()
    history.poll([entry(1, guid="", url=""), entry(2, guid="", url="")])

    assert history.poll([entry(1, guid="", url=""), entry(3, guid="", url="")]).new == 1


def test_entries_without_anything_are_left_out() -> None:
    assert History().poll([ParsedEntry(guid="x"), entry(1)]).new == 1


def test_the_same_article_in_two_feeds_has_one_article_id_and_two_entry_ids() -> None:
    one = History().poll([entry(1)]).entries[0]
    other = (
        History(a_feed(id="feed-2"))
        .poll([entry(1, guid="x", url="http://m.news.example/1/?utm_medium=rss")])
        .entries[0]
    )

    assert one.article_id == other.article_id
    assert one.entry_id != other.entry_id


@given(st.lists(st.lists(st.integers(0, 60), unique=True, min_size=1, max_size=40), min_size=1, max_size=8))
def test_whatever_a_feed_shows_when_each_entry_comes_out_once(polls: list[list[int]]) -> None:
    history = History()
    for numbers in polls:
        history.poll([entry(number) for number in numbers])

    assert sorted(one.guid for one in history.entries) == sorted(
        {f"g{number}" for numbers in polls for number in numbers}
    )
    assert history.state is not None
    assert {f"خبر رقم {number}" for number in polls[-1]} <= {one.title for one in history.entries}


def test_entries_that_are_known_by_what_was_kept_of_them_mean_the_same_without_their_texts() -> None:
    before = entries_of(1, 2, 3, 4)
    whole, thin = History(), History()
    whole.poll(before)
    thin.poll(before)
    after = [entry(5), *before[1:], entry(4, title="صياغة أخرى"), entry(6, title="")]

    found = whole.poll(after)
    again = thin.poll([kept(one) if one in before else one for one in after], body=repr(after).encode())

    assert again == found
    assert not again.lacks_text


def test_a_new_entry_without_its_texts_is_told_of() -> None:
    history = History()
    history.poll(entries_of(1, 2))

    assert history.poll([kept(entry(3)), *entries_of(1, 2)]).lacks_text
    assert not history.poll([kept(one) for one in entries_of(1, 2, 3)]).lacks_text


def test_memory_is_bounded_and_holds_all_that_is_in_the_feed() -> None:
    history = History()
    for start in range(0, 2_000, 20):
        history.poll(entries_of(*range(start, start + 60)))

    assert history.state is not None
    assert len(history.state.seen) <= 3 * 60
    assert history.poll(entries_of(*range(1_980, 2_040))).new == 0


def test_a_window_that_rolled_over_is_a_gap_with_an_estimate() -> None:
    history = History()
    history.poll(entries_of(*range(10)))

    result = history.poll(entries_of(*range(30, 40)))

    assert result.missed == 20
    assert result.state.gap_count == 1
    assert result.state.gaps[0].newest_known == START - timedelta(hours=91)
    assert "missed" in result.state.reason


def test_overlap_is_no_gap() -> None:
    history = History()
    history.poll(entries_of(*range(10)))

    assert history.poll(entries_of(*range(9, 19))).missed == 0


def test_an_entry_that_is_pinned_to_the_document_hides_no_gap() -> None:
    history = History()
    history.poll(entries_of(0, *range(10, 20)))

    result = history.poll([entry(0), *entries_of(*range(40, 50))])

    assert (result.new, result.missed) == (10, 20)
    assert result.state.gaps[0].newest_known == START - timedelta(hours=81)
    assert result.state.gaps[0].oldest_seen == START - timedelta(hours=60)


def test_beside_a_pinned_entry_the_newest_one_known_joins_two_documents() -> None:
    history = History()
    history.poll(entries_of(0, *range(10, 20)))

    assert history.poll([entry(0), *entries_of(*range(19, 29))]).missed == 0


def test_what_the_publisher_took_back_is_no_gap_as_long_as_more_of_its_neighbours_are_left_than_anybody_pins() -> None:
    history = History()
    history.poll(entries_of(*range(10, 20)))

    assert history.poll(entries_of(*range(12, 16), *range(20, 26))).missed == 0


def test_a_known_entry_among_undated_ones_joins_two_documents() -> None:
    history = History()
    history.poll([replace(one, published_at=None) for one in entries_of(0, *range(10, 20))])

    assert history.poll([replace(one, published_at=None) for one in entries_of(0, *range(40, 50))]).missed == 0


def test_a_feed_refilled_with_older_entries_has_no_gap() -> None:
    history = History()
    history.poll(entries_of(*range(50, 60)))

    assert history.poll(entries_of(*range(10))).missed == 0


def test_the_first_document_and_an_empty_one_are_no_gap() -> None:
    history = History()
    assert history.poll(entries_of(5)).missed == 0
    assert history.poll([]).missed == 0
