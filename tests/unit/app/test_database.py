import sqlite3
import threading
from pathlib import Path

import pytest

from marsad.errors import StoreError
from marsad.records import Entry, Feed, FeedState
from marsad.testing.factories import a_feed, a_quarantined, an_article, an_entry
from marsad_app.embedded import open_store, schema
from marsad_app.embedded.database import Database
from marsad_app.embedded.store import FILE_NAME


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
