"""``marsad run`` as a process over the sample newsroom: stopped, started again, asked, subscribed to."""

from collections import Counter
from datetime import timedelta
from itertools import dropwhile
from typing import Any

import feedparser
import pytest

from marsad.clock import FrozenClock, SystemClock
from marsad_app.embedded import open_store

pytestmark = pytest.mark.timeout(180)


def test_a_run_that_is_stopped_and_started_again_loses_nothing_and_doubles_nothing(marsad: Any, newsroom: Any) -> None:
    served = newsroom(7)
    opml = str(served.opml(marsad.folder / "feeds.opml"))
    wanted = served.content.distinct()

    marsad.start("run", "--feeds", opml)
    marsad.until(marsad.answers, "the page")
    marsad.until(lambda: marsad.count() >= 5, "the first articles")
    assert marsad.terminate() == 0
    before = {article.article_id: article.story_id for article in marsad.articles()}

    marsad.start("run")
    marsad.until(marsad.answers, "the page after the restart")
    marsad.until(lambda: marsad.count() >= len(wanted), "all articles")
    marsad.until(lambda: not any(marsad.json("/api/v1/status")["waiting"].values()), "no work left")
    assert marsad.terminate() == 0

    guids = Counter(guid for article in marsad.articles() for guid in article.guids)
    assert guids == dict.fromkeys((guid for known in served.content.guids().values() for guid in known), 1)
    after = {article.article_id: article.story_id for article in marsad.articles()}
    assert {key: after[key] for key in before} == before
    assert "Traceback" not in marsad.text()
    assert '"level": "error"' not in marsad.text()


def test_a_subscription_made_while_running_raises_alerts_that_its_atom_feed_shows(marsad: Any, newsroom: Any) -> None:
    served = newsroom(6)
    marsad.start("run", "--feeds", str(served.opml(marsad.folder / "feeds.opml")))
    marsad.until(marsad.answers, "the page")

    status, _ = marsad.ask("/healthz")
    made = marsad.json(
        "/api/v1/subscriptions", {"name": "كل شيء", "query": "*:*", "triggers": ["new-article"], "language": "ar"}
    )
    marsad.until(lambda: len(marsad.json(f"/api/v1/alerts?subscription={made['id']}")) >= 5, "alerts")
    alerts = {alert["title"] for alert in marsad.json("/api/v1/alerts?limit=100")}
    parsed = feedparser.parse(marsad.ask(made["feed"])[1])

    assert status == 200
    assert not parsed.bozo
    assert {entry.title for entry in parsed.entries} & alerts
    assert all(entry.link and entry.id for entry in parsed.entries)
    found = marsad.json("/api/v1/articles?q=*:*&limit=5")
    assert found["total"] >= 5
    assert {hit["article"]["title"] for hit in found["hits"]}
    code, page = marsad.ask("/?q=*:*")
    assert code == 200
    assert "<html" in page.decode()
    assert marsad.terminate() == 0
    store = open_store(marsad.folder / "data")
    raised = Counter(alert.alert_id for alert in store.alerts.alerts(limit=10_000))
    store.close()
    assert max(raised.values()) == 1


def test_a_signal_while_it_still_starts_ends_it_in_good_order(marsad: Any, newsroom: Any) -> None:
    served = newsroom(6)
    marsad.start("run", "--feeds", str(served.opml(marsad.folder / "feeds.opml")))
    marsad.until(lambda: "Watching" in marsad.text(), "the first line")

    assert marsad.terminate() == 0
    assert "Traceback" not in marsad.text()


def test_what_the_feeds_dropped_while_nobody_asked_is_fetched_from_their_older_pages(
    marsad: Any, newsroom: Any
) -> None:
    clock = FrozenClock(SystemClock().now() - timedelta(hours=1))
    served = newsroom(600, clock, window=3)
    clock.advance(200)
    marsad.start("run", "--feeds", str(served.opml(marsad.folder / "feeds.opml")))
    marsad.until(marsad.answers, "the page")
    marsad.until(lambda: marsad.count() >= 6, "the first articles")
    assert marsad.terminate() == 0
    clock.advance(400)

    marsad.start("run")
    marsad.until(marsad.answers, "the page after the restart")
    marsad.until(lambda: marsad.json("/api/v1/status")["backfilled"] > 10, "gaps that are filled", 120)
    marsad.until(lambda: not any(marsad.json("/api/v1/status")["waiting"].values()), "no work left")
    assert marsad.terminate() == 0

    store = open_store(marsad.folder / "data")
    filled = {state.feed_id for state in store.polls.states() if any(mark.fill == "filled" for mark in state.gaps)}
    outlets = {feed.url.rpartition("/")[2] for feed in store.feeds.feeds() if feed.id in filled}
    store.close()
    stored = {guid for article in marsad.articles() for guid in article.guids}
    assert len(outlets) > 2
    for outlet in outlets:
        published = dict.fromkeys(sample.guid for sample in served.content.articles if sample.outlet == outlet)
        # Of what had left the feed before it was first asked nothing is known.
        assert set(dropwhile(lambda guid: guid not in stored, published)) <= stored
