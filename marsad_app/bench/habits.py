"""The habits of the wild, one feed each: every article must come through, and each feed must be reported as what it is."""

import gzip
import hashlib
import itertools
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from marsad.records import FeedState, Health
from marsad_app.bench.replay import Comparison, Marsad, Newswire, compare, wire
from producers.validators import LYING

__all__ = ["EXPECTED", "Habit", "HabitReport", "Sight", "judge", "try_habits"]

_LOOK_S: Final = 0.2
_WELL: Final = frozenset({Health.OK, Health.UNCHANGED})


class Habit(msgspec.Struct, frozen=True, kw_only=True):
    """What must be reported of a feed with a habit.

    Attributes:
        state: what must be seen at least once; None where the habit is no fault.
        detail: what must stand in the sentence that goes with it.
        lying: whether its validators must be found out.
    """

    state: Health | None = None
    detail: str = ""
    lying: bool = False


# The order is that of the replay, which chooses a feed's habit by the hash of its name.
EXPECTED: Final[Mapping[str, Habit]] = {
    "none": Habit(),
    "windows-1256": Habit(),
    "no-etag": Habit(),
    "frozen-etag": Habit(lying=True),
    "503": Habit(state=Health.HTTP_5XX, detail="503"),
    "429": Habit(state=Health.THROTTLED, detail="429"),
    "redirect": Habit(),
    "broken-xml": Habit(state=Health.OK, detail="not-well-formed"),
    "bot-wall": Habit(state=Health.BOT_WALL, detail="bot check"),
    "slow": Habit(state=Health.SLOW, detail="took"),
    "tracking": Habit(),
    "two-guids": Habit(),
}


class Sight(msgspec.Struct, frozen=True):
    """What was reported of a feed at a moment."""

    state: Health
    detail: str
    url: str
    lying: bool


class HabitReport(msgspec.Struct, frozen=True, kw_only=True):
    """The replay's end."""

    comparison: Comparison
    lost: int
    states: Mapping[str, Mapping[str, int]]
    """By habit: how often each state was seen."""
    wrong: tuple[str, ...]
    """One sentence for each feed that was not reported as what it is."""

    def ok(self) -> bool:
        """Whether nothing was lost or doubled, and everything was reported rightly."""
        return self.comparison.ok() and not self.lost and not self.wrong


def judge(habit: str, sights: Sequence[Sight]) -> list[str]:
    """Where the reports of a feed differ from what its habit must be reported as."""
    wanted = EXPECTED[habit]
    # On a busy machine any answer can take long, and is then rightly called slow.
    allowed = _WELL | {Health.SLOW} | ({wanted.state} if wanted.state else set())
    wrong = [f"{habit}: was {state}" for state in sorted({one.state for one in sights} - allowed)]
    if wanted.state and not any(one.state is wanted.state and wanted.detail in one.detail for one in sights):
        wrong.append(f"{habit}: was never {wanted.state} with {wanted.detail!r}")
    if not any(one.state in _WELL or one.state is Health.SLOW for one in sights):
        wrong.append(f"{habit}: was never well")
    if any(one.lying for one in sights) is not wanted.lying:
        wrong.append(f"{habit}: its validators were {'not ' if wanted.lying else ''}found to lie")
    if any(one.url for one in sights):
        wrong.append(f"{habit}: another address was stored")
    return wrong


def try_habits(program: Path, documents: Path, *, limit: int, rate: float, patience: float = 60.0) -> HabitReport:
    """Replay ``limit`` articles in twelve feeds, each with a habit of its own, and look at their states all the while.

    Raises:
        ConfigError: the replay is not there.
    """
    with tempfile.TemporaryDirectory(prefix="marsad-habits-") as name:
        folder = Path(name)
        feeds = _spread(documents, folder / "documents.jsonl", limit)
        with wire(program, folder / "documents.jsonl", folder, limit=limit, rate=rate, faults=True) as newswire:
            marsad = Marsad(folder, newswire.opml, MARSAD_ALERTS__TERMINAL="false")
            marsad.start()
            try:
                sights = _watched(newswire, marsad, feeds, patience)
            finally:
                marsad.kill()
            truth = newswire.truth()
        store = marsad.store()
        try:
            comparison = compare(truth, store, store.queue.outcomes())
        finally:
            store.close()
    lost = len({*comparison.missing, *comparison.excused, *comparison.before_first})
    states = {
        habit: {state.value: sum(one.state is state for one in seen) for state in sorted({one.state for one in seen})}
        for habit, seen in sights.items()
    }
    wrong = tuple(sentence for habit, seen in sights.items() for sentence in judge(habit, seen))
    return HabitReport(comparison=comparison, lost=lost, states=states, wrong=wrong)


def _spread(documents: Path, into: Path, limit: int) -> dict[str, str]:
    """Give the documents to twelve feeds in turn, each of another site; habits by the feed's name."""
    habits = list(EXPECTED)
    names = [_name_for(number, habits) for number in range(len(habits))]
    with gzip.open(documents, "rt", encoding="utf-8") as lines, into.open("w", encoding="utf-8") as out:
        for number, line in enumerate(itertools.islice(lines, limit)):
            source, _, category = names[number % len(names)].partition("-")
            out.write(json.dumps({**json.loads(line), "source": source, "category": category}) + "\n")
    return dict(zip(names, habits, strict=True))


def _name_for(habit: int, habits: Sequence[str]) -> str:
    """A feed's name for which the replay chooses the habit."""
    for number in itertools.count():
        name = f"site{habit}-part{number}"
        if int(hashlib.md5(name.encode()).hexdigest(), 16) % len(habits) == habit:  # noqa: S324 - the replay's choice
            return name
    raise AssertionError("a hash reaches every remainder")


def _watched(newswire: Newswire, marsad: Marsad, feeds: Mapping[str, str], patience: float) -> dict[str, list[Sight]]:
    """What was reported, by habit, until everything published is stored."""
    sights: dict[str, list[Sight]] = {habit: [] for habit in feeds.values()}
    store = marsad.store()
    try:
        titles: dict[str, str] = {}
        deadline = None
        while deadline is None or time.monotonic() < deadline:
            titles = titles or {feed.id: feed.title for feed in store.feeds.feeds()}
            for state in store.polls.states():
                # Asked before its first article is out, a feed is empty, which is what it should be called.
                if state.entries_seen or state.health is not Health.EMPTY:
                    sights[feeds[titles[state.feed_id]]].append(_sight(state))
            truth = newswire.truth()
            if truth["done"]:
                deadline = deadline or time.monotonic() + patience
                if store.search.count() >= _published(truth) and not any(store.queue.waiting().values()):
                    break
            time.sleep(_LOOK_S)
    finally:
        store.close()
    return sights


def _published(truth: Mapping[str, object]) -> int:
    ids = truth["ids"]
    return len(ids) if isinstance(ids, list) else 0


def _sight(state: FeedState) -> Sight:
    return Sight(state.health, state.detail, state.url, state.validators_trusted == LYING)
