"""Which addresses may be asked: the guard against requests into the operator's own network.

``marsad.addresses`` is applied to addresses after resolution, where the connection is made, so that a name that resolves anew between
check and use (DNS rebinding) cannot slip through.
"""

import asyncio
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Final

from aiohttp.abc import AbstractResolver, ResolveResult

from marsad.addresses import BlockedAddressError, Network, is_allowed

__all__ = ["GuardedResolver"]

_DNS_THREADS: Final = 16


class GuardedResolver(AbstractResolver):
    """Resolves names in threads of its own (a slow name server must hold up nothing else) and keeps allowed addresses.

    Args:
        allow: networks that are let through although they are not public.
    """

    def __init__(self, allow: Sequence[Network]) -> None:
        self._allow = tuple(allow)
        self._threads = ThreadPoolExecutor(_DNS_THREADS, thread_name_prefix="dns")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Addresses of ``host`` that may be asked.

        Raises:
            BlockedAddressError: there are addresses and none is allowed.
            OSError: the name does not resolve.
        """
        loop = asyncio.get_running_loop()
        infos = await loop.run_in_executor(self._threads, _lookup, host, port, family)
        results: list[ResolveResult] = []
        for kind, protocol, address in infos:
            if is_allowed(ip_address(address), self._allow):
                results.append(
                    ResolveResult(
                        hostname=host, host=address, port=port, family=kind, proto=protocol, flags=socket.AI_NUMERICHOST
                    )
                )
        if infos and not results:
            raise BlockedAddressError(f"{host} leads to {infos[0][2]}, which poll.allow_networks does not let through")
        return results

    async def close(self) -> None:
        """Let go of the threads; one that still waits for a name server ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _lookup(host: str, port: int, family: socket.AddressFamily) -> list[tuple[int, int, str]]:
    try:
        infos = socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    except UnicodeError as error:  # a label that is too long or empty never reaches the name server
        raise socket.gaierror(socket.EAI_NONAME, f"{host!r} is no host name") from error
    return [(kind, protocol, str(sockaddr[0])) for kind, _, protocol, _, sockaddr in infos]
