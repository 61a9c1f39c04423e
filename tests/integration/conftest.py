"""Real processes over a sample newsroom on loopback."""

import asyncio
import contextlib
import json
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from marsad.clock import Clock, SystemClock
from marsad.config import child_environment
from marsad.records import Article
from marsad_app.bench.replay import free_port
from marsad_app.cli.root import app
from marsad_app.embedded import open_store
from marsad_app.newsroom.content import Newsroom, load
from marsad_app.newsroom.server import NewsroomServer

MARSAD = str(Path(sys.executable).with_name("marsad"))

CLOSED = "http://127.0.0.1:9/closed"
"""A feed on a port on which nothing listens."""


class Served:
    """A newsroom that publishes everything within some seconds of its start."""

    def __init__(self, duration: float, clock: Clock | None = None, **options: int) -> None:
        self.content: Newsroom = load()
        self._server = NewsroomServer(self.content, clock or SystemClock(), duration, **options)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._server.start(), self._loop).result(30)
        self.base_url = self._server.base_url

    def opml(self, path: Path, *more: str) -> Path:
        """Write the list of its feeds, and of further addresses, to a file."""
        text = self._server.opml().decode()
        lines = "".join(f'<outline text="{url}" type="rss" xmlUrl="{url}"/>' for url in more)
        path.write_text(text.replace("</body>", f"{lines}</body>"), encoding="utf-8")
        return path

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._server.stop(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()


class Process:
    """``marsad`` as a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.said: list[str] = []
        self.process: subprocess.Popen[str] | None = None
        self._reading: threading.Thread | None = None
        self.settings = {
            "MARSAD_DATA__DIR": str(folder / "data"),
            "MARSAD_POLL__MIN_INTERVAL": "1",
            "MARSAD_POLL__MAX_INTERVAL": "2",
            "MARSAD_POLL__UNCONDITIONAL_EVERY": "10",
            "MARSAD_POLL__ALLOW_NETWORKS": "127.0.0.0/8",
            "MARSAD_WEB__PORT": str(self.port),
            "MARSAD_ALERTS__TERMINAL": "false",
        }

    def _local(self, arguments: tuple[str, ...]) -> list[str]:
        """The command line; ``run`` always has a list of feeds, so that no test ever asks the feeds of the catalogue."""
        if arguments[0] != "run" or "--feeds" in arguments:
            return [MARSAD, *arguments]
        quiet = self.folder / "quiet.opml"
        quiet.write_text(f'<opml><body><outline xmlUrl="{CLOSED}"/></body></opml>', encoding="utf-8")
        return [MARSAD, *arguments, "--feeds", str(quiet)]

    def command(self, *arguments: str, **settings: str) -> "Ended":
        """Run a command to its end."""
        done = subprocess.run(
            self._local(arguments),
            env=child_environment(**{**self.settings, **settings}),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str, **settings: str) -> None:
        """Start a command that runs for long; ``said`` grows with what it says on standard error."""
        environment = child_environment(**{**self.settings, **settings})
        self.process = subprocess.Popen(
            self._local(arguments),
            env=environment,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def _read(self) -> None:
        assert self.process is not None
        assert self.process.stderr is not None
        with self.process.stderr as stream:
            self.said.extend(stream)

    def terminate(self) -> int:
        """Send SIGTERM; the exit status. It must come within five seconds."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(5)
        if self._reading is not None:
            self._reading.join(30)
        return status

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(30)
        if self._reading is not None:
            self._reading.join(30)

    def ask(self, path: str, body: object = None) -> tuple[int, bytes]:
        """GET, or POST where there is a body; status and answer."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", data, {"content-type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def json(self, path: str, body: object = None) -> Any:
        """The same, decoded."""
        return json.loads(self.ask(path, body)[1])

    def answers(self) -> bool:
        """Whether the page is up."""
        with contextlib.suppress(OSError):
            return self.ask("/healthz")[0] == 200
        return False

    def until(self, holds: Callable[[], bool], what: str, seconds: float = 60) -> None:
        """Wait for something.

        Raises:
            AssertionError: it did not come; the message holds what the process said.
        """
        deadline = time.monotonic() + seconds
        while not holds():
            ended = self.process is not None and self.process.poll() is not None
            if ended or time.monotonic() > deadline:
                pytest.fail(f"{what}: not seen{' before the process ended' if ended else ''}; it said:\n{self.text()}")
            time.sleep(0.1)

    def text(self) -> str:
        """What it said on standard error so far."""
        return "".join(self.said)

    def articles(self) -> list[Article]:
        """All articles of its store."""
        store = open_store(self.folder / "data")
        try:
            return list(store.search.export())
        finally:
            store.close()

    def count(self) -> int:
        """Articles that the page knows of."""
        found: int = self.json("/api/v1/articles?q=*:*&limit=1")["total"]
        return found


class Ended:
    """How a command ended."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err

    def sentence(self) -> str:
        """The one line of a failure, without a traceback."""
        assert self.status == 1, (self.status, self.out, self.err)
        assert "Traceback" not in self.err
        (line,) = self.err.strip().splitlines()
        assert line.startswith("marsad: ")
        return line


@pytest.fixture
def newsroom() -> Iterator[Callable[..., Served]]:
    made: list[Served] = []

    def serve(duration: float, clock: Clock | None = None, **options: int) -> Served:
        made.append(Served(duration, clock, **options))
        return made[-1]

    yield serve
    for each in made:
        each.close()


@pytest.fixture
def marsad(tmp_path: Path) -> Iterator[Process]:
    process = Process(tmp_path)
    yield process
    process.close()


@pytest.fixture
def called() -> Callable[..., Ended]:
    """A command called in this process, with no settings but those given: for commands that start nothing."""

    def call(*arguments: str, **settings: str) -> Ended:
        result = CliRunner().invoke(app, list(arguments), env=settings)
        return Ended(result.exit_code, result.stdout, result.stderr)

    return call
