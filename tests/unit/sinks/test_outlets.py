import contextlib
import http.client
import socket
import urllib.request
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.addresses import BlockedAddressError
from marsad.clock import FrozenClock
from marsad.config import AlertSettings
from marsad.errors import ConfigError, PoisonError, TransientError
from marsad.testing.factories import NOW, a_subscription, an_alert
from marsad.testing.receivers import webhook_receiver
from sinks.alerts.mail import MailOutlet
from sinks.alerts.outlets import AppriseOutlet, Outlets
from sinks.alerts.reach import guarded
from sinks.alerts.seal import Seal, shown
from sinks.alerts.webhook import WebhookOutlet

LOOPBACK = (ip_network("127.0.0.0/8"),)
KEY = "sixteen characters"


def outlets(**settings: Any) -> Outlets:
    return Outlets(AlertSettings(**{"timeout": 1, **settings}), FrozenClock(NOW), "https://marsad.example")


def test_an_address_names_its_kind_of_outlet() -> None:
    found = outlets(smtp_host="mail.example")

    assert isinstance(found.at("mailto:a@example.org"), MailOutlet)
    assert isinstance(found.at("webhook:https://hooks.example/"), WebhookOutlet)
    assert isinstance(found.at("mailto://user:password@example.org"), AppriseOutlet)
    assert isinstance(found.at("json://hooks.example/"), AppriseOutlet)


@pytest.mark.parametrize(
    "address", ["syslog://", "dbus://", "gnome://", "windows://", "", ":", "x" * 3_000, "file:///etc/passwd"]
)
def test_what_acts_on_this_machine_or_is_none_is_no_outlet(address: str) -> None:
    with pytest.raises(ConfigError):
        outlets().accept(address)


def test_mail_without_a_server_is_refused_with_what_to_do() -> None:
    with pytest.raises(ConfigError, match=r"alerts\.smtp_host"):
        outlets().accept("mailto:a@example.org")


def test_a_service_of_apprise_is_reached_only_where_the_network_is_let_through() -> None:
    with webhook_receiver() as receiver:
        port = receiver.address.rpartition(":")[2]
        for host in ("127.0.0.1", "localhost"):
            with pytest.raises(PoisonError, match="allow_networks"):
                outlets().at(f"json://{host}:{port}/in").send("key", a_subscription(), [an_alert()])
        assert receiver.requests == []
        receiver.mood = 500
        with pytest.raises(TransientError):
            outlets(allow_networks=LOOPBACK).at(f"json://127.0.0.1:{port}/in").send(
                "key", a_subscription(), [an_alert()]
            )
        assert len(receiver.requests) == 1


def connect(address: Any, family: socket.AddressFamily = socket.AF_INET) -> None:
    with socket.socket(family) as opened:
        opened.settimeout(1)
        opened.connect(address)


def ask(host: str, port: int) -> None:
    with contextlib.closing(http.client.HTTPConnection(host, port, timeout=1)) as connection:
        connection.request("GET", "/")


def test_the_guard_sees_every_client_library_and_only_its_own_thread() -> None:
    with webhook_receiver() as receiver:
        port = int(receiver.address.rpartition(":")[2])
        ways = (
            lambda: connect(("127.0.0.1", port)),
            lambda: ask("localhost", port),
            lambda: urllib.request.urlopen(receiver.address, timeout=1),
            lambda: connect("/run/nothing", socket.AF_UNIX),
        )
        for way in ways:
            with guarded(()), pytest.raises(OSError, match=r"public|Internet"):
                way()
        with guarded(LOOPBACK):
            connect(("127.0.0.1", port))
        connect(("127.0.0.1", port))


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "192.168.1.1", "100.64.0.1", "0.0.0.0", "224.0.0.1"]
)
def test_no_address_of_the_own_network_is_let_through(address: str) -> None:
    with guarded(()), pytest.raises(BlockedAddressError):
        connect((address, 80))


@given(st.text(min_size=1, max_size=200))
def test_what_is_sealed_opens_to_the_same_and_is_sealed_once(address: str) -> None:
    seal = Seal(KEY)
    stored = seal.close(f"json://{address}")

    assert seal.open(stored) == f"json://{address}"
    assert seal.close(stored) == stored == seal.close(f"json://{address}")


def test_a_sealed_address_gives_away_its_kind_alone() -> None:
    stored = Seal(KEY).close("slack://token-hush/room")

    assert "hush" not in stored
    assert shown(stored) == shown("slack://token-hush/room") == "slack://…"


@pytest.mark.parametrize("key", ["", "another sixteen characters"])
def test_another_key_opens_nothing_and_says_what_to_do(key: str) -> None:
    stored = Seal(KEY).close("json://hush@example.org")

    with pytest.raises(ConfigError, match=r"alerts\.key"):
        Seal(key).open(stored)
    with pytest.raises(PoisonError, match=r"alerts\.key"):
        outlets(key=key).at(stored)


def test_a_key_that_can_be_guessed_is_refused() -> None:
    with pytest.raises(ConfigError, match="16"):
        Seal("short")


def test_accepted_addresses_are_stored_sealed_and_still_reached() -> None:
    found = outlets(key=KEY)
    stored = found.accept("webhook:https://hooks.example/token-hush")

    assert "hush" not in stored
    assert found.accept(stored) == stored
    assert isinstance(found.at(stored), WebhookOutlet)
