"""What records keep of faults (a poll's answer, a delivery's error, the reason of a quarantine) is told in Arabic."""

import ast
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest

from marsad_app.web.explaining import explain, parts_of

MODULES = (
    "marsad.records.codec",
    "marsad.streams",
    "marsad_app.cluster.index",
    "marsad_app.embedded.processor",
    "marsad_app.web.services",
    "processors.agents.tagging",
    "processors.article_stream",
    "processors.clean",
    "processors.group_shard",
    "processors.hit_stream",
    "processors.match_shard",
    "processors.spike_shard",
    "producers.fetch",
    "producers.guard",
    "producers.health",
    "producers.poll",
    "producers.sizes",
    "producers.unpack",
    "producers.visit",
    "sinks.alerts.deliver",
    "sinks.alerts.mail",
    "sinks.alerts.outlets",
    "sinks.alerts.plan",
    "sinks.alerts.reach",
    "sinks.alerts.seal",
    "sinks.alerts.shard",
    "sinks.alerts.webhook",
    "sinks.index.boards",
    "sinks.index.bulk",
    "sinks.index.messages",
    "sinks.index.operations",
)
"""Those that make what such records say."""
TELLING = frozenset(
    {
        "BadEncodingError", "BlockedAddressError", "CodecError", "FetchError", "OutletGoneError", "PoisonError",
        "TransientError", "Unreadable", "_judged", "_quarantined", "_refuse", "refused",
    }
)  # fmt: skip
"""What is called with such a sentence."""
KEPT = frozenset({"detail", "last_error", "lost", "problem", "reason"})
"""Fields and arguments that hold one."""
ELSEWHERE = {
    "alerts.key has x characters; give it at least x random ones": "told at the start of the program",
    "writing to the index was stopped before its end": "ends the program",
    "what cannot be indexed cannot be put into quarantine: x": "the process tries again",
    "the server answered https://x": "nothing",
}
"""Sentences of those modules that reach no such record."""
QUOTED = re.compile(r"(?:https://x|x|\d+|\W)*")


class Module:
    """The sentences of one module, what they quote replaced by x: addresses by one, lengths of time by 14 d."""

    def __init__(self, name: str) -> None:
        found = find_spec(name)
        assert found is not None
        assert found.origin is not None
        self._tree = ast.parse(Path(found.origin).read_text("utf-8"))
        self._globals = _assigned(self._tree.body)

    def sentences(self) -> Iterator[str]:
        for function in ast.walk(self._tree):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                names = {**self._globals, **_assigned(ast.walk(function))}
                for node in ast.walk(function):
                    for place in _places(node):
                        yield from _texts(place, names)


def _assigned(nodes: object) -> dict[str, list[ast.expr]]:
    found: dict[str, list[ast.expr]] = {}
    for node in nodes:  # type: ignore[attr-defined]
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, []).append(node.value)
    return found


def _places(node: ast.AST) -> Iterator[ast.expr]:
    """Where a sentence stands that a record keeps."""
    if isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        yield from node.args if name in TELLING else ()
        yield from (keyword.value for keyword in node.keywords if keyword.arg in KEPT)
    elif isinstance(node, ast.Tuple) and len(node.elts) == 2 and ast.unparse(node.elts[0]).startswith("Health."):
        yield node.elts[1]
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        if isinstance(target, ast.Name) and target.id in KEPT and node.value is not None:
            yield node.value
    elif isinstance(node, ast.Return) and isinstance(node.value, ast.Constant | ast.JoinedStr | ast.IfExp):
        yield node.value


def _texts(node: ast.expr, names: Mapping[str, Sequence[ast.expr]]) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=values):
            yield from map("".join, itertools.product(*(list(_texts(each, names)) for each in values)))
        case ast.FormattedValue(value=value) | ast.Subscript(value=value):
            yield from _texts(value, names)
        case ast.IfExp(body=body, orelse=other):
            yield from _texts(body, names)
            yield from _texts(other, names)
        case ast.Call(func=ast.Attribute(value=value, attr="strip")):
            yield from _texts(value, names)
        case ast.Name(id=name) if name in names and not any(node in ast.walk(each) for each in names[name]):
            for each in names[name]:
                yield from _texts(each, {other: values for other, values in names.items() if other != name})
        case _:
            yield _quoted(ast.unparse(node))


def _quoted(code: str) -> str:
    return "14 d" if code.startswith("human(") else "https://x" if re.search(r"\burl\b", code) else "x"


def _is_sentence(text: str) -> bool:
    return len(re.findall(r"[a-z]{2,}", text.replace("https://x", "").replace("14 d", ""))) > 1


def _sentences() -> set[str]:
    found = {sentence for name in MODULES for sentence in Module(name).sentences()}
    return {text for text in found if _is_sentence(text) and text not in ELSEWHERE}


if __name__ == "__main__":
    for s in sorted(_sentences()):
        print(explain(s, "ar")[1], "|", s, "|", explain(s, "ar")[0], "|", [p.text for p in parts_of(s,"ar") if p.quoted])
