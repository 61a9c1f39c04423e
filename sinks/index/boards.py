"""What messages of the feeds' states and of the alerts ask of the index: documents for dashboards, nothing that Marsad reads."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from marsad.errors import CodecError
from marsad.records import Alert, Feed, FeedState, Subscription, decode
from marsad.records.urls import shown_url
from marsad.streams import Message
from sinks.index.document import Board
from sinks.index.messages import Reading, Unreadable
from sinks.index.operations import Row, story_version

__all__ = ["alert_reader", "feed_reader"]

Document = dict[str, Any]
Read = Callable[[Sequence[Message]], Reading]

_TAKEN: Final = (
    "health", "health_since", "standing", "detail", "reason", "next_poll_at", "last_poll_at", "last_ok_at", "last_new_at",
    "interval", "rate", "polls", "entries_seen", "failures", "gap_count", "backfilled", "muted",
)  # fmt: skip
_encoder: Final = msgspec.json.Encoder()


def feed_reader(feed: Callable[[str], Feed | None]) -> Read:
    """A reader of ``feed-states.v1``.

    Args:
        feed: finds a feed by its id.
    """

    def document(value: bytes) -> Document:
        state = decode(FeedState, value)
        return _feed_document(state, feed(state.feed_id))

    return lambda messages: _read("feeds", messages, document)


def alert_reader(subscription: Callable[[str], Subscription | None]) -> Read:
    """A reader of ``alerts.v1``.

    Args:
        subscription: finds a subscription by its id.
    """

    def document(value: bytes) -> Document:
        alert = decode(Alert, value)
        known = subscription(alert.subscription_id)
        told = msgspec.structs.replace(alert, members=())
        return {**msgspec.structs.asdict(told), "subscription": known.name if known else alert.subscription_id}

    return lambda messages: _read("alerts", messages, document)


def _feed_document(state: FeedState, feed: Feed | None) -> Document:
    silence = None
    if state.last_new_at is not None and state.last_poll_at is not None:
        silence = max(0, int((state.last_poll_at - state.last_new_at).total_seconds()))
    return {
        "feed_id": state.feed_id,
        **{name: getattr(state, name) for name in _TAKEN},
        "title": feed.title or feed.outlet if feed else state.feed_id,
        "outlet": feed.outlet if feed else "",
        "country": feed.country if feed else "",
        "section": feed.section if feed else "",
        "language": feed.language if feed else "",
        "url": shown_url(state.url or (feed.url if feed else "")),
        "missed": sum(gap.missed_at_least for gap in state.gaps),
        "silence": silence,
    }


def _read(board: Board, messages: Sequence[Message], document: Callable[[bytes], Document]) -> Reading:
    """Each key in its last state only; a message without a record takes its document away."""
    last = {message.key: message for message in messages}
    rows: list[Row] = []
    sources: list[Message] = []
    unreadable: list[Unreadable] = []
    for message in last.values():
        version = story_version(message.at, message.offset) if message.at is not None else message.offset
        try:
            line = None if message.value is None else _encoder.encode(document(message.value))
        except CodecError as error:
            unreadable.append(Unreadable(message, str(error)))
            continue
        rows.append(Row(board=board, key=message.key, version=version, document=line))
        sources.append(message)
    return Reading(rows, sources, unreadable, 0)
