"""JSON lines through a function: one line out for each line in, whatever is in the line."""

import json
import re
from collections.abc import Callable, Iterator
from typing import IO, Any, Final

import msgspec

from marsad.errors import said
from marsad_app.cli.output import to_json

__all__ = ["LONGEST_LINE", "Step", "filter_lines"]

Step = Callable[[dict[str, Any]], Any]
"""Takes a record, gives a record; None gives no line at all."""

LONGEST_LINE: Final = 64_000_000
"""Bytes of one line; a page of 5 MB in JSON and base64 stays far below."""

_SURROGATES: Final = re.compile("[\ud800-\udfff]")
_CHUNK: Final = 1 << 20


class _BadLineError(Exception):
    """A line that holds no record; ``id`` where one can be read all the same."""

    def __init__(self, reason: str, line_id: Any = None) -> None:
        super().__init__(reason)
        self.line_id = line_id


def filter_lines(source: IO[bytes], sink: IO[str], step: Step, *, longest: int = LONGEST_LINE) -> None:
    """Put each line of the source through the step and write its answer at once.

    A line that is no JSON object, and one on which the step fails in any way, becomes ``{"id": …, "error": …}``.

    Args:
        source: lines of UTF-8 JSON; read one at a time.
        sink: flushed after each line.
        step: the work.
        longest: bytes of a line; the rest of a longer one is passed over.
    """
    for line in _lines(source, longest):
        answer = _answer(line, step, longest)
        if answer is not None:
            sink.write(answer + "\n")
            sink.flush()


def _lines(source: IO[bytes], longest: int) -> Iterator[bytes]:
    while line := source.readline(longest + 1):
        yield line
        last = line
        while len(last) > 0 and not last.endswith(b"\n") and len(line) > longest:
            last = source.readline(_CHUNK)


def _answer(line: bytes, step: Step, longest: int) -> str | None:
    line_id: Any = None
    try:
        record = _record(line, longest)
        # What `marsad export` writes has its id under this name.
        line_id = record.get("id", record.get("article_id"))
        result = step(record)
        return (
            None
            if result is None
            else to_json({"id": line_id, **{k: v for k, v in _fields(result).items() if k != "id"}})
        )
    except _BadLineError as error:
        return to_json({"id": error.line_id, "error": str(error)})
    except Exception as error:  # noqa: BLE001 - the edge of the filter: one line must not stop the others
        reason = said(error)
        named = reason if type(error).__module__ == "marsad.errors" else f"{type(error).__name__}: {reason}"
        return to_json({"id": line_id, "error": named})


def _fields(result: Any) -> dict[str, Any]:
    fields = msgspec.to_builtins(result, builtin_types=(bytes,)) if not isinstance(result, dict) else result
    if not isinstance(fields, dict):
        raise TypeError(f"the filter answered with {type(result).__name__}, not with a record")
    return fields


def _record(line: bytes, longest: int) -> dict[str, Any]:
    if len(line.rstrip(b"\r\n")) > longest:
        raise _BadLineError(f"the line is longer than {longest} bytes")
    if not line.strip():
        raise _BadLineError("an empty line; a JSON object is expected")
    try:
        record = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        record = _lenient(line)
    if not isinstance(record, dict):
        raise _BadLineError(f"a JSON object is expected, this is {_kind(record)}")
    return record


def _lenient(line: bytes) -> Any:
    """What the strict reader refuses and people write all the same: a lone surrogate, as half of a cut emoji.

    Raises:
        _BadLineError: it is no JSON at all, or no UTF-8; then the id is kept if the rest can be read.
    """
    try:
        return _sound(json.loads(line.decode("utf-8-sig")))
    except UnicodeDecodeError as error:
        raise _BadLineError(f"not UTF-8 (byte {error.start + 1})", _rescued_id(line)) from error
    except json.JSONDecodeError as error:
        raise _BadLineError(f"no JSON: {error.msg} at character {error.pos + 1}") from error


def _rescued_id(line: bytes) -> Any:
    try:
        record = json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return _sound(record.get("id")) if isinstance(record, dict) else None


def _sound(value: Any) -> Any:
    """Lone surrogates become U+FFFD, one for one, so that offsets stay."""
    if isinstance(value, str):
        return _SURROGATES.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_sound(key): _sound(item) for key, item in value.items()}
    return [_sound(item) for item in value] if isinstance(value, list) else value


def _kind(value: Any) -> str:
    kinds = {list: "a list", str: "a string", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")
