"""What the pipeline learned of sites and outlets, kept in a small file between starts.

It makes pages faster to read and takes off lines that an outlet repeats; without it a start is right, and learns again. So the
file is no state: it may be deleted, and one that cannot be read or written is passed over with a warning.
"""

from pathlib import Path
from typing import Final

import structlog

from marsad.clock import Clock
from marsad.errors import StoreError
from marsad_app.kept_file import write_kept
from processors.pipeline import Pipeline

__all__ = ["Learned"]

_log = structlog.get_logger(__name__)
_EVERY_S: Final = 30.0
_LARGEST: Final = 64_000_000
"""Bytes; a thousand outlets and two thousand sites that are full come to 15 MB."""


class Learned:
    """Reads the file at the start, and writes it now and then. Used by the thread that the pipeline is used by.

    Args:
        path: The file.
        pipeline: What learns.
        clock: Tells when it is time to write.
    """

    def __init__(self, path: Path, pipeline: Pipeline, clock: Clock) -> None:
        self._path = path
        self._pipeline = pipeline
        self._clock = clock
        self._written_at = clock.monotonic()
        self._written = b""
        self._read()

    def keep(self, *, now: bool = False) -> None:
        """Write the file where half a minute has gone by, or at once; what has not changed is not written.

        Args:
            now: Do not wait: the process ends.
        """
        if not now and self._clock.monotonic() - self._written_at < _EVERY_S:
            return
        self._written_at = self._clock.monotonic()
        data = self._pipeline.remembered()
        if data == self._written:
            return
        try:
            write_kept(self._path, data)
            self._written = data
        except StoreError as error:
            _log.warning("what was learned of sites is not kept", why=str(error))

    def _read(self) -> None:
        try:
            data = self._path.read_bytes() if self._path.stat().st_size <= _LARGEST else b""
        except FileNotFoundError:
            return
        except OSError as error:
            _log.warning("what was learned of sites cannot be read", file=str(self._path), error=error.strerror)
            return
        if not self._pipeline.recall(data):
            _log.warning(
                "what was learned of sites is of another version or damaged: it is learned anew", file=str(self._path)
            )
