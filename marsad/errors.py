"""Every error that Marsad raises on purpose, one tree.

::

    MarsadError                 a sentence for a person: what, where, and what to do
    ├── ConfigError             a setting, data file or command-line argument is wrong
    │   ├── TopicFileError      a topic file; carries file and line
    │   └── OpmlError           a feed list that cannot be read
    ├── QueryError              a query that cannot be understood; carries the position
    ├── PoisonError             this input can never be processed: quarantine it, go on
    │   ├── CodecError          bytes that are no record of the expected type
    │   └── OutletGoneError     an outlet that says it is there no more
    ├── TransientError          try again later; carries how long to wait
    │   └── FetchError          a request that failed; carries the health state it means
    ├── FencedError             another process has taken this one's part over: write nothing more
    └── StoreError              the store cannot go on (full, corrupt, locked, too new)

``PoisonError`` and ``TransientError`` are types and not flags, so that a handler cannot mistake one for the other.
"""

import re
from pathlib import Path
from typing import Final

__all__ = [
    "CodecError",
    "ConfigError",
    "FencedError",
    "FetchError",
    "MarsadError",
    "OpmlError",
    "OutletGoneError",
    "PoisonError",
    "QueryError",
    "StoreError",
    "TopicFileError",
    "TransientError",
    "said",
]

_LONG_QUOTE: Final = re.compile(r'"([^"]{60})[^"]+"')


class MarsadError(Exception):
    """Base of all errors that a person may read: one sentence that says what, where and what to do."""


class ConfigError(MarsadError):
    """A setting, a data file or an argument is wrong; the message names it."""


class TopicFileError(ConfigError):
    """A topic file does not follow the schema.

    Args:
        path: the file.
        line: 1-based line of the fault; 0 where the whole file is meant.
        reason: what is wrong and what is expected there.
    """

    def __init__(self, path: Path | str, line: int, reason: str) -> None:
        self.path = Path(path)
        self.line = line
        self.reason = reason
        place = f"{path}:{line}" if line else f"{path}"
        super().__init__(f"{place}: {reason}")


class OpmlError(ConfigError):
    """A feed list could not be read; the message names the file and the line."""


class QueryError(MarsadError):
    """A query could not be understood.

    Args:
        reason: what was expected.
        position: 0-based offset into the query where reading failed; the end of the query if it ended too early.
    """

    def __init__(self, reason: str, position: int) -> None:
        # What a reason quotes was written by anybody: one line, and not much of it.
        reason = _LONG_QUOTE.sub(r'"\1…"', " ".join(reason.split()))
        self.reason = reason
        self.position = position
        super().__init__(f"{reason} (at character {position + 1})")


class PoisonError(MarsadError):
    """This input can never be processed: it goes to quarantine with this reason and the others go on."""


class CodecError(PoisonError):
    """Bytes that are not a record of the expected type and version."""


class OutletGoneError(PoisonError):
    """An outlet that says that it is there no more: it is not tried again."""


class TransientError(MarsadError):
    """The same work may succeed later.

    Args:
        message: what failed.
        retry_after: seconds to wait at least, where the other side said so.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class FetchError(TransientError):
    """A request brought no usable answer.

    Args:
        message: what failed, with the address.
        health: the name of the feed health state that this means (``marsad.records.Health``).
        retry_after: seconds to wait, where the server said so.
        status: the HTTP status, where there was one.
    """

    def __init__(
        self, message: str, *, health: str, retry_after: float | None = None, status: int | None = None
    ) -> None:
        self.health = health
        self.status = status
        super().__init__(message, retry_after=retry_after)


class FencedError(MarsadError):
    """Another process has taken over what this one was working on; nothing of this attempt was written."""


class StoreError(MarsadError):
    """The store cannot be used: disk full, file corrupt, or written by a newer version."""


def said(error: BaseException, most: int | None = None) -> str:
    """What an error says, in one line; its type where it says nothing.

    Args:
        error: any.
        most: characters after which the rest is left out; None: all of it.
    """
    return " ".join(str(error).split())[:most] or type(error).__name__
