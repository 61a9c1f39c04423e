"""The demo says what was missed, doubled or raised for nothing: a check that cannot fail would prove nothing."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from marsad.clock import FrozenClock
from marsad.records import Article
from marsad.taxonomy import Taxonomy
from marsad.testing.factories import NOW, a_quarantined
from marsad_app.embedded import open_store
from marsad_app.embedded.demo import Check, verify
from marsad_app.embedded.store import Store
from marsad_app.embedded.testing import Recorder, RiggedPipeline, newsroom_entries, newsroom_feeds, processor_over
from marsad_app.newsroom.content import Newsroom, load
from processors.pipeline import Pipeline


@pytest.fixture(scope="module")
def newsroom() -> Newsroom:
    return load()


@pytest.fixture(scope="module")
def finished(
    newsroom: Newsroom, real_pipeline: Pipeline, taxonomy: Taxonomy, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A store through which the whole newsroom has come."""
    folder = tmp_path_factory.mktemp("demo")
    store = open_store(folder)
    store.feeds.put_feeds(newsroom_feeds(newsroom))
    for subscription in newsroom.as_subscriptions(NOW, lambda: "5ec2e7"):
        store.subscriptions.put_subscription(subscription)
    for entry in newsroom_entries(newsroom):
        store.queue.put(entry, wants_page=False)
    processor = processor_over(store, RiggedPipeline(real_pipeline), taxonomy, FrozenClock(NOW), Recorder())
    while processor.step():
        pass
    store.close()
    return folder


@pytest.fixture(scope="module")
def content(newsroom: Newsroom, finished: Path) -> Newsroom:
    """The newsroom expecting just the alerts that were raised: what is tested here is the comparison."""
    store = open_store(finished)
    articles = {article.article_id: article for article in store.search.export()}
    events: dict[str, set[str]] = {}
    for alert in store.alerts.alerts(limit=1000):
        sample = articles[alert.article_id].guids[0].partition(":")[2]
        events.setdefault(alert.subscription_id, set()).add(newsroom.event_of(sample))
    watches = tuple(
        msgspec.structs.replace(watch, expect=tuple(events.get(subscription.id, ())))
        for watch, subscription in zip(newsroom.watches, newsroom.as_subscriptions(NOW, str), strict=True)
    )
    store.close()
    return msgspec.structs.replace(newsroom, watches=watches)


@pytest.fixture
def store(finished: Path, tmp_path: Path) -> Iterator[Store]:
    shutil.copytree(finished, tmp_path / "copy")
    opened = open_store(tmp_path / "copy")
    yield opened
    opened.close()


def faults(content: Newsroom, store: Store) -> dict[str, str]:
    return {check.name: check.detail for check in verify(content, store) if not check.ok}


def remove(store: Store, article: Article) -> None:
    with store.database.write() as connection:
        connection.execute("DELETE FROM articles WHERE article_id = ?", (article.article_id,))


def of_sample(store: Store, content: Newsroom, sample: str) -> Article:
    (guid,) = content.guids()[sample]
    return next(article for article in store.search.export() if guid in article.guids)


def test_the_sample_newsroom_raises_the_alerts_that_were_worked_out_by_hand(newsroom: Newsroom, store: Store) -> None:
    assert faults(newsroom, store) == {}


def test_a_run_in_which_all_came_through_passes_every_check(content: Newsroom, store: Store) -> None:
    assert faults(content, store) == {}


def test_a_missing_article_is_named(content: Newsroom, store: Store) -> None:
    watched = {article.article_id for article in (of_sample(store, content, w) for w in content.distinct())}
    alerted = {alert.article_id for alert in store.alerts.alerts(limit=1000)}
    quiet = next(article for article in store.search.export() if article.article_id in watched - alerted)
    sample = quiet.guids[0].partition(":")[2]

    remove(store, quiet)

    assert f"missing ['{sample}']" in faults(content, store)["every sample article is indexed exactly once"]


def test_an_article_that_is_there_twice_is_named(content: Newsroom, store: Store) -> None:
    article = next(iter(store.search.export()))
    store.articles.put_articles([msgspec.structs.replace(article, article_id="f" * 32)])

    detail = faults(content, store)["every sample article is indexed exactly once"]

    assert f"twice ['{article.guids[0].partition(':')[2]}']" in detail


def test_an_article_that_nobody_published_is_noticed(content: Newsroom, store: Store) -> None:
    article = next(iter(store.search.export()))
    store.articles.put_articles([msgspec.structs.replace(article, article_id="f" * 32, guids=("stray",))])

    assert "every sample article is indexed exactly once" in faults(content, store)


def test_a_missing_alert_is_named(content: Newsroom, store: Store) -> None:
    alert = store.alerts.alerts()[0]
    with store.database.write() as connection:
        connection.execute("DELETE FROM alerts WHERE alert_id = ?", (alert.alert_id,))

    assert "missing [(" in faults(content, store)["the expected alerts, once each"]


def test_an_alert_raised_twice_is_named(content: Newsroom, store: Store) -> None:
    alert = store.alerts.alerts()[0]
    store.alerts.record_alerts([msgspec.structs.replace(alert, alert_id="again")], [])

    detail = faults(content, store)["the expected alerts, once each"]

    assert "twice [(" in detail
    assert "unexpected" not in detail


def test_an_unexpected_alert_is_named(content: Newsroom, store: Store) -> None:
    alert = store.alerts.alerts()[0]
    alerted = {each.story_id for each in store.alerts.alerts(limit=1000)}
    other = next(article for article in store.search.export() if article.story_id not in alerted)
    store.alerts.record_alerts([msgspec.structs.replace(alert, alert_id="stray", article_id=other.article_id)], [])

    assert "unexpected [(" in faults(content, store)["the expected alerts, once each"]


def test_an_alert_about_an_article_that_is_not_there_is_a_fault_and_no_crash(content: Newsroom, store: Store) -> None:
    alert = store.alerts.alerts()[0]
    store.alerts.record_alerts([msgspec.structs.replace(alert, alert_id="stray", article_id="gone")], [])

    assert "the expected alerts, once each" in faults(content, store)


def test_a_copy_in_a_story_of_its_own_is_named(content: Newsroom, store: Store) -> None:
    copy, _ = content.copies()[0]
    article = of_sample(store, content, copy)
    store.articles.put_articles([msgspec.structs.replace(article, story_id="elsewhere", revision=9)])

    assert copy in faults(content, store)["copies of one text are one story"]


def test_a_correction_that_did_not_arrive_is_named(content: Newsroom, store: Store) -> None:
    sample = next(iter(content.corrected_titles()))
    article = of_sample(store, content, sample)
    store.articles.put_articles([msgspec.structs.replace(article, title="العنوان القديم", revision=9)])

    assert sample in faults(content, store)["corrected articles are revisions"]


def test_anything_in_quarantine_is_a_fault(content: Newsroom, store: Store) -> None:
    store.quarantine.quarantine([a_quarantined()])

    assert list(faults(content, store)) == ["nothing in quarantine"]


def test_an_empty_store_fails_and_does_not_crash(content: Newsroom, tmp_path: Path) -> None:
    empty = open_store(tmp_path / "empty")
    checks = verify(content, empty)
    empty.close()

    assert all(isinstance(check, Check) for check in checks)
    assert not checks[0].ok
    assert not checks[3].ok
