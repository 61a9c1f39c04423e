"""Which addresses may be connected to: the judgement behind every guard against requests into the operator's own network."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from marsad.memo import remembered

__all__ = ["Address", "BlockedAddressError", "Network", "is_allowed", "literal_address"]

Network = IPv4Network | IPv6Network
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


@remembered(_KNOWN_HOSTS)
def literal_address(host: str) -> Address | None:
    """The address that a host name is when it is one already; None for a name to be resolved."""
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        return None
