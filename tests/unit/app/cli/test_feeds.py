"""``marsad feeds``."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from marsad.records import GapMark, Health, PollNote

RSS = """<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel><title>وكالة المثال</title>
<link>http://localhost/</link><language>ar</language>
<item><title>خبر أول</title><link>http://localhost/1</link><guid>1</guid><pubDate>Tue, 12 May 2026 08:00:00 GMT</pubDate></item>
<item><title>خبر ثان</title><link>http://localhost/2</link><guid>2</guid><pubDate>Tue, 12 May 2026 07:00:00 GMT</pubDate></item>
</channel></rss>"""
PAGE = """<!doctype html><html><head><title>صحيفة</title>
<link rel="alternate" type="application/rss+xml" href="/rss"></head><body>مرحبا</body></html>"""
OPML = """<?xml version="1.0"?><opml version="2.0"><head/><body><outline text="أخبار">
<outline type="rss" text="المثال" xmlUrl="https://news.example/rss"/>
<outline type="rss" text="آخر" xmlUrl="https://other.example/rss"/></outline></body></opml>"""


class _Site(BaseHTTPRequestHandler):
    pages: ClassVar[dict[str, tuple[int, str, str]]] = {
        "/rss": (200, "application/rss+xml", RSS),
        "/": (200, "text/html; charset=utf-8", PAGE),
        "/gone": (410, "text/plain", "gone"),
    }

    def do_GET(self) -> None:
        status, kind, body = self.pages.get(self.path, (404, "text/plain", "none"))
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@pytest.fixture
def site(marsad: Any) -> Iterator[str]:
    marsad.env["MARSAD_POLL__ALLOW_NETWORKS"] = "127.0.0.0/8"
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_list_shows_health_and_can_be_limited_to_a_country(marsad: Any, filled: Any) -> None:
    assert {record["health"] for record in marsad("feeds", "list", "--json").records} == {"ok", "dns"}
    assert [line.split("\t")[3] for line in marsad("feeds", "list", "--country", "dz").lines] == ["health", "dns"]


def test_health_names_each_unwell_feed_with_the_reason(marsad: Any, filled: Any) -> None:
    answer = marsad("feeds", "health")
    assert answer.lines[0] == "2 feeds: 1 ok, 1 dns" or answer.lines[0] == "2 feeds: 1 dns, 1 ok"
    assert len(answer.lines) == 3
    assert "no such host" in answer.lines[2]
    assert len(marsad("feeds", "health", "--all").lines) == 4
    assert [record["failures"] for record in marsad("feeds", "health", "--state", "dns", "--json").records] == [3]


def test_a_feed_is_added_with_what_it_says_of_itself(marsad: Any, site: str) -> None:
    record = marsad("feeds", "add", f"{site}/rss", "--country", "lb", "--json").records[0]
    assert (record["added"], record["title"], record["country"], record["kind"]) == (True, "وكالة المثال", "LB", "rss")
    assert "watched already" in marsad("feeds", "add", f"{site}/rss", "--title", "x").out


def test_adding_a_page_is_refused_with_the_feeds_that_it_offers(marsad: Any, site: str) -> None:
    sentence = marsad("feeds", "add", f"{site}/", status=1).complaint
    assert "not-a-feed" in sentence
    assert f"{site}/rss" in sentence
    assert not marsad.folder.exists()


def test_a_feed_that_is_silent_now_is_added_all_the_same(marsad: Any, site: str) -> None:
    answer = marsad("feeds", "add", f"{site}/later", "--title", "لاحقا")
    assert "http-4xx" in answer.err
    assert "added" in answer.out


@pytest.mark.parametrize("address", ["example.org/rss", "ftp://example.org/", "http://", "http://[::1", "javascript:1"])
def test_an_address_that_is_none_is_refused(marsad: Any, address: str) -> None:
    assert "is no web address" in marsad("feeds", "add", address, "--no-check", status=1).complaint
    assert "is no web address" in marsad("feeds", "check", address, status=1).complaint


def test_a_check_tells_what_is_there_and_when_it_would_be_polled(marsad: Any, site: str) -> None:
    answer = marsad("feeds", "check", f"{site}/rss")
    assert "entries: 2, from 2026-05-12 07:00 to 2026-05-12 08:00 UTC" in answer.out
    assert "next poll in" in answer.lines[-1]
    assert marsad("feeds", "check", f"{site}/rss", "--json").records[0]["polled"] is True


@pytest.mark.parametrize(
    ("path", "said"), [("/", "offers the feed"), ("/gone", "not polled again"), ("/nothing", "404")]
)
def test_a_check_of_what_is_no_feed_says_so_and_fails(marsad: Any, site: str, path: str, said: str) -> None:
    answer = marsad("feeds", "check", f"{site}{path}", status=1)
    assert said in answer.out
    assert answer.complaint


def test_a_check_of_a_private_address_is_blocked_without_leave(marsad: Any, site: str) -> None:
    del marsad.env["MARSAD_POLL__ALLOW_NETWORKS"]
    assert "blocked" in marsad("feeds", "check", f"{site}/rss", status=1).out


def test_feeds_are_muted_unmuted_and_removed_by_the_beginning_of_their_id(marsad: Any, filled: Any) -> None:
    feed_id = filled.feeds.feeds()[0].id
    marsad("feeds", "mute", feed_id[:6])
    assert filled.feeds.feed(feed_id).enabled is False
    assert marsad("feeds", "health", "--state", "muted", "--json").records[0]["id"] == feed_id
    marsad("feeds", "unmute", feed_id)
    assert filled.feeds.feed(feed_id).enabled is True
    marsad("feeds", "remove", "https://lost.example/rss")
    assert len(filled.feeds.feeds()) == 1


def test_a_removed_feed_can_be_taken_back_as_it_was(marsad: Any, filled: Any) -> None:
    before = filled.feeds.feeds()[0]
    removed = marsad("feeds", "remove", before.id)
    assert f"restore {before.id[:8]}" in removed.err
    assert [one["url"] for one in marsad("feeds", "restore", "--json").records] == [before.url]

    marsad("feeds", "restore", before.id[:8])

    assert filled.feeds.feed(before.id) == before
    assert "no feed was removed" in marsad("feeds", "restore").err
    assert "no removed feed" in marsad("feeds", "restore", before.id, status=1).complaint


def test_the_history_shows_polls_with_what_was_missed_and_found(marsad: Any, filled: Any) -> None:
    feed = filled.feeds.feeds()[0]
    at = datetime(2026, 5, 12, 9, tzinfo=UTC)
    quiet = PollNote(at=int(at.timestamp()) - 60, health=Health.UNCHANGED, status=304, times=3, since=1_778_570_000)
    gapped = PollNote(
        at=int(at.timestamp()), health=Health.OK, status=200, new=9, missed=4, wait=300, reason="it brings much"
    )
    gap = GapMark(at, None, None, 4, fill="partly", found=3, source="pages", reason="limit", pages=5)
    state = msgspec.structs.replace(filled.polls.state(feed.id), history=(quiet, gapped), gaps=(gap,))
    filled.polls.commit_poll(state, [])

    records = marsad("feeds", "history", feed.id[:8], "--json").records
    lines = marsad("feeds", "history", feed.id, "--limit", "1").lines

    assert [(one["times"], one["status"], one["new"], one["missed"]) for one in records] == [
        (3, 304, 0, 0),
        (1, 200, 9, 4),
    ]
    assert records[1]["gap"] == "partly, 3 found in the pages (the bound on pages or bytes was reached)"
    assert len(lines) == 2
    assert "it brings much" in lines[1]


def test_the_history_tells_pushes_from_polls(marsad: Any, filled: Any) -> None:
    feed = filled.feeds.feeds()[0]
    polled = PollNote(at=1_778_570_000, health=Health.OK, status=200, new=1)
    pushed = PollNote(at=1_778_570_060, health=Health.OK, new=2, pushed=True)
    filled.polls.commit_poll(msgspec.structs.replace(filled.polls.state(feed.id), history=(polled, pushed)), [])

    records = marsad("feeds", "history", feed.id, "--json").records
    lines = marsad("feeds", "history", feed.id).lines

    assert [(one["pushed"], one["status"], one["new"]) for one in records] == [(False, 200, 1), (True, None, 2)]
    assert ["push" in line for line in lines[-2:]] == [False, True]


def test_a_feed_that_was_never_polled_has_no_history(marsad: Any, filled: Any) -> None:
    marsad("feeds", "add", "https://fresh.example/rss", "--no-check")
    assert "not polled yet" in marsad("feeds", "history", "https://fresh.example/rss").err


def test_unmuting_a_feed_that_was_gone_lets_it_begin_anew(marsad: Any, filled: Any) -> None:
    feed = filled.feeds.feeds()[0]
    filled.polls.commit_poll(msgspec.structs.replace(filled.polls.state(feed.id), muted=True), [])
    assert marsad("feeds", "health", "--state", "muted", "--json").records
    marsad("feeds", "unmute", feed.id)
    assert filled.polls.state(feed.id) is None
    assert filled.feeds.feed(feed.id) == feed


@pytest.mark.parametrize("wanted", ["ffffffff", "abc", "", "https://nowhere.example/"])
def test_a_feed_that_is_not_there_is_one_sentence(marsad: Any, filled: Any, wanted: str) -> None:
    assert "no feed" in marsad("feeds", "remove", wanted, status=1).complaint


def test_opml_is_imported_with_a_report_and_exported_again(marsad: Any, filled: Any, tmp_path: Path) -> None:
    file = tmp_path / "feeds.opml"
    file.write_text(OPML, encoding="utf-8")
    record = marsad("feeds", "import", str(file), "--json").records[0]
    assert (record["added"], record["known"]) == (1, 1)
    exported = tmp_path / "again.opml"
    exported.write_text(marsad("feeds", "export").out, encoding="utf-8")
    assert marsad("feeds", "import", str(exported), "--json").records[0]["known"] == 3


def test_what_a_list_says_of_itself_and_its_empty_folders_is_exported_again(
    marsad: Any, filled: Any, tmp_path: Path
) -> None:
    file = tmp_path / "feeds.opml"
    mine = OPML.replace("<head/>", "<head><title>قائمتي</title><ownerName>مكتب الرصد</ownerName></head>")
    file.write_text(mine.replace("<body>", '<body><outline text="فارغ" isOpen="1"/>'), encoding="utf-8")
    marsad("feeds", "import", str(file))
    file.write_text(OPML.replace("<body>", '<body><outline text="آخر"/>'), encoding="utf-8")
    marsad("feeds", "import", str(file))
    exported = marsad("feeds", "export").out

    assert "<title>قائمتي</title>" in exported
    assert "<ownerName>مكتب الرصد</ownerName>" in exported
    assert '<outline text="فارغ" isOpen="1"/>' in exported
    assert '<outline text="آخر"/>' in exported


def test_a_kept_list_that_is_damaged_is_one_sentence(marsad: Any, filled: Any, tmp_path: Path) -> None:
    (tmp_path / "data" / "feed-list.json").write_bytes(b"{")

    assert "feed-list.json" in marsad("feeds", "export", status=1).complaint


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe\x00", b"<opml><body>", b"<html></html>", b"<opml><body/></opml>", b"{}"]
)
def test_an_unreadable_opml_is_one_sentence_with_the_files_name(marsad: Any, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "bad.opml"
    file.write_bytes(content)
    assert "bad.opml" in marsad("feeds", "import", str(file), status=1).complaint


def test_a_missing_opml_is_one_sentence(marsad: Any, tmp_path: Path) -> None:
    assert "cannot be read" in marsad("feeds", "import", str(tmp_path / "none.opml"), status=1).complaint
    assert "cannot be read" in marsad("feeds", "import", str(tmp_path), status=1).complaint


def test_the_catalogue_lists_shipped_feeds_and_can_be_watched(marsad: Any) -> None:
    listed = marsad("feeds", "catalogue", "--country", "dz", "--json").records
    assert {"url", "outlet", "seen", "note"} <= set(listed[0])
    assert f"{len(listed)} feeds added" in marsad("feeds", "catalogue", "--country", "DZ", "--add").err
    assert "no feeds of country 'zz'" in marsad("feeds", "catalogue", "--country", "zz", status=1).complaint
