"""The compose file brought to life without an engine: real servers configured by it, each service by its very command and environment.

Only what a machine without containers must have otherwise is replaced: host names, ports, and the folders of the volumes. As root
on Linux, each service even runs as the file's user with a read-only root file system.
"""

import contextlib
import http.server
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from elasticsearch import AuthenticationException, Elasticsearch
from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from marsad import config
from marsad.config import KafkaSettings, stack_dir
from marsad.connect import kafka_options
from marsad.errors import ConfigError
from marsad.testing.compose import interpolated, read_env
from marsad_app.bench.replay import free_port
from marsad_app.bench.servers import LocalServer
from marsad_app.cluster.compose_env import completed

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[3]
BIN = Path(sys.executable).parent
OURS = ("poll", "process", "group", "match", "index", "deliver", "web")
# What an operator would write there to try it on a newsroom of this machine.
MARSAD_ENV = {
    "MARSAD_POLL__MIN_INTERVAL": "1",
    "MARSAD_POLL__MAX_INTERVAL": "3",
    "MARSAD_POLL__ALLOW_NETWORKS": "127.0.0.0/8",
    "MARSAD_ALERTS__ALLOW_NETWORKS": "127.0.0.0/8",
}
# A data folder and a folder for /tmp, a root file system that nobody can write, a user with no right but to read.
CONTAINED = """
mount -t tmpfs -o size=64m,mode=1777,noexec,nosuid,nodev tmpfs /tmp
mount --bind "$1" "$1"
mount -o remount,bind,ro /
user=$2; shift 2
exec setpriv --reuid="${user%:*}" --regid="${user#*:}" --clear-groups --bounding-set=-all,+dac_read_search \
  --inh-caps=-all,+dac_read_search --ambient-caps=-all,+dac_read_search --no-new-privs "$@"
"""
# They name places of a container; the start scripts know better here.
PLACES = {
    "listeners",
    "advertised.listeners",
    "listener.security.protocol.map",
    "controller.quorum.voters",
    "log.dirs",
    "node.id",
}

Env = dict[str, str]


class Stand:
    """The servers, and what a service must have otherwise than the file says."""

    def __init__(self, env: Env, changes: Env, folder: Path) -> None:
        self.file: dict[str, Any] = interpolated(
            yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8")), env
        )
        self.env = env
        self.folder = folder
        self._changes = changes

    def environment(self, name: str, **more: str) -> Env:
        """Of a service, with nothing of this process's own."""
        service = self.file["services"][name]
        told = {key: str(value) for key, value in service["environment"].items()}
        extra = MARSAD_ENV if "env_file" in service else {}
        image = {
            "PATH": f"{BIN}:/usr/bin:/bin",
            "HOME": "/tmp",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
        }
        return {**image, **extra, **told, **self._changes, **more}

    def run(self, name: str, command: Sequence[str], **more: str) -> "subprocess.CompletedProcess[str]":
        """A command in a service's surroundings, to its end."""
        data = self.folder / name
        data.mkdir(exist_ok=True)
        environment = self.environment(name, MARSAD_DATA__DIR=str(data), **more)
        return subprocess.run(
            command, env=environment, cwd=data, capture_output=True, text=True, timeout=120, check=False
        )


class Container:
    """One of our services as a process."""

    def __init__(self, stand: Stand, name: str) -> None:
        self.name = name
        self.service: dict[str, Any] = stand.file["services"][name]
        self.port = free_port()
        self.log = stand.folder / f"{name}.log"
        self._stand = stand
        self._own = {"MARSAD_HEALTH__PORT": str(free_port())}
        if name == "web":
            # On loopback: this machine has no network of the file's own.
            self._own |= {"MARSAD_WEB__PORT": str(self.port), "MARSAD_WEB__HOST": "127.0.0.1"}
        data = stand.folder / name
        data.mkdir()
        self._user = str(self.service["user"])
        environment = stand.environment(name, MARSAD_DATA__DIR=str(data), **self._own)
        prefix = _contained(data, self._user)
        self.contained = bool(prefix)
        with self.log.open("wb") as log:
            command = [*prefix, *self.service["command"]]
            self.process = subprocess.Popen(command, env=environment, cwd=data, stdout=log, stderr=log)

    def healthy(self) -> bool:
        """Whether its own health check says so."""
        check = [part.replace("8080", str(self.port)) for part in self.service["healthcheck"]["test"]]
        assert check[0] == "CMD"
        return self._stand.run(self.name, check[1:], **self._own).returncode == 0

    def status(self) -> dict[str, list[str]]:
        """What Linux says of the process; empty elsewhere."""
        path = Path(f"/proc/{self.process.pid}/status")
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        return {name: rest.split() for name, _, rest in (line.partition(":") for line in lines)}

    def memory(self) -> int:
        """The most that it ever held, in bytes."""
        return int(self.status().get("VmHWM", ["0"])[0]) * 1024

    def stop(self) -> tuple[int, float]:
        """SIGTERM; its exit status, and the seconds that it took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(int(self.service["stop_grace_period"].removesuffix("s")))
        return status, time.monotonic() - began

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")


def _contained(data: Path, user: str) -> list[str]:
    """What a command begins with to run as in a container; nothing where that cannot be had."""
    if os.geteuid() != 0 or shutil.which("unshare") is None or shutil.which("setpriv") is None:
        return []
    numbers = [int(part) for part in user.split(":")]
    os.chown(data, *numbers)
    prefix = ["unshare", "--mount", "--propagation", "private", "sh", "-euc", CONTAINED, "sh", str(data), user]
    works = subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0
    return prefix if works else []


def _own_servers(env: Env, folder: Path, undo: contextlib.ExitStack) -> Env:
    """A broker and an Elasticsearch that are secured as the file says; the addresses."""
    raw = interpolated(yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8")), env)
    ports = [free_port() for _ in range(3)]
    listeners = [f"PLAINTEXT://127.0.0.1:{ports[0]}", f"BROKER://127.0.0.1:{ports[1]}"]
    told = {
        "listeners": ",".join([*listeners, f"CONTROLLER://127.0.0.1:{ports[2]}"]),
        "advertised.listeners": ",".join(listeners),
        # The start script asks without a password whether the broker is there.
        "listener.security.protocol.map": raw["services"]["kafka"]["environment"][
            "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"
        ]
        + ",PLAINTEXT:PLAINTEXT",
    }
    for key, value in raw["services"]["kafka"]["environment"].items():
        # As the image of Kafka does it.
        name = key.removeprefix("KAFKA_").lower().replace("_", ".").replace("...", "-").replace("..", "_")
        if key.startswith("KAFKA_") and key != "KAFKA_HEAP_OPTS" and name not in PLACES:
            told[name] = str(value)
    options = ["--port", str(ports[0]), "--controller-port", str(ports[2])]
    broker = LocalServer(
        stack_dir() / "kafka-local",
        folder / "kafka",
        *options,
        *(part for key, value in told.items() for part in ("--set", f"{key}={value}")),
    )
    index = LocalServer(stack_dir() / "elastic-local", folder / "elastic", "--password", env["ELASTIC_PASSWORD"])
    undo.callback(broker.remove)
    undo.callback(index.remove)
    broker.up()
    return {"MARSAD_KAFKA__BOOTSTRAP": f"127.0.0.1:{ports[1]}", "MARSAD_ELASTICSEARCH__URL": _patiently(index)}


def _patiently(server: LocalServer) -> str:
    """Start it; on a machine that is busy the first try may be too short."""
    try:
        return server.up()
    except ConfigError:
        return server.up()


def _given_servers(undo: contextlib.ExitStack) -> Env:
    """Those that are named for tests, which know no passwords; with names that nothing else uses."""
    kafka, elastic = config.test_servers()
    if not kafka or not elastic:
        pytest.skip("MARSAD_TEST_KAFKA and MARSAD_TEST_ELASTICSEARCH name no servers; make test-cluster starts them")
    prefix = f"t{secrets.token_hex(4)}"

    def clean() -> None:
        with Elasticsearch(elastic) as client:
            for name in client.indices.get(index=f"{prefix}-*").body:
                client.indices.delete(index=name)
            client.options(ignore_status=404).indices.delete_index_template(name=f"{prefix}-*")

    undo.callback(clean)
    return {
        "MARSAD_KAFKA__BOOTSTRAP": kafka,
        "MARSAD_KAFKA__SECURITY": "plaintext",
        "MARSAD_KAFKA__USERNAME": "",
        "MARSAD_KAFKA__PREFIX": prefix,
        "MARSAD_ELASTICSEARCH__URL": elastic,
        "MARSAD_ELASTICSEARCH__USERNAME": "",
        "MARSAD_ELASTICSEARCH__PREFIX": prefix,
    }


@pytest.fixture
def stand() -> Iterator[Stand]:
    env = read_env(completed("")[0])
    folder = Path(tempfile.mkdtemp(prefix="marsad-compose-", dir="/var/tmp"))
    folder.chmod(0o755)
    secured = all((stack_dir() / name).is_file() for name in ("kafka-local", "elastic-local"))
    with contextlib.ExitStack() as undo:
        undo.callback(shutil.rmtree, folder, ignore_errors=True)
        changes = _own_servers(env, folder, undo) if secured else _given_servers(undo)
        made = Stand(env, changes, folder)
        if secured:
            _make_users(made, changes["MARSAD_ELASTICSEARCH__URL"])
            _assert_passwords_count(made)
        yield made


def _make_users(stand: Stand, url: str) -> None:
    """Run the one-shot that makes the users, twice: it must do no harm where they are there."""
    for _ in range(2):
        done = stand.run("elastic-users", stand.file["services"]["elastic-users"]["command"], ELASTICSEARCH_URL=url)
        assert done.returncode == 0, done.stdout + done.stderr
        assert not any(value in done.stdout + done.stderr for value in stand.env.values())


def _assert_passwords_count(stand: Stand) -> None:
    """The servers know the users of the file by their passwords, and nobody else."""
    told = stand.environment("poll")
    kafka = KafkaSettings(
        bootstrap=told["MARSAD_KAFKA__BOOTSTRAP"],
        security="sasl_plaintext",
        sasl_mechanism="PLAIN",
        username="marsad",
        password="guessed",
    )
    with pytest.raises(KafkaError):
        KafkaAdminClient(**kafka_options(kafka), bootstrap_timeout_ms=2_000)
    url = told["MARSAD_ELASTICSEARCH__URL"]
    users = {"elastic": "ELASTIC_PASSWORD", "kibana_system": "KIBANA_PASSWORD", "marsad": "MARSAD_ELASTIC_PASSWORD"}
    for name, variable in users.items():
        with Elasticsearch(url, basic_auth=(name, stand.env[variable])) as client:
            assert client.security.authenticate()["username"] == name
        with Elasticsearch(url, basic_auth=(name, "guessed")) as client, pytest.raises(AuthenticationException):
            client.info()


class Hook:
    """Where alerts go to."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook.got.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        self.outlet = f"json://127.0.0.1:{self._server.server_port}/hook"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    yield made
    made.close()


@pytest.fixture
def containers(stand: Stand) -> Iterator[Callable[[], dict[str, Container]]]:
    started: dict[str, Container] = {}

    def start() -> dict[str, Container]:
        started.update({name: Container(stand, name) for name in OURS})
        return started

    yield start
    for each in started.values():
        each.kill()


def ask(container: Container, path: str, body: Mapping[str, Any] | None = None) -> Any:
    """The web page's answer, as JSON; changes prove themselves by the token."""
    token = container.service["environment"]["MARSAD_WEB__TOKEN"]
    headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{container.port}{path}", data, headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def until(holds: Callable[[], bool], what: str, all_of: Mapping[str, Container], seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while not _now(holds):
        ended = {name: each.process.returncode for name, each in all_of.items() if each.process.poll() is not None}
        if ended or time.monotonic() > end:
            logs = "\n".join(f"--- {name}\n{each.said()[-1500:]}" for name, each in all_of.items())
            pytest.fail(f"{what}: not seen within {seconds:g} s; ended: {ended}\n{logs}")
        time.sleep(0.2)


def _now(holds: Callable[[], bool]) -> bool:
    with contextlib.suppress(OSError):
        return holds()
    return False


def test_all_services_start_as_the_file_says_and_news_is_found_and_alerts_go_out(
    stand: Stand, containers: Callable[[], dict[str, Container]], hook: Hook, newsroom: Any
) -> None:
    init = stand.file["services"]["init"]["command"]
    for _ in range(2):
        done = stand.run("init", init)
        assert done.returncode == 0, done.stderr
    running = containers()
    web = running["web"]
    until(lambda: ask(web, "/api/v1/articles?q=*:*")["total"] == 0, "the web page", running)
    subscription = {"name": "all", "query": "*:*", "triggers": ["new-article"], "language": "en"}
    ask(web, "/api/v1/subscriptions", {**subscription, "outlets": [hook.outlet]})
    served = newsroom(10)
    feeds = served.opml(stand.folder / "web" / "feeds.opml")
    done = stand.run("web", ["marsad", "feeds", "import", str(feeds)])
    assert done.returncode == 0, done.stderr

    wanted = len(served.content.distinct())
    until(lambda: ask(web, "/api/v1/articles?q=*:*&limit=1")["total"] >= wanted, f"{wanted} articles", running)
    until(lambda: len(hook.got) >= wanted, f"{wanted} alerts", running)

    until(lambda: all(each.healthy() for each in running.values()), "all healthy", running, seconds=60)
    assert ask(web, "/api/v1/articles?q=*:*&limit=1")["total"] == wanted
    assert len(hook.got) == wanted
    _assert_clean_ends(running, list(stand.env.values()))


def _assert_clean_ends(running: Mapping[str, Container], secret: Sequence[str]) -> None:
    for each in running.values():
        if each.contained:
            assert each.status()["Uid"] == [str(each.service["user"]).partition(":")[0]] * 4
            assert each.status()["NoNewPrivs"] == ["1"]
    memory = {name: each.memory() for name, each in running.items()}
    ends = {name: each.stop() for name, each in running.items()}

    print("contained:", sorted({each.contained for each in running.values()}))
    print({name: f"{memory[name] / 2**20:.0f} MB, ended in {seconds:.1f} s" for name, (_, seconds) in ends.items()})
    assert {name: status for name, (status, _) in ends.items()} == dict.fromkeys(running, 0)
    assert max(seconds for _, seconds in ends.values()) < 5
    for name, each in running.items():
        assert memory[name] < _bytes(each.service["deploy"]["resources"]["limits"]["memory"]), name
        assert "Traceback" not in each.said(), each.said()
        assert not any(value in each.said() for value in secret)


def _bytes(limit: str) -> int:
    return int(limit[:-1]) * {"m": 2**20, "g": 2**30}[limit[-1]]
