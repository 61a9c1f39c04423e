"""Which addresses may be asked: the guard against requests into the operator's own network.

It is applied to addresses after resolution, where the connection is made, so that a name that resolves anew between
check and use (DNS rebinding) cannot slip through.
"""

import asyncio
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from aiohttp.abc import AbstractResolver, ResolveResult

from marsad.config import Network

__all__ = ["BlockedAddressError", "GuardedResolver", "is_allowed", "literal_address"]

Address = IPv4Address | IPv6Address

# ``ipaddress`` calls these global, yet they lead to neighbours or to the same machine: carrier-grade NAT (RFC 6598),
# NAT64 (RFC 6052, 8215), 6to4 (RFC 3056, its relays RFC 7526) and Teredo (RFC 4380), most with an IPv4 address inside; what is
# reserved for protocols (RFC 6890), site-local addresses (RFC 3879), documentation (RFC 9637); Azure's host.
_REFUSED: Final[tuple[Network, ...]] = tuple(
    ip_network(text)
    for text in (
        "100.64.0.0/10", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "192.88.99.0/24", "2001::/32", "192.0.0.0/24",
        "fec0::/10", "3fff::/20", "168.63.129.16/32",
    )
)  # fmt: skip
_DNS_THREADS: Final = 16
# Every request asks this of its host three times, at 10 µs each.
_KNOWN_HOSTS: Final = 4_096


class BlockedAddressError(OSError):
    """The name leads to an address that must not be asked."""


def is_allowed(address: Address, allow: Sequence[Network]) -> bool:
    """Tell whether an address may be connected to.

    Args:
        address: a resolved address; an IPv4 address mapped into IPv6 counts as the IPv4 address.
        allow: networks that the operator lets through although they are not public.
    """
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_allowed(address.ipv4_mapped, allow)
        address = IPv6Address(address.packed)  # without the zone, which would keep it from matching a network
    if any(address in network for network in allow):
        return True
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    return not any(address in network for network in _REFUSED)


@lru_cache(_KNOWN_HOSTS)
def literal_address(host: str) -> Address | None:
    """The address that a host name is when it is one already; None for a name to be resolved."""
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        return None


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
