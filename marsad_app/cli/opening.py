"""What commands open: the settings, the store, a query; and how a person names a record."""

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from rich.cells import cell_len

from marsad.clock import SystemClock
from marsad.config import Settings, load_settings
from marsad.errors import ConfigError, QueryError, StoreError
from marsad.query import Node, parse
from marsad_app.cli.faults import ShownQueryError
from marsad_app.cli.topic_names import topic_id
from marsad_app.embedded.store import FILE_NAME, Store, open_store

__all__ = ["existing_store", "made_store", "parse_query", "pick", "read_bounded"]

_T = TypeVar("_T")
_SHORTEST_PREFIX = 4


@contextlib.contextmanager
def existing_store(settings: Settings | None = None) -> Iterator[Store]:
    """The store of the settings, for commands that read.

    Raises:
        StoreError: there is none yet, or it cannot be opened.
    """
    folder = (settings or load_settings()).data.dir
    path = folder / FILE_NAME
    try:
        there = path.is_file()
    except OSError as error:
        raise StoreError(f"{path}: cannot be opened: {error.strerror}; check data.dir and its permissions") from error
    if not there:
        raise StoreError(f"no store at {path} yet: run `marsad run` first (or set data.dir to where yours is)")
    with _closing(open_store(folder)) as store:
        yield store


@contextlib.contextmanager
def made_store(settings: Settings | None = None) -> Iterator[Store]:
    """The store of the settings, made if there is none yet.

    Raises:
        StoreError: it cannot be opened or made.
    """
    with _closing(open_store((settings or load_settings()).data.dir)) as store:
        yield store


@contextlib.contextmanager
def _closing(store: Store) -> Iterator[Store]:
    try:
        yield store
    finally:
        store.close()


def parse_query(text: str) -> Node:
    """Parse a query; topics may go by id or name.

    Raises:
        QueryError: it cannot be understood; the error carries the query with a caret below the fault.
    """
    try:
        return parse(text, now=SystemClock().now(), resolve=topic_id)
    except QueryError as error:
        flat = "".join(" " if char.isspace() or not char.isprintable() else char for char in text)
        lines = (f"  {flat}", f"  {' ' * cell_len(flat[: error.position])}^")
        raise ShownQueryError(error.reason, error.position, lines) from error


def pick(kind: str, wanted: str, candidates: Iterable[tuple[str, _T]]) -> _T:
    """The candidate whose id is ``wanted`` or, if only one does, begins with it (four letters at least).

    Args:
        kind: what they are, for the error: ``feed``, ``story``.
        wanted: as the person wrote it.
        candidates: ids with what they name.

    Raises:
        ConfigError: none, or several.
    """
    found = [
        (known, item)
        for known, item in candidates
        if known == wanted or (len(wanted) >= _SHORTEST_PREFIX and known.startswith(wanted))
    ]
    exact = [item for known, item in found if known == wanted]
    if exact or len(found) == 1:
        return (exact or [found[0][1]])[0]
    if not found:
        raise ConfigError(
            f"there is no {kind} {wanted!r}; write its id, or the first {_SHORTEST_PREFIX} letters or more"
        )
    raise ConfigError(f"{len(found)} ids begin with {wanted!r}; write more of the {kind}'s id")


def read_bounded(path: Path, largest: int) -> bytes:
    """A file's bytes.

    Raises:
        ConfigError: it cannot be read, or is larger than ``largest`` bytes.
    """
    try:
        with path.open("rb") as file:
            content = file.read(largest + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    if len(content) > largest:
        raise ConfigError(f"{path}: larger than {largest // 1_000_000} MB, which is more than such a file may be")
    return content
