"""Whatever is wrong outside is one clear sentence that names what and where: never a traceback, never a hang."""

import json
import resource
import socket
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from marsad_app.embedded.store import FILE_NAME, open_store

Called = Callable[..., Any]
pytestmark = pytest.mark.timeout(180)

BOMB = """<?xml version="1.0"?><!DOCTYPE opml [<!ENTITY a "news"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">
<!ENTITY e "&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;"><!ENTITY f "&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;">
<!ENTITY g "&f;&f;&f;&f;&f;&f;&f;&f;&f;&f;"><!ENTITY h "&g;&g;&g;&g;&g;&g;&g;&g;&g;&g;">]>
<opml version="2.0"><body><outline text="&h;" xmlUrl="http://feeds.example/rss"/></body></opml>"""


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read: No such file or directory"),
        (bytes(range(256)) * 40, "feeds.opml"),
        (b'<opml version="2.0"><body><outline text="no feed"/></body></opml>', "holds no feed"),
        (BOMB.encode(), "feeds.opml"),
    ],
    ids=["missing", "junk", "no feeds", "entity bomb"],
)
def test_a_feed_list_that_cannot_be_used_is_named(marsad: Any, content: bytes | None, said: str) -> None:
    path = marsad.folder / "feeds.opml"
    if content is not None:
        path.write_bytes(content)

    sentence = marsad.command("run", "--feeds", str(path)).sentence()

    assert str(path) in sentence
    assert said in sentence


def test_a_port_in_use_is_named_with_the_setting_to_change(marsad: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        sentence = marsad.command("run", MARSAD_WEB__PORT=str(port)).sentence()

    assert f"127.0.0.1:{port}: Address already in use" in sentence
    assert "web.port" in sentence


def test_a_file_that_is_no_database_is_named_and_left_as_it_is(marsad: Any) -> None:
    path = marsad.folder / "data" / FILE_NAME
    path.parent.mkdir()
    path.write_bytes(b"this is no database, whatever its name says" * 100)

    for command in (("run",), ("search", "خبر")):
        sentence = marsad.command(*command).sentence()

        assert str(path) in sentence
        assert "restore a copy" in sentence
    assert path.read_bytes().startswith(b"this is no database")


def test_a_data_folder_that_cannot_be_made_is_named_with_its_setting(marsad: Any) -> None:
    (marsad.folder / "file").write_text("in the way", encoding="utf-8")
    below = marsad.folder / "file" / "data"

    sentence = marsad.command("run", MARSAD_DATA__DIR=str(below)).sentence()

    assert str(below) in sentence
    assert "data.dir" in sentence


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        ('id = "mine"\nthreshold = "high"\n', 2, "threshold"),
        ('id = "mine"\nname = [\n', 0, "mine.toml"),
        ("\x00\x01\x02", 0, "mine.toml"),
    ],
    ids=["wrong value", "no toml", "junk"],
)
def test_a_bad_topic_file_is_named_with_its_line(marsad: Any, content: str, line: int, said: str) -> None:
    folder = marsad.folder / "topics"
    folder.mkdir()
    (folder / "mine.toml").write_text(content, encoding="utf-8")

    sentence = marsad.command("run", MARSAD_PROCESS__TOPICS_DIR=str(folder)).sentence()

    assert f"{folder / 'mine.toml'}:{line or ''}" in sentence
    assert said in sentence


def test_a_folder_of_topics_that_is_not_there_is_named(marsad: Any) -> None:
    sentence = marsad.command("run", MARSAD_PROCESS__TOPICS_DIR=str(marsad.folder / "nowhere")).sentence()

    assert str(marsad.folder / "nowhere") in sentence


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[poll]\nmin_intervall = 60\n", "poll.min_intervall"),
        ("[pol]\nmin_interval = 60\n", "pol"),
        ("[poll]\nmin_interval = soon\n", "marsad.toml"),
        ('[poll]\nmin_interval = "soon"\n', "poll.min_interval"),
        ("[web]\nport = 99999999\n", "web.port"),
    ],
    ids=["unknown key", "unknown section", "no toml", "no number", "no port"],
)
def test_a_wrong_setting_is_named(marsad: Any, called: Called, text: str, said: str) -> None:
    (marsad.folder / "marsad.toml").write_text(text, encoding="utf-8")

    ended = called("config", MARSAD_CONFIG=str(marsad.folder / "marsad.toml"))

    assert said in ended.sentence()


def test_an_unknown_variable_is_named(called: Called) -> None:
    assert "MARSAD_POLL__SPEED" in called("config", MARSAD_POLL__SPEED="9").sentence()


@pytest.mark.parametrize("query", ["(القمح", 'title:"', "topic:no-such-topic", "published:[yesterday TO", "AND AND"])
def test_a_bad_query_shows_where_reading_failed(marsad: Any, called: Called, query: str) -> None:
    open_store(marsad.folder / "data").close()

    for command in (("search", query), ("subscriptions", "add", query)):
        ended = called(*command, MARSAD_DATA__DIR=str(marsad.folder / "data"))

        assert ended.status == 1
        assert "Traceback" not in ended.err
        assert "at character" in ended.err
        assert "^" in ended.err


def test_a_page_given_as_a_feed_is_shown_as_such_and_the_others_go_on(marsad: Any, newsroom: Any) -> None:
    served = newsroom(1)
    page, nothing = f"{served.base_url}/", "http://127.0.0.1:9/closed"
    marsad.start("run", "--feeds", str(served.opml(marsad.folder / "feeds.opml", page, nothing)))
    marsad.until(marsad.answers, "the page")
    marsad.until(lambda: marsad.count() >= len(served.content.distinct()), "all articles")

    health = {feed["url"]: feed for feed in marsad.json("/api/v1/feeds?limit=100")}
    assert health[page]["health"] == "not-a-feed"
    assert health[page]["detail"] or health[page]["reason"]
    assert health[nothing]["health"] not in {"ok", "new", "unchanged"}
    for path in ("/api/v1/articles?q=(", "/?q=(", "/feeds/search.atom?q=(", "/api/v1/articles?q=a&limit=0"):
        status, body = marsad.ask(path)
        assert 400 <= status < 500, path
        assert b"Traceback" not in body
    answer = marsad.json("/api/v1/articles?q=(")
    assert answer["position"] == 0
    status, body = marsad.ask("/api/v1/subscriptions", {"name": "n", "query": "topic:("})
    assert status == 400
    assert "position" in json.loads(body)
    assert marsad.ask("/api/v1/subscriptions", ["junk"])[0] == 422
    assert marsad.terminate() == 0
    assert "Traceback" not in marsad.text()


def limit_files(process: Any, size: int) -> None:
    """No file may grow beyond that many bytes: to a program, a full disk."""
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def test_on_a_full_disk_it_says_so_waits_and_goes_on_when_there_is_room_with_nothing_lost(
    marsad: Any, newsroom: Any
) -> None:
    served = newsroom(6)
    marsad.start("run", "--feeds", str(served.opml(marsad.folder / "feeds.opml")))
    marsad.until(marsad.answers, "the page")
    marsad.until(lambda: marsad.count() >= 5, "the first articles")

    limit_files(marsad.process, 4096)
    marsad.until(lambda: "the disk is full or cannot be written" in marsad.text(), "the sentence")
    assert marsad.answers()
    assert marsad.json("/api/v1/status")["failures"]
    limit_files(marsad.process, resource.RLIM_INFINITY)

    marsad.until(lambda: marsad.count() >= len(served.content.distinct()), "all articles", seconds=100)
    marsad.until(lambda: not marsad.json("/api/v1/status")["failures"], "recovery", seconds=40)
    marsad.until(lambda: "stage goes on again" in marsad.text(), "its recovery in the log")
    assert marsad.terminate() == 0
    guids = Counter(guid for article in marsad.articles() for guid in article.guids)
    assert guids == dict.fromkeys((guid for known in served.content.guids().values() for guid in known), 1)
    assert "Traceback" not in marsad.text()


def test_a_database_that_is_damaged_while_it_runs_is_named_and_does_not_hang_anything(
    marsad: Any, newsroom: Any
) -> None:
    served = newsroom(1)
    marsad.start("run", "--feeds", str(served.opml(marsad.folder / "feeds.opml")))
    marsad.until(marsad.answers, "the page")
    marsad.until(lambda: marsad.count() >= 20, "articles")
    path = marsad.folder / "data" / FILE_NAME
    wal = path.with_name(f"{FILE_NAME}-wal")

    def damage() -> bool:
        for each in (path, wal):
            size = each.stat().st_size
            with each.open("r+b") as file:
                file.seek(min(4096, size))
                file.write(b"\xa5" * max(size - 4096, 0))
        marsad.ask("/api/v1/articles?q=*:*")
        return f"{path}: no sound Marsad store" in marsad.text()

    marsad.until(damage, "the sentence")

    assert marsad.ask("/healthz")[0] == 200
    status, body = marsad.ask("/api/v1/articles?q=*:*")
    assert status in {200, 503}
    assert b"Traceback" not in body
    assert marsad.terminate() == 0
    assert "Traceback" not in marsad.text()
    assert str(path) in marsad.command("search", "*:*").sentence()
