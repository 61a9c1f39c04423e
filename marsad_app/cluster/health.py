"""Where a service says how it is: ``/healthz``, ``/readyz`` and ``/metrics`` over HTTP, and the client that asks.

``/healthz`` answers 503 where a person should look: work has waited too long, items end in quarantine, records were passed over.
``/readyz`` answers 503 already while the service waits for something outside. Both carry the same report.
"""

import http.server
import socket
import socketserver
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Final

import msgspec
import structlog
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from marsad.config import HealthSettings
from marsad.errors import ConfigError, TransientError
from marsad.progress import Position, Progress
from marsad_app.cluster.watchdog import Verdict

__all__ = ["HealthServer", "Identity", "PartitionReport", "Report", "ask", "make_report"]

_log = structlog.get_logger(__name__)
_JSON: Final = "application/json; charset=utf-8"
_ANSWER_S: Final = 5.0


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Who the process is; ``started`` by the monotonic clock, in seconds."""

    stage: str
    instance: str
    starts: int
    started: float


class PartitionReport(msgspec.Struct, frozen=True, kw_only=True):
    """How far the service is in one partition."""

    stream: str
    partition: int
    offset: int
    end: int
    lag: int
    moved_seconds_ago: float


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All that a service says of itself.

    Attributes:
        verdict: ``ok``, ``waiting``, ``stalled``, ``dead``, ``poisoned`` or ``skipped``.
        why: of the verdict; empty if all is well.
        healthy: whether nobody need look.
        ready: whether it could work at this moment.
        lag: messages that wait, all partitions together.
        waiting: what it waits for, and why.
        counts: items by outcome since the start.
        skipped: records that were passed over, as ``stream partition first-last``.
        starts: how often a process of this name has begun on this machine, this one included.
        holes: ranges of offsets that were not taken and have been looked into.
        holes_left_out: those that there was no time to look into.
    """

    stage: str
    instance: str
    verdict: str
    why: str
    healthy: bool
    ready: bool
    lag: int
    partitions: list[PartitionReport]
    waiting: dict[str, str]
    counts: dict[str, int]
    skipped: list[str]
    starts: int
    uptime_seconds: float
    holes: int = 0
    holes_left_out: int = 0


def make_report(
    identity: Identity, progress: Progress, verdict: Verdict, now: float, holes: tuple[int, int] = (0, 0)
) -> Report:
    """The report of a service.

    Args:
        identity: who it is.
        progress: what it has done.
        verdict: what the watchdog thinks.
        now: monotonic seconds.
        holes: that were looked into, and that were left out.
    """
    positions, waiting = progress.positions(), progress.waiting()
    return Report(
        stage=identity.stage,
        instance=identity.instance,
        verdict=verdict.state,
        why=verdict.why,
        healthy=verdict.healthy,
        ready=verdict.healthy and not waiting,
        lag=sum(position.lag for position in positions.values()),
        partitions=[_partition(place, position, now) for place, position in sorted(positions.items())],
        waiting=waiting,
        counts=dict(progress.counts),
        skipped=[f"{hole.stream} {hole.partition} {hole.first}-{hole.until - 1}" for hole in list(progress.skipped)],
        starts=identity.starts,
        uptime_seconds=round(now - identity.started, 1),
        holes=holes[0],
        holes_left_out=holes[1],
    )


def _partition(place: tuple[str, int], position: Position, now: float) -> PartitionReport:
    return PartitionReport(
        stream=place[0],
        partition=place[1],
        offset=position.offset,
        end=position.end,
        lag=position.lag,
        moved_seconds_ago=round(max(0.0, now - position.moved_at), 1),
    )


class HealthServer:
    """Answers in daemon threads, so that a service that hangs still says that it does.

    Args:
        settings: where to listen.
        report: makes the report; called for each request, from several threads.
        registry: the figures of ``/metrics``.

    Raises:
        ConfigError: the address cannot be listened on.
    """

    def __init__(self, settings: HealthSettings, report: Callable[[], Report], registry: CollectorRegistry) -> None:
        class Answers(_Answers):
            make = staticmethod(report)
            figures = registry

        try:
            self._server = _Server(settings.host, settings.port, Answers)
        except OSError as error:
            raise ConfigError(
                f"health.host {settings.host} port {settings.port} cannot be listened on: {error.strerror or error};"
                " set health.port to another, or to 0 for a free one"
            ) from error
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.2}, name="marsad-health", daemon=True
        )
        self._host = settings.host

    @property
    def url(self) -> str:
        """The address, with the port that is really used; a loopback one where it listens on all."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}.get(self._host, self._host)  # noqa: S104
        return f"http://{host}:{self._server.server_address[1]}"

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """``http.server.HTTPServer`` would ask the name service for the host's name when it begins to listen."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 32

    def __init__(self, host: str, port: int, answers: type[http.server.BaseHTTPRequestHandler]) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), answers)

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever asked went away, or the report failed: no traceback on standard error."""
        _log.debug("health request failed", exc_info=True)


class _Answers(http.server.BaseHTTPRequestHandler):
    make: Callable[[], Report]
    figures: CollectorRegistry
    timeout = _ANSWER_S

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/metrics":
            self._answer(200, generate_latest(self.figures), CONTENT_TYPE_LATEST)
        elif path in {"/healthz", "/readyz"}:
            report = self.make()
            well = report.ready if path == "/readyz" else report.healthy
            self._answer(200 if well else 503, msgspec.json.encode(report) + b"\n", _JSON)
        else:
            self._answer(404, b'{"error":"there are /healthz, /readyz and /metrics"}\n', _JSON)

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Requests are no news."""


def ask(url: str, timeout: float = _ANSWER_S) -> Report:
    """Ask a service how it is.

    Args:
        url: address of its health endpoint, with or without a path.
        timeout: seconds.

    Raises:
        TransientError: nothing that answers so is there.
    """
    address = url.rstrip("/").removesuffix("/healthz").removesuffix("/readyz")
    # Never through a proxy that the environment names: the service is on this machine or on this network.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{address}/healthz", timeout=timeout) as answer:
            body = answer.read()
    except urllib.error.HTTPError as error:
        body = error.read()
    except (OSError, ValueError) as error:
        raise TransientError(
            f"no service answers at {address}: {getattr(error, 'reason', error)}; the log names its address at the start"
        ) from error
    try:
        return msgspec.json.decode(body, type=Report)
    except msgspec.DecodeError as error:
        raise TransientError(f"{address} is no health endpoint of Marsad") from error
