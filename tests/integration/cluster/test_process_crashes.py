"""Workers as processes of their own: killed, joined by others, without a broker, refused by it."""

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from kafka import KafkaConsumer, TopicPartition

from marsad.config import KafkaSettings, child_environment, stack_dir
from marsad.connect import consumer_options, poll
from marsad.records import Article, Quarantined
from marsad.records.codec import decode, encode
from marsad.records.ids import digest
from marsad.streams import Message
from marsad.testing.factories import a_feed, an_entry
from marsad_app.cluster.admin import create_streams
from processors.transact import TransactionalJournal, read_stream

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(240)]

# A pipeline that takes 3 ms an entry and no time to build.
PROGRAM = """
import sys, time
from marsad.config import load_settings
from marsad.testing.factories import an_article
from marsad_app.cli.logs import configure_logs
from marsad_app.cluster import process
from processors.agents import tagging

class Steps:
    def stateless(self, entry, feed):
        time.sleep(0.003)
        return an_article(article_id=entry.article_id, title=entry.title)

    def remembered(self):
        return b""

    def recall(self, data):
        return True

process.Pipeline.following = lambda _: Steps()
{more}
settings = load_settings()
configure_logs(settings.log)
sys.exit(process.run(settings))
"""


class Worker:
    """One worker process; its log is kept."""

    def __init__(self, kafka: KafkaSettings, folder: Path, more: str = "") -> None:
        self.folder = folder
        self.log = folder / f"{secrets.token_hex(4)}.log"
        self._command = [sys.executable, "-c", PROGRAM.format(more=more)]
        self._environment = child_environment(
            MARSAD_DATA__DIR=str(folder),
            MARSAD_KAFKA__BOOTSTRAP=kafka.bootstrap,
            MARSAD_KAFKA__PREFIX=kafka.prefix,
            MARSAD_KAFKA__PARTITIONS=str(kafka.partitions),
        )
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self._command, env=self._environment, stdout=log, stderr=log)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> float:
        """Ask it to end; the seconds that it took."""
        began = time.monotonic()
        self.process.terminate()
        assert self.process.wait(10) == 0
        return time.monotonic() - began

    def lines(self) -> list[str]:
        return self.log.read_text("utf-8").splitlines()

    def told(self) -> list[dict[str, str]]:
        return [json.loads(line) for line in self.lines() if line.startswith("{")]


@pytest.fixture
def workers(kafka: KafkaSettings, tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    """Starts workers; those that are left are ended."""
    with _workers(tmp_path) as start:
        yield lambda more="", broker=kafka: start(broker, more)


@contextlib.contextmanager
def _workers(folder: Path) -> Iterator[Callable[[KafkaSettings, str], Worker]]:
    started: list[Worker] = []

    def start(kafka: KafkaSettings, more: str = "") -> Worker:
        started.append(Worker(kafka, folder, more))
        return started[-1]

    yield start
    for worker in started:
        if worker.process.poll() is None:
            worker.kill()


def message(number: int, **fields: object) -> Message:
    fields = {"title": f"خبر {number}", "guid": f"{number}", **fields}
    made = an_entry(entry_id=digest("entry", str(number)), article_id=digest("article", str(number)), **fields)
    return Message(stream="entries.v1", key=made.article_id, value=encode(made))


def put(kafka: KafkaSettings, messages: Iterable[Message]) -> None:
    journal = TransactionalJournal(kafka, "test-fill", "entries.v1", 0)
    waiting = [Message(stream="feeds.v1", key="feed-1", value=encode(a_feed())), *messages]
    for first in range(0, len(waiting), 20):
        journal.commit(waiting[first : first + 20])
    journal.close()


class Results:
    """What was tagged so far; reads on where it stopped, as a test asks for it again and again."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._consumer = KafkaConsumer(**consumer_options(kafka))
        place = TopicPartition(f"{kafka.prefix}.tagged.v1", 0)
        self._consumer.assign([place])
        self._consumer.seek_to_beginning()
        self._found: list[int] = []

    def all(self) -> list[int]:
        """The numbers of the entries, in the order of the stream."""
        for records in poll(self._consumer, 200, 5_000).values():
            self._found += [int(decode(Article, record.value).title.split()[1]) for record in records]
        return self._found

    def have(self, count: int) -> bool:
        return set(self.all()) >= set(range(count))

    def close(self) -> None:
        self._consumer.close()


@pytest.fixture
def results(kafka: KafkaSettings) -> Iterator[Results]:
    with contextlib.closing(Results(kafka)) as results:
        yield results


def until(done: Callable[[], bool], seconds: float = 100) -> float:
    began = time.monotonic()
    while not done():
        assert time.monotonic() - began < seconds
        time.sleep(0.1)
    return time.monotonic() - began


def test_a_worker_that_is_killed_again_and_again_loses_nothing(
    kafka: KafkaSettings, workers: Callable[..., Worker], results: Results
) -> None:
    put(kafka, map(message, range(1_000)))
    worker = workers()
    backs = []
    for share in (50, 300, 600):
        until(lambda share=share: len(set(results.all())) >= share)  # type: ignore[misc]
        worker.kill()
        before = len(results.all())
        worker.start()
        backs.append(until(lambda before=before: len(results.all()) > before))  # type: ignore[misc]
    until(lambda: results.have(1_000))

    assert worker.stop() < 5
    print("back after", [round(back, 1) for back in backs], "s; done twice:", len(results.all()) - 1_000)


def test_workers_that_join_and_leave_lose_nothing(
    kafka: KafkaSettings, workers: Callable[..., Worker], results: Results
) -> None:
    put(kafka, map(message, range(1_000)))
    first = workers()
    until(lambda: len(results.all()) >= 100)
    second = workers()
    until(lambda: "service started" in second.log.read_text("utf-8"))
    until(lambda: len(results.all()) >= 600)
    first.stop()
    put(kafka, map(message, range(1_000, 1_500)))
    until(lambda: len(set(results.all())) >= 1_100)
    first.start()
    until(lambda: len(set(results.all())) >= 1_200)
    second.kill()
    put(kafka, map(message, range(1_500, 2_000)))
    until(lambda: results.have(2_000), 60)

    assert first.stop() < 5
    print("done twice:", len(results.all()) - 2_000)


def test_workers_of_one_host_have_names_and_ports_of_their_own(
    kafka: KafkaSettings, workers: Callable[..., Worker], results: Results
) -> None:
    several = [workers() for _ in range(3)]
    put(kafka, map(message, range(50)))
    until(lambda: results.have(50))
    until(lambda: all("service started" in worker.log.read_text("utf-8") for worker in several))

    assert all(worker.process.poll() is None for worker in several)
    started = [line for worker in several for line in worker.told() if line["event"] == "service started"]
    names, addresses = ({line[what] for line in started} for what in ("instance", "health"))
    assert (len(names), len(addresses)) == (3, 3)


def test_an_article_that_the_broker_refuses_ends_the_worker_and_its_entry_is_not_passed_over(
    kafka: KafkaSettings, workers: Callable[..., Worker], results: Results
) -> None:
    put(kafka, [message(0), message(1, title=secrets.token_hex(2_900_000)), *map(message, range(2, 6))])
    refused = workers(more="tagging._room = lambda _: 9_000_000")
    assert refused.process.wait(30) == 70

    workers()
    until(lambda: {0, 2, 3, 4, 5} <= set(results.all()))
    until(lambda: bool(list(read_stream(kafka, "quarantine.v1"))))
    (item,) = [decode(Quarantined, read.value or b"") for read in read_stream(kafka, "quarantine.v1")]
    assert (item.key, item.stage) == (digest("entry", "1"), "tag")


def test_a_stopped_worker_that_wakes_up_later_does_no_harm(
    kafka: KafkaSettings, workers: Callable[..., Worker], results: Results
) -> None:
    put(kafka, map(message, range(1_000)))
    sleeper = workers()
    until(lambda: len(results.all()) >= 100)
    other = workers()
    os.kill(sleeper.process.pid, signal.SIGSTOP)
    put(kafka, map(message, range(1_000, 1_200)))
    until(lambda: results.have(1_200), 60)
    os.kill(sleeper.process.pid, signal.SIGCONT)
    put(kafka, map(message, range(1_200, 1_400)))
    until(lambda: results.have(1_400), 60)

    assert other.process.poll() is None
    assert sleeper.process.poll() in {None, 70}


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """A broker of this test's own: ``up``, ``kill``."""
    program = stack_dir() / "kafka-local"
    if not program.exists():
        pytest.skip(f"{program} is not there; MARSAD_STACK names the folder")

    def ask(what: str) -> str:
        done = subprocess.run(
            [program, what, "--data", tmp_path / "broker"], capture_output=True, text=True, check=True, timeout=100
        )
        return done.stdout.split()[-1] if done.stdout.split() else ""

    yield ask
    with contextlib.suppress(subprocess.CalledProcessError):
        ask("kill")


def test_a_worker_waits_for_its_broker_and_an_outage_writes_few_lines(
    own_broker: Callable[[str], str], tmp_path: Path
) -> None:
    kafka = KafkaSettings(bootstrap=own_broker("up"), prefix="t", partitions=2)
    create_streams(kafka)
    own_broker("kill")
    with _workers(tmp_path) as start:
        worker = start(kafka, "")
        until(lambda: any("service waits" in line for line in worker.lines()))
        own_broker("up")
        put(kafka, map(message, range(300)))
        with contextlib.closing(Results(kafka)) as results:
            until(lambda: results.have(300))

        before = len(worker.lines())
        own_broker("kill")
        time.sleep(10)
        lines = len(worker.lines()) - before
        own_broker("up")
        put(kafka, map(message, range(300, 500)))
        with contextlib.closing(Results(kafka)) as results:
            back = until(lambda: results.have(500))

        assert worker.process.poll() is None
        assert lines < 100
        assert worker.stop() < 5
    print(f"{lines} lines in 10 s without a broker; all done {back:.1f} s after it was back")
