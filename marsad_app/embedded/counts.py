"""How much of what the store holds, for status pages."""

import msgspec

from marsad_app.embedded.database import Database

__all__ = ["StoreCounts", "count_store"]


class StoreCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Rows by what they are; ``size_bytes`` is the file, without what its write-ahead log still holds."""

    feeds: int
    articles: int
    stories: int
    subscriptions: int
    alerts: int
    quarantined: int
    deliveries: dict[str, int]
    """By state."""
    schema_version: int
    size_bytes: int


def count_store(database: Database) -> StoreCounts:
    """Count the rows.

    Raises:
        StoreError: the store cannot be read.
    """
    with database.read() as connection:
        feeds, articles, stories, subscriptions, alerts, quarantined = connection.execute(
            "SELECT (SELECT count(*) FROM feeds), (SELECT count(*) FROM articles), (SELECT count(*) FROM stories),"
            " (SELECT count(*) FROM subscriptions), (SELECT count(*) FROM alerts), (SELECT count(*) FROM quarantine)"
        ).fetchone()
        deliveries = dict(connection.execute("SELECT state, count(*) FROM deliveries GROUP BY state").fetchall())
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        pages = int(connection.execute("PRAGMA page_count").fetchone()[0])
        page = int(connection.execute("PRAGMA page_size").fetchone()[0])
    return StoreCounts(
        feeds=feeds,
        articles=articles,
        stories=stories,
        subscriptions=subscriptions,
        alerts=alerts,
        quarantined=quarantined,
        deliveries=deliveries,
        schema_version=version,
        size_bytes=pages * page,
    )
