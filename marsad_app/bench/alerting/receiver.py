"""Outlets of the simulation: a file stands for receivers that know keys; and they fail in every way that outlets do."""

import os
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Final

import msgspec

from marsad.clock import Clock
from marsad.errors import TransientError
from marsad.records import Alert, Subscription
from marsad_app.bench.alerting.oracle import Sent, Told, told_of
from marsad_app.bench.alerting.world import BEGIN

__all__ = ["Receivers", "read_received"]

_FAILS: Final = 0.08
_LOSES: Final = 0.05
_DOWN_EACH: Final = 10
_DOWN_H: Final = 30


class _Line(msgspec.Struct):
    outlet: str
    key: str
    alerts: list[Sent]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Line).decode


class _Receiver:
    def __init__(self, outlet: str, receivers: "Receivers") -> None:
        self._outlet = outlet
        self._receivers = receivers

    def send(self, key: str, subscription: Subscription, alerts: Sequence[Alert]) -> None:
        """Take a message, or not."""
        self._receivers.take(self._outlet, key, alerts)


class Receivers:
    """All outlets. What one takes is on the file before it answers, whatever becomes of this process.

    Args:
        path: the file.
        clock: the virtual time: one outlet in ten is away for thirty hours of it.
        random: decides how each call ends; None: all end well.
    """

    def __init__(self, path: Path, clock: Clock, random: Random | None = None) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._clock = clock
        self._random = random
        self.calls: Counter[str] = Counter()

    def at(self, address: str) -> _Receiver:
        """The outlet of an address."""
        return _Receiver(address, self)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def take(self, outlet: str, key: str, alerts: Sequence[Alert]) -> None:
        """One call.

        Raises:
            TransientError: it is not taken, or it is and the answer is lost.
        """
        luck = self._random.random() if self._random else 1.0
        if self._random and self._is_away(outlet):
            self.calls["away"] += 1
            raise TransientError("no answer in time")
        if luck < _FAILS:
            self.calls["500"] += 1
            raise TransientError("500")
        sent = [
            Sent(one.subscription_id, one.reason.value, one.story_id, one.article_id, one.alert_id) for one in alerts
        ]
        os.write(self._file, _encode(_Line(outlet, key, sent)) + b"\n")
        if luck < _FAILS + _LOSES:
            self.calls["answer lost"] += 1
            raise TransientError("the connection ended before the answer")
        self.calls["taken"] += 1

    def _is_away(self, outlet: str) -> bool:
        number = sum(outlet.encode())
        since = BEGIN + timedelta(hours=number % 400)
        return number % _DOWN_EACH == 0 and since <= self._clock.now() < since + timedelta(hours=_DOWN_H)


def read_received(path: Path) -> tuple[dict[str, Counter[Told]], int, int]:
    """What receivers that know keys have: by outlet how often each thing was told; messages; and repeats that they passed over."""
    seen: set[tuple[str, str]] = set()
    told: dict[str, Counter[Told]] = {}
    repeats = 0
    with path.open("rb") as lines:
        for line in lines:
            message = _decode(line)
            if (message.outlet, message.key) in seen:
                repeats += 1
                continue
            seen.add((message.outlet, message.key))
            told.setdefault(message.outlet, Counter()).update(told_of(message.alerts))
    return told, len(seen), repeats
