"""The name by which a process is known to the broker: the same after a restart, and never that of two at once.

A name that stays lets a restarted worker have its partitions back in two or three seconds; under a new name the group would wait
for the old one's session to end.
"""

import contextlib
import fcntl
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from marsad.config import Settings
from marsad.errors import ConfigError

__all__ = ["Slot", "held_slot", "running_urls"]

_MOST: Final = 1_000
_READ: Final = 4_096
_TRIES: Final = 10
_AGAIN_S: Final = 0.2


class _Note(msgspec.Struct):
    """What is written in the lock's file."""

    starts: int = 0
    url: str = ""


class Slot:
    """A name that is this process's until it ends.

    Args:
        instance: the name.
        starts: how often a process has begun under it on this machine, this time included.
        file: the lock's.
    """

    def __init__(self, instance: str, starts: int, file: int) -> None:
        self.instance = instance
        self.starts = starts
        self._file = file
        self.note("")

    def note(self, url: str) -> None:
        """Write down where the process says how it is, for ``running_urls``."""
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, msgspec.json.encode(_Note(self.starts, url)), 0)

    def close(self) -> None:
        """Give the name free."""
        os.close(self._file)


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
        raise ConfigError(
            f"another process of {stage} here is {settings.kafka.instance or host} already; give each its own kafka.instance"
        )
    try:
        yield held
    finally:
        held.close()


def _take(folder: Path, stage: str, fixed: str, host: str) -> Slot | None:
    for number in range(_TRIES if fixed else _MOST):
        if fixed and number:
            time.sleep(_AGAIN_S)  # the process before this one may be on its way out
        instance = fixed or f"{host}-{stage}-{number}"
        # The stage comes first: a name that is set has none in it.
        file = _locked(folder / f"{stage}.{instance}.lock")
        if file is not None:
            return Slot(instance, _read(file).starts + 1, file)
    return None


def _locked(path: Path) -> int | None:
    """The file, open and locked; None if another process holds it."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    return file


def _read(file: int) -> _Note:
    try:
        return msgspec.json.decode(os.pread(file, _READ, 0), type=_Note)
    except msgspec.DecodeError:  # new, or cut off by a full disk
        return _Note()


def running_urls(settings: Settings) -> dict[str, str]:
    """Health addresses of the services that run with this ``data.dir``, by stage and name; empty if none does.

    Raises:
        ConfigError: the folder cannot be read.
    """
    found: dict[str, str] = {}
    try:
        for path in sorted((settings.data.dir / "slots").glob("*.lock")):
            file = _locked(path)
            if file is None:
                url = msgspec.json.decode(path.read_bytes() or b"{}", type=_Note).url
                found[path.name.removesuffix(".lock")] = url
            else:
                os.close(file)
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigError(f"{settings.data.dir / 'slots'}: cannot be read: {error}; check data.dir") from error
    return found
