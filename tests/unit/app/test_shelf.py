"""The shelf: a file that mirrors the stream of articles, and can be thrown away at any time."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from marsad.errors import TransientError
from marsad.events import Outcome
from marsad.records import Article, Story
from marsad.streams import Message
from marsad.testing.factories import NOW, a_story, an_article
from marsad.testing.journal import InMemoryStreams
from marsad_app.cluster.shelf import FileShelf, open_shelf
from marsad_app.cluster.view import Span
from processors.article_stream import ARTICLES, Shelved, Taken, article_message


@pytest.fixture(autouse=True)
def logs() -> Iterator[None]:
    with capture_logs():
        yield


def spans(streams: InMemoryStreams, topic_id: str = "first") -> Mapping[int, Span]:
    return {number: Span(topic_id, 0, end) for number, end in streams.ends(ARTICLES).items()}


def opened(path: Path, streams: InMemoryStreams, topic_id: str = "first") -> FileShelf:
    return open_shelf(path, streams.open("group", "tagged.v1", 0), spans(streams, topic_id))


def placed(number: int, *, story: int | None = None, edition: int = 1, days: float = 0, place: int = 0) -> Message:
    article = an_article(
        article_id=f"{number:032}",
        story_id=f"story-{number if story is None else story}",
        published_at=NOW + timedelta(days=days),
        edition=edition,
    )
    told = a_story(story_id=article.story_id, headline=f"edition {edition}")
    taken = {"feed-1": Taken(number, edition)}
    return article_message(Shelved(article, place or number, taken), [told], None, Outcome.INDEXED, 2)


def article_of(number: int, **changes: object) -> Article:
    return an_article(article_id=f"{number:032}", story_id=f"story-{number}", **changes)


def ids(articles: Iterator[Article]) -> list[int]:
    return [int(article.article_id) for article in articles]


def test_what_was_written_before_it_was_opened_and_what_was_put_since_is_there(tmp_path: Path) -> None:
    streams = InMemoryStreams()
    streams.write([placed(1), placed(2)])
    shelf = opened(tmp_path / "a.db", streams)
    assert len(shelf) == 2

    journal = streams.open("group", "tagged.v1", 0)
    messages = [placed(3), placed(1, edition=2, place=1)]
    offsets = journal.commit(messages)
    shelf.put([msgspec.structs.replace(each, offset=at) for each, at in zip(messages, offsets, strict=True)])

    assert shelf.get(f"{1:032}") == Shelved(article_of(1, edition=2), 1, {"feed-1": Taken(1, 2)})
    assert shelf.story("story-1") == a_story(story_id="story-1", headline="edition 2")
    assert (shelf.get("missing"), shelf.story("missing")) == (None, None)
    assert (len(shelf), shelf.next_place()) == (3, 4)
    shelf.close()


def test_an_empty_shelf_begins_at_one_and_has_nothing_recent(tmp_path: Path) -> None:
    shelf = opened(tmp_path / "a.db", InMemoryStreams())

    assert shelf.next_place() == 1
    assert list(shelf.recent(timedelta(days=14))) == []
    assert list(shelf.members("story-1")) == []
    shelf.put([])
    shelf.close()


def test_a_story_lists_its_members_in_the_order_in_which_they_were_placed(tmp_path: Path) -> None:
    streams = InMemoryStreams()
    streams.write([placed(5, story=1), placed(1), placed(3, story=1, days=-9), placed(2)])
    shelf = opened(tmp_path / "a.db", streams)

    assert ids(shelf.members("story-1")) == [1, 3, 5]
    assert ids(shelf.members("story-1", before=3)) == [1]
    shelf.close()


def test_recent_are_all_from_the_first_on_that_was_published_in_the_span(tmp_path: Path) -> None:
    """An old report that came late belongs to the window that it came into."""
    streams = InMemoryStreams()
    streams.write(
        [placed(1, days=-20), placed(2, days=-14.5), placed(3, days=-13.9), placed(4, days=-30), placed(5, days=0)]
    )
    shelf = opened(tmp_path / "a.db", streams)

    assert [each.placed for each in shelf.recent(timedelta(days=14))] == [3, 4, 5]
    shelf.close()


def test_recent_come_in_order_also_where_there_are_more_than_are_read_at_once(tmp_path: Path) -> None:
    streams = InMemoryStreams()
    streams.write([placed(number) for number in range(1203, 0, -1)])
    shelf = opened(tmp_path / "a.db", streams)

    assert [each.placed for each in shelf.recent(timedelta(days=14))] == list(range(1, 1204))
    shelf.close()


def test_it_reads_on_from_where_it_was_closed(tmp_path: Path) -> None:
    streams = InMemoryStreams()
    streams.write([placed(1), placed(2)])
    opened(tmp_path / "a.db", streams).close()
    streams.write([placed(3), placed(1, edition=2, place=1)])

    shelf = FileShelf(tmp_path / "a.db")
    assert shelf.catch_up(streams.open("group", "tagged.v1", 0), spans(streams)) == 2
    assert len(shelf) == 3
    assert shelf.catch_up(streams.open("group", "tagged.v1", 0), spans(streams)) == 0
    shelf.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(
    st.lists(st.tuples(st.integers(1, 6), st.booleans(), st.booleans()), min_size=1, max_size=15), st.integers(0, 10**9)
)
def test_it_is_the_same_whether_it_was_filled_at_once_or_on_the_way_and_over_restarts(
    tmp_path: Path, steps: list[tuple[int, bool, bool]], salt: int
) -> None:
    streams = InMemoryStreams()
    path = tmp_path / f"{salt}-{len(steps)}.db"
    path.unlink(missing_ok=True)
    shelf = opened(path, streams)
    editions: dict[int, int] = {}
    for number, known, again in steps:
        editions[number] = editions.get(number, 0) + 1
        message = placed(number, edition=editions[number], story=number % 2)
        (offset,) = streams.write([message])
        if again:
            shelf.close()
            shelf = opened(path, streams)
        elif known:
            shelf.close()
            streams.compact(ARTICLES)
            shelf = opened(path, streams)
        else:
            shelf.put([msgspec.structs.replace(message, offset=offset)])
    fresh = opened(tmp_path / f"{salt}-fresh.db", streams)

    assert list(shelf.recent(timedelta(days=14))) == list(fresh.recent(timedelta(days=14)))
    assert [shelf.story(f"story-{number}") for number in (0, 1)] == [fresh.story(f"story-{n}") for n in (0, 1)]
    shelf.close()
    fresh.close()
    (tmp_path / f"{salt}-fresh.db").unlink()


def test_streams_that_were_made_anew_empty_it(tmp_path: Path) -> None:
    streams = InMemoryStreams()
    streams.write([placed(1), placed(2)])
    opened(tmp_path / "a.db", streams).close()
    streams.make_anew(ARTICLES)
    streams.write([placed(7), placed(8), placed(9)])

    shelf = opened(tmp_path / "a.db", streams, topic_id="second")

    assert [each.placed for each in shelf.recent(timedelta(days=14))] == [7, 8, 9]
    assert shelf.story("story-1") is None
    shelf.close()


def test_a_stream_that_ends_before_what_was_read_empties_it(tmp_path: Path) -> None:
    streams = InMemoryStreams()
    streams.write([placed(1), placed(2), placed(3), placed(4)])
    opened(tmp_path / "a.db", streams).close()
    streams.make_anew(ARTICLES)
    streams.write([placed(7)])

    shelf = opened(tmp_path / "a.db", streams)

    assert [each.placed for each in shelf.recent(timedelta(days=14))] == [7]
    shelf.close()


def test_a_damaged_file_is_thrown_away_and_filled_anew(tmp_path: Path) -> None:
    streams = InMemoryStreams()
    streams.write([placed(1), placed(2)])
    (tmp_path / "a.db").write_bytes(b"no database at all " * 200)

    shelf = opened(tmp_path / "a.db", streams)

    assert len(shelf) == 2
    shelf.close()


def test_damage_that_shows_later_has_the_file_made_anew_by_who_opens_it_next(tmp_path: Path) -> None:
    streams = InMemoryStreams()
    streams.write([placed(1), placed(2)])
    shelf = opened(tmp_path / "a.db", streams)
    with shelf._db.write() as connection:
        connection.execute("UPDATE shelved SET data = x'00' WHERE placed = 2")
    assert shelf.get(f"{1:032}") is not None

    with pytest.raises(TransientError, match="damaged"):
        shelf.get(f"{2:032}")

    again = opened(tmp_path / "a.db", streams)
    assert again.get(f"{2:032}") is not None
    again.close()


def test_a_process_that_lags_behind_the_next_owner_changes_nothing(tmp_path: Path) -> None:
    """It was stopped between its commit and the shelf; the next owner has read that commit from the stream."""
    streams = InMemoryStreams()
    stopped = opened(tmp_path / "a.db", streams)
    message = placed(1)
    (offset,) = streams.write([message])
    streams.write([placed(1, edition=2)])
    owner = opened(tmp_path / "a.db", streams)

    with pytest.raises(TransientError, match="another process"):
        stopped.put([msgspec.structs.replace(message, offset=offset)])

    kept = owner.get(f"{1:032}")
    assert kept is not None
    assert kept.article.edition == 2
    stopped.close()
    owner.close()


def test_what_is_no_article_on_the_stream_is_passed_over(tmp_path: Path) -> None:
    streams = InMemoryStreams()
    headless = msgspec.structs.replace(placed(2), headers={})
    streams.write([placed(1), headless, msgspec.structs.replace(placed(3), value=b"{}"), placed(4)])

    shelf = opened(tmp_path / "a.db", streams)

    assert [each.placed for each in shelf.recent(timedelta(days=14))] == [1, 4]
    shelf.close()


def test_a_tombstone_takes_an_article_away_only_in_its_own_partition(tmp_path: Path) -> None:
    streams = InMemoryStreams()
    message = placed(1)
    own = message.partition or 0
    streams.write([message, msgspec.structs.replace(message, value=None, partition=1 - own, headers={})])
    shelf = opened(tmp_path / "a.db", streams)
    assert len(shelf) == 1

    (offset,) = streams.write([msgspec.structs.replace(message, value=None, headers={})])
    shelf.put([msgspec.structs.replace(message, value=None, headers={}, offset=offset)])
    assert len(shelf) == 0
    shelf.close()


def test_of_an_article_in_two_partitions_the_newer_edition_counts(tmp_path: Path) -> None:
    for old, new in ((0, 1), (1, 0)):
        streams = InMemoryStreams()
        streams.write(
            [
                msgspec.structs.replace(placed(1, edition=1), partition=old),
                msgspec.structs.replace(placed(1, edition=2), partition=new),
            ]
        )
        shelf = opened(tmp_path / f"{old}.db", streams)
        kept = shelf.get(f"{1:032}")
        assert kept is not None
        assert kept.article.edition == 2
        story: Story | None = shelf.story("story-1")
        assert story is not None
        assert story.headline == "edition 2"
        shelf.close()


def test_of_a_story_that_is_told_in_two_partitions_the_later_state_counts(tmp_path: Path) -> None:
    streams = InMemoryStreams()
    early = a_story(story_id="ended", edition=1)
    late = a_story(story_id="ended", edition=2, merged_into="s")
    article = an_article(article_id="1" * 32, story_id="ended")
    other = an_article(article_id="2" * 32, story_id="s")
    shelf = opened(tmp_path / "shelf.db", streams)
    beside = article_message(Shelved(other, 2), [a_story(story_id="s"), late], None, Outcome.INDEXED, 2)
    shelf.put([msgspec.structs.replace(beside, offset=0)])
    alone = article_message(Shelved(article, 1), [early], None, Outcome.INDEXED, 2)
    shelf.put([msgspec.structs.replace(alone, offset=1)])
    assert shelf.story("ended") == late
    shelf.close()
