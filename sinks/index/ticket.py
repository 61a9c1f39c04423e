"""What becomes of changes on their way into the index."""

from collections.abc import Sequence

import msgspec

from sinks.index.operations import Operation

__all__ = ["Outcomes", "Refused", "Ticket", "Waiting"]


class Refused(msgspec.Struct, frozen=True):
    """A change that the index can never take as it is.

    Attributes:
        of: which one of those that were handed over together.
        reason: in the words of the cluster.
    """

    of: int
    reason: str


class Outcomes(msgspec.Struct, frozen=True):
    """What became of articles that were handed over together.

    Attributes:
        written: articles that are in the index now.
        stale: articles of which an edition as new or newer was there already.
        refused: those that the index can never take.
    """

    written: int = 0
    stale: int = 0
    refused: Sequence[Refused] = ()


class Ticket:
    """What has become so far of changes that were handed over together."""

    def __init__(self) -> None:
        self.left = 0
        self.written = 0
        self.stale = 0
        self.reasons: dict[int, str] = {}

    @property
    def done(self) -> bool:
        """Whether every one is durable in the index, was there in a newer edition, or is refused."""
        return self.left == 0

    def outcomes(self) -> Outcomes:
        """What has become of them."""
        refused = tuple(Refused(of, reason) for of, reason in sorted(self.reasons.items()))
        return Outcomes(self.written, self.stale, refused)


class Waiting:
    """An action that is still to be done, and whose it is."""

    __slots__ = ("counts", "of", "operation", "ticket", "tries")

    def __init__(self, operation: Operation, ticket: Ticket, of: int, *, counts: bool) -> None:
        self.operation = operation
        self.ticket = ticket
        self.of = of
        self.counts = counts
        """Whether it is the one that decides how its change is counted."""
        self.tries = 0

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.operation.lines)
