"""The Faust app as the settings want it, and the agent without a broker."""

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import faust
import pytest
from pydantic import SecretStr

from marsad.clock import SystemClock
from marsad.config import DataSettings, KafkaSettings, Settings
from marsad.errors import TransientError
from marsad.progress import Progress
from marsad.records import Article, Entry, Feed
from marsad.records.codec import encode
from marsad.testing.factories import a_feed, an_article, an_entry
from processors.agents import Outgoing, Part, Shared, make_app
from processors.agents.agent import _Tagging

TOPIC = "marsad.entries.v1"


class Died(BaseException):
    """In place of the end of the process."""


def die(status: int) -> None:
    raise Died(status)


@pytest.fixture
async def shared() -> Shared:
    return Shared("entries.v1", Progress(), SystemClock(), die)


def settings(folder: Path, **kafka: Any) -> Settings:
    return Settings(data=DataSettings(dir=folder), kafka=KafkaSettings(**kafka))


def app_of(folder: Path, shared: Shared, **kafka: Any) -> faust.App:
    return make_app(settings(folder, **kafka), "host-process-0", shared)


async def test_the_app_has_a_group_a_name_and_nothing_that_loses_messages(tmp_path: Path, shared: Shared) -> None:
    conf = app_of(tmp_path, shared, bootstrap="a:9092, b:9093", prefix="news").conf

    assert conf.id == "news.process"
    assert [str(url) for url in conf.broker] == ["kafka://a:9092", "kafka://b:9093"]
    assert conf.consumer_group_instance_id == "host-process-0"
    assert (conf.broker_session_timeout, conf.broker_heartbeat_interval, conf.broker_request_timeout) == (10, 3, 90)
    assert conf.processing_guarantee.value == "at_least_once"
    assert (conf.producer_acks, conf.producer_compression_type) == (-1, "lz4")
    assert (conf.web_enabled, conf.topic_allow_declare, conf.topic_disable_leader) == (False, False, True)
    assert conf.datadir == tmp_path / "faust"


async def test_variables_that_faust_knows_do_not_win_over_our_settings(
    tmp_path: Path, shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROKER_URL", "kafka://elsewhere:1")
    monkeypatch.setenv("PRODUCER_ACKS", "0")
    monkeypatch.setenv("APP_DATADIR", "/nowhere")
    conf = app_of(tmp_path, shared, bootstrap="a:9092").conf

    assert [str(url) for url in conf.broker] == ["kafka://a:9092"]
    assert conf.producer_acks == -1
    assert conf.datadir == tmp_path / "faust"


async def test_without_security_nothing_is_encrypted_or_proved(tmp_path: Path, shared: Shared) -> None:
    conf = app_of(tmp_path, shared).conf

    assert conf.broker_credentials is None
    assert conf.ssl_context is None


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
@pytest.mark.parametrize("security", ["sasl_plaintext", "sasl_ssl"])
async def test_a_user_proves_itself(tmp_path: Path, shared: Shared, security: str, mechanism: str) -> None:
    conf = app_of(
        tmp_path, shared, security=security, sasl_mechanism=mechanism, username="u", password=SecretStr("secret")
    ).conf
    told: Any = conf.broker_credentials

    assert (told.username, told.password, told.mechanism.value) == ("u", "secret", mechanism)
    assert told.protocol.value == security.upper()
    assert (told.ssl_context is not None) == (security == "sasl_ssl")
    assert "secret" not in repr(told)


async def test_encryption_checks_the_name_of_the_broker(tmp_path: Path, shared: Shared) -> None:
    told: Any = app_of(tmp_path, shared, security="ssl").conf.broker_credentials

    assert told.protocol.value == "SSL"
    assert told.context.check_hostname
    assert told.context.verify_mode is ssl.CERT_REQUIRED


# --- the agent ---------------------------------------------------------------


class FakeProducer:
    """Takes messages; each is delivered when the test says so, or at once."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, int]] = []
        self.waiting: list[asyncio.Future[None]] = []
        self.at_once = True
        self.error: Exception | None = None
        self._moved = asyncio.Condition()

    async def sent_to_broker(self, count: int) -> None:
        async with self._moved:
            await self._moved.wait_for(lambda: len(self.waiting) >= count)

    async def send(self, topic: str, *, key: bytes, partition: int, **_: Any) -> "asyncio.Future[None]":
        self.sent.append((topic, key.decode(), partition))
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.error is not None:
            future.set_exception(self.error)
        elif self.at_once:
            future.set_result(None)
        else:
            async with self._moved:
                self.waiting.append(future)
                self._moved.notify_all()
        return future


class FakeFeeds:
    """Knows a feed from the given refresh on."""

    def __init__(self, from_refresh: int = 0, fail: int = 0) -> None:
        self.refreshed = 0
        self.from_refresh = from_refresh
        self.fail = fail

    def get(self, key: str) -> Feed | None:
        return a_feed(id=key) if self.refreshed >= self.from_refresh and key != "removed" else None

    def refresh(self, timeout: float = 10.0) -> None:
        self.refreshed += 1
        if self.refreshed <= self.fail:
            raise TransientError("no answer")


class Steps:
    def __init__(self) -> None:
        self.feeds: list[str] = []

    def stateless(self, entry: Entry, feed: Feed) -> Article:
        self.feeds.append(feed.outlet)
        return an_article(article_id=entry.article_id)


def event(offset: int, generation: int = 1, feed_id: str = "feed-1", value: bytes | None = None) -> Any:
    made = encode(an_entry(article_id=f"a{offset}", feed_id=feed_id))
    record = SimpleNamespace(
        topic=TOPIC,
        partition=0,
        offset=offset,
        generation_id=generation,
        key=b"k",
        value=made if value is None else value,
        headers=(),
        timestamp=1_700_000_000.0,
    )
    return SimpleNamespace(message=record)


class Bench:
    """An agent's worker with everything around it made by hand."""

    def __init__(self, folder: Path, shared: Shared, feeds: FakeFeeds) -> None:
        self.shared = shared
        self.feeds = feeds
        self.producer = FakeProducer()
        self.steps = Steps()
        self.told: list[Outgoing] = []
        app: Any = SimpleNamespace(producer=self.producer)
        self.worker = _Tagging(app, settings(folder, partitions=4), self.steps, feeds, shared, self.told.append)
        shared.assigned([Part(TOPIC, 0)], 1)
        shared.began(Part(TOPIC, 0), 0)

    def read(self, *offsets: int) -> list[Any]:
        self.shared.places.read(Part(TOPIC, 0), offsets, offsets[-1] + 1)
        return [event(offset) for offset in offsets]

    def next(self) -> int | None:
        return self.shared.places.next(Part(TOPIC, 0))

    async def take(self, batch: list[Any]) -> None:
        await self.worker.take(batch)
        await self.worker.settled()


@pytest.fixture
async def bench(tmp_path: Path, shared: Shared) -> Callable[..., Bench]:
    return lambda feeds=None: Bench(tmp_path, shared, feeds or FakeFeeds())


async def test_a_batch_counts_as_done_once_it_is_with_the_broker(bench: Callable[..., Bench]) -> None:
    made = bench()
    made.producer.at_once = False
    task = asyncio.create_task(made.take(made.read(0, 1, 2)))
    await made.producer.sent_to_broker(3)

    assert (made.next(), made.told, made.shared.resting.is_set()) == (0, [], False)
    for future in made.producer.waiting:
        future.set_result(None)
    await task
    assert (made.next(), len(made.told), made.shared.resting.is_set()) == (3, 3, True)
    assert made.producer.sent == [("marsad.tagged.v1", f"a{number}", 0) for number in range(3)]
    assert made.shared.progress.positions()["entries.v1", 0].offset == 3


async def test_the_next_batch_is_begun_while_one_is_delivered(bench: Callable[..., Bench]) -> None:
    made = bench()
    made.producer.at_once = False
    await made.worker.take(made.read(0, 1))
    task = asyncio.create_task(made.worker.take(made.read(2)))
    await made.producer.sent_to_broker(3)

    assert (made.next(), made.told, made.shared.resting.is_set()) == (0, [], False)
    for future in made.producer.waiting:
        future.set_result(None)
    await task
    await made.worker.settled()
    assert (made.next(), len(made.told)) == (3, 3)
    await made.shared.resting.wait()


async def test_a_batch_that_is_cut_off_does_not_count_and_the_one_being_delivered_does(
    bench: Callable[..., Bench],
) -> None:
    made = bench()
    made.producer.at_once = False
    await made.worker.take(made.read(0, 1))
    task = asyncio.create_task(made.worker.take(made.read(2)))
    await made.producer.sent_to_broker(3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    for future in made.producer.waiting:
        future.set_result(None)
    await made.worker.settled()

    assert (made.next(), len(made.told)) == (2, 2)
    await made.shared.resting.wait()


async def test_a_delivery_that_fails_ends_the_process_and_nothing_counts(bench: Callable[..., Bench]) -> None:
    made = bench()
    made.producer.error = OSError("refused")
    with pytest.raises(Died) as died:
        await made.take(made.read(0))

    assert died.value.args == (70,)
    assert made.next() == 0
    assert made.told == []


async def test_an_entry_dropped_on_the_way_ends_the_process(bench: Callable[..., Bench]) -> None:
    made = bench()
    _, *later = made.read(0, 1, 2)
    with pytest.raises(Died):
        await made.take(later)

    assert made.next() == 0


async def test_a_batch_of_before_a_rebalance_is_written_and_does_not_count(bench: Callable[..., Bench]) -> None:
    made = bench()
    old = made.read(0, 1)
    made.shared.assigned([Part(TOPIC, 0)], 2)
    made.shared.began(Part(TOPIC, 0), 0)
    made.read(0, 1)
    await made.take(old)

    assert len(made.producer.sent) == 2
    assert made.next() == 0
    assert made.shared.progress.positions()["entries.v1", 0].offset == 0


async def test_quarantine_goes_to_the_partition_of_its_key(bench: Callable[..., Bench]) -> None:
    made = bench()
    made.read(0, 1, 2, 3, 4, 5)
    await made.take([event(offset, value=b"%d" % offset) for offset in range(6)])

    assert {topic for topic, _, _ in made.producer.sent} == {"marsad.quarantine.v1"}
    assert all(result.problem for result in made.told)


async def test_feeds_that_are_not_known_are_asked_for_once_a_batch(bench: Callable[..., Bench]) -> None:
    made = bench(FakeFeeds(from_refresh=1))
    await made.take(made.read(0, 1, 2))
    await made.take(made.read(3, 4))

    assert made.feeds.refreshed == 1
    assert set(made.steps.feeds) == {a_feed().outlet}


async def test_a_removed_feed_is_stood_in_for_after_one_question(bench: Callable[..., Bench]) -> None:
    made = bench()
    made.read(0, 1)
    await made.take([event(0, feed_id="removed"), event(1)])

    assert made.feeds.refreshed == 1
    assert made.steps.feeds == ["", a_feed().outlet]


async def test_feeds_that_cannot_be_asked_for_are_asked_again_and_then_stood_in_for(
    bench: Callable[..., Bench],
) -> None:
    made = bench(FakeFeeds(from_refresh=99, fail=99))
    await made.take(made.read(0))

    assert made.feeds.refreshed == 3
    assert made.steps.feeds == [""]


async def test_a_worker_that_ends_begins_nothing_more(bench: Callable[..., Bench]) -> None:
    made = bench()
    made.shared.ending = True
    task = asyncio.create_task(made.take(made.read(0)))
    done, _ = await asyncio.wait([task], timeout=0.05)
    task.cancel()

    assert not done
    assert made.producer.sent == []
    assert made.shared.resting.is_set()
