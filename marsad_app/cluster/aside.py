"""Rounds of work in a thread of their own, beside a service's own rounds."""

import threading
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from marsad.errors import TransientError
from marsad.progress import Progress

__all__ = ["Aside"]

_log = structlog.get_logger(__name__)
_AGAIN_S: Final = 1.0
_LEAVE_S: Final = 3.0


class Aside:
    """Does rounds until it is closed. What a round cannot do now is tried again; any other fault is the service's own.

    Args:
        name: what is waited for while it cannot go on.
        rounds: each does one round.
        progress: told what is waited for, and why.
    """

    def __init__(self, name: str, rounds: Sequence[Callable[[], int]], progress: Progress) -> None:
        self._name = name
        self._rounds = rounds
        self._progress = progress
        self._over = threading.Event()
        self._fault: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=f"marsad-{name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def look(self) -> None:
        """Raise what ended it, if anything did."""
        if self._fault is not None:
            raise self._fault

    def close(self) -> None:
        """End after the present round."""
        self._over.set()
        self._thread.join(_LEAVE_S)

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                for one in self._rounds:
                    one()
                self._progress.waits(self._name)
            except TransientError as error:
                self._progress.waits(self._name, str(error))
                self._over.wait(_AGAIN_S)
            except BaseException as error:  # noqa: BLE001 - raised again by look, in the service's own thread
                _log.error("rounds beside the service ended", name=self._name, error=f"{type(error).__name__}: {error}")
                self._fault = error
                return
