"""Where a request comes from, also when a proxy of ours hands it on.

Anybody may write `X-Forwarded-For`. So it is read from the right, where the nearest proxy wrote
who asked it, and only as long as whoever wrote an entry is trusted: the first address that is
none of our proxies' is the client's, and what stands left of it is hearsay.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_HOUSEHOLD_BITS: Final = 64


def client_of(peer: str, forwarded: Sequence[str], trusted: Sequence[Network]) -> Address | None:
    """Return the client's address, or the last proxy's where that did not say an address.

    `forwarded` are the values of `X-Forwarded-For` in their order. None where the peer has no
    address, as over a local socket.
    """
    client = _address(peer)
    hops = [hop for line in forwarded for hop in line.split(",")]
    while hops and client is not None and _is_of(client, trusted):
        said = _address(hops.pop())
        if said is None:
            break
        client = said
    return client


def household_of(address: Address | None) -> str:
    """Return what one household has: an IPv4 address, or of IPv6 the /64."""
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address), _HOUSEHOLD_BITS), strict=False))
    return str(address) if address else "nowhere"


def _is_of(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


def _address(text: str) -> Address | None:
    """Return an address; an IPv4 one that is written as IPv6 is the IPv4 one."""
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
