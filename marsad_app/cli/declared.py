"""Subscriptions as a YAML file declares them, and what has to change for them to be so."""

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, time
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from marsad.errors import ConfigError, QueryError, said
from marsad.records import CHOSEN, Cadence, Subscription, Trigger
from marsad.records.ids import subscription_id
from marsad_app.cli.opening import parse_query, read_bounded
from marsad_app.cli.quiet import parse_quiet
from marsad_app.subscribing import settled
from sinks.alerts.seal import shown

__all__ = ["Change", "Declared", "changes", "read_declared"]

_LARGEST: Final = 2_000_000
_HIDDEN: Final = frozenset({"created_at", "secret", "v", "lost", "muted", "spike_since"})
"""Fields that a file does not set."""


class _Item(msgspec.Struct, forbid_unknown_fields=True):
    """One subscription in the file."""

    name: str
    query: str
    triggers: tuple[Trigger, ...] = (Trigger.NEW_STORY,)
    story_outlets: int = 2
    story_countries: int = 2
    spike_hours: int = 3
    cadence: Cadence = "instant"
    every: int = 15
    at: str = "07:00"
    weekday: int = 0
    zone: str = "UTC"
    cooldown: int = 0
    cap: int = 0
    quiet: str = ""
    outlets: tuple[str, ...] = ()
    language: str = "ar"
    enabled: bool = True


class Declared(msgspec.Struct, frozen=True):
    """What a file says: whose subscriptions, and each with its line."""

    path: str
    owner: str
    wanted: tuple[tuple[int, Subscription], ...]


class Change(msgspec.Struct, frozen=True):
    """One subscription that is added (nothing before), changed, or removed (nothing after)."""

    before: Subscription | None
    after: Subscription | None
    fields: tuple[str, ...] = ()

    @property
    def _one(self) -> Subscription:
        one = self.after or self.before
        assert one is not None
        return one

    @property
    def id(self) -> str:
        """Which one."""
        return self._one.id

    @property
    def name(self) -> str:
        """What people call it."""
        return self._one.name

    @property
    def what(self) -> str:
        """In one word."""
        return "added" if self.before is None else "removed" if self.after is None else "changed"

    @property
    def sign(self) -> str:
        """As in a diff."""
        return {"added": "+", "removed": "-", "changed": "~"}[self.what]


def read_declared(path: Path, now: datetime) -> Declared:
    """Read the file.

    Args:
        path: the file.
        now: when new ones are made.

    Raises:
        ConfigError: it cannot be read or says what cannot be; the sentence names file and line.
    """
    text = read_bounded(path, _LARGEST)
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{path}:{line}: this is no YAML: {error.problem}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}:1: this is no YAML: {said(error)}") from error
    parts = _members(root, f"{path}:1", {"owner", "subscriptions"})
    owner = _scalar(parts["owner"]) if "owner" in parts else ""
    rows = parts.get("subscriptions")
    if not isinstance(rows, yaml.SequenceNode):
        raise ConfigError(f"{path}:{_line(rows or root)}: a list `subscriptions:` is expected")
    wanted = tuple((_line(row), _subscription(row, f"{path}:{_line(row)}", owner, now)) for row in rows.value)
    seen: dict[str, int] = {}
    for line, one in wanted:
        if one.id in seen:
            raise ConfigError(f"{path}:{line}: {one.name!r} with this query stands already in line {seen[one.id]}")
        seen[one.id] = line
    return Declared(str(path), owner, wanted)


def _line(node: Any) -> int:
    return int(node.start_mark.line) + 1 if node is not None else 1


def _members(node: Any, place: str, known: set[str]) -> dict[str, Any]:
    """The members of a mapping; each once, and none that nobody knows."""
    if not isinstance(node, yaml.MappingNode):
        raise ConfigError(f"{place}: fields such as `name: …` are expected")
    found: dict[str, Any] = {}
    path = place.rpartition(":")[0]
    for key, value in node.value:
        name = str(key.value)
        if name not in known:
            raise ConfigError(
                f"{path}:{_line(key)}: there is no field {name[:40]!r}; there are {', '.join(sorted(known))}"
            )
        if name in found:
            raise ConfigError(f"{path}:{_line(key)}: {name!r} stands there twice")
        found[name] = value
    return found


def _scalar(node: Any) -> str:
    return str(node.value) if isinstance(node, yaml.ScalarNode) else ""


def _plain(node: Any) -> Any:
    """The value of a node; what YAML 1.1 would read as a number in base 60, such as 22:00, stays text."""
    if isinstance(node, yaml.SequenceNode):
        return [_plain(each) for each in node.value]
    if not isinstance(node, yaml.ScalarNode):
        return {}
    if node.tag == "tag:yaml.org,2002:bool":
        return node.value.lower() in {"true", "yes", "on"}
    return int(node.value) if node.tag == "tag:yaml.org,2002:int" and node.value.isdigit() else node.value


def _subscription(node: Any, place: str, owner: str, now: datetime) -> Subscription:
    members = _members(node, place, set(_Item.__struct_fields__))
    path = place.rpartition(":")[0]
    for name, value in members.items():
        fields = {"name": "", "query": "", name: _plain(value)}
        try:
            converted = msgspec.convert(fields, _Item)
        except msgspec.ValidationError as error:
            raise ConfigError(f"{path}:{_line(value)}: {name}: {error}") from error
        if not set(converted.triggers) <= set(CHOSEN):
            raise ConfigError(f"{path}:{_line(value)}: outlet-lost cannot be chosen; there are {', '.join(CHOSEN)}")
    missing = [name for name in ("name", "query") if name not in members]
    if missing:
        raise ConfigError(f"{place}: {missing[0]!r} is missing")
    item = msgspec.convert({name: _plain(value) for name, value in members.items()}, _Item)
    try:
        parse_query(item.query)
        at = time.fromisoformat(item.at)
        quiet = parse_quiet(item.quiet, item.zone)
    except (ConfigError, QueryError, ValueError) as error:
        raise ConfigError(f"{place}: {said(error)}") from error
    fields = msgspec.structs.asdict(item)
    fields |= {
        "at": at,
        "quiet": quiet,
        "zone": "" if quiet else item.zone,
    }
    return Subscription(id=subscription_id(owner, item.name, item.query), owner=owner, created_at=now, **fields)


def changes(
    declared: Declared, known: Sequence[Subscription], accept: Callable[[str], str], *, prune: bool
) -> list[Change]:
    """What has to change; nothing for a subscription that is as declared.

    Args:
        declared: what is wanted.
        known: all that there are.
        accept: an outlet's address as it is stored.
        prune: remove those of the owner that are not declared.

    Raises:
        ConfigError: one of them cannot be; the sentence names file and line.
    """
    before = {one.id: one for one in known}
    found = []
    for line, wanted in declared.wanted:
        old = before.get(wanted.id)
        try:
            after = settled(wanted, old, accept, lambda: secrets.token_hex(16))
        except ConfigError as error:
            raise ConfigError(f"{declared.path}:{line}: {error}") from error
        fields = _differences(old, after)
        if old is None or fields:
            found.append(Change(old, after, fields))
    if prune:
        kept = {wanted.id for _, wanted in declared.wanted}
        found += [Change(one, None) for one in known if one.owner == declared.owner and one.id not in kept]
    return found


def _differences(before: Subscription | None, after: Subscription) -> tuple[str, ...]:
    if before is None:
        return ()
    names = [name for name in after.__struct_fields__ if name not in _HIDDEN]
    return tuple(
        f"{name}: {_said(getattr(before, name))} → {_said(getattr(after, name))}"
        for name in names
        if getattr(before, name) != getattr(after, name)
    )


def _said(value: object) -> str:
    """A value in a diff; addresses of outlets, which stand in tuples of text, show their kind alone."""
    if isinstance(value, tuple):
        return " ".join(shown(str(each)) if ":" in str(each) else str(each) for each in value) or "none"
    return str(value)
