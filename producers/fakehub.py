"""A WebSub hub on loopback: asks back, remembers, pushes with signatures. For tests and for looking at subscriptions."""

import asyncio
import hashlib
import hmac
from http.client import HTTPConnection, HTTPResponse
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec

from producers.loopback import Asked, reply

__all__ = ["Answer", "FakeHub", "call"]

_TIMEOUT_S: Final = 10.0


class Answer(msgspec.Struct, frozen=True):
    """What was answered to a call."""

    status: int
    body: bytes


def call(url: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
    """GET, or POST where there is a body. Blocking."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT_S)
    try:
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request("GET" if body is None else "POST", path, body, headers or {})
        answer: HTTPResponse = connection.getresponse()
        return Answer(answer.status, answer.read())
    finally:
        connection.close()


class FakeHub:
    """Serve its ``handle`` with :func:`producers.loopback.serving`.

    Args:
        lease: seconds that it grants, whatever is asked for.
        method: what it signs with.
    """

    def __init__(self, lease: int = 3_600, method: str = "sha256") -> None:
        self.lease = lease
        self.method = method
        self.refuses = ""
        """Why it refuses requests at once; empty: it takes them."""
        self.denies = ""
        """Why it denies what it took; empty: it asks back."""
        self.requests: list[dict[str, str]] = []
        self.subscriptions: dict[str, dict[str, str]] = {}
        """By callback: the form that led to it."""
        self.unconfirmed: list[Answer] = []
        self.tasks: set[asyncio.Task[None]] = set()

    async def handle(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        """Take a request to subscribe or unsubscribe, and ask back in a task of its own."""
        form = dict(parse_qsl(asked.body.decode()))
        self.requests.append(form)
        if self.refuses:
            writer.write(reply("403 Forbidden", self.refuses.encode()))
            return
        writer.write(reply("202 Accepted"))
        task = asyncio.create_task(self._ask_back(form))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _ask_back(self, form: dict[str, str]) -> None:
        callback, challenge = form["hub.callback"], f"challenge-{len(self.requests)}"
        query = {"hub.mode": form["hub.mode"], "hub.topic": form["hub.topic"]}
        if self.denies:
            query |= {"hub.mode": "denied", "hub.reason": self.denies}
        else:
            query |= {"hub.challenge": challenge, "hub.lease_seconds": str(self.lease)}
        answer = await asyncio.to_thread(call, f"{callback}?{urlencode(query)}")
        if self.denies:
            return
        if answer != Answer(200, challenge.encode()):
            self.unconfirmed.append(answer)
        elif form["hub.mode"] == "subscribe":
            self.subscriptions[callback] = form
        else:
            self.subscriptions.pop(callback, None)

    async def publish(self, topic: str, body: bytes, content_type: str = "application/rss+xml") -> list[Answer]:
        """Push a document to all who subscribed to the topic; their answers."""
        wanted = [form for form in self.subscriptions.values() if form["hub.topic"] == topic]
        return [await self.push(form, body, content_type) for form in wanted]

    async def push(self, form: dict[str, str], body: bytes, content_type: str, signature: str | None = None) -> Answer:
        """Push a document to one subscriber, with the right signature or another one."""
        if signature is None:
            digest = hmac.new(form["hub.secret"].encode(), body, getattr(hashlib, self.method)).hexdigest()
            signature = f"{self.method}={digest}"
        headers = {"Content-Type": content_type, "X-Hub-Signature": signature}
        return await asyncio.to_thread(call, form["hub.callback"], body, headers)
