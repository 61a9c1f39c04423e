"""What subscriptions with the trigger spike are hit by, in SQLite: what is usual is learned from it anew at each start."""

from collections.abc import Iterator, Sequence

from marsad.records import Hit
from marsad_app.embedded.database import Database, pack, unpack
from processors.spikes import KEPT

__all__ = ["SqliteHits"]


class SqliteHits:
    """The hits, each article of a subscription once."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def add(self, hits: Sequence[Hit]) -> list[Hit]:
        """Keep those that are not there yet, and forget what is too old to matter; the ones that were new."""
        if not hits:
            return []
        with self._db.write() as connection:
            new = [
                hit
                for hit in hits
                if connection.execute(
                    "INSERT OR IGNORE INTO hits (subscription_id, article_id, published, data) VALUES (?, ?, ?, ?)",
                    (hit.subscription_id, hit.article_id, hit.published_at.timestamp(), pack(hit)),
                ).rowcount
                > 0
            ]
            latest = max(min(hit.published_at, hit.first_seen_at) for hit in hits)
            connection.execute("DELETE FROM hits WHERE published < ?", ((latest - KEPT).timestamp(),))
        return new

    def kept(self) -> Iterator[Hit]:
        """All, in the order in which they came."""
        with self._db.read() as connection:
            rows = connection.execute("SELECT data FROM hits ORDER BY seq").fetchall()
        for (data,) in rows:
            yield unpack(Hit, data)
