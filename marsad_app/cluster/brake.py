"""Back-pressure between stages: one pauses while those behind it are too far behind.

Nothing would be lost without it, but what waits in a stream is deleted after some days, and nobody would see that it grows.
"""

import threading
from collections.abc import Callable, Mapping
from typing import Final, Self

import structlog

from marsad.config import KafkaSettings
from marsad.errors import TransientError
from marsad.progress import Progress
from marsad_app.cluster.lag import LagMeter

__all__ = ["Brake", "closes"]

_log = structlog.get_logger(__name__)
_EVERY_S: Final = 2.0
_WAITS_FOR: Final = "stages behind"


def closes(was_closed: bool, lags: Mapping[str, int], most: int) -> bool:
    """Whether no more may be taken: above ``most``, and then until every stage behind is below half of it."""
    worst = max(lags.values(), default=0)
    return worst > most // 2 if was_closed else worst > most


class Brake:
    """Measures the lag of stages in a thread of its own, from the first question on. Asked by one thread.

    Args:
        settings: the broker, and ``kafka.max_lag``.
        behind: the stages that take what this one gives.
        progress: told what the service waits for while it may not take; without that its watchdog would end it.
        measure: by default asks the broker; stage to lag. May raise ``TransientError``.
        every: seconds between two measurements.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        behind: tuple[str, ...],
        progress: Progress | None = None,
        *,
        measure: Callable[[], Mapping[str, int]] | None = None,
        every: float = _EVERY_S,
    ) -> None:
        self._settings = settings
        self._behind = behind
        self._progress = progress
        self._measure = measure or self._ask
        self._every = every
        self._meter: LagMeter | None = None
        self._closed = self._started = False
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="marsad-brake", daemon=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def may_take(self) -> bool:
        """Whether the service may take more; answers at once."""
        if not self._started:
            self._started = True
            self._thread.start()
        return not self._closed

    def look(self) -> None:
        """Measure now. An outage of the broker changes nothing: while it lasts nothing can be taken anyway."""
        try:
            lags = self._measure()
        except TransientError as error:
            _log.debug("the lag of the stages behind cannot be measured", why=str(error))
            self._forget_meter()
            return
        was, self._closed = self._closed, closes(self._closed, lags, self._settings.max_lag)
        if self._closed:
            worst = max(lags, key=lambda stage: lags[stage])
            why = f"{worst} is {lags[worst]} messages behind; kafka.max_lag is {self._settings.max_lag}"
            self._tell(why)
            if not was:
                _log.warning("pauses for the stages behind", why=why)
        elif was:
            self._tell("")
            _log.info("goes on: the stages behind have caught up", **lags)

    def _tell(self, why: str) -> None:
        if self._progress is not None:
            self._progress.waits(_WAITS_FOR, why)

    def _ask(self) -> Mapping[str, int]:
        if self._meter is None:
            self._meter = LagMeter(self._settings)
        return {stage.stage: stage.lag for stage in self._meter.lags(self._behind)}

    def _forget_meter(self) -> None:
        if self._meter is not None:
            self._meter.close()
            self._meter = None

    def _run(self) -> None:
        while not self._done.is_set():
            try:
                self.look()
            except Exception:  # noqa: BLE001 - a fault of the brake must not end it in silence
                _log.exception("the lag of the stages behind was not measured; it is tried again")
                self._forget_meter()
            self._done.wait(self._every)
        self._forget_meter()

    def close(self) -> None:
        """End; a question under way is not waited for longer than a second."""
        self._done.set()
        if self._thread.is_alive():
            self._thread.join(1.0)
