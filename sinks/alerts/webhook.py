"""Signed webhooks, by the Standard Webhooks specification: headers ``webhook-id``, ``webhook-timestamp``, ``webhook-signature``.

The signature is ``v1,`` and the base64 of HMAC-SHA256 over ``id.timestamp.body`` with the key behind ``whsec_``. The id is the
idempotency key of the message; the timestamp is that of the attempt, so that a receiver can refuse old ones.
"""

import base64
import contextlib
import hashlib
import hmac
import http.client
import socket
import ssl
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import msgspec

from marsad.addresses import BlockedAddressError
from marsad.clock import Clock
from marsad.config import AlertSettings
from marsad.errors import ConfigError, OutletGoneError, PoisonError, TransientError
from marsad.records import Alert, Subscription
from sinks.alerts.links import Links
from sinks.alerts.reach import guarded

__all__ = ["SCHEME", "WINDOW", "WebhookOutlet", "body_of", "is_signed", "secret_for", "sign", "target"]

SCHEME: Final = "webhook:"
WINDOW: Final = 300
"""Seconds around a receiver's clock outside of which it should refuse a message (Standard Webhooks: five minutes)."""

_PREFIX: Final = "whsec_"
_MOST_ANSWER: Final = 2_000
_GONE: Final = 410
_MAY_PASS: Final = frozenset({408, 421, 423, 425, 429})
_LONGEST_ADDRESS: Final = 2_000
_encode = msgspec.json.Encoder(enc_hook=str).encode


def target(outlet: str) -> SplitResult:
    """The address of ``webhook:https://…``.

    Raises:
        ConfigError: it is none.
    """
    address = outlet.removeprefix(SCHEME)
    try:
        parts = urlsplit(address)
        fits = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if (
        not fits
        or len(address) > _LONGEST_ADDRESS
        or not address.isascii()
        or not address.isprintable()
        or " " in address
    ):
        raise ConfigError(
            "after webhook: an http or https address is expected, such as webhook:https://hooks.example.org/marsad"
        )
    if parts.username or parts.password:
        raise ConfigError("a webhook's address holds no user or password: its messages are signed")
    return parts


def secret_for(subscription: Subscription, outlet: str) -> str:
    """The key that this subscription's messages to a webhook are signed with, as its receiver is given it."""
    key = hmac.new(subscription.secret.encode(), f"webhook\x1f{outlet}".encode(), hashlib.sha256).digest()
    return _PREFIX + base64.b64encode(key).decode()


def sign(secret: str, key: str, timestamp: int, body: bytes) -> str:
    """The signature header of one message."""
    raw = base64.b64decode(secret.removeprefix(_PREFIX))
    signed = hmac.new(raw, f"{key}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(signed).decode()}"


def is_signed(secret: str, headers: dict[str, str], body: bytes, now: datetime) -> bool:
    """Whether a receiver should believe a message: right signature, and sent within ``WINDOW`` seconds of now.

    Args:
        secret: as from ``secret_for``.
        headers: of the request, names in lower case.
        body: of the request, as it came.
        now: the receiver's present instant.
    """
    stamp = headers.get("webhook-timestamp", "")
    if not (stamp.isascii() and stamp.isdigit()) or len(stamp) > 12 or abs(now.timestamp() - int(stamp)) > WINDOW:  # noqa: PLR2004
        return False
    expected = sign(secret, headers.get("webhook-id", ""), int(stamp), body).encode()
    given = headers.get("webhook-signature", "").encode("utf-8", "replace").split()
    return any(hmac.compare_digest(expected, each) for each in given)


def body_of(subscription: Subscription, alerts: Sequence[Alert], links: Links, at: datetime) -> bytes:
    """The message as JSON: ``type``, ``timestamp``, ``data`` with the subscription and its alerts."""
    record: dict[str, Any] = {
        "type": "alerts.raised",
        "timestamp": at.astimezone(UTC).isoformat(timespec="seconds"),
        "data": {
            "subscription": {"id": subscription.id, "name": subscription.name},
            "alerts": [_alert(subscription, alert, links) for alert in alerts],
        },
    }
    return _encode(record)


def _alert(subscription: Subscription, alert: Alert, links: Links) -> dict[str, Any]:
    fields = msgspec.to_builtins(alert)
    wanted = (
        "alert_id", "reason", "title", "outlet", "url", "article_id", "story_id", "story_outlets", "copy_of",
        "topics", "countries", "evidence", "at", "hits", "usual", "hours",
    )  # fmt: skip
    return {name: fields[name] for name in wanted} | {
        "page": links.page(alert),
        "story_page": links.story(alert),
        "mute": links.mute(subscription, alert),
    }


class WebhookOutlet:
    """POSTs messages to one address.

    Args:
        outlet: ``webhook:https://…``.
        settings: time and addresses that are let through.
        links: makes addresses.
        clock: dates the attempts.
    """

    def __init__(self, outlet: str, settings: AlertSettings, links: Links, clock: Clock) -> None:
        self._outlet = outlet
        self._settings = settings
        self._links = links
        self._clock = clock

    def send(self, key: str, subscription: Subscription, alerts: Sequence[Alert]) -> None:
        """Hand one message over. A redirect is not followed: it could lead anywhere.

        Raises:
            PoisonError: it is refused for good.
            TransientError: it may be taken later.
        """
        parts = target(self._outlet)
        now = self._clock.now()
        # The same bytes at every attempt: what the receiver keeps under the key is what it was sent.
        body = body_of(subscription, alerts, self._links, max(alert.at for alert in alerts))
        stamp = int(now.timestamp())
        headers = {
            "content-type": "application/json; charset=utf-8",
            "user-agent": "Marsad webhooks",
            "idempotency-key": key,
            "webhook-id": key,
            "webhook-timestamp": str(stamp),
            "webhook-signature": sign(secret_for(subscription, self._outlet), key, stamp, body),
        }
        try:
            with guarded(self._settings.allow_networks):
                status, waits = self._post(parts, body, headers)
        except BlockedAddressError as error:
            raise PoisonError(str(error)) from None
        except (OSError, http.client.HTTPException) as error:
            raise TransientError(f"the webhook does not answer: {type(error).__name__}: {error}"[:300]) from None
        _judge(status, waits, now)

    def _post(self, parts: SplitResult, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
        made = _Tls if parts.scheme == "https" else http.client.HTTPConnection
        connection = made(parts.hostname or "", parts.port, timeout=self._settings.timeout)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        # A time-out holds for each read: an answer that drips would never end.
        ended = threading.Event()
        clock = threading.Timer(2 * self._settings.timeout, _cut, [connection, ended])
        clock.daemon = True
        clock.start()
        try:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            if ended.is_set():  # headers that end because the connection was cut look complete
                raise TimeoutError("its answer does not end")
            # The status decides; of what follows enough is read that the other side sees its answer taken.
            answer.read(_MOST_ANSWER)
            return answer.status, answer.headers.get("retry-after", "")
        finally:
            clock.cancel()
            connection.close()


def _cut(connection: http.client.HTTPConnection, ended: threading.Event) -> None:
    """End a connection under whoever reads from it."""
    ended.set()
    if connection.sock is not None:
        with contextlib.suppress(OSError):
            connection.sock.shutdown(socket.SHUT_RDWR)


class _Tls(http.client.HTTPSConnection):
    """HTTPS with the certificates of the system checked."""

    def __init__(self, host: str, port: int | None, timeout: float) -> None:
        super().__init__(host, port, timeout=timeout, context=ssl.create_default_context())


def _judge(status: int, waits: str, now: datetime) -> None:
    """Take 2xx for taken; 4xx are refusals but for those that pass; the rest may pass.

    Raises:
        PoisonError: refused for good.
        TransientError: it may be taken later.
    """
    if 200 <= status < 300:  # noqa: PLR2004
        return
    sentence = f"the webhook answered {status} {http.client.responses.get(status, '')}".strip()
    if status == _GONE:
        raise OutletGoneError(sentence)
    if 400 <= status < 500 and status not in _MAY_PASS:  # noqa: PLR2004
        raise PoisonError(sentence)
    if 300 <= status < 400:  # noqa: PLR2004
        raise PoisonError(f"{sentence}: redirects are not followed, give the address that it leads to")
    raise TransientError(sentence, retry_after=_seconds(waits, now))


def _seconds(waits: str, now: datetime) -> float | None:
    """Retry-After: seconds or a date (RFC 9110, 10.2.3)."""
    if waits.isascii() and waits.isdigit() and len(waits) < 9:  # noqa: PLR2004
        return float(waits)
    try:
        return max(0.0, (parsedate_to_datetime(waits) - now).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None
