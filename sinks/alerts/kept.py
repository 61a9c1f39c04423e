"""What a partition's own streams keep of its deliveries, read anew by whoever owns it next."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Final

import msgspec
import structlog

from marsad.errors import CodecError
from marsad.ports import Journal
from marsad.records import Alert, Delivery, DeliveryState, decode, encode
from marsad.streams import Message
from sinks.alerts.waiting import KnownIds, Open

__all__ = ["Kept", "delivery_message", "read_kept"]

_log = structlog.get_logger(__name__)
_PLACE: Final = "alert"
"""Header of a delivery: the offset of its alert."""
_RECENT: Final = timedelta(days=2)
_MOST_SENT: Final = 50_000
_OPEN: Final = frozenset({DeliveryState.PENDING, DeliveryState.SENDING})


class Kept(msgspec.Struct, frozen=True):
    """The deliveries of one partition.

    Attributes:
        known: every one that was ever planned.
        opened: those still to be sent, the one that was written first first.
        lost: those still to be sent whose alert is no longer kept.
        sent: those that went out within the last two days: cooldowns and caps count them.
    """

    known: KnownIds
    opened: tuple[Open, ...]
    lost: tuple[Delivery, ...]
    sent: tuple[Delivery, ...] = ()


def delivery_message(delivery: Delivery, place: int, partition: int) -> Message:
    """The delivery as it is written down.

    Args:
        delivery: as it is now.
        place: offset of its alert.
        partition: of both.
    """
    return Message(
        stream="deliveries.v1",
        key=delivery.delivery_id,
        value=encode(delivery),
        partition=partition,
        headers={_PLACE: b"%d" % place},
    )


def read_kept(journal: Journal) -> Kept:
    """Read the deliveries of the journal's partition, and the alerts of those that are open.

    Raises:
        TransientError: the streams cannot be read.
    """
    known: set[str] = set()
    opened: dict[str, tuple[Delivery, int]] = {}
    sent: list[Delivery] = []
    for message in journal.read("deliveries.v1", journal.partition):
        known.add(message.key)
        # Taken out first, so that what was written last comes last.
        opened.pop(message.key, None)
        delivery = _delivery(message)
        if delivery is not None and delivery.state in _OPEN:
            opened[message.key] = delivery, int(message.headers.get(_PLACE, b"0"))
        elif delivery is not None and delivery.sent_at is not None:
            sent.append(delivery)
            if len(sent) > 2 * _MOST_SENT:
                sent = _latest(sent)
    alerts = _alerts(journal, opened.values())
    return Kept(
        KnownIds(known),
        tuple(
            Open(delivery, alerts[delivery.alert_id], place)
            for delivery, place in opened.values()
            if delivery.alert_id in alerts
        ),
        tuple(delivery for delivery, _ in opened.values() if delivery.alert_id not in alerts),
        tuple(_latest(sent)),
    )


def _latest(sent: list[Delivery]) -> list[Delivery]:
    """Those of the last two days before the last of them, and no more than so many."""
    instants = [delivery.sent_at for delivery in sent if delivery.sent_at is not None]
    since = max(instants, default=None)
    return [each for each in sent if since and each.sent_at and since - each.sent_at < _RECENT][-_MOST_SENT:]


def _alerts(journal: Journal, opened: Iterable[tuple[Delivery, int]]) -> dict[str, Alert]:
    wanted = {delivery.alert_id: place for delivery, place in opened}
    if not wanted:
        return {}
    read = journal.read("alerts.v1", journal.partition, start=min(wanted.values()))
    return {alert.alert_id: alert for alert in _readable(read) if alert.alert_id in wanted}


def _readable(messages: Iterable[Message]) -> Iterator[Alert]:
    for message in messages:
        if message.value is not None:
            try:
                yield decode(Alert, message.value)
            except CodecError:  # it went to quarantine when it came
                continue


def _delivery(message: Message) -> Delivery | None:
    """The delivery; None for one that is removed or cannot be read."""
    if message.value is None:
        return None
    try:
        return decode(Delivery, message.value)
    except CodecError as error:
        _log.warning("delivery cannot be read and is passed over", delivery=message.key, error=str(error))
        return None
