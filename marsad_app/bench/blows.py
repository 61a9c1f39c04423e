"""Blows against a running cluster: which, when, and how each is struck."""

import random
import signal
import threading
import time
from collections.abc import Callable
from enum import StrEnum

import msgspec

from marsad.errors import ConfigError
from marsad_app.bench.fleet import Fleet, Member
from marsad_app.bench.servers import LocalServer

__all__ = ["Blow", "Kind", "Striker", "Struck", "draw"]

_STOPPED_S = 20.0
_ADDED_S = 8.0
_DOWN_S = 2.0


class Kind(StrEnum):
    """What is done."""

    KILL = "kill a service"
    STOP = "stop a service for 20 s"
    KAFKA = "kill kafka"
    ELASTIC = "kill elasticsearch"
    REBALANCE = "add and remove a worker"


class Blow(msgspec.Struct, frozen=True):
    """One blow, ``at`` seconds after the start."""

    at: float
    kind: Kind


class Struck(msgspec.Struct, frozen=True):
    """A blow that was struck; monotonic seconds."""

    kind: Kind
    target: str
    began: float
    over: float
    """When what it took away was given back: the server up again, the process running again."""


_SHARES = {Kind.KILL: 14, Kind.STOP: 5, Kind.KAFKA: 3, Kind.ELASTIC: 3, Kind.REBALANCE: 5}


def draw(chance: random.Random, count: int, length: float) -> list[Blow]:
    """Draw blows over ``length`` seconds; every kind is among the first five of them."""
    kinds = [*Kind, *chance.choices(list(_SHARES), list(_SHARES.values()), k=max(0, count - len(Kind)))][:count]
    chance.shuffle(kinds)
    moments = sorted(chance.uniform(2.0, length) for _ in kinds)
    return [Blow(at, kind) for at, kind in zip(moments, kinds, strict=True)]


class Striker:
    """Strikes blows, each in a thread of its own, so that they can overlap.

    Args:
        fleet: the services.
        kafka: the broker.
        elastic: the index.
        chance: picks the targets.
        told: takes a line for a person.
    """

    def __init__(
        self, fleet: Fleet, kafka: LocalServer, elastic: LocalServer, chance: random.Random, told: Callable[[str], None]
    ) -> None:
        self._fleet = fleet
        self._servers = {Kind.KAFKA: (kafka, threading.Lock()), Kind.ELASTIC: (elastic, threading.Lock())}
        self._chance = chance
        self._told = told
        self._threads: list[threading.Thread] = []
        self.struck: list[Struck] = []

    def strike(self, kind: Kind) -> None:
        """Strike; returns at once."""
        member = self._chance.choice(self._fleet.members)
        thread = threading.Thread(target=self._strike, args=(kind, member), daemon=True)
        self._threads.append(thread)
        thread.start()

    def wait(self) -> None:
        """Wait until all that was taken away has been given back."""
        for thread in self._threads:
            thread.join(240)

    def _strike(self, kind: Kind, member: Member) -> None:
        began = time.monotonic()
        target = self._hit(kind, member)
        over = time.monotonic()
        self.struck.append(Struck(kind, target, began, over))
        self._told(f"{kind}: {target}, {over - began:.1f} s")

    def _hit(self, kind: Kind, member: Member) -> str:
        match kind:
            case Kind.KILL:
                member.signal(signal.SIGKILL)
                return member.name
            case Kind.STOP:
                member.signal(signal.SIGSTOP)
                time.sleep(_STOPPED_S)
                member.signal(signal.SIGCONT)
                return member.name
            case Kind.REBALANCE:
                added = self._fleet.add(member.stage)
                time.sleep(_ADDED_S)
                self._fleet.remove(added)
                return added.name
            case Kind.KAFKA | Kind.ELASTIC:
                server, one_at_a_time = self._servers[kind]
                with one_at_a_time:
                    server.kill()
                    time.sleep(_DOWN_S)
                    return self._up(server)

    def _up(self, server: LocalServer) -> str:
        for _ in range(3):
            try:
                return server.up()
            except ConfigError as error:
                self._told(f"not up yet: {error}")
        return server.up()
