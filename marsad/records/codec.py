"""The wire form: JSON with the record's name and schema version in it. An old version still reads."""

import contextlib
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import msgspec

from marsad.errors import CodecError

__all__ = ["UPGRADES", "Record", "decode", "encode", "version_of"]

Record = TypeVar("Record", bound=msgspec.Struct)

UPGRADES: dict[tuple[str, int], Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""(record name, version) to the function that turns its fields into those of the next version."""

_encoder = msgspec.json.Encoder()


class _Header(msgspec.Struct):
    record: str
    v: int = 1


_header = msgspec.json.Decoder(_Header)


@cache
def version_of(kind: type[msgspec.Struct]) -> int:
    """The schema version that this program writes for ``kind``."""
    return int(next(field.default for field in msgspec.structs.fields(kind) if field.name == "v"))


@cache
def _decoder(kind: type[Record]) -> msgspec.json.Decoder[Record]:
    return msgspec.json.Decoder(kind)


def encode(record: msgspec.Struct) -> bytes:
    """Write a record as UTF-8 JSON."""
    return _encoder.encode(record)


def decode(kind: type[Record], data: bytes) -> Record:
    """Read a record of the given kind, lifting an older version to the present one.

    Raises:
        CodecError: no JSON, another record, a field of a wrong type, or a version newer than this program knows.
    """
    current = version_of(kind)
    with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
        record: Record = _decoder(kind).decode(data)
        # Mostly it is of the present version: looking at the version first would read all of it twice.
        if getattr(record, "v", None) == current:
            return record
    try:
        header = _header.decode(data)
        if header.v > current:
            raise CodecError(
                f"{header.record} record of version {header.v}, this program reads up to {current}: update Marsad"
            )
        if header.v < current:
            return _upgrade(kind, data, header.v, current)
        record = _decoder(kind).decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CodecError(f"no {kind.__name__} record: {error}") from error
    return record


def _upgrade(kind: type[Record], data: bytes, version: int, current: int) -> Record:
    fields: dict[str, Any] = msgspec.json.decode(data)
    name = str(fields["record"])
    for step in range(version, current):
        upgrade = UPGRADES.get((name, step))
        if upgrade is None:
            raise CodecError(f"no upgrade of {name} from version {step}")
        fields = {**upgrade(fields), "v": step + 1}
    return msgspec.convert(fields, kind)
