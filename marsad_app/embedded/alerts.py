"""Subscriptions, the alert ledger and the delivery ledger, in SQLite."""

import json
import sqlite3
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from marsad.records import Alert, Delivery, DeliveryState, Subscription
from marsad_app.embedded.database import Database, pack, unpack

__all__ = ["SqliteAlertLedger", "SqliteDeliveryLedger", "SqliteSubscriptions"]

_BUMP = "INSERT INTO meta VALUES ('subscriptions', '1') ON CONFLICT (name) DO UPDATE SET value = value + 1"


class SqliteSubscriptions:
    """``marsad.ports.Subscriptions``."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def subscriptions(self) -> Sequence[Subscription]:
        """All, oldest first."""
        with self._db.read() as connection:
            rows = connection.execute("SELECT data FROM subscriptions ORDER BY created, subscription_id").fetchall()
        return [unpack(Subscription, data) for (data,) in rows]

    def subscription(self, subscription_id: str) -> Subscription | None:
        """One subscription."""
        with self._db.read() as connection:
            row = connection.execute(
                "SELECT data FROM subscriptions WHERE subscription_id = ?", (subscription_id,)
            ).fetchone()
        return unpack(Subscription, row[0]) if row else None

    def version(self) -> str:
        """Changes whenever a subscription was added, replaced or removed."""
        with self._db.read() as connection:
            row = connection.execute("SELECT value FROM meta WHERE name = 'subscriptions'").fetchone()
        return str(row[0]) if row else "0"

    def put_subscription(self, subscription: Subscription) -> None:
        """Add or replace."""
        with self._db.write() as connection:
            connection.execute(_BUMP)
            connection.execute(
                "INSERT OR REPLACE INTO subscriptions VALUES (?, ?, ?)",
                (subscription.id, subscription.created_at.timestamp(), pack(subscription)),
            )

    def remove_subscription(self, subscription_id: str) -> bool:
        """Forget it; its alerts stay in the ledger."""
        with self._db.write() as connection:
            return (
                connection.execute("DELETE FROM subscriptions WHERE subscription_id = ?", (subscription_id,)).rowcount
                > 0
            )


class SqliteAlertLedger:
    """``marsad.ports.AlertLedger``."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def record_alerts(self, alerts: Sequence[Alert], deliveries: Sequence[Delivery]) -> Sequence[Alert]:
        """Enter alerts that are not there yet, with their deliveries; the ones that were new."""
        with self._db.write() as connection:
            new = [alert for alert in alerts if _enter(connection, alert)]
            wanted = {alert.alert_id for alert in new}
            connection.executemany(
                "INSERT OR IGNORE INTO deliveries (delivery_id, alert_id, subscription_id, state, next_try, data) VALUES (?, ?, ?, ?, ?, ?)",
                (_delivery_row(delivery) for delivery in deliveries if delivery.alert_id in wanted),
            )
        return new

    def alerts(
        self,
        *,
        subscription_id: str | None = None,
        among: Collection[str] | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> Sequence[Alert]:
        """Newest first."""
        with self._db.read() as connection:
            rows = _newest(connection, "alerts", _Wanted(subscription_id, among), limit, offset)
        return [unpack(Alert, data) for data in rows]

    def alert(self, alert_id: str) -> Alert | None:
        """One alert."""
        with self._db.read() as connection:
            row = connection.execute("SELECT data FROM alerts WHERE alert_id = ?", (alert_id,)).fetchone()
        return unpack(Alert, row[0]) if row else None


def _enter(connection: sqlite3.Connection, alert: Alert) -> bool:
    """Whether it was not there yet."""
    row = (alert.alert_id, alert.subscription_id, alert.at.timestamp(), pack(alert))
    return (
        connection.execute(
            "INSERT OR IGNORE INTO alerts (alert_id, subscription_id, at, data) VALUES (?, ?, ?, ?)", row
        ).rowcount
        > 0
    )


def _delivery_row(delivery: Delivery) -> tuple[str, str, str, str, float, bytes]:
    return (
        delivery.delivery_id,
        delivery.alert_id,
        delivery.subscription_id,
        delivery.state.value,
        delivery.next_try_at.timestamp(),
        pack(delivery),
    )


class SqliteDeliveryLedger:
    """``marsad.ports.DeliveryLedger``."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def due(self, now: datetime, *, limit: int = 100) -> Sequence[tuple[Delivery, Alert]]:
        """Deliveries whose time has come and that are neither sent nor given up, oldest first."""
        with self._db.read() as connection:
            rows = connection.execute(
                "SELECT d.data, a.data FROM deliveries d JOIN alerts a USING (alert_id) "
                "WHERE d.state IN ('pending', 'sending') AND d.next_try <= ? ORDER BY d.next_try, d.seq LIMIT ?",
                (now.timestamp(), limit),
            ).fetchall()
        return [(unpack(Delivery, delivery), unpack(Alert, alert)) for delivery, alert in rows]

    def put_delivery(self, delivery: Delivery) -> None:
        """Replace by id."""
        with self._db.write() as connection:
            connection.execute(
                "UPDATE deliveries SET alert_id = ?2, subscription_id = ?3, state = ?4, next_try = ?5, data = ?6 WHERE delivery_id = ?1",
                _delivery_row(delivery),
            )

    def deliveries(
        self,
        *,
        subscription_id: str | None = None,
        among: Collection[str] | None = None,
        state: DeliveryState | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> Sequence[Delivery]:
        """Newest first."""
        with self._db.read() as connection:
            rows = _newest(connection, "deliveries", _Wanted(subscription_id, among, state), limit, offset)
        return [unpack(Delivery, data) for data in rows]


class _Wanted(NamedTuple):
    """Whose rows, and in which state; None: any."""

    subscription_id: str | None
    among: Collection[str] | None
    state: DeliveryState | None = None


def _newest(
    connection: sqlite3.Connection, table: Literal["alerts", "deliveries"], wanted: _Wanted, limit: int, offset: int
) -> list[bytes]:
    """The newest rows; only the index is gone through for those that are left out."""
    conditions: dict[str, object] = {}
    if wanted.subscription_id is not None:
        conditions["subscription_id = ?"] = wanted.subscription_id
    if wanted.among is not None:
        # Not as so many variables: SQLite bounds their number.
        conditions["subscription_id IN (SELECT value FROM json_each(?))"] = json.dumps(sorted(wanted.among))
    if wanted.state is not None:
        conditions["state = ?"] = wanted.state.value
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    rows = connection.execute(
        f"SELECT data FROM {table} WHERE seq IN (SELECT seq FROM {table} {where} ORDER BY seq DESC LIMIT ? OFFSET ?) "  # noqa: S608 - fixed words
        "ORDER BY seq DESC",
        (*conditions.values(), limit, offset),
    )
    return [data for (data,) in rows]
