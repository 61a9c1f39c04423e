"""The commands over a real broker and a real Elasticsearch."""

import contextlib
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from marsad.clock import SystemClock
from marsad.config import DataSettings, ElasticsearchSettings, KafkaSettings, Settings, child_environment
from marsad.records import FeedState, Health, encode
from marsad.testing.factories import NOW, a_feed, a_quarantined, an_article, an_entry
from marsad_app.cli.root import app
from marsad_app.cluster.store import ClusterStore
from processors.transact import read_stream

pytestmark = pytest.mark.cluster

MARSAD = str(Path(sys.executable).with_name("marsad"))
OPML = """<?xml version="1.0"?><opml version="2.0"><body>
<outline text="أولى" xmlUrl="https://one.example/rss"/><outline text="ثانية" xmlUrl="https://two.example/rss"/>
</body></opml>"""


class Cli:
    """Runs commands in this process, as a person would type them."""

    def __init__(self, env: dict[str, str]) -> None:
        self.env = env

    def __call__(self, *arguments: str, status: int = 0, **changes: str) -> str:
        result = CliRunner().invoke(app, list(arguments), env={**self.env, **changes})
        assert result.exit_code == status, (result.stdout, result.stderr, result.exception)
        return result.stdout if status == 0 else result.stderr

    def records(self, *arguments: str) -> list[Any]:
        return [json.loads(line) for line in self(*arguments, "--json").splitlines()]


@pytest.fixture
def env(kafka: KafkaSettings, elastic: ElasticsearchSettings, tmp_path: Path) -> dict[str, str]:
    return {
        "MARSAD_DATA__DIR": str(tmp_path / "data"),
        "MARSAD_KAFKA__BOOTSTRAP": kafka.bootstrap,
        "MARSAD_KAFKA__PREFIX": kafka.prefix,
        "MARSAD_KAFKA__PARTITIONS": str(kafka.partitions),
        "MARSAD_ELASTICSEARCH__URL": elastic.url,
        "MARSAD_ELASTICSEARCH__PREFIX": elastic.prefix,
        "MARSAD_WEB__PORT": "0",
        "COLUMNS": "200",
        "NO_COLOR": "1",
    }


@pytest.fixture
def marsad(env: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MARSAD_CONFIG", raising=False)
    return Cli(env)


@pytest.fixture
def services(kafka: KafkaSettings, elastic: ElasticsearchSettings, tmp_path: Path) -> Iterator[ClusterStore]:
    """Writes what the services would."""
    settings = Settings(kafka=kafka, elasticsearch=elastic, data=DataSettings(dir=tmp_path / "services"))
    store = ClusterStore(settings, SystemClock())
    yield store
    store.close()


def test_feeds_are_imported_listed_muted_and_removed_before_anything_was_polled(marsad: Cli, tmp_path: Path) -> None:
    (tmp_path / "feeds.opml").write_text(OPML, encoding="utf-8")
    assert "2 feeds added" in marsad("feeds", "import", str(tmp_path / "feeds.opml"))
    assert "0 feeds added" in marsad("feeds", "import", str(tmp_path / "feeds.opml"))

    marsad("feeds", "mute", "https://one.example/rss")
    marsad("feeds", "remove", "https://two.example/rss")

    assert [(one["url"], one["health"]) for one in marsad.records("feeds", "list")] == [
        ("https://one.example/rss", "muted")
    ]
    marsad("feeds", "unmute", "https://one.example/rss")
    assert [one["health"] for one in marsad.records("feeds", "list")] == ["new"]


def test_the_shipped_feeds_are_added_once_and_only_where_there_are_none_if_asked(marsad: Cli) -> None:
    marsad("feeds", "catalogue", "--country", "jo", "--add", "--if-none")
    known = len(marsad.records("feeds", "list"))
    assert known
    marsad("feeds", "catalogue", "--add", "--if-none")
    assert len(marsad.records("feeds", "list")) == known


def test_a_feed_that_was_gone_begins_anew_once_its_poller_has_forgotten_it(
    marsad: Cli, services: ClusterStore, kafka: KafkaSettings
) -> None:
    feed = a_feed(url="https://gone.example/rss")
    services.feeds.put_feeds([feed])
    services.polls.commit_poll(FeedState(feed_id=feed.id, muted=True, health=Health.GONE, last_poll_at=NOW), [])
    services.close()
    with _poller(marsad.env):
        marsad("feeds", "unmute", feed.url)

    assert [one["health"] for one in marsad.records("feeds", "list")] == ["new"]
    assert [message.value is None for message in read_stream(kafka, "feed-states.v1")] == [False, True]
    assert [message.value is None for message in read_stream(kafka, "feeds.v1")] == [False, True, False]


@contextlib.contextmanager
def _poller(env: dict[str, str]) -> Iterator[None]:
    """``marsad poll`` as a process of its own."""
    polling = {**env, "MARSAD_DATA__DIR": env["MARSAD_DATA__DIR"] + "-poll"}
    process = subprocess.Popen([MARSAD, "poll"], env=child_environment(**polling))
    try:
        yield
    finally:
        process.terminate()
        assert process.wait(20) == 0


def test_a_subscription_is_added_and_listed(marsad: Cli, kafka: KafkaSettings) -> None:
    marsad("subscriptions", "add", "country:DZ", "--name", "الجزائر")
    assert [one["name"] for one in marsad.records("subscriptions", "list")] == ["الجزائر"]
    assert len(list(read_stream(kafka, "subscriptions.v1"))) == 1
    assert marsad.records("alerts", "list") == []


def test_articles_are_searched_counted_and_exported(marsad: Cli, services: ClusterStore) -> None:
    services.articles.put_articles([an_article(article_id="a" * 32, title="مناورات بحرية مشتركة", outlet="وكالة")])
    assert [one["title"] for one in marsad.records("search", "مناورات")] == ["مناورات بحرية مشتركة"]
    assert [json.loads(line)["article_id"] for line in marsad("export").splitlines()] == ["a" * 32]
    assert marsad.records("stats")[0]["outlet"] == {"وكالة": 1}


def test_quarantined_items_are_shown_replayed_and_dropped(
    marsad: Cli, services: ClusterStore, kafka: KafkaSettings
) -> None:
    entry, article = an_entry(), an_article(article_id="b" * 32, title="خبر لم يفهرس")
    services.quarantine.quarantine(
        [
            a_quarantined(id="entry-item", stage="clean", payload=encode(entry)),
            a_quarantined(id="index-item", stage="index", payload=encode(article)),
            a_quarantined(id="parse-item", stage="parse", payload=b"<rss"),
        ]
    )
    assert marsad.records("quarantine", "show", "parse-item")[0]["payload"] == "<rss"

    refused = marsad("quarantine", "replay", "--all", status=1)

    assert "parse-item"[:8] in refused
    assert "1 of 3 could not be replayed" in refused
    assert [message.value for message in read_stream(kafka, "entries.v1")] == [encode(entry)]
    assert [one["article_id"] for one in marsad.records("search", "يفهرس")] == ["b" * 32]
    assert [one["id"] for one in marsad.records("quarantine", "list")] == ["parse-item"]
    marsad("quarantine", "drop", "parse-item")
    assert marsad.records("quarantine", "list") == []


def test_status_tells_what_waits_for_each_stage(marsad: Cli, services: ClusterStore) -> None:
    services.polls.commit_poll(FeedState(feed_id="a", last_poll_at=NOW), [an_entry()])

    (record,) = marsad.records("status")

    # The end of the transaction takes an offset too.
    assert record["waiting"] == {"process": 2, "group": 0, "match": 0, "match-spikes": 0, "index": 0, "deliver": 0}
    assert "2 for process, 0 for group" in marsad("status")


def test_the_doctor_looks_at_broker_index_and_services(marsad: Cli) -> None:
    marsad("cluster", "init")
    levels = {one["name"]: one["level"] for one in marsad.records("doctor")}
    expected = {"broker": "ok", "streams": "ok", "index": "ok", "index templates": "ok", "services": "warn"}
    assert {name: levels[name] for name in expected} == expected


def test_what_is_away_is_one_sentence_that_names_its_setting(env: dict[str, str]) -> None:
    # In a process of its own: the broker's client leaves its sockets of failed attempts to the garbage collector.
    away = {"MARSAD_KAFKA__BOOTSTRAP": "127.0.0.1:1", "MARSAD_ELASTICSEARCH__URL": "http://127.0.0.1:1"}
    for arguments, setting in ((("feeds", "list"), "kafka.bootstrap"), (("search", "خبر"), "elasticsearch.url")):
        ended = _run(*arguments, env={**env, **away})
        assert (ended.returncode, ended.stdout) == (1, "")
        (sentence,) = ended.stderr.splitlines()
        assert sentence.startswith("marsad: ")
        assert setting in sentence


def test_streams_that_are_missing_are_named_with_the_command_that_makes_them(marsad: Cli) -> None:
    assert "`marsad cluster init`" in marsad("feeds", "list", status=1, MARSAD_KAFKA__PREFIX="nobody")


def _run(*arguments: str, env: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    command = [MARSAD, *arguments]
    return subprocess.run(
        command, env=child_environment(**env), capture_output=True, text=True, check=False, timeout=60
    )


def test_the_web_page_and_a_command_share_one_folder(env: dict[str, str], tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    with log.open("wb") as file:
        web = subprocess.Popen([MARSAD, "web"], env=child_environment(**env), stderr=file, stdout=file)
    try:
        address = _wait_for_address(log)
        for number in range(2):
            added = _run("feeds", "add", f"https://{number}.example/rss", "--no-check", env=env)
            assert added.returncode == 0, added.stderr
        deadline = time.monotonic() + 20
        while (urls := _watched(address)) != ["https://0.example/rss", "https://1.example/rss"]:
            assert time.monotonic() < deadline, urls
            time.sleep(0.05)
    finally:
        web.terminate()
        assert web.wait(20) == 0, log.read_text(encoding="utf-8")
    assert "a page failed" not in log.read_text(encoding="utf-8")


def _wait_for_address(log: Path) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for line in log.read_text(encoding="utf-8").splitlines():
            if line.startswith("Web page: "):
                return line.split()[2]
        time.sleep(0.05)
    raise AssertionError(log.read_text(encoding="utf-8"))


def _watched(address: str) -> list[str]:
    with urllib.request.urlopen(f"{address}/api/v1/feeds", timeout=20) as answer:
        return sorted(one["url"] for one in json.load(answer))
