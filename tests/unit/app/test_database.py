import sqlite3
import threading
from pathlib import Path

import pytest
from msgspec.structs import replace

from marsad.errors import StoreError
from marsad.records import Entry, Feed, FeedState, Seen
from marsad.testing.factories import a_feed, a_quarantined, an_article, an_entry
from marsad_app.embedded import open_store, schema
from marsad_app.embedded.database import Database, pack
from marsad_app.embedded.store import FILE_NAME, Store


def test_a_file_of_an_older_version_is_lifted_and_keeps_its_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(tmp_path)
    store.feeds.put_feeds([a_feed(id="a")])
    store.close()
    step = "CREATE TABLE later (x INTEGER); INSERT INTO later VALUES (1)"
    monkeypatch.setattr("marsad_app.embedded.database.MIGRATIONS", (*schema.MIGRATIONS, step))
    monkeypatch.setattr("marsad_app.embedded.database.VERSION", schema.VERSION + 1)

    store = open_store(tmp_path)

    with store.database.read() as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (schema.VERSION + 1,)
        assert connection.execute("SELECT x FROM later").fetchall() == [(1,)]
    assert [feed.id for feed in store.feeds.feeds()] == ["a"]
    store.close()


def test_a_step_that_fails_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_store(tmp_path).close()
    monkeypatch.setattr(
        "marsad_app.embedded.database.MIGRATIONS",
        (*schema.MIGRATIONS, "CREATE TABLE later (x); CREATE TABLE feeds (y)"),
    )
    monkeypatch.setattr("marsad_app.embedded.database.VERSION", schema.VERSION + 1)
    with pytest.raises(StoreError, match="already exists"):
        open_store(tmp_path)
    monkeypatch.undo()

    store = open_store(tmp_path)

    with store.database.read() as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'later'").fetchone() == (0,)
    store.close()


def test_a_file_of_a_newer_version_says_to_update(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    connection.execute("PRAGMA user_version=99")
    connection.close()

    with pytest.raises(StoreError, match="newer Marsad"):
        open_store(tmp_path)


def test_a_file_that_is_no_database_says_so_and_names_it(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"this is no database, whatever its name says" * 100)

    with pytest.raises(StoreError, match=r"marsad\.db: no sound Marsad store"):
        open_store(tmp_path)


def test_a_folder_that_cannot_be_made_says_which_setting_to_change(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")

    with pytest.raises(StoreError, match=r"data\.dir"):
        open_store(tmp_path / "file" / "folder")


def test_a_full_disk_is_one_sentence_and_loses_nothing(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.articles.put_articles([an_article(article_id="1" * 32)])
    with store.database.write() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages}")

    with pytest.raises(StoreError, match="the disk is full"):
        store.articles.put_articles(
            [an_article(article_id=f"{n:032x}", text="نص طويل " * 2_000 + str(n)) for n in range(2, 60)]
        )

    assert store.search.count() == 1
    store.close()


def test_a_step_that_fails_halfway_changes_nothing(tmp_path: Path) -> None:
    store = open_store(tmp_path)

    with pytest.raises(ZeroDivisionError), store.database.write():
        store.polls.commit_poll(FeedState(feed_id="a"), [an_entry()], [a_quarantined()])
        raise ZeroDivisionError

    assert store.polls.state("a") is None
    assert store.queue.waiting() == {"page": 0, "ready": 0}
    assert list(store.quarantine.quarantined()) == []
    store.close()


def test_of_polls_that_are_committed_at_once_one_that_fails_undoes_itself_alone(tmp_path: Path) -> None:
    def wants_page(_feed: Feed, entry: Entry) -> bool:
        if entry.entry_id == "bad":
            raise KeyError(entry.entry_id)
        return False

    store = open_store(tmp_path, wants_page)
    names = ("a", "b", "c")
    store.feeds.put_feeds(a_feed(id=name) for name in names)
    entries = {name: an_entry(feed_id=name, entry_id="bad" if name == "b" else name) for name in names}

    errors = store.polls.commit_polls([(FeedState(feed_id=name), [entries[name]]) for name in names])

    assert [type(error) for error in errors] == [type(None), KeyError, type(None)]
    assert [state.feed_id for state in store.polls.states()] == ["a", "c"]
    assert store.queue.waiting() == {"page": 0, "ready": 2}
    store.close()


SEEN = {"e": Seen("hash", "a" * 32, 1, 5)}


def memory(store: Store) -> list[tuple[str, bytes]]:
    with store.database.read() as connection:
        return connection.execute("SELECT feed_id, data FROM feed_memories").fetchall()


def test_what_a_feed_held_is_written_when_it_has_changed(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.polls.commit_poll(FeedState(feed_id="a", seen=SEEN), [])
    with store.database.write() as connection:
        mark = memory(store)[0][1]
        connection.execute(
            "UPDATE feed_memories SET data = CAST(data || x'00' AS BLOB)"
        )  # what follows the deflated bytes is passed over
    state = store.polls.state("a")
    assert state is not None

    store.polls.commit_poll(replace(state, etag="2"), [])
    assert memory(store)[0][1] == mark + b"\0"
    assert store.polls.state("a") == FeedState(feed_id="a", seen=SEEN, etag="2")

    more = SEEN | {"f": Seen("other", "b" * 32, 1, 6)}
    store.polls.commit_poll(replace(state, seen=more), [])
    assert store.polls.state("a") == FeedState(feed_id="a", seen=more)
    store.close()


def test_a_state_of_the_first_version_keeps_what_the_feed_held(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    old = FeedState(feed_id="a", seen=SEEN)
    with store.database.write() as connection:
        connection.execute("INSERT INTO feed_states VALUES ('a', NULL, ?)", (pack(old),))

    state = store.polls.state("a")
    assert state == old
    assert list(store.polls.states()) == [old]
    store.polls.commit_poll(replace(old, etag="2"), [])

    assert store.polls.state("a") == replace(old, etag="2")
    assert len(memory(store)) == 1
    store.close()


def test_a_feed_that_is_removed_while_it_is_polled_loses_nothing_when_it_comes_back(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.feeds.put_feeds([a_feed(id="a")])
    store.polls.commit_poll(FeedState(feed_id="a", seen=SEEN), [])
    state = store.polls.state("a")
    assert state is not None
    store.feeds.remove_feed("a")
    assert memory(store) == []

    store.polls.commit_polls([(state, []), (FeedState(feed_id="b"), [])])

    assert store.polls.state("a") == state
    store.close()


def test_readers_in_other_threads_see_only_what_was_committed(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    seen: list[int] = []

    def look() -> None:
        seen.append(len(store.feeds.feeds()))

    with store.database.write():
        store.feeds.put_feeds([a_feed(id="a")])
        assert len(store.feeds.feeds()) == 1
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
    look()

    assert seen == [0, 1]
    store.close()


def test_full_text_is_filled_anew_when_the_analyser_changed(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.articles.put_articles([an_article(article_id="1" * 32)])
    with store.database.write() as connection:
        connection.execute("UPDATE meta SET value = 'older' WHERE name = 'analyser'")
        connection.execute("DELETE FROM fts_config WHERE k = 'none'")
    store.close()

    store = open_store(tmp_path)

    with store.database.read() as connection:
        assert connection.execute("SELECT count(*) FROM fts").fetchone() == (1,)
    store.close()


def test_a_sound_file_passes_the_check(tmp_path: Path) -> None:
    database = Database(tmp_path / "x.db")

    assert database.check() == "ok"
    database.close()
