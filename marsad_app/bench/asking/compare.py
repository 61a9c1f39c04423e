"""All policies on one world, and whether ours is better than each in both ways."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec

from marsad.config import PollSettings
from marsad_app.bench.asking.policies import Fixed, Marsad, MediaCloud, Miniflux, Policy
from marsad_app.bench.asking.run import Outcome, Tally, at_delay, at_requests, follow, outcome
from marsad_app.bench.asking.world import ServedFeed, feed_of

__all__ = ["PATIENCE", "Against", "Comparison", "compare"]

PATIENCE: Final = (150.0, 600.0, 1_000.0, 2_400.0, 10_000.0, 40_000.0, 160_000.0)
_MEASURES: Final[tuple[tuple[str, Callable[[Outcome], float]], ...]] = (
    ("mean", lambda each: each.mean),
    ("median", lambda each: each.median),
    ("p95", lambda each: each.p95),
)

Maker = Callable[[ServedFeed, int], Policy]


def _others() -> dict[str, Maker]:
    return {
        "every hour": Fixed,
        "Miniflux": Miniflux,
        "Miniflux, as shipped": lambda feed, number: Miniflux(feed, number, gives_up=True),
        "Media Cloud": MediaCloud,
    }


class Against(msgspec.Struct, frozen=True):
    """Ours held against another policy by one measure of delay."""

    policy: str
    measure: str
    requests_a_day: float
    delay: float
    """Minutes."""
    our_delay: float | None
    """At as many requests; None where the curve does not reach so far."""
    our_requests_a_day: float | None
    """At the same delay."""

    def better(self) -> bool:
        """Fresher at equal requests; and fewer requests at equal delay, where the curve reaches so far."""
        fewer = self.our_requests_a_day is None or self.our_requests_a_day < self.requests_a_day
        return self.our_delay is not None and self.our_delay < self.delay and fewer


class Comparison(msgspec.Struct, frozen=True):
    """The figures of all."""

    feeds: int
    asked: int
    seed: int
    others: list[Outcome]
    curve: list[Outcome]
    against: list[Against]
    shipped: Outcome
    """Ours with the default settings."""

    def holds(self) -> bool:
        """Better than each by each measure, and with default settings nothing lost that its server kept long enough."""
        return all(each.better() for each in self.against) and self.shipped.lost_kept_long_enough == 0


def compare(feeds: int, every: int, seed: int, say: Callable[[Outcome], None]) -> Comparison:
    """Run all policies.

    Args:
        feeds: in the world.
        every: one in so many is asked.
        seed: of the world.
        say: told each outcome as it comes.
    """
    makers = _others()
    tallies = {name: Tally() for name in makers}
    ours = {patience: Tally() for patience in PATIENCE}
    settings = {patience: PollSettings(patience=patience) for patience in PATIENCE}
    for number, feed in _world(feeds, every, seed):
        for name, maker in makers.items():
            follow(feed, maker(feed, number), tallies[name])
        for patience, tally in ours.items():
            follow(feed, Marsad(feed, number, settings[patience]), tally)
    others = [outcome(name, tally) for name, tally in tallies.items()]
    curve = [outcome("Marsad", tally, patience) for patience, tally in ours.items()]
    for each in (*others, *curve):
        say(each)
    default = PollSettings().patience
    shipped = next(each for each in curve if each.patience == default)
    return Comparison(feeds, len(range(0, feeds, every)), seed, others, curve, _against(curve, others), shipped)


def _world(feeds: int, every: int, seed: int) -> Iterator[tuple[int, ServedFeed]]:
    """The feeds that are asked, made one after the other: a world of 20,000 need not be held in memory."""
    for number in range(0, feeds, every):
        yield number, feed_of(number, seed)


def _against(curve: Sequence[Outcome], others: Sequence[Outcome]) -> list[Against]:
    return [
        Against(
            other.policy,
            name,
            other.requests_a_day,
            measure(other),
            at_requests(curve, other.requests_a_day, measure),
            at_delay(curve, measure(other), measure),
        )
        for other in others
        for name, measure in _MEASURES
    ]
