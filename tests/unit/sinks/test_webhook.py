import base64
import hashlib
import hmac
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_network

import msgspec
import pytest

from marsad.clock import FrozenClock
from marsad.config import AlertSettings
from marsad.errors import ConfigError, OutletGoneError, PoisonError, TransientError
from marsad.testing.factories import NOW, a_subscription, an_alert
from marsad.testing.receivers import WebhookReceiver, webhook_receiver
from sinks.alerts.links import Links
from sinks.alerts.webhook import WINDOW, WebhookOutlet, is_signed, secret_for, target

LOOPBACK = (ip_network("127.0.0.0/8"),)
SUBSCRIPTION = a_subscription(name="دفاع")


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with webhook_receiver() as running:
        yield running


def outlet(receiver: WebhookReceiver, clock: FrozenClock | None = None, **settings: object) -> WebhookOutlet:
    return WebhookOutlet(
        f"webhook:{receiver.address}/in?team=1",
        AlertSettings(**{"allow_networks": LOOPBACK, "timeout": 0.3, **settings}),
        Links("https://marsad.example"),
        clock or FrozenClock(NOW),
    )


def test_a_message_is_signed_as_standard_webhooks_says(receiver: WebhookReceiver) -> None:
    outlet(receiver).send("key-1", SUBSCRIPTION, [an_alert(title="خبر")])

    (got,) = receiver.requests
    secret = secret_for(SUBSCRIPTION, f"webhook:{receiver.address}/in?team=1")
    signed = f"key-1.{int(NOW.timestamp())}.".encode() + got.body
    mac = hmac.new(base64.b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256).digest()
    assert got.headers["webhook-signature"] == f"v1,{base64.b64encode(mac).decode()}"
    assert got.headers["webhook-id"] == got.headers["idempotency-key"] == "key-1"
    assert got.headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    assert got.path == "/in?team=1"
    assert [alert["title"] for alert in got.alerts] == ["خبر"]


def test_a_receiver_refuses_what_is_old_changed_or_signed_by_another(receiver: WebhookReceiver) -> None:
    outlet(receiver).send("key-1", SUBSCRIPTION, [an_alert()])
    (got,) = receiver.requests
    secret = secret_for(SUBSCRIPTION, f"webhook:{receiver.address}/in?team=1")

    assert is_signed(secret, got.headers, got.body, NOW)
    assert is_signed(secret, got.headers, got.body, NOW + timedelta(seconds=WINDOW))
    assert not is_signed(secret, got.headers, got.body, NOW + timedelta(seconds=WINDOW + 1))
    assert not is_signed(secret, got.headers, got.body + b" ", NOW)
    assert not is_signed(secret, {**got.headers, "webhook-id": "key-2"}, got.body, NOW)
    assert not is_signed(secret_for(a_subscription(secret="other"), "webhook:x"), got.headers, got.body, NOW)
    assert not is_signed(secret, {**got.headers, "webhook-timestamp": "²"}, got.body, NOW)


def test_a_second_try_has_the_same_key_and_bytes_and_a_signature_of_its_own(receiver: WebhookReceiver) -> None:
    clock = FrozenClock(NOW)
    receiver.moods = ["lost-answer"]
    with pytest.raises(TransientError):
        outlet(receiver, clock).send("key-1", SUBSCRIPTION, [an_alert()])
    clock.advance(600)
    outlet(receiver, clock).send("key-1", SUBSCRIPTION, [an_alert()])

    first, second = receiver.requests
    assert (first.key, first.body) == (second.key, second.body)
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]
    assert list(receiver.kept) == ["key-1"]


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503])
def test_what_may_pass_is_told_from_refusals(receiver: WebhookReceiver, status: int) -> None:
    receiver.mood = status

    with pytest.raises(TransientError, match=str(status)):
        outlet(receiver).send("key", SUBSCRIPTION, [an_alert()])


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 301, 307])
def test_refusals_and_redirects_are_final(receiver: WebhookReceiver, status: int) -> None:
    receiver.mood = status
    receiver.answer_headers = {"location": f"{receiver.address}/elsewhere"}

    with pytest.raises(PoisonError, match=str(status)):
        outlet(receiver).send("key", SUBSCRIPTION, [an_alert()])
    assert len(receiver.requests) == 1


def test_a_receiver_that_is_gone_says_so(receiver: WebhookReceiver) -> None:
    receiver.mood = 410

    with pytest.raises(OutletGoneError):
        outlet(receiver).send("key", SUBSCRIPTION, [an_alert()])


@pytest.mark.parametrize(
    ("said", "waits"), [("120", 120), ("Tue, 14 Jul 2026 09:31:00 GMT", 60), ("soon", None), ("9" * 40, None)]
)
def test_the_receiver_may_say_how_long_to_wait(receiver: WebhookReceiver, said: str, waits: float | None) -> None:
    receiver.mood = 503
    receiver.answer_headers = {"retry-after": said}

    with pytest.raises(TransientError) as caught:
        outlet(receiver).send("key", SUBSCRIPTION, [an_alert()])
    assert caught.value.retry_after == waits


@pytest.mark.parametrize("mood", ["hangs", "drips"])
def test_a_receiver_that_never_ends_its_answer_is_left(receiver: WebhookReceiver, mood: str) -> None:
    receiver.mood = mood  # type: ignore[assignment]

    with pytest.raises(TransientError, match="does not answer"):
        outlet(receiver).send("key", SUBSCRIPTION, [an_alert()])


def test_an_address_in_the_own_network_is_not_asked(receiver: WebhookReceiver) -> None:
    with pytest.raises(PoisonError, match="allow_networks"):
        outlet(receiver, allow_networks=()).send("key", SUBSCRIPTION, [an_alert()])

    assert receiver.requests == []


def test_a_name_that_leads_into_the_own_network_is_not_asked(receiver: WebhookReceiver) -> None:
    port = receiver.address.rpartition(":")[2]
    named = WebhookOutlet(f"webhook:http://localhost:{port}/", AlertSettings(timeout=1), Links(""), FrozenClock(NOW))

    with pytest.raises(PoisonError, match="no public address"):
        named.send("key", SUBSCRIPTION, [an_alert()])
    assert receiver.requests == []


@pytest.mark.parametrize(
    "wrong",
    [
        "webhook:", "webhook:ftp://x/", "webhook:http://", "webhook:http://a b/", "webhook:http://x/\r\nHost: y",
        "webhook:https://user:hush@x/", "webhook:http://x:99999/", "webhook:http://مثال.إختبار/", "webhook:http://[::1",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_and_not_repeated(wrong: str) -> None:
    with pytest.raises(ConfigError) as caught:
        target(wrong)

    assert "hush" not in str(caught.value)


def test_a_message_says_why_and_how_to_mute_it(receiver: WebhookReceiver) -> None:
    alert = an_alert(topics=("sanctions",), countries=("DZ",), story_outlets=3)
    outlet(receiver).send("key", SUBSCRIPTION, [alert])

    (told,) = receiver.requests[0].alerts
    assert (told["reason"], told["topics"], told["countries"], told["story_outlets"]) == (
        "new-story",
        ["sanctions"],
        ["DZ"],
        3,
    )
    assert told["mute"].startswith("https://marsad.example/m/subscription-1/mute/story-1/")
    assert "secret" not in receiver.requests[0].body.decode()
    assert msgspec.json.decode(receiver.requests[0].body)["type"] == "alerts.raised"
