"""All cluster services as processes of their own, started again when they end, as a service manager would."""

import contextlib
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from pathlib import Path

import msgspec

from marsad.config import child_environment
from marsad.errors import ConfigError
from marsad_app.bench.replay import free_port

__all__ = ["DEFAULT_FLEET", "Ended", "Fleet", "Member"]

DEFAULT_FLEET: Mapping[str, int] = {
    "poll": 2,
    "process": 2,
    "group": 1,
    "match": 2,
    "index": 2,
    "deliver": 1,
}
_RESTART_S = 1.0
_READY_S = 120.0
_STOP_S = 8.0


class Ended(msgspec.Struct, frozen=True):
    """A process that ended without being asked to by ``stop``."""

    member: str
    status: int
    """Negative: the signal that ended it."""
    at: float
    """Monotonic seconds."""


class Member:
    """One service process that is kept running.

    Args:
        stage: the command, such as ``index``.
        number: which of its kind.
        folder: its data folder and log.
        environment: the settings.
    """

    def __init__(self, stage: str, number: int, folder: Path, environment: Mapping[str, str]) -> None:
        self.stage = stage
        self.name = f"{stage}-{number}"
        self.health_port = free_port()
        self.log = folder / f"{self.name}.log"
        self._environment = {
            **environment,
            "MARSAD_DATA__DIR": str(folder / self.name),
            "MARSAD_KAFKA__INSTANCE": self.name,
            "MARSAD_HEALTH__PORT": str(self.health_port),
        }
        self._process: subprocess.Popen[bytes] | None = None
        self.ended: list[Ended] = []
        self.wanted = False

    def start(self) -> None:
        """Start it."""
        self.wanted = True
        with self.log.open("ab") as log:
            command = [str(Path(sys.executable).with_name("marsad")), self.stage]
            self._process = subprocess.Popen(command, env=self._environment, stderr=log, stdout=log)

    def keep(self) -> None:
        """Start it again, if it ended though it is wanted."""
        if self._process is None or not self.wanted:
            return
        status = self._process.poll()
        if status is not None and (not self.ended or time.monotonic() - self.ended[-1].at > _RESTART_S):
            self.ended.append(Ended(self.name, status, time.monotonic()))
            time.sleep(_RESTART_S)
            if self.wanted:
                self.start()

    def running(self) -> bool:
        """Whether the process is alive."""
        return self._process is not None and self._process.poll() is None

    def ready(self) -> bool:
        """Whether it says that it is ready for work."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.health_port}/readyz", timeout=5) as answer:
                return bool(answer.status == HTTPStatus.OK)
        except OSError:
            return False

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if it runs."""
        if self._process is not None and self.running():
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    def ask_to_stop(self) -> None:
        """SIGTERM; it is not started again."""
        self.wanted = False
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)

    def wait(self, seconds: float = _STOP_S) -> int:
        """Its exit status; killed after that time."""
        if self._process is None:
            return 0
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def memory_mb(self) -> float:
        """Resident memory."""
        if self._process is None or not self.running():
            return 0.0
        try:
            pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        except (OSError, IndexError):
            return 0.0
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


class Fleet:
    """The services of one cluster.

    Args:
        folder: data folders and logs.
        kafka: host:port.
        elastic: address.
        prefix: of streams and indices.
        members: how many processes of each stage.
        settings: further environment variables.
    """

    def __init__(
        self,
        folder: Path,
        kafka: str,
        elastic: str,
        prefix: str,
        members: Mapping[str, int] = DEFAULT_FLEET,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._folder = folder
        self.environment = child_environment(
            MARSAD_KAFKA__BOOTSTRAP=kafka,
            MARSAD_KAFKA__PREFIX=prefix,
            MARSAD_ELASTICSEARCH__URL=elastic,
            MARSAD_ELASTICSEARCH__PREFIX=prefix,
            MARSAD_POLL__MIN_INTERVAL="1",
            MARSAD_POLL__MAX_INTERVAL="5",
            MARSAD_POLL__UNCONDITIONAL_EVERY="10",
            MARSAD_POLL__ALLOW_NETWORKS="127.0.0.0/8",
            **{"MARSAD_ALERTS__TERMINAL": "false", **(settings or {})},
        )
        self.members = [
            Member(stage, number, folder, self.environment)
            for stage, count in members.items()
            for number in range(1, count + 1)
        ]
        self._numbers = itertools.count(100)
        self._over = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)

    def start(self) -> None:
        """Start all, and keep them running."""
        for member in self.members:
            member.start()
        self._keeper.start()

    def wait_until_ready(self, seconds: float = _READY_S) -> None:
        """Wait until every process says that it is ready.

        Raises:
            ConfigError: one is not, after that time.
        """
        deadline = time.monotonic() + seconds
        for member in self.members:
            while not member.ready():
                if time.monotonic() > deadline:
                    raise ConfigError(f"{member.name} was not ready within {seconds:.0f} s; its log is {member.log}")
                time.sleep(0.2)

    def add(self, stage: str) -> Member:
        """One more process of a stage."""
        member = Member(stage, next(self._numbers), self._folder, self.environment)
        member.start()
        self.members.append(member)
        return member

    def remove(self, member: Member) -> int:
        """Stop one for good; its exit status."""
        member.ask_to_stop()
        status = member.wait()
        self.members.remove(member)
        return status

    def stop(self) -> dict[str, int]:
        """SIGTERM to all; exit statuses by name."""
        self._over.set()
        for member in self.members:
            member.ask_to_stop()
        return {member.name: member.wait() for member in self.members}

    def ended(self) -> Iterator[Ended]:
        """Every process that ended on its own or by a blow."""
        for member in self.members:
            yield from member.ended

    def _keep(self) -> None:
        while not self._over.wait(0.2):
            for member in list(self.members):
                if not member.running():
                    member.keep()
