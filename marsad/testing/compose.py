"""A compose file's variables, as ``docker compose`` fills them in: for tests without an engine."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

__all__ = ["interpolated", "read_env", "variables"]

_START: Final = re.compile(
    r"\$(?:\$|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<how>:?[-?])?|(?P<plain>[A-Za-z_][A-Za-z0-9_]*))"
)


def read_env(text: str) -> dict[str, str]:
    """The variables of a ``.env`` file without quotes."""
    pairs = (line.partition("=") for line in text.splitlines() if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}


def interpolated(node: Any, env: Mapping[str, str]) -> Any:
    """The file, as YAML reads it, with its variables filled in.

    Args:
        node: any part of it.
        env: the variables.

    Raises:
        KeyError: one that must be set is not; its name and what the file says of that.
    """
    match node:
        case str():
            return _filled(node, env)
        case list():
            return [interpolated(part, env) for part in node]
        case dict():
            return {key: interpolated(part, env) for key, part in node.items()}
        case _:
            return node


def variables(node: Any) -> Iterator[tuple[str, str]]:
    """Every variable that is named, with ``?`` where it must be set and the text of its default where it has one."""
    match node:
        case str():
            for found in _START.finditer(node):
                if name := found["name"] or found["plain"]:
                    yield name, "?" if (found["how"] or "").endswith("?") else _body(node, found.end())[0]
        case list():
            for part in node:
                yield from variables(part)
        case dict():
            for part in node.values():
                yield from variables(part)


def _filled(text: str, env: Mapping[str, str]) -> str:
    filled, place = "", 0
    while (found := _START.search(text, place)) is not None:
        filled += text[place : found.start()]
        place = found.end()
        if found[0] == "$$":
            filled += "$"
            continue
        value = env.get(found["name"] or found["plain"], "")
        if found["name"]:
            body, place = _body(text, place)
            value = value or _otherwise(found, body, env)
        filled += value
    return filled + text[place:]


def _otherwise(found: re.Match[str], body: str, env: Mapping[str, str]) -> str:
    if (found["how"] or "").endswith("?"):
        raise KeyError(f"{found['name']} {body}")
    return _filled(body, env)


def _body(text: str, place: int) -> tuple[str, int]:
    """What stands before the closing brace, and the place after that."""
    depth, end = 1, place
    while depth:
        depth += {"{": 1, "}": -1}.get(text[end], 0)
        end += 1
    return text[place : end - 1], end
