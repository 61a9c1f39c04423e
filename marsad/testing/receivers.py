"""A webhook receiver on loopback for tests: it answers as told, and keeps what it took under each key once."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

import msgspec

__all__ = ["Received", "WebhookReceiver", "webhook_receiver"]

Mood = Literal["takes", "lost-answer", "hangs", "drips"] | int
"""An answer: a status, or taken, taken without the answer arriving, none at all, or one that never ends."""


class Received(msgspec.Struct, frozen=True):
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def key(self) -> str:
        """Its idempotency key."""
        return self.headers["webhook-id"]

    @property
    def alerts(self) -> list[dict[str, Any]]:
        """The alerts in it."""
        found: list[dict[str, Any]] = msgspec.json.decode(self.body)["data"]["alerts"]
        return found


class WebhookReceiver:
    """What came in.

    Attributes:
        requests: everything, in order.
        kept: what was taken, by key: a request with a key that is there already changes nothing.
        moods: how the next requests are answered, one each; then ``mood``.
        mood: how the others are.
        answer_headers: sent along with each answer.
    """

    def __init__(self) -> None:
        self.requests: list[Received] = []
        self.kept: dict[str, Received] = {}
        self.moods: list[Mood] = []
        self.mood: Mood = "takes"
        self.answer_headers: Mapping[str, str] = {}
        self.released = threading.Event()
        self.address = ""
        self._lock = threading.Lock()

    def take(self, received: Received) -> Mood:
        """Note a request; how it is to be answered."""
        with self._lock:
            self.requests.append(received)
            mood = self.moods.pop(0) if self.moods else self.mood
            if mood in {"takes", "lost-answer"}:
                self.kept.setdefault(received.key, received)
            return mood


@contextmanager
def webhook_receiver() -> Iterator[WebhookReceiver]:
    """Run a receiver."""
    receiver = WebhookReceiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("content-length", "0"))
            headers = {name.lower(): value for name, value in self.headers.items()}
            mood = receiver.take(Received(self.path, headers, self.rfile.read(length)))
            if mood == "hangs":
                receiver.released.wait(60)
            elif mood == "drips":
                self.wfile.write(b"HTTP/1.1 200 OK\r\n")
                while not receiver.released.wait(0.05):
                    self.wfile.write(b"x: y\r\n")
            elif mood != "lost-answer":
                self.send_response(204 if mood == "takes" else mood)
                for name, value in receiver.answer_headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", "0")
                self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the base class
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda request, client_address: None  # type: ignore[method-assign] # whoever hangs up is meant to
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    receiver.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield receiver
    finally:
        receiver.released.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
