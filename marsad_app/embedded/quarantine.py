"""What could not be processed, in SQLite."""

from collections.abc import Iterable, Sequence

from marsad.records import Quarantined
from marsad_app.embedded.database import Database, pack, unpack

__all__ = ["SqliteQuarantine"]


class SqliteQuarantine:
    """``marsad.ports.QuarantineStore``."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def quarantine(self, items: Iterable[Quarantined]) -> None:
        """Add; the same fault of the same item is one row."""
        with self._db.write() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO quarantine (id, stage, data) VALUES (?, ?, ?)",
                ((item.id, item.stage, pack(item)) for item in items),
            )

    def quarantined(self, *, stage: str | None = None, limit: int = 100, offset: int = 0) -> Sequence[Quarantined]:
        """Newest first."""
        with self._db.read() as connection:
            rows = connection.execute(
                "SELECT data FROM quarantine WHERE ?1 IS NULL OR stage = ?1 ORDER BY seq DESC LIMIT ?2 OFFSET ?3",
                (stage, limit, offset),
            ).fetchall()
        return [unpack(Quarantined, data) for (data,) in rows]

    def quarantined_item(self, item_id: str) -> Quarantined | None:
        """One item."""
        with self._db.read() as connection:
            row = connection.execute("SELECT data FROM quarantine WHERE id = ?", (item_id,)).fetchone()
        return unpack(Quarantined, row[0]) if row else None

    def drop_quarantined(self, item_id: str) -> bool:
        """Forget it."""
        with self._db.write() as connection:
            return connection.execute("DELETE FROM quarantine WHERE id = ?", (item_id,)).rowcount > 0
