"""What happened so far, counted; and drawn on a terminal."""

import threading
from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from marsad.arabic import shown
from marsad.events import AlertRaised, Event, FeedPolled, GapTried, ItemOutcome, PageFetched, StageFailed
from marsad.records import Alert, Health, Subscription, Trigger

__all__ = ["Board", "TerminalOutlet"]

_GOOD = frozenset({Health.OK, Health.UNCHANGED, Health.NEW})
_REASONS = {
    Trigger.NEW_ARTICLE: "new article",
    Trigger.NEW_STORY: "new story",
    Trigger.STORY_OUTLETS: "carried by several outlets",
    Trigger.CORRECTION: "correction",
    Trigger.SPIKE: "far more than usual",
    Trigger.STORY_COUNTRIES: "reached several countries",
    Trigger.FEED_HEALTH: "feed's health",
    Trigger.SOURCE_SILENT: "source silent",
    Trigger.OUTLET_LOST: "outlet given up",
    Trigger.BACKFILL: "from before",
}


class Board:
    """An event sink that counts. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.polls: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.topics: Counter[str] = Counter()
        self.health: dict[str, Health] = {}
        self.entries = 0
        self.missed = 0
        self.backfilled = 0
        self.pages = 0
        self.pages_failed = 0
        self.alerts = 0
        self.failures: dict[str, str] = {}
        self.last_title = ""

    def emit(self, event: Event) -> None:
        """Count the event."""
        with self._lock:
            match event:
                case FeedPolled():
                    self.polls[event.health.value] += 1
                    self.health[event.feed_id] = event.health
                    self.entries += event.new + event.revised
                    self.missed += event.missed
                case GapTried():
                    self.backfilled += event.found
                case PageFetched():
                    self.pages += not event.problem
                    self.pages_failed += bool(event.problem)
                case ItemOutcome():
                    self.outcomes[event.outcome.value] += 1
                    self.topics.update(event.topics)
                    self.last_title = event.title
                case AlertRaised():
                    self.alerts += 1
                case StageFailed():
                    if event.error:
                        self.failures[event.stage] = event.error
                    else:
                        self.failures.pop(event.stage, None)

    def snapshot(self) -> dict[str, object]:
        """The counters as plain data."""
        with self._lock:
            return {
                "polls": dict(self.polls),
                "entries": self.entries,
                "missed": self.missed,
                "backfilled": self.backfilled,
                "pages": self.pages,
                "pages_failed": self.pages_failed,
                "outcomes": dict(self.outcomes),
                "topics": dict(self.topics),
                "alerts": self.alerts,
                "failures": dict(self.failures),
            }

    def table(self, waiting: dict[str, int], address: str) -> Table:
        """One line for each stage."""
        with self._lock:
            table = Table.grid(padding=(0, 2))
            table.add_column(style="bold cyan")
            table.add_column()
            bad = sum(1 for state in self.health.values() if state not in _GOOD)
            table.add_row(
                "poll",
                f"{sum(self.polls.values())} polls of {len(self.health)} feeds, {bad} unwell; {self.entries} entries",
            )
            table.add_row("pages", f"{self.pages} read, {self.pages_failed} given up, {waiting.get('page', 0)} waiting")
            done = ", ".join(f"{count} {name}" for name, count in sorted(self.outcomes.items())) or "nothing yet"
            table.add_row("clean → match", f"{done}; {waiting.get('ready', 0)} waiting")
            top = ", ".join(f"{name} {count}" for name, count in self.topics.most_common(5))
            table.add_row("topics", top or "-")
            table.add_row("alerts", str(self.alerts))
            if address:
                table.add_row("web", Text(address, style="underline"))
            for stage, error in self.failures.items():
                table.add_row(f"{stage} failing", Text(error, style="red"))
        return table


class TerminalOutlet:
    """Alerts on the terminal.

    Args:
        console: where to write.
    """

    def __init__(self, console: Console) -> None:
        self._console = console

    def send(self, key: str, subscription: Subscription, alerts: Sequence[Alert]) -> None:
        """Write one line for each alert."""
        for alert in alerts:
            line = Text("● ", style="bold yellow")
            line.append(shown(subscription.name), style="bold")
            line.append(f"  [{_REASONS[alert.reason]}]  ", style="dim")
            line.append(shown(alert.title))
            line.append(f"  {shown(alert.outlet)}", style="dim")
            self._console.print(line)
