"""Owners of subscriptions, in SQLite."""

from collections.abc import Sequence

from marsad.records import Owner
from marsad_app.embedded.database import Database, pack, unpack

__all__ = ["SqliteOwners"]


class SqliteOwners:
    """``marsad.ports.Owners``."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def owners(self) -> Sequence[Owner]:
        """All, by name."""
        with self._db.read() as connection:
            rows = connection.execute("SELECT data FROM owners ORDER BY name").fetchall()
        return [unpack(Owner, data) for (data,) in rows]

    def put_owner(self, owner: Owner) -> None:
        """Add or replace."""
        with self._db.write() as connection:
            connection.execute("INSERT OR REPLACE INTO owners VALUES (?, ?)", (owner.name, pack(owner)))

    def remove_owner(self, name: str) -> bool:
        """Forget it, and its token with it."""
        with self._db.write() as connection:
            return connection.execute("DELETE FROM owners WHERE name = ?", (name,)).rowcount > 0
