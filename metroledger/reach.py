"""How the portal is reached: its address for browsers, and the proxies that stand before it."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

from domain.errors import Refused

_HOST: Final = re.compile(r"[a-z0-9._:-]+")
_PORTS: Final = {"http": 80, "https": 443}


class UnfitPublicUrl(Refused):
    """The address that browsers are told is none, or none that cookies could be kept safe at."""

    def __init__(self, setting: str) -> None:
        """Take the setting's name."""
        super().__init__(
            f"{setting} is not https://HOST[:PORT], without a path; put the portal behind TLS and "
            "say its address there (http is for this machine alone, as in http://127.0.0.1:8000: "
            "elsewhere a session's cookie would be sent in clear)"
        )


class NoNetwork(Refused):
    """What should name trusted proxies names no addresses."""

    def __init__(self, setting: str) -> None:
        """Take the setting's name."""
        super().__init__(
            f"{setting} is not a list of addresses or networks; write for instance "
            "127.0.0.1,10.1.0.0/16, or unset it where browsers come straight here"
        )


def read_public_url(text: str, setting: str) -> str:
    """Return an origin as browsers say it: in small letters, without the scheme's own port.

    Raises `UnfitPublicUrl` for what is no origin, and for http that leaves this machine.
    """
    try:
        parts = urlsplit(text.rstrip("/").lower())
        host, port = parts.hostname, parts.port
    except ValueError:
        raise UnfitPublicUrl(setting) from None
    beside = parts.path or parts.query or parts.fragment or parts.username is not None
    if parts.scheme not in _PORTS or not host or beside or not _HOST.fullmatch(host):
        raise UnfitPublicUrl(setting)
    if parts.scheme == "http" and not _is_this_machine(host):
        raise UnfitPublicUrl(setting)
    shown = f"[{host}]" if ":" in host else host
    suffix = "" if port in {None, _PORTS[parts.scheme]} else f":{port}"
    return f"{parts.scheme}://{shown}{suffix}"


def read_networks(text: str, setting: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Return the networks of a list with commas; an address is a network of one."""
    try:
        return tuple(ip_network(one.strip()) for one in text.split(",") if one.strip())
    except ValueError:
        raise NoNetwork(setting) from None


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
