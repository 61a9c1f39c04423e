"""The bulk writer against a cluster that answers as it is told."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from elasticsearch import ApiError, ConnectionTimeout
from elasticsearch import ConnectionError as NoConnection

from marsad.clock import FrozenClock
from marsad.config import ElasticsearchSettings
from marsad.errors import StoreError, TransientError
from marsad.progress import Progress
from marsad.records import Article
from marsad.testing.factories import NOW, a_story, an_article
from sinks.index.bulk import BulkWriter, Change
from sinks.index.sending import Job, Result

SETTINGS = ElasticsearchSettings(prefix="t")
Item = dict[str, Any]


class Body:
    def __init__(self, items: list[Item]) -> None:
        self.body = {"items": items}


class Meta:
    def __init__(self, status: int) -> None:
        self.status = status


def refused(status: int, kind: str = "") -> ApiError:
    body = {"error": {"type": kind, "reason": "no"}} if kind else {}
    return ApiError("no", Meta(status), body)  # type: ignore[arg-type]


def failing(status: int, kind: str = "some_exception") -> Item:
    return {"status": status, "error": {"type": kind, "reason": "no"}}


class Cluster:
    """Keeps documents with their versions; ``script`` holds what it does with the next requests instead."""

    def __init__(self) -> None:
        self.documents: dict[tuple[str, str], int] = {}
        self.script: deque[Exception | Callable[[str], Item | None]] = deque()
        self.sizes: list[int] = []
        self.largest: int | None = None
        self.poison = ""

    def options(self, **_: Any) -> "Cluster":
        return self

    def bulk(self, *, operations: Sequence[bytes], **_: Any) -> Body:
        lines = operations[0].splitlines()
        heads = [
            next(iter(parsed.items()))
            for parsed in map(msgspec.json.decode, lines)
            if isinstance(parsed, dict) and set(parsed) <= {"index", "delete"}
        ]
        self.sizes.append(len(heads))
        if self.largest is not None and len(operations[0]) > self.largest:
            raise refused(413)
        if any(place["_id"] == self.poison for _, place in heads):
            raise refused(400, "action_request_validation_exception")
        told = self.script.popleft() if self.script else None
        if isinstance(told, Exception):
            raise told
        return Body([{verb: self._one(verb, place, told)} for verb, place in heads])

    def _one(self, verb: str, place: Item, told: Callable[[str], Item | None] | None) -> Item:
        if told is not None and (answer := told(place["_id"])) is not None:
            return answer
        key = (place["_index"], place["_id"])
        if self.documents.get(key, -1) > place["version"]:
            return failing(409, "version_conflict_engine_exception")
        if verb == "delete":
            return {"status": 200 if self.documents.pop(key, None) is not None else 404}
        self.documents[key] = place["version"]
        return {"status": 200}


class Here:
    """Does each job at once; resting is moving the clock."""

    def __init__(self, clock: FrozenClock) -> None:
        self._clock = clock
        self._done: deque[Result] = deque()
        self.rested: list[float] = []
        self.closed = False

    def submit(self, label: int, job: Job) -> None:
        self._done.append(Result(label, job()))

    def next(self, wait: float) -> Result | None:
        if self._done:
            return self._done.popleft()
        if wait > 0:
            self.rested.append(wait)
            self._clock.advance(wait)
        return None

    def close(self) -> None:
        self.closed = True


class Desk:
    def __init__(self, prepare: Callable[..., object] = lambda *_: None) -> None:
        self.clock = FrozenClock(NOW)
        self.cluster = Cluster()
        self.here = Here(self.clock)
        self.progress = Progress()
        self.writer = BulkWriter(
            self.cluster,  # type: ignore[arg-type]
            SETTINGS,
            progress=self.progress,
            clock=self.clock,
            chance=lambda: 0.5,
            senders=self.here,
            prepare=prepare,
        )


@pytest.fixture
def desk() -> Desk:
    return Desk()


def some(count: int, **fields: Any) -> list[Article]:
    return [an_article(article_id=f"{number:032x}", **fields) for number in range(count)]


def test_every_article_arrives(desk: Desk) -> None:
    outcomes = desk.writer.write(some(1_200))
    assert (outcomes.written, outcomes.stale, outcomes.refused) == (1_200, 0, ())
    assert len(desk.cluster.documents) == 1_200
    assert desk.progress.waiting() == {}


def test_what_is_there_in_a_newer_edition_is_well(desk: Desk) -> None:
    desk.writer.write(some(1, edition=7))
    outcomes = desk.writer.write(some(1, edition=6))
    assert (outcomes.written, outcomes.stale) == (0, 1)


def test_only_the_documents_that_the_cluster_could_not_take_are_sent_again(desk: Desk) -> None:
    busy = {f"{number:032x}" for number in (3, 4)}
    desk.cluster.script.append(lambda key: failing(429) if key in busy else None)
    outcomes = desk.writer.write(some(10))
    assert outcomes.written == 10
    assert desk.cluster.sizes == [10, 2]
    assert desk.writer.pace.documents < 250


def test_a_document_that_the_mapping_refuses_is_given_back_with_the_reason(desk: Desk) -> None:
    bad = f"{7:032x}"
    desk.cluster.script.append(lambda key: failing(400, "document_parsing_exception") if key == bad else None)
    outcomes = desk.writer.write(some(10))
    assert outcomes.written == 9
    assert [(refused.of, refused.reason) for refused in outcomes.refused] == [(7, "document_parsing_exception: no")]


def test_refusals_in_a_later_slice_keep_their_number(desk: Desk) -> None:
    articles = some(700)
    articles[650] = msgspec.structs.replace(articles[650], title="\ud800")
    outcomes = desk.writer.write(articles)
    assert outcomes.written == 699
    assert [refused.of for refused in outcomes.refused] == [650]


@pytest.mark.parametrize(
    "trouble",
    [
        NoConnection("refused"),
        ConnectionTimeout("slow"),
        refused(503),
        refused(500, "x"),
        refused(401, "security_exception"),
        refused(403, "security_exception"),
        refused(429, "es_rejected_execution_exception"),
        refused(400, "media_type_header_exception"),
    ],
)
def test_a_cluster_that_cannot_answer_is_waited_out(desk: Desk, trouble: Exception) -> None:
    desk.cluster.script.extend([trouble] * 30)
    seen: set[str] = set()
    ticket = desk.writer.begin([Change(article=article) for article in some(400)])
    while not ticket.done:
        desk.writer.pump(0.1)
        seen |= set(desk.progress.waiting())
    assert ticket.outcomes().written == 400
    assert seen == {"elasticsearch"}
    assert desk.progress.waiting() == {}
    # 30 failures are at least 27 pauses of nearly 4 s; at half a second each it would have been hammering.
    assert (desk.clock.now() - NOW) > timedelta(seconds=90)


def test_a_dead_cluster_is_asked_with_one_request_at_a_time(desk: Desk) -> None:
    desk.cluster.script.extend([NoConnection("refused")] * 1_000)
    desk.writer.begin([Change(article=article) for article in some(2_000)])
    while desk.clock.now() < NOW + timedelta(seconds=60):
        desk.writer.pump(0.1)
    assert 10 <= len(desk.cluster.sizes) <= 25


def test_a_pause_is_slept_and_not_spun(desk: Desk) -> None:
    desk.cluster.script.extend([refused(503)] * 5)
    desk.writer.write(some(1))
    assert min(desk.here.rested) >= 0.001
    assert len(desk.here.rested) < 200


def test_a_request_that_is_too_large_is_cut_until_it_fits(desk: Desk) -> None:
    desk.cluster.largest = 20_000
    outcomes = desk.writer.write(some(200))
    assert outcomes.written == 200


def test_a_single_document_that_is_too_large_is_refused(desk: Desk) -> None:
    desk.cluster.largest = 20_000
    articles = some(50)
    articles[20] = msgspec.structs.replace(articles[20], text="ن" * 20_000)
    outcomes = desk.writer.write(articles)
    assert outcomes.written == 49
    assert [refused.of for refused in outcomes.refused] == [20]


def test_a_document_that_spoils_its_whole_request_is_found(desk: Desk) -> None:
    desk.cluster.poison = f"{33:032x}"
    outcomes = desk.writer.write(some(100))
    assert outcomes.written == 99
    assert [refused.of for refused in outcomes.refused] == [33]
    assert "action_request_validation_exception" in outcomes.refused[0].reason


def test_a_story_goes_along_and_an_older_one_does_not_replace_it(desk: Desk) -> None:
    article = some(1)[0]
    story = a_story(story_id="s")
    ticket = desk.writer.begin([Change(article=article, story=story, story_version=5)])
    late = desk.writer.begin([Change(article=article, story=story, story_version=4)])
    while not (ticket.done and late.done):
        desk.writer.pump(0.1)
    assert desk.cluster.documents["t-stories", "s"] == 5
    assert late.outcomes().written == 1


def test_an_article_that_moves_to_another_month_leaves_the_one_before(desk: Desk) -> None:
    before = an_article(article_id="a" * 32, first_seen_at=datetime(2026, 7, 1, tzinfo=UTC))
    after = msgspec.structs.replace(before, first_seen_at=datetime(2026, 6, 30, tzinfo=UTC), edition=2)
    desk.writer.write([before])
    ticket = desk.writer.begin([Change(article=after, previous=before)])
    while not ticket.done:
        desk.writer.pump(0.1)
    assert [index for index, _ in desk.cluster.documents] == ["t-articles-2026-06"]


def test_the_templates_come_before_the_first_document_and_again_after_an_outage() -> None:
    prepared: list[int] = []
    desk = Desk(lambda *_: prepared.append(len(desk.cluster.sizes)))
    desk.writer.write(some(1))
    assert prepared == [0]
    desk.cluster.script.append(NoConnection("refused"))
    desk.writer.write(some(2))
    assert len(prepared) == 2


def test_nothing_is_written_until_the_templates_stand() -> None:
    tries = iter([StoreError("not reachable"), StoreError("not reachable"), None])

    def prepare(*_: object) -> None:
        if error := next(tries):
            assert not desk.cluster.sizes
            raise error

    desk = Desk(prepare)
    assert desk.writer.write(some(3)).written == 3


def test_writing_that_is_stopped_ends_at_once(desk: Desk) -> None:
    desk.cluster.script.extend([NoConnection("refused")] * 1_000)
    stop = threading.Event()
    stop.set()
    with pytest.raises(TransientError, match="stopped"):
        desk.writer.write(some(3), stop=stop)


def test_a_fault_of_ours_is_not_taken_for_an_outage(desk: Desk) -> None:
    desk.cluster.script.append(KeyError("ours"))
    with pytest.raises(KeyError):
        desk.writer.write(some(1))


def test_more_is_not_taken_than_memory_allows(desk: Desk) -> None:
    desk.cluster.script.extend([NoConnection("refused")] * 1_000)
    assert desk.writer.room
    desk.writer.begin([Change(article=article) for article in some(8_000)])
    assert not desk.writer.room
