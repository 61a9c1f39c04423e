"""The embedded size: one process, one SQLite file, every port."""

from marsad_app.embedded.store import Store, open_store

__all__ = ["Store", "open_store"]
