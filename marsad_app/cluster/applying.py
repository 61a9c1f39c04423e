"""What a message of a stream changes in the view. What is read again, or in another order of the partitions, ends the same."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

from marsad.records import Alert, Delivery, Feed, FeedState, Owner, Quarantined, Subscription, decode
from marsad.streams import Message
from marsad_app.embedded.database import pack
from marsad_app.embedded.store import Store

__all__ = ["APPLY", "REMOVED", "VIEWED", "is_forgotten", "removed_at", "row_number"]

_OFFSET_BITS, _PARTITION_BITS = 13, 8
REMOVED: Final = "removed:"
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


def row_number(at: datetime, message: Message) -> int:
    """What rows of a ledger are ordered by: the millisecond, then the place in the partition, then the partition.

    SQLite's row numbers have 63 bits: 21 leave the instant enough until the year 2109.
    """
    place = (message.offset % (1 << _OFFSET_BITS) << _PARTITION_BITS) + (message.partition or 0) % (
        1 << _PARTITION_BITS
    )
    return (int(at.timestamp() * 1000) << (_OFFSET_BITS + _PARTITION_BITS)) + place


def _feed(store: Store, message: Message) -> None:
    if message.value is not None:
        store.feeds.put_feeds([decode(Feed, message.value)])
        return
    # The poller takes the state away in its own time; until then it is known to be of a feed that was removed.
    at = (message.at or _NEVER).isoformat()
    with store.database.write() as connection:
        connection.execute("DELETE FROM feeds WHERE feed_id = ?", (message.key,))
        connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (REMOVED + message.key, at))


def _feed_state(store: Store, message: Message) -> None:
    known = store.polls.state(message.key)
    # A feed that moved to another site has left its earlier states in another partition.
    if message.value is None:
        if known is not None and not _later(known.last_poll_at, message.at):
            with store.database.write() as connection:
                connection.execute("DELETE FROM feed_states WHERE feed_id = ?", (message.key,))
        return
    state = decode(FeedState, message.value)
    if known is None or not _later(known.last_poll_at, state.last_poll_at):
        store.polls.commit_poll(state, [])


def removed_at(store: Store) -> dict[str, datetime]:
    """When feeds were removed, by id: what is known of polling them until then is not known any more."""
    with store.database.read() as connection:
        rows = connection.execute("SELECT name, value FROM meta WHERE name LIKE ?", (REMOVED + "%",)).fetchall()
    return {name.removeprefix(REMOVED): datetime.fromisoformat(value) for name, value in rows}


def is_forgotten(state: FeedState, removed: Mapping[str, datetime]) -> bool:
    """Whether the state is from before its feed was removed."""
    at = removed.get(state.feed_id)
    return at is not None and not _later(state.last_poll_at, at)


def _later(one: datetime | None, other: datetime | None) -> bool:
    return (one or _NEVER) > (other or _NEVER)


def _subscription(store: Store, message: Message) -> None:
    if message.value is None:
        store.subscriptions.remove_subscription(message.key)
    else:
        store.subscriptions.put_subscription(decode(Subscription, message.value))


def _owner(store: Store, message: Message) -> None:
    if message.value is None:
        store.owners.remove_owner(message.key)
    else:
        store.owners.put_owner(decode(Owner, message.value))


def _alert(store: Store, message: Message) -> None:
    with store.database.write() as connection:
        if message.value is None:
            connection.execute("DELETE FROM alerts WHERE alert_id = ?", (message.key,))
            return
        alert = decode(Alert, message.value)
        seq = _free(store, "alerts", row_number(alert.at, message))
        row = (seq, alert.alert_id, alert.subscription_id, alert.at.timestamp(), pack(alert))
        connection.execute(
            "INSERT INTO alerts (seq, alert_id, subscription_id, at, data) VALUES (?1, ?2, ?3, ?4, ?5)"
            " ON CONFLICT (alert_id) DO UPDATE SET subscription_id = ?3, at = ?4, data = ?5",
            row,
        )


def _delivery(store: Store, message: Message) -> None:
    with store.database.write() as connection:
        if message.value is None:
            connection.execute("DELETE FROM deliveries WHERE delivery_id = ?", (message.key,))
            return
        one = decode(Delivery, message.value)
        seq = _free(store, "deliveries", row_number(message.at or one.next_try_at, message))
        row = (seq, one.delivery_id, one.alert_id, one.subscription_id, one.state.value, one.next_try_at.timestamp())
        connection.execute(
            "INSERT INTO deliveries (seq, delivery_id, alert_id, subscription_id, state, next_try, data)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (delivery_id)"
            " DO UPDATE SET alert_id = ?3, subscription_id = ?4, state = ?5, next_try = ?6, data = ?7",
            (*row, pack(one)),
        )


def _quarantined(store: Store, message: Message) -> None:
    with store.database.write() as connection:
        if message.value is None:
            connection.execute("DELETE FROM quarantine WHERE id = ?", (message.key,))
            return
        item = decode(Quarantined, message.value)
        seq = _free(store, "quarantine", row_number(item.at, message))
        connection.execute(
            "INSERT OR IGNORE INTO quarantine (seq, id, stage, data) VALUES (?, ?, ?, ?)",
            (seq, item.id, item.stage, pack(item)),
        )


def _free(store: Store, table: str, wanted: int) -> int:
    """The first row number from ``wanted`` on that nothing has."""
    with store.database.read() as connection:
        while connection.execute(f"SELECT 1 FROM {table} WHERE seq = ?", (wanted,)).fetchone():  # noqa: S608 - a literal of this module
            wanted += 1
    return wanted


APPLY: Final[Mapping[str, Callable[[Store, Message], None]]] = {
    "feeds.v1": _feed,
    "feed-states.v1": _feed_state,
    "subscriptions.v1": _subscription,
    "owners.v1": _owner,
    "alerts.v1": _alert,
    "deliveries.v1": _delivery,
    "quarantine.v1": _quarantined,
}
"""By stream. Each raises ``CodecError`` where the value is no record of the stream."""

VIEWED: Final = tuple(APPLY)
