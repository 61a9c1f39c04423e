"""The guard around everything that an outlet connects to: the same judgement of addresses that guards polling.

Outlets speak through several client libraries. What they have in common is ``connect``, so the guard stands there: an audit
hook of the interpreter (PEP 578), which sees the address after resolution, so that a name that resolves anew between check and
use cannot slip through. It looks at the connections of a thread that is inside ``guarded`` alone.
"""

import contextlib
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from ipaddress import ip_address

from marsad.addresses import BlockedAddressError, Network, is_allowed

__all__ = ["guarded"]

_inside = threading.local()
_installing = threading.Lock()
_installed = threading.Event()


@contextlib.contextmanager
def guarded(allow: Sequence[Network], refused: Callable[[str], None] = lambda reason: None) -> Iterator[None]:
    """Let this thread connect to public addresses and those of ``allow`` alone; to nothing that is no Internet address.

    A connection elsewhere raises ``BlockedAddressError`` where it is made.

    Args:
        allow: networks that are let through although they are not public.
        refused: told why, for the sake of libraries that swallow the error.
    """
    _install()
    before = getattr(_inside, "guard", None)
    _inside.guard = (tuple(allow), refused)
    try:
        yield
    finally:
        _inside.guard = before


def _install() -> None:
    with _installing:
        if not _installed.is_set():
            sys.addaudithook(_look)
            _installed.set()


def _look(event: str, arguments: tuple[object, ...]) -> None:
    if event not in {"socket.connect", "socket.sendto"}:
        return
    guard = getattr(_inside, "guard", None)
    if guard is None:
        return
    allow, refused = guard
    reason = _refusal(arguments[0], arguments[-1], allow)
    if reason:
        refused(reason)
        raise BlockedAddressError(reason)


def _refusal(connection: object, address: object, allow: Sequence[Network]) -> str:
    """Why a connection may not be made, or nothing."""
    assert isinstance(connection, socket.socket)
    if connection.family not in {socket.AF_INET, socket.AF_INET6} or not isinstance(address, tuple):
        return "an outlet may connect to Internet addresses only"
    # connect() is given what the name resolved to, or resolves it itself: only the first can be judged.
    try:
        allowed = is_allowed(ip_address(address[0]), allow)
    except ValueError:
        return f"{address[0]} is not resolved yet"
    return "" if allowed else f"{address[0]} is no public address, and alerts.allow_networks does not let it through"
