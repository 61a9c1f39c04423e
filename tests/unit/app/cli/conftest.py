"""A command line over a temporary store."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from marsad.clock import SystemClock
from marsad.records import (
    Alert,
    Article,
    Delivery,
    Entry,
    Evidence,
    Feed,
    FeedState,
    Health,
    Quarantined,
    Story,
    Subscription,
    TopicTag,
    Trigger,
    encode,
)
from marsad.records.ids import alert_id, article_id, delivery_id, entry_id, feed_id, quarantine_id, story_id
from marsad_app.cli.root import app
from marsad_app.embedded.store import Store, open_store

NOW = datetime(2026, 5, 12, 9, 0, tzinfo=UTC)


class Cli:
    """Runs commands in this process, as a person would type them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env: dict[str, str] = {"MARSAD_DATA__DIR": str(folder), "COLUMNS": "200", "NO_COLOR": "1"}

    def __call__(self, *arguments: str, stdin: str | bytes = "", status: int = 0) -> "Answer":
        result = CliRunner().invoke(app, list(arguments), input=stdin, env=self.env)
        answer = Answer(result.stdout, result.stderr, result.exit_code)
        assert result.exit_code == status, (result.exit_code, answer.out, answer.err, result.exception)
        assert "Traceback" not in answer.err or "--debug" in arguments
        return answer


class Answer:
    """What a command printed, and its exit status."""

    def __init__(self, out: str, err: str, status: int) -> None:
        self.out, self.err, self.status = out, err, status

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def records(self) -> list[Any]:
        return [json.loads(line) for line in self.out.split("\n") if line]

    @property
    def complaint(self) -> str:
        """The last line on standard error, which must be one sentence of ours."""
        last = self.err.rstrip("\n").split("\n")[-1]
        assert last.startswith("marsad: "), self.err
        return last


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings from outside."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MARSAD_CONFIG", raising=False)


@pytest.fixture
def marsad(tmp_path: Path) -> Cli:
    return Cli(tmp_path / "data")


@pytest.fixture
def store(marsad: Cli) -> Iterator[Store]:
    opened = open_store(marsad.folder)
    yield opened
    opened.close()


def feed(url: str = "https://news.example/rss", **fields: Any) -> Feed:
    return Feed(
        **{"id": feed_id(url), "url": url, "title": "أخبار المثال", "outlet": "المثال", "country": "EG", **fields}
    )


def article(number: int, title: str, **fields: Any) -> Article:
    url = f"https://news.example/{number}"
    at = NOW + timedelta(minutes=number)
    known: dict[str, Any] = {
        "article_id": article_id(url, "", ""),
        "url": url,
        "title": title,
        "text": f"{title}. نص الخبر رقم {number}.",
        "language": "ar",
        "outlet": "المثال",
        "published_at": at,
        "first_seen_at": at,
    }
    return Article(**{**known, **fields})


def entry(number: int, **fields: Any) -> Entry:
    url = f"https://news.example/{number}"
    return Entry(
        **{
            "entry_id": entry_id(feed().id, url),
            "article_id": article_id(url, "", ""),
            "feed_id": feed().id,
            "url": url,
            "title": "خبر",
            "first_seen_at": NOW,
            "fetched_at": NOW,
            **fields,
        }
    )


def quarantined(stage: str, payload: bytes, reason: str = "cannot be read") -> Quarantined:
    return Quarantined(
        id=quarantine_id(stage, "key", reason), stage=stage, key="key", reason=reason, payload=payload, at=NOW
    )


@pytest.fixture
def filled(store: Store) -> Store:
    """Three articles in two stories, a feed that is well and one that is not, a subscription with an alert."""
    first = article(1, "روسيا والجزائر توقعان اتفاقا للتعاون العسكري")
    story = story_id(first.article_id)
    tag = TopicTag("defense-cooperation", 2.0, (Evidence("التعاون العسكري", "title", 30, 45),))
    first = article(1, first.title, story_id=story, topics=(tag,))
    copy = article(2, "سفينة KILDIN SSV-512 الروسية تزور الجزائر", story_id=story, duplicate_of=first.article_id)
    other = article(3, "انطلاق بطولة كرة القدم", story_id=story_id("other"))
    with store.database.write():
        store.feeds.put_feeds([feed(), feed("https://lost.example/rss", outlet="الضائع", country="DZ")])
        store.polls.commit_poll(
            FeedState(feed_id=feed().id, health=Health.OK, last_poll_at=NOW, next_poll_at=NOW, reason="it brings news"),
            [],
        )
        store.polls.commit_poll(
            FeedState(
                feed_id=feed("https://lost.example/rss").id,
                health=Health.DNS,
                detail="no such host",
                failures=3,
                last_poll_at=NOW,
            ),
            [],
        )
        store.articles.put_articles([first, copy, other])
        store.stories.put_stories(
            [
                Story(
                    story_id=story,
                    headline=first.title,
                    first_seen_at=NOW,
                    last_seen_at=NOW,
                    size=2,
                    outlets=("المثال",),
                ),
                Story(story_id=other.story_id, headline=other.title, first_seen_at=NOW, last_seen_at=NOW),
            ]
        )
        watch = Subscription(
            id="51c0ffee" * 4,
            name="Russia",
            query="روسيا",
            outlets=("mailto://u:secret@example.org",),
            created_at=NOW,
            secret="s3",
        )
        store.subscriptions.put_subscription(watch)
        alert = Alert(
            alert_id=alert_id(watch.id, story, "new-story"),
            subscription_id=watch.id,
            story_id=story,
            article_id=first.article_id,
            reason=Trigger.NEW_STORY,
            title=first.title,
            at=NOW,
        )
        delivery = Delivery(
            delivery_id=delivery_id(alert.alert_id, watch.outlets[0]),
            alert_id=alert.alert_id,
            subscription_id=watch.id,
            outlet=watch.outlets[0],
            next_try_at=NOW,
        )
        store.alerts.record_alerts([alert], [delivery])
        store.quarantine.quarantine(
            [quarantined("clean", encode(entry(9))), quarantined("parse", b"\xff<rss", "no feed")]
        )
    return store


@pytest.fixture
def recent(store: Store) -> Store:
    """Three articles about Algeria of an hour ago; two of them name Russia, too."""
    at = SystemClock().now() - timedelta(hours=1)
    titles = ("روسيا والجزائر توقعان اتفاقا", "الجزائر تستقبل وفدا من روسيا", "مطار الجزائر يفتح محطة")
    found = [
        article(number, title, published_at=at, first_seen_at=at, story_id=story_id(str(number)))
        for number, title in enumerate(titles)
    ]
    store.articles.put_articles(found)
    store.stories.put_stories(
        [Story(story_id=one.story_id, headline=one.title, first_seen_at=at, last_seen_at=at) for one in found]
    )
    return store


@pytest.fixture
def make() -> dict[str, Callable[..., Any]]:
    """Makers of records: ``feed``, ``article``, ``entry``, ``quarantined``."""
    return {"feed": feed, "article": article, "entry": entry, "quarantined": quarantined}
