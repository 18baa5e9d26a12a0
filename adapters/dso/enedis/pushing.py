"""The other side of the drop box: pushes a simulated night over real SFTP.

It ships for demos and tests. It is the one module under `adapters/dso/enedis` that
opens a connection, and it stands for Enedis: what receives from Enedis has no command
that reaches out (tests/architecture says so).

It behaves as the real one is told to: slowly, in pieces; straight, or under a
temporary name that is renamed at the end; cut in the middle and gone on with over
another connection; a file that did not get through is sent again, whole.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import asyncssh

from domain.errors import Refused, Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from pathlib import Path, PurePosixPath
    from typing import Any

    from adapters.dso.enedis.nights import Parcel

TEMPORARY: Final = ".part"
TRIES_MAX: Final = 5
PORT: Final = 22

_WRITE: Final = asyncssh.FXF_WRITE | asyncssh.FXF_CREAT
_LOGIN_S: Final = 20.0
_THOUSAND: Final = 1_000


class NotAnSftpAddress(Refused):
    """The address is not one of a drop box."""

    def __init__(self) -> None:
        super().__init__(
            "this is no address of a drop box; write sftp://ACCOUNT@HOST:PORT/DIRECTORY, "
            "without a password: the simulator signs in with its key"
        )


class BadKeyFile(Refused):
    """A key file does not hold an SSH key."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} holds no SSH key that can be read; give a private key without a passphrase "
            "to sign in, and the drop box's public key to know it by"
        )


class DropBoxRefuses(Refused):
    """The drop box answered, and takes nothing from us."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"the drop box takes nothing from us ({reason}); compare its host key and the "
            "account's public key with the ones given here, then push again"
        )


class DropBoxSilent(Unavailable):
    """The drop box did not take a file, however often it was sent."""

    def __init__(self, tries: int, reason: str) -> None:
        super().__init__(
            f"a file did not get through in {tries} tries ({reason}); see that the drop box runs "
            "and has room, then push again: what it has already is not taken in twice"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A drop box and how it is reached: whose account, with which key, known by which key."""

    host: str
    port: int
    account: str
    directory: PurePosixPath
    key: Path
    host_key: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast: `piece` bytes at a time, with a pause after each."""

    piece: int = 1 << 16
    pause_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """A file that got through, in how many tries."""

    parcel: Parcel
    tries: int


def read_address(text: str) -> tuple[str, str, int, str]:
    """Return account, host, port and directory of an sftp:// address; or `NotAnSftpAddress`."""
    try:
        address = urlsplit(text)
        port = PORT if address.port is None else address.port
    except ValueError:
        raise NotAnSftpAddress from None
    plain = not (address.password or address.query or address.fragment)
    if address.scheme != "sftp" or not address.hostname or not address.username or not plain:
        raise NotAnSftpAddress
    return address.username, address.hostname, port, address.path or "/"


async def push(
    parcels: Iterable[Parcel], target: Target, pace: Pace | None = None
) -> AsyncIterator[Pushed]:
    """Push each parcel in its turn, and yield it when the drop box has it.

    Raises `DropBoxRefuses` at once, and `DropBoxSilent` after `TRIES_MAX` tries of one file.
    """
    rhythm = pace or Pace()
    options = _options(target)
    for parcel in parcels:
        for tries in range(1, TRIES_MAX + 1):
            try:
                await _push_once(parcel, target, options, rhythm)
            except (asyncssh.PermissionDenied, asyncssh.HostKeyNotVerifiable) as error:
                raise DropBoxRefuses(type(error).__name__) from None
            except (OSError, TimeoutError, asyncssh.Error) as error:
                if tries == TRIES_MAX:
                    raise DropBoxSilent(tries, type(error).__name__) from error
                await asyncio.sleep(min(0.05 * 2**tries, 1.0))
            else:
                yield Pushed(parcel=parcel, tries=tries)
                break


def _options(target: Target) -> dict[str, Any]:
    """Return how to connect: one key, one host key, and nothing of this machine's own habits."""
    try:
        signing = asyncssh.read_private_key(target.key)
    except (asyncssh.KeyImportError, ValueError):
        raise BadKeyFile(target.key) from None
    try:
        known = asyncssh.read_public_key(target.host_key)
    except (asyncssh.KeyImportError, ValueError):
        raise BadKeyFile(target.host_key) from None
    return {
        "port": target.port,
        "username": target.account,
        "client_keys": [signing],
        "known_hosts": ([known], [], []),
        "config": None,
        "agent_path": None,
        "preferred_auth": "publickey",
        "login_timeout": _LOGIN_S,
    }


async def _push_once(parcel: Parcel, target: Target, options: dict[str, Any], pace: Pace) -> None:
    final = target.directory / parcel.name
    place = final.with_name(final.name + TEMPORARY) if parcel.manner.renamed else final
    start = 0
    if parcel.manner.cut is not None:
        start = len(parcel.content) * parcel.manner.cut // _THOUSAND
        connection = await asyncssh.connect(target.host, **options)
        async with connection, connection.start_sftp_client() as sftp:
            await _write(sftp, place, parcel.content[:start], 0, pace)
            connection.abort()
    connection = await asyncssh.connect(target.host, **options)
    async with connection, connection.start_sftp_client() as sftp:
        await _write(sftp, place, parcel.content[start:], start, pace)
        if place != final:
            await _rename(sftp, str(place), str(final))


async def _rename(sftp: asyncssh.SFTPClient, old: str, new: str) -> None:
    """Rename as OpenSSH's client does: over a file that is there, where the server knows how."""
    try:
        await sftp.posix_rename(old, new)
    except asyncssh.SFTPOpUnsupported:
        await sftp.rename(old, new)


async def _write(
    sftp: asyncssh.SFTPClient, place: PurePosixPath, content: bytes, offset: int, pace: Pace
) -> None:
    """Write from an offset on, a new file from its beginning, piece by piece."""
    flags = _WRITE if offset else _WRITE | asyncssh.FXF_TRUNC
    file = await sftp.open(str(place), flags, encoding=None)
    async with file:
        for at in range(0, len(content), pace.piece):
            await file.write(content[at : at + pace.piece], offset + at)
            await asyncio.sleep(pace.pause_s)
