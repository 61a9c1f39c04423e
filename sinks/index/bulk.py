"""Writes articles and stories into Elasticsearch: several bulk requests at once, at a pace that the cluster can bear.

Order does not matter: every document carries an external version, so that an older edition never replaces a newer one and a
repetition changes nothing. What the cluster cannot take now is tried again until it can; what it can never take is given back
with its reason; nothing is dropped.
"""

import functools
import heapq
import itertools
import random
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import structlog
from elasticsearch import Elasticsearch

from marsad.clock import Clock, SystemClock
from marsad.config import ElasticsearchSettings
from marsad.errors import PoisonError, StoreError, TransientError
from marsad.progress import Progress
from marsad.records import Article
from sinks.index.adaptive import MOST_FLIGHTS, TOO_MANY, Failure, Pace, Verdict, judge_document, pause
from sinks.index.mapping import ensure_templates
from sinks.index.operations import Change, Row, operations_of
from sinks.index.sending import Answer, Failed, Result, Senders, Threads, bulk_request
from sinks.index.ticket import Outcomes, Refused, Ticket, Waiting

__all__ = ["BulkWriter", "Change", "Outcomes", "Refused", "Ticket"]

_log = structlog.get_logger(__name__)
_WAITS_FOR: Final = "elasticsearch"
_PREPARING: Final = 0
# Enough for all requests that can be under way; more would only wait here, and be redone after a crash.
_MOST_HELD: Final = 4_000
_MOST_HELD_BYTES: Final = 33_554_432
# A request that is not full waits for more while this many are under way.
_FEW_FLIGHTS: Final = 2
_SLICE: Final = 500
_LOOK_S: Final = 0.1
_HICCUP_S: Final = 1.0
_STILL_S: Final = 0.001


class BulkWriter:
    """Writes changes of articles. For one thread, which calls ``pump`` again and again; requests go out in others.

    The templates are put before the first document, and again after an outage: the cluster may have come back empty.

    Args:
        client: of the cluster.
        settings: names of the indices, and seconds for one request.
        progress: told what is waited for, and why.
        clock: the time.
        chance: randomness of the pauses.
        senders: makes the requests; by default threads of its own.
        prepare: what is to be done before the first document; raises ``StoreError`` if the cluster cannot.
    """

    def __init__(
        self,
        client: Elasticsearch,
        settings: ElasticsearchSettings,
        *,
        progress: Progress,
        clock: Clock | None = None,
        chance: Callable[[], float] = random.random,
        senders: Senders | None = None,
        prepare: Callable[[Elasticsearch, ElasticsearchSettings], object] = ensure_templates,
    ) -> None:
        self._client = client.options(max_retries=0)
        self._settings = settings
        self._progress = progress
        self._clock = clock or SystemClock()
        self._chance = chance
        self._senders = senders or Threads(MOST_FLIGHTS)
        self._prepare = prepare
        self._prepared = False
        self._pace = Pace()
        self._ready: deque[Waiting] = deque()
        self._parts: deque[list[Waiting]] = deque()
        self._later: list[tuple[float, int, Waiting]] = []
        self._flights: dict[int, list[Waiting]] = {}
        self._labels = itertools.count(_PREPARING + 1)
        self._latest = self._slowed_after = _PREPARING
        self._held = self._held_bytes = 0
        self._failures = 0
        self._shut_until = 0.0
        self._refusal = ""
        self._troubled_since: float | None = None
        self._told = ""
        self.requests = 0
        """Requests sent so far."""

    @property
    def room(self) -> bool:
        """Whether it can take more for the time being."""
        return self._held < _MOST_HELD and self._held_bytes < _MOST_HELD_BYTES

    @property
    def busy(self) -> bool:
        """Whether there is anything to wait for in ``pump``."""
        return bool(self._held or self._flights or not self._prepared)

    @property
    def pace(self) -> Pace:
        """How much is asked of the cluster at once."""
        return self._pace

    def begin(self, changes: Sequence[Change | Row]) -> Ticket:
        """Take changes over; the ticket tells what has become of them."""
        ticket = Ticket()
        for number, change in enumerate(changes):
            try:
                operations = operations_of(change, self._settings.prefix)
            except PoisonError as error:
                ticket.reasons[number] = str(error)
                continue
            for place, operation in enumerate(operations):
                waiting = Waiting(operation, ticket, number, counts=place == 0)
                self._ready.append(waiting)
                self._held_bytes += waiting.size
            self._held += len(operations)
            ticket.left += len(operations)
        return ticket

    def pump(self, wait: float = 0.0) -> int:
        """Send what is to be sent and take in what was answered.

        Args:
            wait: seconds that it may rest until an answer comes or a pause ends.

        Returns:
            Requests that have ended.

        Raises:
            ConfigError: the templates are refused because of a setting.
        """
        self._dispatch()
        found = self._senders.next(self._rest(wait))
        ended = 0
        while found is not None:
            ended += 1
            self._take(found)
            found = self._senders.next(0.0)
        if ended:
            self._dispatch()
        self._tell()
        return ended

    def write(self, articles: Iterable[Article], *, stop: threading.Event | None = None) -> Outcomes:
        """Write articles and return when each is durable, known in a newer edition, or refused.

        Args:
            articles: in any order.
            stop: gives up when set.

        Raises:
            TransientError: it was stopped; what was not written before is not known.
        """
        tickets: list[Ticket] = []
        changes = iter([Change(article=article) for article in articles])
        while batch := list(itertools.islice(changes, _SLICE)):
            tickets.append(self.begin(batch))
            self._pump_until(lambda: self.room, stop)
        self._pump_until(lambda: all(ticket.done for ticket in tickets), stop)
        parts = [ticket.outcomes() for ticket in tickets]
        return Outcomes(
            sum(part.written for part in parts),
            sum(part.stale for part in parts),
            tuple(
                Refused(number * _SLICE + refused.of, refused.reason)
                for number, part in enumerate(parts)
                for refused in part.refused
            ),
        )

    def _pump_until(self, reached: Callable[[], bool], stop: threading.Event | None) -> None:
        self.pump()
        while not reached():
            if stop is not None and stop.is_set():
                raise TransientError("writing to the index was stopped before its end")
            self.pump(_LOOK_S)

    def close(self) -> None:
        """Send no more. What is under way may still be written."""
        self._senders.close()

    def _rest(self, wait: float) -> float:
        if self._flights or wait <= 0 or not self.busy:
            return wait if self._flights else 0.0
        now = self._clock.monotonic()
        due = [at for at in (self._shut_until, self._later[0][0] if self._later else 0.0) if at > now]
        return max(_STILL_S, min(wait, min(due, default=now) - now))

    def _dispatch(self) -> None:
        now = self._clock.monotonic()
        while self._later and self._later[0][0] <= now:
            self._ready.append(heapq.heappop(self._later)[2])
        if now < self._shut_until:
            return
        if not self._prepared:
            if _PREPARING not in self._flights:
                self._flights[_PREPARING] = []
                self._senders.submit(_PREPARING, self._prepare_job)
            return
        # After a failure one request asks whether the cluster can again.
        most = 1 if self._failures else self._pace.flights
        while len(self._flights) < most and (chunk := self._next_chunk()):
            self._send(chunk)

    def _next_chunk(self) -> list[Waiting]:
        if self._parts:
            return self._parts.popleft()
        if len(self._flights) >= _FEW_FLIGHTS and len(self._ready) < self._pace.documents:
            return []
        chunk: list[Waiting] = []
        size = 0
        while self._ready and len(chunk) < self._pace.documents:
            size += self._ready[0].size
            if chunk and size > self._pace.bytes:
                break
            chunk.append(self._ready.popleft())
        return chunk

    def _send(self, chunk: list[Waiting]) -> None:
        label = self._latest = next(self._labels)
        self._flights[label] = chunk
        self.requests += 1
        body = b"".join([waiting.operation.lines for waiting in chunk])
        self._senders.submit(
            label, functools.partial(bulk_request, self._client, body, len(chunk), self._settings.timeout)
        )

    def _prepare_job(self) -> Sequence[Answer] | Failed:
        try:
            self._prepare(self._client, self._settings)
        except StoreError as error:
            return Failed(Failure.OUTAGE, str(error))
        return ()

    def _take(self, result: Result) -> None:
        chunk = self._flights.pop(result.label)
        match result.found:
            case BaseException() as error:
                raise error
            case Failed() as failed:
                self._fail(result.label, chunk, failed)
            case answers if result.label == _PREPARING:
                self._prepared = True
                # Templates may stand where documents cannot be written: that they do ends no row of failures.
                self._failures = self._failures if self._held else 0
            case answers:
                self._settle_all(result.label, chunk, answers)

    def _fail(self, label: int, chunk: list[Waiting], failed: Failed) -> None:
        if failed.failure in {Failure.TOO_LARGE, Failure.MALFORMED}:
            self._cut(chunk, failed)
            return
        self._ready.extendleft(reversed(chunk))
        self._shut(failed.why)
        if failed.failure is Failure.OUTAGE:
            self._prepared = False
        else:
            self._slow_down(label)

    def _shut(self, why: str) -> None:
        """Send nothing for a while; requests that were under way together fail together, and that is one failure."""
        now = self._clock.monotonic()
        if now >= self._shut_until:
            self._failures += 1
            self._shut_until = now + pause(self._failures, self._chance())
        self._refusal = why

    def _cut(self, chunk: list[Waiting], failed: Failed) -> None:
        if len(chunk) == 1:
            self._refuse(chunk[0], failed.why)
            return
        if failed.failure is Failure.TOO_LARGE:
            self._pace = self._pace.below(sum(waiting.size for waiting in chunk))
        middle = len(chunk) // 2
        self._parts.extend([chunk[:middle], chunk[middle:]])

    def _slow_down(self, label: int) -> None:
        """Once for all requests that were sent at one pace."""
        if label > self._slowed_after:
            self._pace = self._pace.halved()
            self._slowed_after = self._latest
            _log.debug("asking less of elasticsearch", documents=self._pace.documents, flights=self._pace.flights)

    def _settle_all(self, label: int, chunk: list[Waiting], answers: Sequence[Answer]) -> None:
        again = [
            (waiting, answer)
            for waiting, answer in zip(chunk, answers, strict=True)
            if not self._settle_one(waiting, answer)
        ]
        pressed = [(waiting, answer) for waiting, answer in again if answer.status == TOO_MANY]
        for waiting, answer in again:
            if answer.status != TOO_MANY:
                self._put_off(waiting, answer)
        if pressed:
            # The whole cluster is pressed: these come first once there is room, and nothing else in between.
            self._ready.extendleft(waiting for waiting, _ in reversed(pressed))
            self._shut(f"HTTP {TOO_MANY} {pressed[0][1].said}")
            self._slow_down(label)
            return
        self._failures = 0
        if not again:
            self._pace = self._pace.grown(len(chunk), sum(waiting.size for waiting in chunk))

    def _settle_one(self, waiting: Waiting, answer: Answer) -> bool:
        """Whether it is done with."""
        verdict = judge_document(answer.status, answer.kind, deletion=waiting.operation.deletion)
        if verdict is Verdict.AGAIN:
            return False
        if verdict is Verdict.REFUSED:
            self._refuse(waiting, answer.said)
            return True
        if waiting.counts:
            waiting.ticket.written += verdict is Verdict.WRITTEN
            waiting.ticket.stale += verdict is Verdict.STALE
        self._let_go(waiting)
        return True

    def _put_off(self, waiting: Waiting, answer: Answer) -> None:
        """Where one index cannot be written, the others can."""
        waiting.tries += 1
        due = self._clock.monotonic() + pause(waiting.tries, self._chance())
        heapq.heappush(self._later, (due, next(self._labels), waiting))
        self._refusal = f"HTTP {answer.status} {answer.said}"

    def _refuse(self, waiting: Waiting, why: str) -> None:
        waiting.ticket.reasons.setdefault(waiting.of, why if waiting.counts else f"beside the article: {why}")
        self._let_go(waiting)

    def _let_go(self, waiting: Waiting) -> None:
        waiting.ticket.left -= 1
        self._held -= 1
        self._held_bytes -= waiting.size

    def _tell(self) -> None:
        """Say what is waited for, once it is more than a hiccup."""
        now = self._clock.monotonic()
        if not (self._failures or self._later):
            self._troubled_since = None
        elif self._troubled_since is None:
            self._troubled_since = now
        lasting = self._troubled_since is not None and now - self._troubled_since >= _HICCUP_S
        why = self._refusal if lasting else ""
        if why == self._told:
            return
        self._progress.waits(_WAITS_FOR, why)
        if not self._told:
            _log.warning("elasticsearch takes nothing for now; waiting", why=why, waiting=self._held)
        elif not why:
            _log.info("elasticsearch takes documents again")
        self._told = why
