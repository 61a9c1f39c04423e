"""What a replay misses is excused only by gaps that say so."""

from collections.abc import Sequence
from typing import Any

import pytest

from marsad.records import FeedState, GapMark
from marsad.testing.factories import NOW, a_feed, an_article
from marsad.testing.fakes import InMemoryStore
from marsad_app.bench.replay import Comparison, compare


def compared(published: Sequence[int], stored: Sequence[int], *gaps: tuple[int, int]) -> Comparison:
    """Documents of one feed by number, and its gaps: how many each missed, and how many were found afterwards."""
    store = InMemoryStore()
    store.feeds.put_feeds([a_feed(title="bbc-sport")])
    marks = tuple(GapMark(NOW, None, None, missed, found=found) for missed, found in gaps)
    store.polls.commit_poll(FeedState(feed_id="feed-1", gaps=marks, gap_count=len(marks)), [])
    for number in stored:
        store.articles.put_articles([an_article(title=str(number), guids=(_id(number),))])
    truth: dict[str, Any] = {"ids": [_id(number) for number in published]}
    return compare(truth, store, {})


def _id(number: int) -> str:
    return f"BB-sport-{number}-20180101"


def numbers(ids: Sequence[str]) -> list[int]:
    return [int(one.split("-")[2]) for one in ids]


@pytest.mark.parametrize(
    ("stored", "gaps", "excused", "missing"),
    [
        ([1, 2, 3, 4, 5, 6], [], [], []),
        ([1, 4, 5, 6], [], [], [2, 3]),
        ([1, 4, 5, 6], [(2, 0)], [2, 3], []),
        ([1, 4, 5, 6], [(1, 0)], [2], [3]),
        ([1, 4, 5, 6], [(2, 1)], [2], [3]),
        ([1, 3, 5, 6], [(1, 0), (1, 0)], [2, 4], []),
        ([1, 2, 3], [(9, 0)], [], [4, 5, 6]),
        ([3, 4, 5, 6], [(9, 0)], [], []),
    ],
    ids=["all", "no gap", "gap", "gap too small", "found again", "two gaps", "nothing read later", "before the first"],
)
def test_a_gap_excuses_as_many_as_it_took_and_only_before_what_was_read_later(
    stored: list[int], gaps: list[tuple[int, int]], excused: list[int], missing: list[int]
) -> None:
    found = compared([1, 2, 3, 4, 5, 6], stored, *gaps)

    assert numbers(found.excused) == excused
    assert numbers(found.missing) == missing
    assert found.ok() is not bool(missing)
