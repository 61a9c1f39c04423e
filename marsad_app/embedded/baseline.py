"""What search in SQLite is measured against: one FTS5 table of title and text, in the words that SQLite sees."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from marsad.records import Article

__all__ = ["BareIndex"]


class BareIndex:
    """Titles and texts and nothing else.

    Args:
        path: the file; it is made where it is not there.
    """

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path)
        self._connection.execute("CREATE VIRTUAL TABLE IF NOT EXISTS bare USING fts5(title, text)")

    def write(self, articles: Sequence[Article]) -> None:
        """Add the articles."""
        rows = [(article.title, article.text) for article in articles]
        with self._connection:
            self._connection.executemany("INSERT INTO bare (title, text) VALUES (?, ?)", rows)

    def match(self, words: Sequence[str], limit: int = 20) -> list[tuple[str, str]]:
        """Title and text of the best articles that hold all of the words."""
        match = " ".join(f'"{word}"' for word in words)
        select = "SELECT title, text FROM bare WHERE bare MATCH ? ORDER BY rank LIMIT ?"
        return self._connection.execute(select, (match, limit)).fetchall()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()
