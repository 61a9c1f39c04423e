"""What became of each of several calls that are made together."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

__all__ = ["outcome"]

_P = ParamSpec("_P")
_R = TypeVar("_R")


def outcome(work: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R | Exception:
    """What the call gives, or the exception that ended it: one of many must not end the others."""
    try:
        return work(*args, **kwargs)
    except Exception as error:  # noqa: BLE001 - handed to whoever waits for this call
        return error
