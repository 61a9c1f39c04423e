"""How far matching is in the articles: what the judging of spikes waits for."""

from collections.abc import Callable
from typing import Final

import structlog

from marsad.clock import Clock
from marsad.config import KafkaSettings
from marsad.errors import TransientError
from marsad_app.cluster.gaps import CommittedReader
from marsad_app.cluster.lag import LagMeter, PartitionLag, StageLag, without_markers
from processors.hit_stream import Reached

__all__ = ["MatchReach"]

_log = structlog.get_logger(__name__)
_MATCH: Final = "match"
_SPIKES: Final = "match-spikes"
_EVERY_S: Final = 1.0


class MatchReach:
    """Asks the broker, once a second at most, and only while hits wait. Used by one thread.

    Args:
        settings: the broker.
        clock: the time.
        every: seconds for which an answer is good.
    """

    def __init__(self, settings: KafkaSettings, clock: Clock, *, every: float = _EVERY_S) -> None:
        self._settings = settings
        self._clock = clock
        self._every = every
        self._meter: LagMeter | None = None
        self._reader: CommittedReader | None = None
        self._seen: Reached | None = None
        self._asked_at = float("-inf")
        self._before: dict[int, PartitionLag] = {}

    def look(self) -> Reached | None:
        """As it was a second ago at most; None where the broker does not answer."""
        if self._clock.monotonic() - self._asked_at >= self._every:
            try:
                self._seen = self._ask()
            except TransientError as error:
                _log.debug("it is not known how far matching is", why=str(error))
                self._seen = None
                self.close()
            self._asked_at = self._clock.monotonic()
        return self._seen

    def close(self) -> None:
        """Let go of the broker."""
        for each in (self._meter, self._reader):
            if each is not None:
                each.close()
        self._meter = self._reader = None

    def _ask(self) -> Reached:
        self._meter = self._meter or LagMeter(self._settings)
        # One after the other: first where the articles end, then how far they are matched, then where the hits end.
        (match,) = self._meter.lags((_MATCH,))
        (spikes,) = self._meter.lags((_SPIKES,))
        rows = self._at_rest(match)
        return Reached(
            articles={row.partition: row.end for row in rows},
            matched={row.partition: row.start for row in rows},
            hits={row.partition: row.end for row in spikes.partitions},
        )

    def _at_rest(self, match: StageLag) -> list[PartitionLag]:
        """The partitions; of one that has not moved, without what was undone at its end: nobody will ever take that."""
        rows = []
        for row in match.partitions:
            still = row.lag > 1 and self._before.get(row.partition) == row
            self._before[row.partition] = row
            rows.append(without_markers(row, self._holder(match.stream, row.partition)) if still else row)
        return rows

    def _holder(self, stream: str, partition: int) -> Callable[[int, int], bool]:
        def holds(first: int, until: int) -> bool:
            self._reader = self._reader or CommittedReader(self._settings, self._clock)
            return next(self._reader.offsets((stream, partition), first, until), None) is not None

        return holds
