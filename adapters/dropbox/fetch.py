"""Pull mode: fetch from an operator that lets us fetch and does not push.

A round looks at the operator's directory once and brings what is new into ours, where
the files are taken in as pushed ones are. It may be killed anywhere and run again:

* a file is written under a hidden temporary name that holds its size and time, and a
  later round goes on where it ends; another version of it begins anew;
* it gets its name only whole, synced, and unchanged on the other side meanwhile. A name
  that is taken by other content waits: nothing is overwritten, nothing is lost;
* only then the journal says that it was fetched, and only then, where that was asked
  for, it is deleted there. Between two of these steps a round repeats the last one.

The operator's host key is pinned. What is not a plain file with a plain name, is still
under a temporary name, or is larger than the limit, is passed over and counted.
"""

from __future__ import annotations

import filecmp
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import urlsplit

import asyncssh

from domain.errors import Refused, Unavailable
from keys.files import sync_directory

if TYPE_CHECKING:
    from pathlib import Path

FILE_BYTES_MAX: Final = 64 << 20
"""Larger than any genuine file: one of 3,000 meters has about 1 MB."""
TEMPORARY: Final = (".part", ".filepart", ".tmp")

_NAME: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,159}", re.ASCII)
_PIECE: Final = 1 << 18
_PORT: Final = 22
_LOGIN_S: Final = 20.0


class NoSource(Refused):
    """The address, or a key file, is not one that we can fetch with."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what}; write sftp://ACCOUNT@HOST:PORT/DIRECTORY without a password, a private key "
            "without a passphrase, and the operator's public host key"
        )


class HostKeyChanged(Refused):
    """The operator's server shows another host key than the pinned one."""

    def __init__(self) -> None:
        super().__init__(
            "the operator's server does not show the host key that we know it by, and nothing was "
            "fetched: ask the operator, by telephone, whether the key was changed, and give the "
            "new one only when they read it to you"
        )


class OperatorRefuses(Refused):
    """The operator's server does not let us in, or not to the directory."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"the operator's server refuses us ({reason}); have the operator compare our account, "
            "our public key and the directory with what they hold"
        )


class OperatorSilent(Unavailable):
    """The operator's server does not answer, or stopped in the middle."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"the operator's server does not answer ({reason}); fetch again later: what was "
            "fetched is kept, and a file that was begun goes on where it ends"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An operator's server: whose account, with which key, known by which host key."""

    host: str
    port: int
    account: str
    directory: str
    key: Path
    host_key: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Basket:
    """Where files are brought, and what was brought before.

    `journal` has one line a file: size in bytes, time in seconds, name.
    """

    directory: Path
    journal: Path
    file_bytes_max: int = FILE_BYTES_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What a round did: the names it brought, how many files wait, how many it passed over."""

    brought: tuple[str, ...]
    waiting: int
    passed_over: int


@dataclass(frozen=True, slots=True)
class _There:
    """A file of the operator, as it was when it was looked at."""

    size: int
    time: int
    name: str

    @property
    def line(self) -> str:
        return f"{self.size} {self.time} {self.name}\n"


def read_source(address: str, key: Path, host_key: Path) -> Source:
    """Return what an sftp:// address and two key files name; raise `NoSource`."""
    try:
        read = urlsplit(address)
        port = _PORT if read.port is None else read.port
    except ValueError:
        raise NoSource("this is no sftp:// address") from None
    plain = not (read.password or read.query or read.fragment)
    if read.scheme != "sftp" or not read.hostname or not read.username or not plain:
        raise NoSource("this is no sftp:// address")
    return Source(
        host=read.hostname,
        port=port,
        account=read.username,
        directory=read.path or "/",
        key=key,
        host_key=host_key,
    )


async def fetch(source: Source, basket: Basket, *, delete: bool) -> Round:
    """Bring what is new; `delete` removes it from the operator's server afterwards.

    Raises `NoSource`, `HostKeyChanged`, `OperatorRefuses` or `OperatorSilent`.
    """
    basket.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    basket.journal.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    signing, known = _keys(source)
    try:
        connection = await _connect(source, signing, known)
        async with connection, connection.start_sftp_client() as sftp:
            done = await _round(sftp, source, basket, delete=delete)
    except asyncssh.HostKeyNotVerifiable:
        raise HostKeyChanged from None
    except (asyncssh.PermissionDenied, asyncssh.SFTPPermissionDenied) as error:
        raise OperatorRefuses(type(error).__name__) from None
    except asyncssh.SFTPNoSuchFile as error:
        raise OperatorRefuses(type(error).__name__) from None
    except (asyncssh.Error, ConnectionError, TimeoutError) as error:
        raise OperatorSilent(type(error).__name__) from error
    return done


async def _connect(
    source: Source, signing: asyncssh.SSHKey, known: asyncssh.SSHKey
) -> asyncssh.SSHClientConnection:
    """Connect with one key, to one host key, by nothing of this machine's own habits."""
    try:
        return await asyncssh.connect(
            source.host,
            source.port,
            username=source.account,
            client_keys=[signing],
            known_hosts=([known], [], []),
            config=None,
            agent_path=None,
            preferred_auth="publickey",
            login_timeout=_LOGIN_S,
        )
    except OSError as error:
        raise OperatorSilent(type(error).__name__) from error


async def _round(
    sftp: asyncssh.SFTPClient, source: Source, basket: Basket, *, delete: bool
) -> Round:
    brought_before = _read_journal(basket.journal)
    brought, waiting, passed_over = [], 0, 0
    for entry in sorted(await sftp.readdir(source.directory), key=lambda one: str(one.filename)):
        if entry.filename in {".", ".."}:
            continue
        there = _file_of(entry, basket.file_bytes_max)
        if there is None:
            passed_over += 1
            continue
        place = f"{source.directory.rstrip('/')}/{there.name}"
        if there.line not in brought_before:
            if not await _bring(sftp, place, there, basket):
                waiting += 1
                continue
            _append(basket.journal, there.line)
            brought.append(there.name)
        if delete:
            await sftp.remove(place)
    return Round(brought=tuple(brought), waiting=waiting, passed_over=passed_over)


async def _bring(sftp: asyncssh.SFTPClient, place: str, there: _There, basket: Basket) -> bool:
    """Bring one file under its name; False when it must wait for a later round."""
    partial = basket.directory / f".{there.name}.{there.size}-{there.time}.part"
    _drop_other_versions(partial, there.name)
    with partial.open("ab") as target:
        if target.tell() > there.size:
            target.truncate(0)
        async with sftp.open(place, "rb") as remote:
            while target.tell() < there.size:
                wanted = min(_PIECE, there.size - target.tell())
                piece = cast("bytes", await remote.read(wanted, target.tell()))
                if not piece:
                    break
                target.write(piece)
        target.flush()
        os.fsync(target.fileno())
        whole = target.tell() == there.size
    after = await sftp.stat(place)
    if not whole or (after.size, after.mtime) != (there.size, there.time):
        return False
    return _name(partial, basket.directory / there.name)


def _drop_other_versions(partial: Path, name: str) -> None:
    form = re.compile(rf"\.{re.escape(name)}\.[0-9]+-[0-9]+\.part", re.ASCII)
    for other in partial.parent.iterdir():
        if other != partial and form.fullmatch(other.name):
            other.unlink()


def _name(partial: Path, final: Path) -> bool:
    """Give a whole file its name, unless other content bears it."""
    try:
        os.link(partial, final)
    except FileExistsError:
        if not filecmp.cmp(partial, final, shallow=False):
            return False
    partial.unlink()
    sync_directory(final.parent)
    return True


def _file_of(entry: asyncssh.SFTPName, bytes_max: int) -> _There | None:
    """Return the file that a directory's entry is, or None when it is to be passed over."""
    name, attributes = str(entry.filename), entry.attrs
    if attributes.type != asyncssh.FILEXFER_TYPE_REGULAR or not _NAME.fullmatch(name):
        return None
    if name.endswith(TEMPORARY) or attributes.size is None or attributes.mtime is None:
        return None
    if attributes.size > bytes_max:
        return None
    return _There(attributes.size, int(attributes.mtime), name)


def _keys(source: Source) -> tuple[asyncssh.SSHKey, asyncssh.SSHKey]:
    try:
        return asyncssh.read_private_key(source.key), asyncssh.read_public_key(source.host_key)
    except (asyncssh.KeyImportError, ValueError):
        raise NoSource("a key file holds no SSH key that can be read") from None


def _read_journal(journal: Path) -> frozenset[str]:
    """Return the journal's whole lines: one that a kill cut short is as if never written."""
    if not journal.exists():
        return frozenset()
    lines = journal.read_text("utf-8").splitlines(keepends=True)
    return frozenset(line for line in lines if line.endswith("\n"))


def _append(journal: Path, line: str) -> None:
    with journal.open("a+b") as file:
        file.seek(0, os.SEEK_END)
        if file.tell():
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")
        file.write(line.encode())
        file.flush()
        os.fsync(file.fileno())
    sync_directory(journal.parent)
