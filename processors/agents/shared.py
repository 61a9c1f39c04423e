"""What the client's side and the agent of one worker share."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from marsad.clock import Clock
from marsad.progress import Progress
from processors.agents.places import Part, Places

__all__ = ["Shared"]


@dataclass
class Shared:
    """State of one worker, used by its event loop; ``paused`` and ``places`` also by the client's thread.

    Attributes:
        stream: the name of the stream that is read.
        progress: told of every move.
        clock: the time.
        die: ends the process at once with an exit status; nothing may be committed after it is called.
        places: what was read and what is done.
        paused: nothing more is to be read, since the stage behind is too far behind.
        ending: the agent is to begin nothing more.
        resting: set while the agent has nothing in hand.
    """

    stream: str
    progress: Progress
    clock: Clock
    die: Callable[[int], None]
    places: Places = field(default_factory=Places)
    paused: bool = False
    ending: bool = False
    resting: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.resting.set()

    def assigned(self, parts: list[Part], generation: int) -> None:
        """These partitions are the worker's, and no others; where they begin follows."""
        for part in self.places.parts():
            if part not in parts:
                self.progress.closed(self.stream, part.partition)
        self.places.assigned(parts, generation)

    def began(self, part: Part, offset: int) -> None:
        """A partition is read from this offset on."""
        fresh = self.places.next(part) is None
        self.places.began(part, offset)
        if fresh:
            self.progress.opened(self.stream, part.partition, offset, self.clock.monotonic())

    def heard(self, part: Part, end: int | None) -> None:
        """The partition's end as the broker says."""
        if end is not None:
            self.progress.heard(
                self.stream,
                part.partition,
                end,
                position=self.places.next(part) if self.places.idle(part) else None,
            )
