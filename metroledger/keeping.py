"""Who keeps the epoch key: a file beside the program, or the transit engine of an OpenBao.

What speaks to an OpenBao is imported where one is named: it takes a sixth of a command's start.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from domain.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.openbao.bao import Bao
    from adapters.openbao.transit import TransitKey

KEEPER: Final = "METROLEDGER_KEEPER"
URL: Final = "METROLEDGER_KEEPER_URL"
LOGIN: Final = "METROLEDGER_KEEPER_LOGIN"
KEY: Final = "METROLEDGER_KEEPER_KEY"
CA: Final = "METROLEDGER_KEEPER_CA"
KNOWN: Final = frozenset({KEEPER, URL, LOGIN, KEY, CA})

FILE: Final = "file"
OPENBAO: Final = "openbao"
_KEY: Final = re.compile(r"(?P<mount>[\w-]+(?:/[\w-]+)*)/(?P<name>[\w-]+)", re.ASCII)


class NoSuchKeeper(Refused):
    """The setting names a keeper that there is not."""

    def __init__(self) -> None:
        """Take nothing."""
        super().__init__(
            f"{KEEPER} is {FILE} (the default) or {OPENBAO}; correct it or unset it. An epoch key "
            "stays with its keeper until 'metroledger keeper move' moves it"
        )


class NotAKeeper(Refused):
    """A setting that says where and how OpenBao is asked does not."""

    def __init__(self, name: str, form: str) -> None:
        """Take the setting's name and what it should look like."""
        super().__init__(f"{name} is {form}; correct it, or unset it if it has a default")


class NoKeeper(Refused):
    """A command is about an OpenBao, and none is named."""

    def __init__(self) -> None:
        """Take nothing."""
        super().__init__(
            f"no OpenBao is named: set {KEEPER}={OPENBAO}, {URL} and {LOGIN} for this command, and "
            "give it again (manual: key store)"
        )


class KeeperNotAsked(Refused):
    """An OpenBao is described and the keeper is another one."""

    def __init__(self, names: list[str]) -> None:
        """Take the settings' names."""
        super().__init__(
            f"{', '.join(names)} would do nothing, for {KEEPER} is not {OPENBAO}; set "
            f"{KEEPER}={OPENBAO}, or unset the others"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """The OpenBao that keeps the epoch key: where, which key, who we are there."""

    bao: Bao
    key: TransitKey


def read_keeper(environment: Mapping[str, str]) -> Keeper | None:
    """Return the OpenBao that an environment names; None where a file keeps the epoch key."""
    kind = environment.get(KEEPER, FILE)
    if kind not in {FILE, OPENBAO}:
        raise NoSuchKeeper
    if kind == FILE:
        if described := sorted(name for name in KNOWN - {KEEPER} if name in environment):
            raise KeeperNotAsked(described)
        return None
    url = environment.get(URL, "")
    if not _is_reachable(url):
        raise NotAKeeper(URL, "https://HOST:PORT (http only to this machine), without a path")
    if not (login := environment.get(LOGIN)):
        raise NotAKeeper(LOGIN, "the file with our token or AppRole at OpenBao")
    key = _KEY.fullmatch(environment.get(KEY, "transit/metroledger"))
    if key is None:
        raise NotAKeeper(KEY, "MOUNT/NAME of a transit key, for instance transit/metroledger")
    from adapters.openbao.bao import Bao  # noqa: PLC0415 - see the module's first lines
    from adapters.openbao.transit import TransitKey  # noqa: PLC0415 - see the module's first lines

    ca = environment.get(CA)
    bao = Bao(
        url=url.rstrip("/"),
        login=Path(login).absolute(),
        ca=Path(ca).absolute() if ca else None,
    )
    return Keeper(bao=bao, key=TransitKey(**key.groupdict()))


def _is_reachable(url: str) -> bool:
    """Whether a URL is one of a server; in clear only to this machine, for a token goes there."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or parts.path not in {"", "/"} or parts.query or parts.fragment or parts.username:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_this_machine(host))


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
