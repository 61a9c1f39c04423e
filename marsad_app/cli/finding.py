"""What the doctor finds."""

from typing import Literal

import msgspec

__all__ = ["Finding", "fail", "ok", "warn"]


class Finding(msgspec.Struct, frozen=True):
    """One check's result."""

    name: str
    level: Literal["ok", "warn", "fail"]
    detail: str
    remedy: str = ""


def ok(name: str, detail: str) -> Finding:
    """All is well."""
    return Finding(name, "ok", detail)


def warn(name: str, detail: str, remedy: str) -> Finding:
    """It works, but somebody should know."""
    return Finding(name, "warn", detail, remedy)


def fail(name: str, detail: str, remedy: str) -> Finding:
    """It must be mended."""
    return Finding(name, "fail", detail, remedy)
