"""A small file of the data folder that is read whole and replaced whole."""

import contextlib
from pathlib import Path

from marsad.errors import StoreError

__all__ = ["read_kept", "write_kept"]


def read_kept(path: Path) -> bytes | None:
    """The file's bytes; None where it is not there.

    Raises:
        StoreError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error.strerror}") from error


def write_kept(path: Path, data: bytes, consequence: str = "", advice: str = "") -> None:
    """Replace the file at once: whoever reads it meets the old or the new one.

    Args:
        path: the file; its folder is made where it is not there.
        data: all of it.
        consequence: what does not happen where it cannot be written, for the message.
        advice: what to look at then.

    Raises:
        StoreError: it cannot be written; the old one stands.
    """
    half = path.with_suffix(".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        half.write_bytes(data)
        half.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            half.unlink(missing_ok=True)
        raise StoreError(f"{path}: cannot be written{consequence}: {error.strerror}{advice}") from error
