"""The name by which a process is known to the broker: the same after a restart, and never that of two at once.

A name that stays lets a restarted worker have its partitions back in two or three seconds; under a new name the group would wait
for the old one's session to end.
"""

import contextlib
import fcntl
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from marsad.config import Settings
from marsad.errors import ConfigError

__all__ = ["Slot", "held_slot"]

_MOST: Final = 1_000
_READ: Final = 32


class Slot(msgspec.Struct, frozen=True):
    """A name that is this process's until it ends.

    Attributes:
        instance: the name.
        starts: how often a process has begun under it on this machine, this time included.
    """

    instance: str
    starts: int


@contextlib.contextmanager
def held_slot(settings: Settings, stage: str, host: str = "") -> Iterator[Slot]:
    """Hold ``kafka.instance``, or else the first free name ``{host}-{stage}-{n}``; a lock in ``data.dir`` keeps others off.

    Args:
        settings: ``kafka.instance`` and ``data.dir``.
        stage: of the process; processes of different stages may go by one name.
        host: the machine's name; by default as the system says.

    Raises:
        ConfigError: the folder cannot be written, or another process here goes by the name that is set.
    """
    folder = settings.data.dir / "slots"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = _take(folder, stage, settings.kafka.instance, host or socket.gethostname() or "host")
    except OSError as error:
        raise ConfigError(
            f"{folder}: cannot be written: {error.strerror}; set data.dir to a folder that can, also where the root is read-only"
        ) from error
    if held is None:
        name = settings.kafka.instance or f"{host}-{stage}"
        raise ConfigError(f"another process of {stage} here is {name} already; give each its own kafka.instance")
    slot, file = held
    try:
        yield slot
    finally:
        os.close(file)


def _take(folder: Path, stage: str, fixed: str, host: str) -> tuple[Slot, int] | None:
    for number in range(1 if fixed else _MOST):
        instance = fixed or f"{host}-{stage}-{number}"
        # The stage is in the file's name twice where the name is ours: a name that is set has no stage in it.
        file = os.open(folder / f"{stage}.{instance}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            continue
        return Slot(instance, _count_start(file)), file
    return None


def _count_start(file: int) -> int:
    written = os.pread(file, _READ, 0).decode(errors="replace").strip()
    starts = (int(written) if written.isdecimal() else 0) + 1
    os.ftruncate(file, 0)
    os.pwrite(file, str(starts).encode(), 0)
    return starts
