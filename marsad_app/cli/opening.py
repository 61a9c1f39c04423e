"""What commands open: the settings, the store, a query; and how a person names a record."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Protocol, TypeVar

from rich.cells import cell_len

from marsad.clock import SystemClock
from marsad.config import Settings, load_settings
from marsad.errors import ConfigError, QueryError, StoreError
from marsad.ports import (
    AlertLedger,
    ArticleSearch,
    DeliveryLedger,
    FeedRegistry,
    Owners,
    PollLedger,
    QuarantineStore,
    Stories,
    Subscriptions,
)
from marsad.query import Node, parse
from marsad.query.widen import Names
from marsad.records import Feed, Quarantined
from marsad.taxonomy.synonyms import other_names
from marsad_app.cli.faults import ShownQueryError
from marsad_app.cli.logs import no_log_lines
from marsad_app.cli.output import note
from marsad_app.cli.topic_names import topic_id
from marsad_app.embedded.counts import StoreCounts
from marsad_app.embedded.store import FILE_NAME, open_store

__all__ = [
    "OpenStore",
    "check_exists",
    "existing_store",
    "made_store",
    "open_store_for",
    "parse_query",
    "pick",
    "read_bounded",
]

_T = TypeVar("_T")
_SHORTEST_PREFIX = 4


class OpenStore(Protocol):
    """What commands see of either size."""

    @property
    def feeds(self) -> FeedRegistry:
        """The feeds."""
        ...

    @property
    def polls(self) -> PollLedger:
        """Feed states."""
        ...

    @property
    def search(self) -> ArticleSearch:
        """The index."""
        ...

    @property
    def stories(self) -> Stories:
        """The stories."""
        ...

    @property
    def subscriptions(self) -> Subscriptions:
        """The subscriptions."""
        ...

    @property
    def owners(self) -> Owners:
        """Who has subscriptions of their own."""
        ...

    @property
    def alerts(self) -> AlertLedger:
        """The alert ledger."""
        ...

    @property
    def deliveries(self) -> DeliveryLedger:
        """The delivery ledger."""
        ...

    @property
    def quarantine(self) -> QuarantineStore:
        """The quarantine."""
        ...

    def counts(self) -> StoreCounts:
        """How much of what it holds."""
        ...

    def waiting(self) -> Mapping[str, int]:
        """Items that wait, by what for."""
        ...

    def outcomes(self) -> Mapping[str, int]:
        """Entries that ended, by how; empty where nobody counts them."""
        ...

    def redo(self, item: Quarantined) -> str:
        """Send a quarantined item through its stage again; why that is not possible, or nothing."""
        ...

    def begin_anew(self, feed: Feed) -> None:
        """Watch a feed as if it had never been polled."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...


def open_store_for(settings: Settings) -> OpenStore:
    """The store where the settings say: the cluster if ``settings.clustered``, else the file in ``data.dir``, made if missing.

    The cluster's Kafka and Elasticsearch are first asked when something of theirs is wanted.

    Raises:
        StoreError: it cannot be opened.
    """
    if settings.clustered:
        from marsad_app.cluster.store import open_cluster  # noqa: PLC0415 - the client libraries, for this size alone

        return open_cluster(settings, told=note)
    return open_store(settings.data.dir)


@contextlib.contextmanager
def existing_store(settings: Settings | None = None) -> Iterator[OpenStore]:
    """The store of the settings, for commands that read.

    Raises:
        StoreError: there is none yet, or it cannot be opened.
    """
    known = settings or load_settings()
    if not known.clustered:
        check_exists(known)
    with made_store(known) as store:
        yield store


@contextlib.contextmanager
def made_store(settings: Settings | None = None) -> Iterator[OpenStore]:
    """The store of the settings, made if there is none yet.

    Raises:
        StoreError: it cannot be opened or made.
    """
    with no_log_lines(), contextlib.closing(open_store_for(settings or load_settings())) as store:
        yield store


def check_exists(settings: Settings) -> None:
    """See that there is an embedded store.

    Raises:
        StoreError: there is none yet.
    """
    path = settings.data.dir / FILE_NAME
    try:
        there = path.is_file()
    except OSError as error:
        raise StoreError(f"{path}: cannot be opened: {error.strerror}; check data.dir and its permissions") from error
    if not there:
        raise StoreError(f"no store at {path} yet: run `marsad run` first (or set data.dir to where yours is)")


def parse_query(text: str, *, names: Names | None = other_names) -> Node:
    """Parse a query; topics may go by id or name, and names also find what else the same thing is called.

    Raises:
        QueryError: it cannot be understood; the error carries the query with a caret below the fault.
    """
    try:
        return parse(text, now=SystemClock().now(), resolve=topic_id, names=names)
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
