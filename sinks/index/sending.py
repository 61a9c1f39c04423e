"""Bulk requests on the wire: a few threads that each send one at a time and hand back what was answered."""

import queue
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import msgspec
from elasticsearch import ApiError, ConnectionTimeout, Elasticsearch, TransportError

from marsad.errors import said
from sinks.index.adaptive import Failure, judge_request

__all__ = ["Answer", "Failed", "Job", "Result", "Senders", "Threads", "bulk_request", "failed"]

_FIELDS: Final = "items.*.status,items.*.error.type,items.*.error.reason,items.*.error.caused_by.reason"
_MOST_SAID: Final = 400
# The cluster answers before we stop listening: what it says of a missing shard is worth more than silence.
_SERVER_SHARE: Final = 0.7


class Answer(msgspec.Struct, frozen=True):
    """What became of one document: HTTP status, and type and reason of the error if there is one."""

    status: int
    kind: str = ""
    reason: str = ""

    @property
    def said(self) -> str:
        """The error in one line."""
        return ": ".join(part for part in (self.kind, self.reason) if part) or f"HTTP {self.status}"


class Failed(msgspec.Struct, frozen=True):
    """A request that brought nothing."""

    failure: Failure
    why: str


Job = Callable[[], "Sequence[Answer] | Failed"]
"""Sends a request; an exception is a fault of ours and is handed on."""


class Result(msgspec.Struct, frozen=True):
    """What a job brought, with what it was given for."""

    label: int
    found: Sequence[Answer] | Failed | BaseException


class Senders(Protocol):
    """Does jobs aside."""

    def submit(self, label: int, job: Job) -> None:
        """Begin one."""
        ...

    def next(self, wait: float) -> Result | None:
        """One that has ended; waits so many seconds for it."""
        ...

    def close(self) -> None:
        """Begin no more; what is under way is left alone."""
        ...


class Threads:
    """``Senders`` with threads that do not keep the process from ending.

    Args:
        count: most jobs at once.
    """

    def __init__(self, count: int) -> None:
        self._jobs: queue.SimpleQueue[tuple[int, Job] | None] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[Result] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._run, name=f"bulk-{n}", daemon=True) for n in range(count)]
        for thread in self._threads:
            thread.start()

    def submit(self, label: int, job: Job) -> None:
        """Begin one, or let it wait for a free thread."""
        self._jobs.put((label, job))

    def next(self, wait: float) -> Result | None:
        """One that has ended; waits so many seconds for it."""
        try:
            return self._results.get(timeout=wait) if wait > 0 else self._results.get_nowait()
        except queue.Empty:
            return None

    def close(self) -> None:
        """End the threads that are idle; the others end with their request."""
        for _ in self._threads:
            self._jobs.put(None)

    def _run(self) -> None:
        while (given := self._jobs.get()) is not None:
            label, job = given
            try:
                found: Sequence[Answer] | Failed | BaseException = job()
            except Exception as error:  # noqa: BLE001 - handed to the thread that waits for it
                found = error
            self._results.put(Result(label, found))


def bulk_request(client: Elasticsearch, body: bytes, count: int, seconds: float) -> Sequence[Answer] | Failed:
    """Send one bulk request, once.

    Args:
        client: with its own retries off: a try that failed is judged here.
        body: the lines of all actions.
        count: how many actions they are.
        seconds: until nobody listens any more.
    """
    try:
        response = client.bulk(
            operations=[body],  # type: ignore[list-item]  # lines that are ready are sent as they are
            filter_path=_FIELDS,
            timeout=f"{max(1, int(seconds * _SERVER_SHARE * 1000))}ms",
        )
    except (ApiError, TransportError) as error:
        return failed(error)
    items = [next(iter(item.values())) for item in response.body.get("items", ())]
    if len(items) != count:
        return Failed(Failure.OUTAGE, f"answered for {len(items)} of {count} documents")
    return [_answer(item) for item in items]


def failed(error: ApiError | TransportError) -> Failed:
    """What the client's error means."""
    if isinstance(error, ApiError):
        status, kind, reason = error.meta.status, *_cause(error.body)
        told = " ".join(part for part in (f"HTTP {status}", kind, reason) if part)
        return Failed(judge_request(status, kind), told[:_MOST_SAID])
    timed_out = isinstance(error, ConnectionTimeout)
    return Failed(judge_request(0, "", timed_out=timed_out), said(error, _MOST_SAID))


def _cause(body: Any) -> tuple[str, str]:
    found = body.get("error") if isinstance(body, dict) else None
    if isinstance(found, dict):
        return str(found.get("type") or ""), " ".join(str(found.get("reason") or "").split())
    return "", " ".join(str(found or "").split())


def _answer(item: dict[str, Any]) -> Answer:
    error = item.get("error")
    if error is None:
        return Answer(int(item["status"]))
    reasons = [error.get("reason"), (error.get("caused_by") or {}).get("reason")]
    reason = ": ".join(" ".join(str(one).split()) for one in reasons if one)
    return Answer(int(item["status"]), str(error.get("type") or ""), reason[:_MOST_SAID])
