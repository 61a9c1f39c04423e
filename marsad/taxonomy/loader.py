"""Read topic files: those of the package, and a user's folder that overrides or adds by id."""

import hashlib
import re
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import msgspec

from marsad.errors import TopicFileError
from marsad.taxonomy.learned import load_learned
from marsad.taxonomy.schema import Taxonomy, Topic, rules_digest

__all__ = ["load_taxonomy", "read_topic"]

_LARGEST_FILE: Final = 1_000_000
_PATH: Final = re.compile(r" - at `\$(?P<path>[^`]*)`")
_STEP: Final = re.compile(r"\.(?P<key>\w+)|\[(?P<index>\d+)\]")
_SYNTAX: Final = re.compile(r" \(at line (\d+), column \d+\)$")


def load_taxonomy(extra_dir: Path | None = None, *, learned: bool = False) -> Taxonomy:
    """Read the shipped topics and the user's own.

    Args:
        extra_dir: a folder of ``*.toml``; a topic there replaces the shipped one of the same id.
        learned: whether the learned layer may change the scores of the shipped topics. Rules are tested without it.

    Raises:
        TopicFileError: a file does not follow the schema; names file, line and reason.
    """
    topics: dict[str, Topic] = {}
    for path, content in _shipped():
        topic = read_topic(content, path)
        topics[topic.id] = topic
    shipped = dict(topics)
    if extra_dir is not None:
        topics |= _user_topics(extra_dir)
    ordered = tuple(topics[key] for key in sorted(topics))
    for topic in ordered:
        if topic.parent and topic.parent not in topics:
            raise TopicFileError(f"{topic.id}.toml", 0, f"parent {topic.parent!r} is no topic")
    stale = learned and load_learned().rules != rules_digest(shipped.values())
    digest = hashlib.sha256(msgspec.json.encode(ordered))
    if learned:
        digest.update(msgspec.json.encode(load_learned()))
    own = frozenset(topic.id for topic in ordered if shipped.get(topic.id) != topic)
    return Taxonomy(ordered, digest.hexdigest()[:16], learned, own, stale)


def read_topic(content: bytes, path: Path | str) -> Topic:
    """Read one topic file.

    Args:
        content: the file's bytes.
        path: where they came from, for errors; its stem must be the topic's id.

    Raises:
        TopicFileError: no UTF-8, no TOML, or not after the schema; carries the line.
    """
    if len(content) > _LARGEST_FILE:
        raise TopicFileError(path, 0, f"larger than {_LARGEST_FILE} bytes: no topic file")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise TopicFileError(path, line, "not UTF-8: save the file in that encoding") from error
    try:
        topic = msgspec.convert(tomllib.loads(text), Topic)
    except tomllib.TOMLDecodeError as error:
        place = _SYNTAX.search(str(error))
        line = int(place[1]) if place else text.count("\n") + 1
        raise TopicFileError(path, line, f"no TOML: {_SYNTAX.sub('', str(error))}") from error
    except msgspec.ValidationError as error:
        raise TopicFileError(path, _line_of_fault(text, str(error)), _PATH.sub(_spoken, str(error))) from error
    _check(topic, text, path)
    return topic


def _check(topic: Topic, text: str, path: Path | str) -> None:
    """Refuse what the schema's types cannot."""
    if topic.id != Path(path).stem:
        raise TopicFileError(path, _find(text, "id", 0), f"id {topic.id!r} is not the file's name {Path(path).stem!r}")
    if not topic.term and not topic.near:
        raise TopicFileError(path, 0, "no [[term]] and no [[near]]: nothing would ever be tagged")
    for number, term in enumerate(topic.term):
        if bool(term.text) == bool(term.any):
            line = _header_line(text, "term", number)
            raise TopicFileError(path, line, "a [[term]] has either text (with spellings) or any")


def _shipped() -> Iterator[tuple[str, bytes]]:
    folder = files("marsad.taxonomy") / "data"
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".toml"):
            yield file.name, file.read_bytes()


def _user_topics(folder: Path) -> dict[str, Topic]:
    if not folder.is_dir():
        raise TopicFileError(folder, 0, "no such folder of topic files")
    topics: dict[str, Topic] = {}
    for path in sorted(folder.glob("*.toml")):
        try:
            with path.open("rb") as file:
                content = file.read(_LARGEST_FILE + 1)
        except OSError as error:
            raise TopicFileError(path, 0, f"cannot be read: {error.strerror}") from error
        topic = read_topic(content, path)
        topics[topic.id] = topic
    return topics


def _spoken(match: re.Match[str]) -> str:
    """Say ``term[2].weight`` as a person counts: in the third ``[[term]]``."""
    return f" - at {match['path'].lstrip('.') or 'the top'}"


def _line_of_fault(text: str, message: str) -> int:
    """Find the line of the value that a validation message names; the last line found on the way to it otherwise."""
    place = _PATH.search(message)
    steps: list[Any] = _STEP.findall(place["path"]) if place else []
    line, table, number = 0, "", 0
    for key, index in steps:
        if key:
            table = key
            line = _find(text, key, line) or line
        elif not number:
            number = int(index) + 1
            line = _header_line(text, table, int(index)) or line
    unknown = re.search(r"unknown field `(\w+)`", message)
    return (_find(text, unknown[1], line) if unknown else 0) or line


def _find(text: str, key: str, after: int) -> int:
    """Return the 1-based line of the first ``key =`` at or after line ``after``, or 0."""
    pattern = re.compile(rf"(^|[{{,])\s*\"?{re.escape(key)}\"?\s*=|^\s*\[+\s*{re.escape(key)}\s*\]")
    lines = text.splitlines()
    for number in range(max(after, 1), len(lines) + 1):
        if pattern.search(lines[number - 1]):
            return number
    return 0


def _header_line(text: str, table: str, index: int) -> int:
    """Return the 1-based line of the ``index``-th ``[[table]]``, or 0."""
    header = re.compile(rf"^\s*\[\[\s*{re.escape(table)}\s*\]\]")
    found = [number for number, line in enumerate(text.splitlines(), 1) if header.match(line)]
    return found[index] if index < len(found) else 0
