import io
import threading

from rich.console import Console

from marsad.events import AlertRaised, FeedPolled, GapTried, ItemOutcome, Outcome, PageFetched, StageFailed
from marsad.records import Health
from marsad.testing.factories import a_subscription, an_alert
from marsad_app.embedded.board import Board, TerminalOutlet

ISOLATES = {0x2066: None, 0x2067: None, 0x2068: None, 0x2069: None}


def polled(feed: str = "a", health: Health = Health.OK, new: int = 0, revised: int = 0, missed: int = 0) -> FeedPolled:
    return FeedPolled(feed_id=feed, outlet="", health=health, new=new, revised=revised, missed=missed)


def drawn(board: Board, waiting: dict[str, int] | None = None, address: str = "") -> str:
    out = io.StringIO()
    Console(file=out, width=200).print(board.table(waiting or {}, address))
    return out.getvalue()


def test_everything_that_happens_is_counted_once() -> None:
    board = Board()
    for event in (
        polled("a", new=3, revised=1),
        polled("a", Health.UNCHANGED),
        polled("b", Health.HTTP_5XX, missed=2),
        GapTried(feed_id="b", fill="partly", found=3, pages=2),
        PageFetched(entry_id="1"),
        PageFetched(entry_id="2", problem="503"),
        ItemOutcome(entry_id="1", outcome=Outcome.INDEXED, topics=("energy", "sanctions")),
        ItemOutcome(entry_id="2", outcome=Outcome.DUPLICATE, topics=("energy",)),
        AlertRaised(alert_id="1", subscription="s", title="t", reason="new-story"),
    ):
        board.emit(event)

    assert board.snapshot() == {
        "polls": {"ok": 1, "unchanged": 1, "http-5xx": 1},
        "entries": 4,
        "missed": 2,
        "backfilled": 3,
        "pages": 1,
        "pages_failed": 1,
        "outcomes": {"indexed": 1, "duplicate": 1},
        "topics": {"energy": 2, "sanctions": 1},
        "alerts": 1,
        "failures": {},
    }


def test_a_stage_that_fails_is_shown_until_it_has_recovered() -> None:
    board = Board()
    board.emit(StageFailed(stage="process", error="the disk is full", retry_in=2))
    assert board.snapshot()["failures"] == {"process": "the disk is full"}
    assert "process failing" in drawn(board)
    assert "the disk is full" in drawn(board)

    board.emit(StageFailed(stage="process", error=""))
    board.emit(StageFailed(stage="deliver", error=""))
    assert board.snapshot()["failures"] == {}
    assert "failing" not in drawn(board)


def test_a_feed_is_unwell_as_it_was_last_polled() -> None:
    board = Board()
    board.emit(polled("a", Health.DNS))
    board.emit(polled("b"))
    assert "2 polls of 2 feeds, 1 unwell" in drawn(board)

    board.emit(polled("a", Health.UNCHANGED))
    assert "3 polls of 2 feeds, 0 unwell" in drawn(board)


def test_what_waits_and_where_the_page_is_are_drawn() -> None:
    text = drawn(Board(), {"page": 7, "ready": 5}, "http://127.0.0.1:8080")

    assert "7 waiting" in text
    assert "5 waiting" in text
    assert "http://127.0.0.1:8080" in text


def test_an_error_that_looks_like_markup_is_drawn_as_it_is() -> None:
    board = Board()
    board.emit(StageFailed(stage="process", error="[/red] no [bold]markup[/bold]"))

    assert "[/red] no [bold]markup[/bold]" in drawn(board)


def test_counting_from_several_threads_loses_nothing() -> None:
    board = Board()

    def count() -> None:
        for _ in range(2_000):
            board.emit(ItemOutcome(entry_id="1", outcome=Outcome.INDEXED))

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert board.snapshot()["outcomes"] == {"indexed": 8_000}


def test_a_snapshot_does_not_change_afterwards() -> None:
    board = Board()
    before = board.snapshot()
    board.emit(polled(new=1))

    assert before["polls"] == {}


def test_the_terminal_shows_each_alert_on_one_line_with_its_reason() -> None:
    out = io.StringIO()
    outlet = TerminalOutlet(Console(file=out, width=300))

    outlet.send("key", a_subscription(), [an_alert(), an_alert(title="سفينة [red]KILDIN[/red]")])

    lines = out.getvalue().splitlines()
    assert len(lines) == 2
    assert "التعاون الدفاعي" in lines[0]
    assert "[new story]" in lines[0]
    assert lines[1].translate(ISOLATES).count("سفينة [red]KILDIN[/red]") == 1
