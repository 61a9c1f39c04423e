"""Alerts handed over by ``marsad deliver`` from a real broker: one worker, two workers, one of them killed."""

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from marsad.clock import SystemClock
from marsad.config import AlertSettings, KafkaSettings, Settings, child_environment
from marsad.events import EventSink
from marsad.progress import Progress
from marsad.records import Alert, Delivery, DeliveryState, Subscription, decode, encode
from marsad.streams import Message
from marsad.testing.factories import a_subscription, an_alert
from marsad_app.cluster.deliver import LogOutlet, delivering
from marsad_app.cluster.service import Context
from processors.transact import TransactionalJournal, read_stream

pytestmark = pytest.mark.cluster

_WORKER = "import sys; from marsad.config import load_settings; from marsad_app.cluster.deliver import run; sys.exit(run(load_settings()))"


class Hook:
    """A web hook that takes its time; the titles that it got, with when."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.got: list[str] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                hook.got.append(str(json.loads(body)["title"]).split()[-1].strip("\u2068\u2069"))
                time.sleep(seconds)
                # The sender may have been killed meanwhile.
                with contextlib.suppress(OSError):
                    self.send_response(200)
                    self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self.outlet = f"json://127.0.0.1:{self._server.server_port}/hook"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


@pytest.fixture
def hook() -> Iterator[Callable[[float], Hook]]:
    made: list[Hook] = []

    def make(seconds: float) -> Hook:
        made.append(Hook(seconds))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def workers(kafka: KafkaSettings, tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []

    def start(name: str) -> subprocess.Popen[bytes]:
        environment = child_environment(
            MARSAD_KAFKA__BOOTSTRAP=kafka.bootstrap,
            MARSAD_KAFKA__PREFIX=kafka.prefix,
            MARSAD_KAFKA__PARTITIONS=str(kafka.partitions),
            MARSAD_KAFKA__INSTANCE=name,
            MARSAD_DATA__DIR=str(tmp_path / name),
            MARSAD_ALERTS__ALLOW_NETWORKS="127.0.0.0/8",
        )
        with (tmp_path / f"{name}.log").open("ab") as log:
            command = [sys.executable, "-c", _WORKER]
            started.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait(10)


def write(kafka: KafkaSettings, *messages: Message) -> None:
    journal = TransactionalJournal(kafka, "test-write", "alerts.v1", 0)
    journal.commit(messages)
    journal.close()


def subscribe(kafka: KafkaSettings, *subscriptions: Subscription) -> None:
    write(kafka, *(Message(stream="subscriptions.v1", key=each.id, value=encode(each)) for each in subscriptions))


def raise_alerts(kafka: KafkaSettings, names: Sequence[str], **fields: Any) -> None:
    at = SystemClock().now()
    write(
        kafka,
        *(
            Message(
                stream="alerts.v1",
                key=name,
                value=encode(an_alert(alert_id=name, title=name, at=at, **fields)),
                partition=number % kafka.partitions,
            )
            for number, name in enumerate(names)
        ),
    )


def states(kafka: KafkaSettings) -> list[Delivery]:
    return [decode(Delivery, message.value or b"") for message in read_stream(kafka, "deliveries.v1")]


def sent(kafka: KafkaSettings) -> Counter[str]:
    return Counter(each.alert_id for each in states(kafka) if each.state is DeliveryState.SENT)


def until(holds: Callable[[], bool], what: str, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"{what}: not seen within {seconds:g} s"
        time.sleep(0.05)


class Quiet:
    def emit(self, event: object) -> None: ...


class Notes:
    """An outlet that notes what it is given."""

    def __init__(self) -> None:
        self.got: list[tuple[str, list[str]]] = []

    def send(self, key: str, subscription: Subscription, alerts: Sequence[Alert]) -> None:
        self.got.append((key, [alert.alert_id for alert in alerts]))


def test_alerts_reach_a_hand_written_outlet_and_the_ledger_says_so(kafka: KafkaSettings) -> None:
    notes, events, progress = Notes(), Quiet(), Progress()
    settings = Settings(kafka=kafka, alerts=AlertSettings())
    sink: EventSink = events
    context = Context(settings, SystemClock(), progress, sink, "one", threading.Event())
    raise_alerts(kafka, ["a", "b"])
    with delivering(context, {"notes:": notes}) as step:
        subscribe(kafka, a_subscription(outlets=("notes:",)))  # after the table was read: it must be looked for
        until(lambda: step() >= 0 and len(sent(kafka)) == 2, "both sent")
        until(lambda: step() >= 0 and not any(each.lag for each in progress.positions().values()), "no lag")

    assert sorted(alerts for _, alerts in notes.got) == [["a"], ["b"]]
    assert {key for key, _ in notes.got} == {each.delivery_id for each in states(kafka)}
    assert sent(kafka) == {"a": 1, "b": 1}


def test_of_two_workers_one_is_killed_and_no_alert_is_missing(
    kafka: KafkaSettings, hook: Callable[[float], Hook], workers: Callable[[str], subprocess.Popen[bytes]]
) -> None:
    slow = hook(0.05)
    names = [f"a{number}" for number in range(60)]
    subscribe(kafka, a_subscription(outlets=(slow.outlet,)))
    first, second = workers("first"), workers("second")
    raise_alerts(kafka, names[:20])
    until(lambda: len(set(slow.got)) >= 4, "the first alerts")
    raise_alerts(kafka, names[20:])
    until(lambda: len(set(slow.got)) >= 24, "work for both")
    first.kill()
    until(lambda: len(sent(kafka)) == len(names), "all sent")

    # The one that was under way in each partition may go out twice: nobody could know that it had arrived.
    repeated = sum(Counter(slow.got).values()) - len(names)
    assert set(slow.got) == set(names)
    assert repeated <= kafka.partitions
    assert sent(kafka) == dict.fromkeys(names, 1)

    began = time.monotonic()
    second.terminate()
    assert second.wait(10) == 0
    assert time.monotonic() - began < 5


def test_a_dead_outlet_holds_up_neither_the_others_nor_the_end(
    kafka: KafkaSettings, hook: Callable[[float], Hook], workers: Callable[[str], subprocess.Popen[bytes]]
) -> None:
    hangs, quick = hook(20.0), hook(0.0)
    subscribe(kafka, a_subscription(outlets=(hangs.outlet,)), a_subscription(id="two", outlets=(quick.outlet,)))
    worker = workers("only")
    raise_alerts(kafka, ["h1", "h2"])
    until(lambda: len(hangs.got) >= 1, "the one that hangs")
    raise_alerts(kafka, ["q1", "q2", "q3"], subscription_id="two")

    until(lambda: sorted(quick.got) == ["q1", "q2", "q3"], "the others", seconds=10)
    began = time.monotonic()
    worker.terminate()
    assert worker.wait(10) == 0
    assert time.monotonic() - began < 5


def test_the_terminal_of_a_service_is_its_log() -> None:
    with capture_logs() as lines:
        LogOutlet().send("key", a_subscription(name="دفاع"), [an_alert(title="أول"), an_alert(title="ثان")])

    assert [(line["event"], line["subscription"], line["title"]) for line in lines] == [
        ("alert", "دفاع", "أول"),
        ("alert", "دفاع", "ثان"),
    ]
