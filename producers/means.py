"""What every poll is made with."""

import random
from dataclasses import dataclass

from marsad.clock import Clock
from marsad.config import PollSettings
from marsad.events import EventSink
from marsad.ports import Fetcher
from producers.politeness import HostGate

__all__ = ["Means"]


@dataclass(frozen=True)
class Means:
    """Who asks the sites, how they are spared, and who is told: the same for all feeds.

    Attributes:
        fetcher: makes the requests, within its limits and only to addresses that may be asked.
        gate: keeps requests to one site apart; the same one that the page reader uses.
        settings: intervals and limits.
        clock: tells the time.
        rng: jitter.
        events: told of every poll and every failure.
    """

    fetcher: Fetcher
    gate: HostGate
    settings: PollSettings
    clock: Clock
    rng: random.Random
    events: EventSink
