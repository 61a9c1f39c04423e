"""The articles that topics are tried on: those of the store, or lines of JSON in a file."""

import contextlib
import gzip
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from marsad.clock import SystemClock
from marsad.errors import ConfigError, PoisonError
from marsad.query import Node
from marsad.query.ast import And, Range
from marsad.query.times import EXPECTED, Period, read_time
from marsad.records import Article
from marsad_app.cli.jsonlines import LONGEST_LINE
from marsad_app.cli.opening import existing_store, parse_query
from marsad_app.cli.output import progress
from processors.pipe_match import article_from_json

__all__ = ["ArticleSource", "read_period"]


def read_period(option: str, written: str, now: datetime) -> Period:
    """Return the time that an option means.

    Raises:
        ConfigError: it cannot be read; names the option.
    """
    found = read_time(written, now=now)
    if found is None:
        raise ConfigError(f"{option} {written!r} cannot be read; expected is {EXPECTED}")
    return found


class ArticleSource(msgspec.Struct, frozen=True):
    """Which articles.

    Args:
        file: lines of JSON, plain or gzipped; None for the store.
        query: only those that match; empty for all. Of a file, all are taken.
        since: only those published from then on; empty for all.
    """

    file: Path | None = None
    query: str = ""
    since: str = ""

    @contextlib.contextmanager
    def articles(self) -> Iterator[Iterator[Article]]:
        """Open the source.

        Raises:
            ConfigError: the file cannot be read, or an option is wrong.
            StoreError: there is no store.
        """
        start = read_period("--since", self.since, SystemClock().now()).start if self.since else None
        if self.file is not None:
            if self.query:
                raise ConfigError("--query goes with the store; filter a file with `marsad pipe match --query` first")
            yield (each for each in _lines(self.file) if start is None or each.published_at >= start)
            return
        node = self._node(start)
        with existing_store() as store:
            yield progress(store.search.export(node), "articles", 0 if node else store.search.count())

    def _node(self, start: datetime | None) -> Node | None:
        parts: list[Node] = [parse_query(self.query)] if self.query else []
        if start is not None:
            parts.append(Range("published", start, None))
        return And(tuple(parts)) if len(parts) > 1 else parts[0] if parts else None


def _lines(path: Path) -> Iterator[Article]:
    """Yield the articles of a file.

    Raises:
        ConfigError: it cannot be read; a line is no article: names it.
    """
    opened = gzip.open if path.suffix == ".gz" else Path.open
    number = 0
    try:
        with opened(path, "rb") as file:
            while line := file.readline(LONGEST_LINE):
                number += 1
                if line.strip():
                    yield article_from_json(_record(line))
    except (OSError, EOFError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    except (ValueError, PoisonError) as error:
        raise ConfigError(f"{path}:{number}: no article: {error}") from error


def _record(line: bytes) -> dict[str, object]:
    record = json.loads(line)
    if not isinstance(record, dict):
        raise ValueError("expected a JSON object")  # noqa: TRY004  # told as a fault of the line
    # The feed's description under the name that some collections give it.
    return {"lead": record.get("abstract") or "", **{key: value for key, value in record.items() if value is not None}}
