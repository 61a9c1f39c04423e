"""Which addresses may be asked: the guard against requests into the operator's own network.

``marsad.addresses`` is applied to addresses after resolution, and once more where the connection is made, so that a name that resolves anew
between check and use (DNS rebinding) cannot slip through.
"""

import asyncio
import socket
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Final

from marsad.addresses import BlockedAddressError, Network, is_allowed
from marsad.clock import Clock

__all__ = ["GuardedResolver"]

_DNS_THREADS: Final = 16
_KEPT_SECONDS: Final = 300.0
_KEPT_HOSTS: Final = 4_096


class GuardedResolver:
    """Resolves names in threads of its own (a slow name server must hold up nothing else) and keeps allowed addresses.

    Args:
        allow: networks that are let through although they are not public.
        clock: answers are kept for five minutes of its monotonic time.
    """

    def __init__(self, allow: Sequence[Network], clock: Clock) -> None:
        self._allow = tuple(allow)
        self._clock = clock
        self._threads = ThreadPoolExecutor(_DNS_THREADS, thread_name_prefix="dns")
        self._kept: OrderedDict[str, tuple[float, tuple[str, ...]]] = OrderedDict()

    async def resolve(self, host: str, port: int) -> tuple[str, ...]:
        """Addresses of ``host`` that may be asked, at least one.

        Raises:
            BlockedAddressError: there are addresses and none is allowed.
            OSError: the name does not resolve.
        """
        until, addresses = self._kept.get(host, (0.0, ()))
        if addresses and self._clock.monotonic() < until:
            return addresses
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, _lookup, host, port)
        addresses = tuple(address for address in found if is_allowed(ip_address(address), self._allow))
        if not addresses:
            if not found:
                raise socket.gaierror(socket.EAI_NONAME, f"{host} has no address")
            raise BlockedAddressError(f"{host} leads to {found[0]}, which poll.allow_networks does not let through")
        self._kept.pop(host, None)
        self._kept[host] = self._clock.monotonic() + _KEPT_SECONDS, addresses
        if len(self._kept) > _KEPT_HOSTS:
            self._kept.popitem(last=False)
        return addresses

    def close(self) -> None:
        """Let go of the threads; one that still waits for a name server ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _lookup(host: str, port: int) -> list[str]:
    try:
        infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    except UnicodeError as error:  # a label that is too long or empty never reaches the name server
        raise socket.gaierror(socket.EAI_NONAME, f"{host!r} is no host name") from error
    return [str(sockaddr[0]) for _, _, _, _, sockaddr in infos]
